-- What keeps the newest figure of a goal from being held against its baseline. A break that a linked series bridges is
-- no obstacle, nor is one that only the world explains: what the world changed is what a goal is about.
with goals as (
    select *
    from {{ ref('core_goal_figure') }}
    where baseline_end is not null and same_kind
),

-- A group of municipalities feels what happens in any of them.
lies_in as (
    select distinct
        goals.region_code,
        goals.region_code as part_code
    from goals
    union
    select
        group_code as region_code,
        member_code as part_code
    from {{ source('declared', 'region_member') }}
),

felt as (
    select
        lies_in.region_code,
        felt.indicator_id,
        felt.in_denominator,
        felt.break_id,
        felt.kind,
        felt.start_date,
        felt.end_date,
        felt.returned_on,
        bool_or(felt.region_code = lies_in.region_code) as is_own
    from {{ ref('core_break_felt') }} as felt
    inner join lies_in on felt.region_code = lies_in.part_code
    where len(felt.reasons) > 0
    group by all
),

broken as (
    select
        goals.goal_id,
        goals.region_code,
        felt.break_id,
        felt.start_date as on_date
    from goals
    inner join felt
        on
            goals.indicator_id = felt.indicator_id
            and goals.region_code = felt.region_code
            and (goals.is_computed or not felt.in_denominator)
    where
        (
            -- what broke in one member of a group is not linked in the figures of the group
            (goals.linked_factor is null or not felt.is_own)
            and felt.kind != 'one_off'
            and felt.start_date > goals.baseline_start
            and felt.start_date <= goals.latest_start
            and coalesce(felt.returned_on > goals.latest_start, true)
        )
        or (
            felt.kind in ('one_off', 'scale')
            and (
                goals.latest_start between felt.start_date and coalesce(felt.returned_on - 1, felt.end_date)
                or goals.baseline_start between felt.start_date and coalesce(felt.returned_on - 1, felt.end_date)
            )
        )
),

breaks as (
    select
        broken.goal_id,
        broken.region_code,
        broken.break_id,
        broken.on_date,
        'Tussen de nulmeting en het laatste cijfer ligt een trendbreuk in ' || found.period_code || ', '
        || case
            when found.cause = 'unexplained' then 'waarvoor geen verklaring bekend is.'
            when found.cause = 'ambiguous' then 'met meer dan één mogelijke oorzaak: '
            else 'toegeschreven aan: '
        end
        || coalesce(
            case
                when found.cause != 'unexplained'
                    then
                        (
                            select string_agg(event.label_nl, '; ' order by event.label_nl)
                            from {{ ref('core_event') }} as event
                            where list_contains(string_split(found.event_ids, '|'), event.event_id)
                        )
                        || '.'
            end,
            ''
        ) as because
    from broken
    inner join {{ ref('trend_break') }} as found on broken.break_id = found.break_id
),

-- What is counted in another way in its parts is so in the rate as well; below the line only where it was computed.
parts as (
    select
        goals.goal_id,
        goals.region_code,
        unnest(
            list_distinct(
                [
                    goals.indicator_id,
                    coalesce(indicator.numerator_id, goals.indicator_id),
                    coalesce(case when goals.is_computed then indicator.denominator_id end, goals.indicator_id)
                ]
            )
        ) as part_id
    from goals
    inner join {{ ref('core_indicator') }} as indicator on goals.indicator_id = indicator.indicator_id
),

redefined as (
    select *
    from {{ source('declared', 'indicator_definition') }}
    -- the first version of an indicator changes nothing
    qualify row_number() over (partition by indicator_id, country_code order by valid_from) > 1
),

definitions as (
    select
        goals.goal_id,
        goals.region_code,
        null::varchar as break_id,
        redefined.valid_from as on_date,
        'Sinds ' || strftime(redefined.valid_from, '%d-%m-%Y') || ' wordt het cijfer anders gemeten: '
        || redefined.text_nl as because
    from goals
    inner join parts on goals.goal_id = parts.goal_id and goals.region_code = parts.region_code
    inner join redefined
        on
            parts.part_id = redefined.indicator_id
            and goals.baseline_start < redefined.valid_from
            and goals.latest_end >= redefined.valid_from
    where
        not redefined.comparable_with_earlier
        and (
            redefined.country_code is null
            or redefined.country_code = {{ country_code('goals.region_code') }}
        )
),

-- Where no break could have been found, because the series is too short or no others are there to hold it against, a
-- registered change of measurement is all there is to go by.
judged as (
    select
        indicator_id,
        region_code
    from {{ source('breaks', 'detectable') }}
    where detectable_effect_pct is not null
),

registered as (
    select distinct
        goals.goal_id,
        goals.region_code,
        null::varchar as break_id,
        event.window_start as on_date,
        'Tussen de nulmeting en het laatste cijfer veranderde de meting: ' || event.label_nl || '.' as because
    from goals
    inner join parts on goals.goal_id = parts.goal_id and goals.region_code = parts.region_code
    inner join {{ source('declared', 'event_scope') }} as scope
        on parts.part_id = scope.indicator_id and goals.region_code = scope.region_code
    inner join {{ ref('core_event') }} as event
        on
            scope.event_id = event.event_id
            and goals.baseline_start < event.window_end
            and goals.latest_end >= event.window_start
    left join judged on parts.part_id = judged.indicator_id and goals.region_code = judged.region_code
    where
        event.kind = 'definition_change'
        or (
            event.kind in ('ambtelijke_fusie', 'system_harmonisation', 'publication_change')
            and event.nature = 'measurement'
            and judged.indicator_id is null
        )
),

boundaries as (
    select
        goals.goal_id,
        goals.region_code,
        null::varchar as break_id,
        change.effective_date as on_date,
        'Op ' || strftime(change.effective_date, '%d-%m-%Y') || ' zijn de grenzen veranderd (herindeling).' as because
    from goals
    inner join {{ source('raw', 'region_change') }} as change
        on
            goals.region_code = change.to_code
            and change.kind = 'herindeling'
            and change.from_code != change.to_code
            and goals.baseline_start < change.effective_date
            and goals.latest_end >= change.effective_date
),

response as (
    select
        goals.goal_id,
        goals.region_code,
        null::varchar as break_id,
        goals.latest_end as on_date,
        'Volgens de levering deden te weinig mensen mee aan het onderzoek.' as because
    from goals
    inner join {{ ref('core_low_response') }} as answered
        on
            goals.indicator_id = answered.indicator_id
            and goals.region_code = answered.region_code
            and answered.period_code in (goals.baseline_period, goals.latest_period)
    where not goals.has_interval
),

every as (
    select * from breaks
    union
    select * from definitions
    union
    select * from registered
    union
    select * from boundaries
    union
    select * from response
)

select
    goal_id,
    region_code,
    first(break_id order by on_date, break_id) filter (where break_id is not null) as break_id,
    string_agg(because, ' ' order by on_date, because) as because
from every
group by goal_id, region_code
