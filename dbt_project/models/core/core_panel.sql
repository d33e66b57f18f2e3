-- What the break detection looks at: counts with their denominators, and delivered rates, on the borders of the
-- reference year.
with denominators as (
    select
        rate.numerator_id,
        population.region_code,
        population.period_code,
        population.value
    from {{ ref('core_indicator') }} as rate
    inner join {{ ref('core_harmonised') }} as population
        on
            rate.denominator_id = population.indicator_id
            and population.geography = {{ reference_geography() }}
    where rate.aggregation = 'recompute'
)

select
    harmonised.indicator_id,
    harmonised.region_code,
    harmonised.period_code,
    harmonised.value,
    case when indicator.unit = 'count' then harmonised.value end as numerator,
    denominators.value as denominator,
    indicator.unit,
    harmonised.obs_status
from {{ ref('core_harmonised') }} as harmonised
inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
left join denominators
    on
        harmonised.indicator_id = denominators.numerator_id
        and harmonised.region_code = denominators.region_code
        and left(harmonised.period_code, 4) = denominators.period_code
where
    harmonised.geography = {{ reference_geography() }}
    and not harmonised.is_computed
