-- Which indicator each delivered item is, for the part of a period that it was declared for.
with items as (
    select
        source_id,
        item,
        part,
        count(*) as rows_with_item
    from {{ ref('stg_figures') }}
    group by source_id, item, part
)

select
    items.source_id,
    items.item,
    items.part,
    items.rows_with_item,
    series.indicator_id,
    series.item as declared_item,
    series.factor,
    series.rank,
    series.adds_up
from items
inner join {{ source('declared', 'series') }} as series
    on
        items.source_id = series.source_id
        and items.item = series.item
        and not series.adds_up
        and coalesce(series.part, items.part, '') = coalesce(items.part, '')

union all

select
    items.source_id,
    items.item,
    items.part,
    items.rows_with_item,
    series.indicator_id,
    series.item as declared_item,
    series.factor,
    series.rank,
    series.adds_up
from items
inner join {{ source('declared', 'series') }} as series
    on
        items.source_id = series.source_id
        and series.adds_up
        and items.item like series.item_like escape '!'
        and coalesce(series.part, items.part, '') = coalesce(items.part, '')
