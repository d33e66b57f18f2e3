-- Items of a delivery that no declaration maps: they load into raw, and stop here. A vintage that was replaced no
-- longer asks for a declaration.
with vintage as (
    select vintage_id
    from {{ source('raw', 'delivery') }}
    where is_current
),

items as (
    select
        source_id,
        item
    from {{ ref('stg_cbs__observations') }}
    where vintage_id in (select vintage.vintage_id from vintage)
    union all
    select
        source_id,
        item
    from {{ ref('stg_swing__observations') }}
    where vintage_id in (select vintage.vintage_id from vintage)
    union all
    select
        source_id,
        item
    from {{ ref('stg_survey__observations') }}
    where vintage_id in (select vintage.vintage_id from vintage)
)

select
    items.source_id,
    items.item,
    count(*) as rows_with_item
from items
left join {{ source('declared', 'series') }} as series
    on items.source_id = series.source_id and items.item = series.item
where series.item is null
group by items.source_id, items.item

union all

select
    amounts.source_id,
    amounts.item,
    count(*) as rows_with_item
from {{ ref('stg_budget__amounts') }} as amounts
left join {{ ref('budget_item') }} as budget_item
    on amounts.source_id = budget_item.source_id and amounts.item = budget_item.item
where budget_item.item is null and amounts.vintage_id in (select vintage.vintage_id from vintage)
group by amounts.source_id, amounts.item
