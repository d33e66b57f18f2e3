-- What the break detection looks at: counts with their denominators, and delivered rates, on the borders of the
-- reference year. A rate that was only computed is left to its counts.
with denominators as (
    select
        rate.numerator_id,
        below.value_kind,
        population.region_code,
        population.period_code,
        population.value
    from {{ ref('core_indicator') }} as rate
    inner join {{ ref('core_indicator') }} as below on rate.denominator_id = below.indicator_id
    inner join {{ ref('core_harmonised') }} as population
        on
            rate.denominator_id = population.indicator_id
            and population.geography = {{ reference_geography() }}
    where rate.aggregation = 'recompute'
    -- a count may stand above more than one line; the detection needs one size of the region
    qualify
        row_number() over (
            partition by rate.numerator_id, population.region_code, population.period_code
            order by below.value_kind = 'stock' desc, rate.indicator_id
        ) = 1
),

series as (
    select distinct
        indicator_id,
        region_code
    from {{ ref('core_harmonised') }}
    where geography = {{ reference_geography() }} and not is_computed
)

select
    harmonised.indicator_id,
    harmonised.region_code,
    harmonised.period_code,
    harmonised.value,
    case when indicator.unit = 'count' then harmonised.value end as numerator,
    coalesce(same_period.value, same_year.value) as denominator,
    indicator.unit,
    -- the detection knows delivered figures and kinds of missing; an estimate is there
    case harmonised.obs_status when 'E' then 'A' else harmonised.obs_status end as obs_status
from {{ ref('core_harmonised') }} as harmonised
inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
semi join series
    on harmonised.indicator_id = series.indicator_id and harmonised.region_code = series.region_code
left join denominators as same_period
    on
        harmonised.indicator_id = same_period.numerator_id
        and harmonised.region_code = same_period.region_code
        and harmonised.period_code = same_period.period_code
left join denominators as same_year
    on
        harmonised.indicator_id = same_year.numerator_id
        and same_year.value_kind = 'stock'
        and harmonised.region_code = same_year.region_code
        and left(harmonised.period_code, 4) = same_year.period_code
where harmonised.geography = {{ reference_geography() }}
