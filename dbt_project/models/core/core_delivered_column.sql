-- Which columns of money, and of other figures that are no indicator, were delivered for whom and when. Coverage goes
-- by the name of the column.
select distinct
    source_id,
    column_name,
    region_code,
    fiscal_year::varchar as period_code
from {{ ref('core_amount') }}
where is_current

union

select distinct
    figure.source_id,
    figure.column_name,
    figure.region_code,
    figure.period_code
from {{ ref('stg_figures') }} as figure
inner join {{ source('raw', 'delivery') }} as delivery
    on figure.vintage_id = delivery.vintage_id and delivery.is_current
semi join {{ source('declared', 'expected') }} as expected
    on figure.source_id = expected.source_id and figure.column_name = expected.indicator_id
where figure.value is not null
