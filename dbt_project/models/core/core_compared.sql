-- Every figure of a municipality, wijk or buurt beside the same part of the year before: a half-year beside the same
-- half-year. What is measured every two or four years stands beside the measurement before. A wijk or buurt has a
-- figure before only where code and name both stayed from one edition to the next.
with regions as (
    select
        region_code,
        max(region_type) as region_type,
        max(municipality_code) as municipality_code
    from {{ ref('core_region') }}
    where region_type in ('gemeente', 'wijk', 'buurt')
    group by region_code
),

figures as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        harmonised.value,
        harmonised.obs_status,
        harmonised.is_computed,
        region.region_type,
        coalesce(region.municipality_code, region.region_code) as municipality_code,
        {{ country_code('harmonised.region_code') }} as country_code,
        period.start_date,
        period.end_date,
        period.year_before_code as previous_code
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
    inner join {{ ref('core_period') }} as period on harmonised.period_code = period.period_code
    inner join regions as region on harmonised.region_code = region.region_code
),

slow_indicators as (
    select listed.indicator_id
    from (
        select
            indicator_id,
            unnest(sources) as source_id
        from {{ ref('core_indicator') }}
    ) as listed
    inner join {{ source('declared', 'source') }} as declared on listed.source_id = declared.source_id
    group by listed.indicator_id
    having bool_and(declared.cadence in ('two_yearly', 'four_yearly'))
),

measured_before as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.geography,
        max(case when figures.value is not null then figures.period_code end) over (
            partition by
                figures.indicator_id, figures.region_code, figures.geography, substr(figures.period_code, 5)
            order by figures.start_date
            rows between unbounded preceding and 1 preceding
        ) as measured_code
    from figures
    semi join slow_indicators on figures.indicator_id = slow_indicators.indicator_id
),

paired as (
    select figures.* replace (coalesce(measured_before.measured_code, figures.previous_code) as previous_code)
    from figures
    left join measured_before
        on
            figures.indicator_id = measured_before.indicator_id
            and figures.region_code = measured_before.region_code
            and figures.period_code = measured_before.period_code
            and figures.geography = measured_before.geography
)

select
    paired.indicator_id,
    paired.region_code,
    paired.period_code,
    paired.geography,
    paired.region_type,
    paired.municipality_code,
    paired.country_code,
    paired.value,
    paired.obs_status,
    paired.is_computed,
    paired.start_date,
    paired.end_date,
    paired.previous_code,
    previous_period.start_date as previous_start,
    case when paired.region_type = 'gemeente' or link.is_comparable then previous.value end as previous_value,
    case when paired.region_type = 'gemeente' or link.is_comparable then previous.obs_status end as previous_status,
    case
        when paired.region_type = 'gemeente' or link.is_comparable then null
        when link.incomparable_because in ('new_code', 'new_name') then link.incomparable_because
        else 'first_edition'
    end as neighbourhood_because
from paired
left join {{ ref('core_period') }} as previous_period on paired.previous_code = previous_period.period_code
left join {{ ref('core_neighbourhood_link') }} as link
    on
        paired.region_code = link.region_code
        and left(paired.period_code, 4) = link.period_code
        and left(paired.previous_code, 4) = link.previous_code
left join figures as previous
    on
        paired.indicator_id = previous.indicator_id
        and paired.region_code = previous.region_code
        and paired.geography = previous.geography
        and paired.previous_code = previous.period_code
