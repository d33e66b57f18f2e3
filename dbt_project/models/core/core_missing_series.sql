-- Indicators that a source is declared to deliver, and of which its current deliveries hold no item at all: a wrong
-- code or title in the declaration would otherwise look like a table without figures.
with loaded as (
    select distinct source_id
    from {{ source('raw', 'delivery') }}
    where is_current and status = 'loaded' and rows_loaded > 0
)

select
    series.source_id,
    series.indicator_id,
    string_agg(distinct series.item, ', ' order by series.item) as items
from {{ source('declared', 'series') }} as series
semi join loaded on series.source_id = loaded.source_id
anti join {{ ref('core_series_item') }} as delivered
    on series.source_id = delivered.source_id and series.indicator_id = delivered.indicator_id
group by series.source_id, series.indicator_id
