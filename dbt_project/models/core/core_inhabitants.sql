-- Inhabitants on 1 January on the borders of the year itself, of municipalities, countries and whole groups.
select
    region_code,
    period_code::integer as year,
    value as inhabitants
from {{ ref('core_harmonised') }}
where
    indicator_id = 'bevolking'
    and geography = 'published'
    and value > 0
    and regexp_matches(period_code, '^[0-9]{4}$')

union all

select
    grouped.region_code,
    grouped.period_code::integer as year,
    grouped.value as inhabitants
from {{ ref('core_group_figure') }} as grouped
anti join {{ ref('core_harmonised') }} as harmonised
    on
        grouped.indicator_id = harmonised.indicator_id
        and grouped.region_code = harmonised.region_code
        and grouped.period_code = harmonised.period_code
        and harmonised.geography = 'published'
        and harmonised.value > 0
where
    grouped.indicator_id = 'bevolking'
    and grouped.geography = 'published'
    and grouped.value > 0
    and regexp_matches(grouped.period_code, '^[0-9]{4}$')
