-- Items of a delivery that no declaration maps: they load into raw, and stop here. A vintage that was replaced no
-- longer asks for a declaration.
with vintage as (
    select vintage_id
    from {{ source('raw', 'delivery') }}
    where is_current
),

items as (
    select
        figures.source_id,
        figures.item,
        count(*) as rows_with_item
    from {{ ref('stg_figures') }} as figures
    semi join vintage on figures.vintage_id = vintage.vintage_id
    anti join {{ ref('budget_item') }} as budget_item on figures.source_id = budget_item.source_id
    group by figures.source_id, figures.item
)

select
    items.source_id,
    items.item,
    items.rows_with_item
from items
anti join {{ ref('core_series_item') }} as series
    on items.source_id = series.source_id and items.item = series.item
anti join {{ source('declared', 'attribute') }} as attribute
    on items.source_id = attribute.source_id and items.item like attribute.item_like escape '!'

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
