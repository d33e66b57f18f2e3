-- Where a series goes over from one source to another, and both gave figures for the same periods: by how much the one
-- is the other, measured and not estimated. From three common periods on, for of fewer nobody can say how sure it is.
with used as (
    select
        preferred.indicator_id,
        preferred.region_code,
        preferred.period_code,
        preferred.source_id,
        {{ periods_per_year('preferred.period_code') }} as per_year,
        period.start_date
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_period') }} as period on preferred.period_code = period.period_code
    where preferred.value is not null
),

switched as (
    select
        *,
        lag(source_id) over (partition by indicator_id, region_code, per_year order by start_date) as old_source_id
    from used
    qualify old_source_id != source_id
),

common as (
    select
        switched.indicator_id,
        switched.region_code,
        switched.period_code,
        switched.old_source_id,
        switched.source_id as new_source_id,
        count(*) as common_periods,
        {{ mean_in_order('ln(given.value / earlier.value)') }} as link_log,
        coalesce(stddev_samp(ln(given.value / earlier.value)) / sqrt(count(*)), 0) as link_se
    from switched
    inner join {{ ref('core_observation') }} as earlier
        on
            switched.indicator_id = earlier.indicator_id
            and switched.region_code = earlier.region_code
            and switched.old_source_id = earlier.source_id
            and switched.per_year = {{ periods_per_year('earlier.period_code') }}
    inner join {{ ref('core_observation') }} as given
        on
            earlier.indicator_id = given.indicator_id
            and earlier.region_code = given.region_code
            and earlier.period_code = given.period_code
            and switched.source_id = given.source_id
    where earlier.is_latest and given.is_latest and earlier.value > 0 and given.value > 0
    group by all
    having count(*) >= 3
)

select
    indicator_id,
    region_code,
    period_code,
    old_source_id,
    new_source_id,
    common_periods,
    exp(link_log) as link_factor,
    -- a mean of so few has the tails of Student
    exp(link_log - {{ student('common_periods') }} * link_se) as link_low,
    exp(link_log + {{ student('common_periods') }} * link_se) as link_high
from common
