-- Every figure on the borders it was published on, and on those of the reference year. Rates are computed again from
-- their counts wherever both are known.
with delivered as (
    select
        indicator_id,
        region_code,
        period_code,
        'published' as geography,
        value,
        obs_status,
        case when value is null then 'not_published' end as because,
        null::double as denominator,
        false as is_reweighted
    from {{ ref('core_preferred') }}

    union all

    select
        indicator_id,
        region_code,
        period_code,
        {{ reference_geography() }} as geography,
        value,
        obs_status,
        because,
        denominator,
        is_reweighted
    from {{ ref('core_brought') }}
),

below_the_line as (
    select delivered.*
    from delivered
    semi join {{ ref('core_indicator') }} as rate
        on delivered.indicator_id = rate.denominator_id and rate.aggregation = 'recompute'
),

-- The count below the line is of the same period; a stock of 1 January serves every part of its year.
computed as (
    select
        rate.indicator_id,
        numerator.region_code,
        numerator.period_code,
        numerator.geography,
        numerator.value as numerator,
        numerator.obs_status as numerator_status,
        numerator.because as numerator_because,
        rate.rate_factor,
        coalesce(same_period.value, same_year.value) as denominator,
        case
            when same_period.value is not null then same_period.obs_status
            else coalesce(same_year.obs_status, same_period.obs_status, 'L')
        end as denominator_status
    from {{ ref('core_indicator') }} as rate
    inner join delivered as numerator on rate.numerator_id = numerator.indicator_id
    inner join {{ ref('core_indicator') }} as below on rate.denominator_id = below.indicator_id
    left join below_the_line as same_period
        on
            rate.denominator_id = same_period.indicator_id
            and numerator.region_code = same_period.region_code
            and numerator.geography = same_period.geography
            and numerator.period_code = same_period.period_code
    left join below_the_line as same_year
        on
            rate.denominator_id = same_year.indicator_id
            and numerator.region_code = same_year.region_code
            and numerator.geography = same_year.geography
            and case below.value_kind when 'stock' then left(numerator.period_code, 4) end = same_year.period_code
    where rate.aggregation = 'recompute'
),

rates as (
    select
        delivered.indicator_id,
        delivered.region_code,
        delivered.period_code,
        delivered.geography,
        delivered.value,
        delivered.obs_status,
        delivered.because,
        null::double as numerator,
        delivered.denominator,
        delivered.is_reweighted as is_computed,
        case when delivered.value is null then 3 when delivered.is_reweighted then 2 else 0 end as preference
    from delivered
    semi join {{ ref('core_indicator') }} as rate
        on delivered.indicator_id = rate.indicator_id and rate.aggregation = 'recompute'

    union all

    select
        indicator_id,
        region_code,
        period_code,
        geography,
        numerator * rate_factor / nullif(denominator, 0) as value,
        case
            when numerator is null then numerator_status
            when denominator is null then denominator_status
            when denominator = 0 then 'M'
            when 'E' in (numerator_status, denominator_status) then 'E'
            when 'P' in (numerator_status, denominator_status) then 'P'
            else 'A'
        end as obs_status,
        case
            when numerator is null then numerator_because
            when denominator is null then 'denominator_missing'
            when denominator = 0 then 'denominator_zero'
        end as because,
        numerator,
        denominator,
        true as is_computed,
        case when numerator / nullif(denominator, 0) is null then 4 else 1 end as preference
    from computed
),

-- A rate that was published as such goes before the computed one, the computed one before one that was re-weighted,
-- and any of them before an empty one.
chosen_rates as (
    select * exclude (preference)
    from rates
    qualify row_number() over (partition by indicator_id, region_code, period_code, geography order by preference) = 1
)

select
    delivered.indicator_id,
    delivered.region_code,
    delivered.period_code,
    delivered.geography,
    delivered.value,
    delivered.obs_status,
    delivered.because,
    null::double as numerator,
    delivered.denominator,
    delivered.is_reweighted as is_computed
from delivered
anti join {{ ref('core_indicator') }} as rate
    on delivered.indicator_id = rate.indicator_id and rate.aggregation = 'recompute'

union all

select * from chosen_rates
