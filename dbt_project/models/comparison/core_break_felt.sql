-- Every break that counts, in every series of a municipality that feels it: a break in a count is one in its rates,
-- and one in the population too where the rate was computed; a national break is one of every municipality.
with event_reasons as (
    -- Only the events that carry the break count: of two in comparable measure both, of a clear cause that one. An
    -- event that changed the world and not the measurement is what a comparison is there to show.
    select
        attributed.break_id,
        list_sort(list(distinct {{ reason_of_event('event.kind') }})) as reasons
    from (
        select
            break_id,
            unnest(string_split(event_ids, '|')) as event_id,
            unnest(string_split(event_shares, '|'))::double as share,
            split_part(event_shares, '|', 1)::double as largest_share
        from {{ ref('trend_break') }}
        where cause in ('explained', 'ambiguous')
    ) as attributed
    inner join {{ ref('core_event') }} as event on attributed.event_id = event.event_id
    where 2 * attributed.share > attributed.largest_share and event.nature != 'real_world'
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
    where trend_break.kind != 'gap' and trend_break.decision is distinct from 'rejected'
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

lies_in as (
    select distinct
        municipality_code,
        municipality_code as broken_code
    from {{ ref('core_compared') }}
    union
    select distinct
        municipality_code,
        country_code as broken_code
    from {{ ref('core_compared') }}
)

select
    measured_in.indicator_id,
    lies_in.municipality_code as region_code,
    measured_in.in_denominator,
    found.break_id,
    found.kind,
    found.score,
    found.start_date,
    found.end_date,
    found.returned_on,
    found.reasons
from breaks_that_count as found
inner join measured_in on found.indicator_id = measured_in.broken_id
inner join lies_in on found.region_code = lies_in.broken_code
