-- Every break that counts, in every series that feels it: a break in a count is one in its rates, and one in the
-- population too where the rate was computed; a break of a country or a cooperation is one of its municipalities.
with event_reasons as (
    -- Only the events that carry the break count: of two in comparable measure both, of a clear cause that one. An
    -- event that changed the world and not the measurement is what a comparison is there to show.
    select
        attributed.break_id,
        list_sort(list(distinct {{ reason_of_event('event.kind') }})) as reasons
    from ({{ events_of_breaks(ref('trend_break')) }}) as attributed
    inner join {{ ref('core_event') }} as event on attributed.event_id = event.event_id
    where
        attributed.cause in ('explained', 'ambiguous')
        and {{ carries('attributed') }}
        and event.nature != 'real_world'
    group by attributed.break_id
),

-- A break that somebody rejected is none. One that was corrected at the source and is found again was not corrected
-- in these figures.
breaks_that_count as (
    select
        trend_break.break_id,
        trend_break.indicator_id,
        trend_break.region_code,
        trend_break.kind,
        trend_break.score,
        trend_break.link_factor,
        trend_break.link_low,
        trend_break.link_high,
        {{ periods_per_year('trend_break.period_code') }} as per_year,
        period.start_date,
        period.end_date,
        returned.start_date as returned_on,
        case
            when event_reasons.reasons is not null then event_reasons.reasons
            -- no change in the world multiplies by ten: a wrong order of magnitude stays wrong
            when trend_break.cause in ('explained', 'ambiguous') and trend_break.kind != 'scale' then []
            when trend_break.decision = 'accepted' then ['explained_break']
            else ['unexplained_break']
        end as reasons
    from {{ ref('trend_break') }} as trend_break
    inner join {{ ref('core_period') }} as period on trend_break.period_code = period.period_code
    left join {{ ref('core_period') }} as returned on trend_break.returned_in = returned.period_code
    left join event_reasons on trend_break.break_id = event_reasons.break_id
    where
        trend_break.kind in ('level', 'one_off', 'slope', 'scale')
        and trend_break.decision is distinct from 'rejected'
        -- the break in common is felt by each member
        and trend_break.part_of is null
),

-- How much a whole country or cooperation shifted does not say how much one municipality did: its figures are linked by
-- its own step, where that was found around the same time.
steps as (
    select
        break_id,
        region_code,
        link_factor,
        link_low,
        link_high
    from breaks_that_count
    union all
    select
        found.break_id,
        own.region_code,
        own.link_factor,
        own.link_low,
        own.link_high
    from breaks_that_count as found
    inner join {{ ref('trend_break') }} as own on found.break_id = own.part_of
    where own.decision is distinct from 'rejected'
    qualify row_number() over (partition by found.break_id, own.region_code order by own.score desc) = 1
),

measured_in as (
    select
        indicator_id,
        indicator_id as broken_id,
        false as in_denominator
    from {{ ref('core_indicator') }}
    union all
    select
        indicator_id,
        numerator_id as broken_id,
        false as in_denominator
    from {{ ref('core_indicator') }}
    union all
    select
        indicator_id,
        denominator_id as broken_id,
        true as in_denominator
    from {{ ref('core_indicator') }}
),

municipalities as (
    select distinct
        municipality_code as region_code,
        country_code
    from {{ ref('core_compared') }}
),

lies_in as (
    select
        region_code,
        region_code as broken_code
    from municipalities
    union
    select
        region_code,
        country_code as broken_code
    from municipalities
    union
    select
        member.member_code as region_code,
        member.group_code as broken_code
    from {{ source('declared', 'region_member') }} as member
    inner join municipalities on member.member_code = municipalities.region_code
    union
    -- a country, or a group that delivers as one, has a series of its own
    select
        region_code,
        region_code as broken_code
    from breaks_that_count
)

select
    measured_in.indicator_id,
    lies_in.region_code,
    measured_in.in_denominator,
    measured_in.indicator_id = measured_in.broken_id as is_own,
    found.per_year,
    found.break_id,
    found.kind,
    found.score,
    found.start_date,
    found.end_date,
    found.returned_on,
    found.reasons,
    case when measured_in.in_denominator then -1 else 1 end * ln(step.link_factor) as link_log,
    ln(step.link_high / step.link_low) / (2 * 1.96) as link_se
from breaks_that_count as found
inner join measured_in on found.indicator_id = measured_in.broken_id
inner join lies_in on found.region_code = lies_in.broken_code
left join steps as step on found.break_id = step.break_id and lies_in.region_code = step.region_code
