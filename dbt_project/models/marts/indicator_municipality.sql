with figures as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        harmonised.value,
        harmonised.obs_status,
        period.start_date,
        period.year_before_code as previous_code,
        {{ country_code('harmonised.region_code') }} as country_code,
        harmonised.is_computed
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
    inner join {{ ref('core_period') }} as period on harmonised.period_code = period.period_code
    where
        harmonised.region_code in (
            select region.region_code
            from {{ ref('core_region') }} as region
            where region.region_type = 'gemeente'
        )
),

national as (
    select
        indicator_id,
        region_code as country_code,
        period_code,
        geography,
        value
    from {{ ref('core_harmonised') }}
    where region_code in ('NL01', 'VB00')
),

peers as (
    select
        indicator_id,
        country_code,
        period_code,
        geography,
        median(value) as peer_value
    from figures
    group by all
),

compared as (
    select
        figures.*,
        national.value as national_value,
        peers.peer_value,
        previous.value as previous_value,
        previous_period.start_date as previous_start
    from figures
    left join {{ ref('core_period') }} as previous_period
        on figures.previous_code = previous_period.period_code
    left join figures as previous
        on
            figures.indicator_id = previous.indicator_id
            and figures.region_code = previous.region_code
            and figures.geography = previous.geography
            and figures.previous_code = previous.period_code
    left join national
        on
            figures.indicator_id = national.indicator_id
            and figures.country_code = national.country_code
            and figures.period_code = national.period_code
            and figures.geography = national.geography
    left join peers
        on
            figures.indicator_id = peers.indicator_id
            and figures.country_code = peers.country_code
            and figures.period_code = peers.period_code
            and figures.geography = peers.geography
),

-- What the events behind a break say about comparing across it. Only those that carry the break count: of two in
-- comparable measure both, of a clear cause that one. An event that changed the world and not the measurement is
-- what a comparison is there to show.
event_reasons as (
    select
        attributed.break_id,
        list(distinct case
            when event.kind = 'ambtelijke_fusie' then 'administrative_merger'
            when event.kind = 'system_harmonisation' then 'system_harmonisation'
            when event.kind in ('definition_change', 'publication_change') then 'definition_change'
            else 'explained_break'
        end) as reasons
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

-- A break in a count is one in its rates, and one in the population too where the rate was computed; a national
-- break is one of every municipality.
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
        region_code,
        region_code as broken_code
    from figures
    union
    select distinct
        region_code,
        country_code as broken_code
    from figures
),

felt as (
    select
        measured_in.indicator_id,
        measured_in.in_denominator,
        lies_in.region_code,
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
),

-- A lasting break stands between two figures when the new regime starts after the one and not after the other. Wrong
-- figures spoil every comparison they take part in, from the first until the figures were right again.
broken as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        found.break_id,
        found.score,
        found.reasons
    from compared
    inner join felt as found
        on
            compared.indicator_id = found.indicator_id
            and compared.region_code = found.region_code
            and (compared.is_computed or not found.in_denominator)
    where
        (
            found.kind != 'one_off'
            and found.returned_on is null
            and found.start_date > compared.previous_start
            and found.start_date <= compared.start_date
        )
        or (
            found.kind in ('one_off', 'scale')
            and (
                compared.start_date between found.start_date and coalesce(found.returned_on - 1, found.end_date)
                or compared.previous_start between found.start_date and coalesce(found.returned_on - 1, found.end_date)
            )
        )
),

breaks as (
    select
        indicator_id,
        region_code,
        period_code,
        geography,
        first(break_id order by score desc, break_id asc) as break_id,
        list_sort(list_distinct(flatten(list(reasons)))) as reasons
    from broken
    group by indicator_id, region_code, period_code, geography
),

-- Tables keep the borders of 1 January for the whole year, so that a change in the course of a year shows in the
-- figures then or on the next 1 January.
boundaries as (
    select distinct
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography
    from compared
    inner join {{ source('raw', 'region_change') }} as region_change
        on
            compared.region_code = region_change.to_code
            and compared.start_date >= region_change.effective_date
            and compared.previous_start < case
                when region_change.effective_date = date_trunc('year', region_change.effective_date)
                    then region_change.effective_date
                else date_trunc('year', region_change.effective_date) + interval 1 year
            end
    where
        compared.geography = 'published'
        and region_change.kind = 'herindeling'
        and region_change.from_code != region_change.to_code
),

reasoned as (
    select
        compared.*,
        breaks.break_id,
        list_concat(
            list_concat(
                case when boundaries.region_code is not null then ['boundary_change'] else [] end,
                coalesce(breaks.reasons, [])
            ),
            list_concat(
                case when compared.previous_value is null then ['missing_previous'] else [] end,
                case when compared.value is null then ['missing_value'] else [] end
            )
        ) as reasons
    from compared
    left join breaks
        on
            compared.indicator_id = breaks.indicator_id
            and compared.region_code = breaks.region_code
            and compared.period_code = breaks.period_code
            and compared.geography = breaks.geography
    left join boundaries
        on
            compared.indicator_id = boundaries.indicator_id
            and compared.region_code = boundaries.region_code
            and compared.period_code = boundaries.period_code
            and compared.geography = boundaries.geography
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    value,
    obs_status,
    previous_value,
    case
        when len(reasons) = 0 and previous_value != 0
            then 100 * (value - previous_value) / previous_value
    end as change_pct,
    national_value,
    peer_value,
    len(reasons) = 0 as comparable_with_previous,
    nullif(array_to_string(reasons, '|'), '') as incomparable_because,
    break_id,
    -- a linked series comes with the linking of breaks; until then there is none to show
    null::double as value_linked,
    null::double as linked_low,
    null::double as linked_high
from reasoned
