-- Why a figure does not compare with the one before it, as far as it shows without looking for breaks. Tables keep the
-- borders of 1 January for the whole year, so that a change in the course of a year shows in the figures then or on the
-- next 1 January.
{%- set assumed = var('assumed_revision_pct', 5) %}
with changes as (
    select
        'published' as geography,
        to_code as region_code,
        effective_date
    from {{ source('raw', 'region_change') }}
    where kind = 'herindeling' and from_code != to_code

    union

    -- what was merged away has its last figure before it: that is no drop to nothing
    select
        'published' as geography,
        from_code as region_code,
        effective_date
    from {{ source('raw', 'region_change') }}
    where kind = 'herindeling' and from_code != to_code

    union

    select
        geography,
        region_code,
        effective_date
    from {{ ref('core_boundary_correction') }}
    where exceeds_bound
),

boundaries as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        'boundary_change' as reason
    from {{ ref('core_compared') }} as compared
    inner join changes
        on
            compared.region_code = changes.region_code
            and compared.geography = changes.geography
            and compared.start_date >= changes.effective_date
            and compared.previous_start < case
                when changes.effective_date = date_trunc('year', changes.effective_date) then changes.effective_date
                else date_trunc('year', changes.effective_date) + interval 1 year
            end

    union all

    -- another piece of town has this number now, or the same piece another number
    select
        indicator_id,
        region_code,
        period_code,
        geography,
        'boundary_change' as reason
    from {{ ref('core_compared') }}
    where neighbourhood_because in ('new_code', 'new_name')
),

-- What is counted in another way in its parts is so in the rate as well: in the numerator always, in the denominator
-- where the rate was computed.
versions as (
    select
        indicator_id,
        indicator_id as defined_id,
        false as in_denominator
    from {{ ref('core_indicator') }}
    union
    select
        indicator_id,
        numerator_id as defined_id,
        false as in_denominator
    from {{ ref('core_indicator') }}
    union
    select
        indicator_id,
        denominator_id as defined_id,
        true as in_denominator
    from {{ ref('core_indicator') }}
),

-- The first version of an indicator changes nothing.
redefined as (
    select
        versions.indicator_id,
        versions.in_denominator,
        definition.country_code,
        definition.valid_from
    from versions
    inner join (
        select *
        from {{ source('declared', 'indicator_definition') }}
        qualify row_number() over (partition by indicator_id, country_code order by valid_from) > 1
    ) as definition on versions.defined_id = definition.indicator_id
    where not definition.comparable_with_earlier
),

definitions as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        'definition_change' as reason
    from {{ ref('core_compared') }} as compared
    inner join redefined
        on
            compared.indicator_id = redefined.indicator_id
            and compared.country_code = coalesce(redefined.country_code, compared.country_code)
            and compared.previous_start < redefined.valid_from
            and compared.end_date >= redefined.valid_from
            and (compared.is_computed or not redefined.in_denominator)
),

-- A provisional figure beside a definitive one tells nothing when they differ by no more than what provisional figures
-- of this indicator are usually revised by. Beyond that it does: not every newest figure is refused for being new.
-- Where nobody knows what is usual, a revision is assumed.
provisional as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        'provisional' as reason
    from {{ ref('core_compared') }} as compared
    left join {{ ref('core_usual_revision') }} as usual
        on compared.indicator_id = usual.indicator_id and compared.country_code = usual.country_code
    where
        (compared.obs_status = 'P') != (compared.previous_status = 'P')
        and 100 * abs(compared.value - compared.previous_value)
        <= coalesce(usual.usual_revision_pct, {{ assumed }}) * abs(compared.previous_value)
),

-- Too few people answered, now or then.
low_response as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        'low_response' as reason
    from {{ ref('core_compared') }} as compared
    inner join {{ ref('core_low_response') }} as answered
        on
            compared.indicator_id = answered.indicator_id
            and compared.region_code = answered.region_code
            and answered.period_code in (compared.period_code, compared.previous_code)
),

missing as (
    select
        indicator_id,
        region_code,
        period_code,
        geography,
        'missing_previous' as reason
    from {{ ref('core_compared') }}
    where previous_value is null and coalesce(neighbourhood_because, 'first_edition') = 'first_edition'

    union all

    select
        indicator_id,
        region_code,
        period_code,
        geography,
        'missing_value' as reason
    from {{ ref('core_compared') }}
    where value is null
),

every as (
    select * from boundaries
    union all
    select * from definitions
    union all
    select * from provisional
    union all
    select * from low_response
    union all
    select * from missing
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    list_sort(list(distinct reason)) as reasons
from every
group by indicator_id, region_code, period_code, geography
