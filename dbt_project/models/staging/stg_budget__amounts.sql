-- Every printed amount as one row, still under the publisher's own name for the line. Which sources print amounts is
-- told by the seed that names their lines.
with amount_source as (
    select distinct source_id
    from {{ ref('budget_item') }}
)

select
    figure.source_id,
    figure.vintage_id,
    figure.region_code,
    figure.period_code::integer as fiscal_year,
    regexp_replace(figure.item, '^(lasten|baten)[|]', '') as item,
    figure.column_name,
    nullif(regexp_extract(figure.item, '^(lasten|baten)[|]', 1), '') as side,
    figure.value as printed_eur
from {{ ref('stg_figures') }} as figure
semi join amount_source on figure.source_id = amount_source.source_id
