-- Every figure on the borders it was published on, and on those of the reference year. Counts add up; rates
-- are computed again from their counts; what cannot be aggregated stays empty.
with weight as (
    select
        from_code,
        to_code,
        weight
    from {{ source('raw', 'region_weight') }}
    where reference_year = {{ setting('reference_year') }}
),

merging as (
    -- codes that take in the figures of another code: only here does the border matter
    select to_code
    from weight
    group by to_code
    having count(*) > 1 or min(weight) < 1
),

counts as (
    select
        preferred.*,
        indicator.unit
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_indicator') }} as indicator on preferred.indicator_id = indicator.indicator_id
    where indicator.aggregation = 'sum'
),

published_counts as (
    select
        indicator_id,
        region_code,
        period_code,
        'published' as geography,
        value,
        obs_status
    from counts
),

unchanged_counts as (
    select
        indicator_id,
        region_code,
        period_code,
        {{ reference_geography() }} as geography,
        value,
        obs_status
    from counts
    where
        region_code not in (select weight.from_code from weight)
        or (
            region_code in (select weight.to_code from weight)
            and region_code not in (select merging.to_code from merging)
        )
),

-- The members of a merged municipality that existed in a period: each must have delivered.
members as (
    select
        weight.to_code,
        weight.from_code,
        weight.weight,
        region.valid_from,
        region.valid_to
    from weight
    inner join merging on weight.to_code = merging.to_code
    left join {{ ref('core_region') }} as region on weight.from_code = region.region_code
),

wanted as (
    select distinct
        counts.indicator_id,
        members.to_code as region_code,
        counts.period_code
    from counts
    inner join members on counts.region_code = members.from_code
),

parts as (
    select
        wanted.indicator_id,
        wanted.region_code,
        wanted.period_code,
        members.weight,
        counts.value,
        coalesce(counts.obs_status, 'L') as obs_status
    from wanted
    inner join {{ ref('core_period') }} as period on wanted.period_code = period.period_code
    inner join members
        on
            wanted.region_code = members.to_code
            and coalesce(members.valid_from, date '0001-01-01') <= period.start_date
            and coalesce(members.valid_to, date '9999-12-31') > period.start_date
    left join counts
        on
            wanted.indicator_id = counts.indicator_id
            and members.from_code = counts.region_code
            and wanted.period_code = counts.period_code
),

merged_counts as (
    select
        indicator_id,
        region_code,
        period_code,
        {{ reference_geography() }} as geography,
        case when count(value) = count(*) then sum(value * weight) end as value,
        case
            when count(value) = count(*) and bool_or(obs_status = 'P') then 'P'
            when count(value) = count(*) then 'A'
            when bool_or(obs_status = 'L') then 'L'
            when bool_or(obs_status = 'Q') then 'Q'
            else 'M'
        end as obs_status
    from parts
    group by indicator_id, region_code, period_code
),

all_counts as (
    select * from published_counts
    union all
    select * from unchanged_counts
    union all
    select * from merged_counts
),

computed_rates as (
    select
        rate.indicator_id,
        numerator.region_code,
        numerator.period_code,
        numerator.geography,
        numerator.value * rate.rate_factor / nullif(denominator.value, 0) as value,
        case
            when numerator.value is null then numerator.obs_status
            when denominator.value is null then 'L'
            else numerator.obs_status
        end as obs_status,
        numerator.value as numerator,
        denominator.value as denominator
    from {{ ref('core_indicator') }} as rate
    inner join all_counts as numerator on rate.numerator_id = numerator.indicator_id
    left join all_counts as denominator
        on
            rate.denominator_id = denominator.indicator_id
            and numerator.region_code = denominator.region_code
            and numerator.geography = denominator.geography
            and left(numerator.period_code, 4) = denominator.period_code
    where rate.aggregation = 'recompute'
),

-- A rate that was published as such, without its counts: it holds on other borders only where these are the same.
delivered_rates as (
    select
        preferred.indicator_id,
        preferred.region_code,
        preferred.period_code,
        geography.geography,
        case
            when
                geography.geography = 'published'
                or preferred.region_code not in (select merging.to_code from merging)
                then preferred.value
        end as value,
        preferred.obs_status
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_indicator') }} as indicator on preferred.indicator_id = indicator.indicator_id
    cross join (values ('published'), ({{ reference_geography() }})) as geography (geography)
    where indicator.aggregation != 'sum'
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    value,
    obs_status,
    null::double as numerator,
    null::double as denominator,
    false as is_computed
from all_counts

union all

select
    indicator_id,
    region_code,
    period_code,
    geography,
    value,
    obs_status,
    null as numerator,
    null as denominator,
    false as is_computed
from delivered_rates

union all

select
    computed_rates.*,
    true as is_computed
from computed_rates
where not exists (
    select 1
    from delivered_rates
    where
        delivered_rates.indicator_id = computed_rates.indicator_id
        and delivered_rates.region_code = computed_rates.region_code
        and delivered_rates.period_code = computed_rates.period_code
        and delivered_rates.geography = computed_rates.geography
)
