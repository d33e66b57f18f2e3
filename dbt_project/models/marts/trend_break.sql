-- An accepted break stays in the table: its figures do not compare, but nobody is alarmed by it again.
with detected as (
    select
        * exclude (family, direction)
        replace (
            -- Why a figure was not delivered is a matter of who says so: it stands in coverage. An event that happened
            -- around that time is no reason, so that a gap is never put down to one; nor is a printed figure.
            case when kind in ('gap', 'rounding', 'copy') then 'unexplained' else cause end as cause,
            case when kind not in ('gap', 'rounding', 'copy') then nullif(event_ids, '') end as event_ids,
            case when kind not in ('gap', 'rounding', 'copy') then nullif(event_shares, '') end as event_shares
        ),
        family,
        case direction when 1 then 'up' when -1 then 'down' end as direction
    from {{ source('breaks', 'detected') }}
    where stands or is_part
),

-- What the members of a cooperation have in common is one break, of the cooperation: theirs are parts of it, and nobody
-- is told of those. Of a whole country the parts are left out.
in_common as (
    select
        part.break_id,
        whole.break_id as part_of
    from detected as part
    inner join {{ ref('core_region_member') }} as member on part.region_code = member.member_code
    inner join detected as whole
        on
            member.group_code = whole.region_code
            and part.indicator_id = whole.indicator_id
            and part.family = whole.family
            and part.direction = whole.direction
            and {{ periods_per_year('part.period_code') }} = {{ periods_per_year('whole.period_code') }}
            and abs({{ period_number('part.period_code') }} - {{ period_number('whole.period_code') }}) <= 1
    where part.is_part and whole.stands
    qualify row_number() over (partition by part.break_id order by whole.score desc, whole.break_id asc) = 1
),

standing as (
    select
        detected.*,
        in_common.part_of
    from detected
    left join in_common on detected.break_id = in_common.break_id
    where detected.stands or in_common.part_of is not null
),

-- An indicator that comes by half-year and by year was tested twice; what both would have found was detectable.
detectable as (
    select
        indicator_id,
        region_code,
        max(detectable_effect_pct) as detectable_effect_pct
    from {{ source('breaks', 'detectable') }}
    group by indicator_id, region_code
    union all
    -- what shows in one member shows in what they have in common
    select
        found.indicator_id,
        member.group_code as region_code,
        min(found.detectable_effect_pct) as detectable_effect_pct
    from {{ source('breaks', 'detectable') }} as found
    inner join {{ ref('core_region_member') }} as member on found.region_code = member.member_code
    group by found.indicator_id, member.group_code
),

-- A break may be named by its id, by its series and period, or by both, and more than once: the newest decision
-- counts, and of one day the one that names the id. An id tells the period that a break had when it was decided; a
-- decision that knows kind and direction goes along when new figures move the period by one.
meant as (
    select
        detected.break_id,
        decision.decision,
        decision.because,
        decision.decided_by,
        decision.decided_on,
        coalesce(
            decision.break_id = detected.break_id
            or decision.break_id in (
                {% for by in (-1, 0, 1) -%}
                left(
                    md5(
                        concat_ws(
                            '|',
                            detected.indicator_id,
                            detected.region_code,
                            {{ period_moved('detected.period_code', by) }},
                            detected.kind
                        )
                    ),
                    10
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ),
            false
        ) as by_id,
        coalesce(
            detected.indicator_id = decision.indicator_id
            and detected.region_code = decision.region_code
            and (
                (decision.kind is null and detected.period_code = decision.period_code)
                or (
                    detected.family
                    = case when decision.kind in ('level', 'slope') then 'lasting' else decision.kind end
                    and detected.direction is not distinct from decision.direction
                    and {{ periods_per_year('detected.period_code') }} = {{ periods_per_year('decision.period_code') }}
                    and abs(
                        {{ period_number('detected.period_code') }} - {{ period_number('decision.period_code') }}
                    ) <= 1
                )
            ),
            false
        ) as by_series,
        concat_ws(
            '|', coalesce(decision.break_id, decision.period_code), decision.indicator_id, decision.region_code,
            decision.kind
        ) as decision_of,
        case
            when decision.break_id = detected.break_id then 0
            else
                1 + coalesce(
                    abs({{ period_number('detected.period_code') }} - {{ period_number('decision.period_code') }}), 0
                )
        end as apart
    from standing as detected
    cross join {{ ref('core_decision') }} as decision
),

-- Of two breaks beside each other the decision is about the nearest: the other is a new one.
nearest as (
    select *
    from meant
    where by_id or by_series
    qualify rank() over (partition by decision_of, decided_on order by by_id desc, apart asc) = 1
),

decided as (
    select *
    from nearest
    qualify
        row_number() over (
            partition by break_id
            order by decided_on desc, by_id desc, decision asc, because asc
        ) = 1
),

named as (
    select
        attributed.break_id,
        string_agg(attributed.told, ', ' order by attributed.place) as told,
        first(attributed.told order by attributed.place) as first_told,
        string_agg(attributed.told, ', ' order by attributed.place) filter (where attributed.place > 1) as rest_told,
        {{ sum_in_order('attributed.share') }} as together,
        bool_and(attributed.nature = 'real_world') filter (where attributed.carries) as only_the_world,
        bool_and(attributed.nature = 'measurement') filter (where attributed.carries) as only_the_measurement
    from (
        select
            listed.break_id,
            listed.share,
            event.nature,
            {{ carries('listed') }} as carries,
            '‘' || event.label_nl || '’ (kans ' || {{ percent_nl('least(round(100 * listed.share), 99)') }}
            || ')' as told,
            row_number() over (
                partition by listed.break_id
                order by listed.share desc, event.event_id asc
            ) as place
        from ({{ events_of_breaks('standing') }}) as listed
        inner join {{ ref('core_event') }} as event on listed.event_id = event.event_id
        where listed.share >= {{ var('share_to_name', 0.05) }}
    ) as attributed
    group by attributed.break_id
),

figures as (
    select
        indicator_id,
        region_code,
        {{ country_code('region_code') }} as country_code,
        {{ periods_per_year('period_code') }} as per_year,
        {{ period_number('period_code') }} as number,
        obs_status = 'P' as is_provisional
    from {{ ref('core_panel') }}
    where value is not null
),

-- The newest figure of every series and, for a country or a cooperation, of the series that it was found in.
newest as (
    select
        indicator_id,
        region_code,
        per_year,
        bool_or(is_own) as has_own_figures,
        max(number) as number,
        max((number, is_provisional))[2] as is_provisional
    from (
        select
            indicator_id,
            region_code,
            per_year,
            number,
            is_provisional,
            true as is_own
        from figures
        union all
        select
            indicator_id,
            country_code as region_code,
            per_year,
            number,
            is_provisional,
            false as is_own
        from figures
        union all
        select
            figures.indicator_id,
            member.group_code as region_code,
            figures.per_year,
            figures.number,
            figures.is_provisional,
            false as is_own
        from figures
        inner join {{ ref('core_region_member') }} as member on figures.region_code = member.member_code
    ) as every
    group by indicator_id, region_code, per_year
),

-- Of fewer than this nobody can tell a course, and each is held against itself alone.
peers as (
    select
        indicator_id,
        country_code,
        per_year,
        count(distinct region_code) filter (where region_code != country_code)
        < {{ var('fewest_peers', 8) }} as are_few
    from figures
    group by indicator_id, country_code, per_year
),

found as (
    select
        detected.*,
        indicator.label_nl,
        indicator.unit,
        region.region_name,
        detected.region_code in ('NL01', 'VB00') as is_national,
        detected.region_code like 'SV-%' as is_group,
        coalesce(peers.are_few, false) as has_no_peers,
        coalesce({{ period_number('detected.period_code') }} >= newest.number, false) as is_newest,
        coalesce(newest.is_provisional, false) as is_provisional,
        -- beside municipalities the figures of the country are not what a break in common was found in
        coalesce(newest.has_own_figures and (not is_national or peers.are_few), false) as has_own_figures,
        missing.because as missing_because,
        coalesce(at_break.value = 0, false) as is_zero,
        detectable.detectable_effect_pct,
        decided.decision,
        decided.because as decided_because,
        decided.decided_by,
        decided.decided_on,
        of_whole.decision as decision_of_whole,
        -- what is off by ten is a wrong figure, until somebody says that it is a new unit
        coalesce(decided.decision, '') != 'rejected'
        and (detected.kind != 'scale' or coalesce(decided.decision, '') = 'accepted') as may_link
    from standing as detected
    left join detectable
        on
            detected.indicator_id = detectable.indicator_id
            and detected.region_code = detectable.region_code
    left join decided on detected.break_id = decided.break_id
    left join decided as of_whole on detected.part_of = of_whole.break_id
    left join newest
        on
            detected.indicator_id = newest.indicator_id
            and detected.region_code = newest.region_code
            and {{ periods_per_year('detected.period_code') }} = newest.per_year
    left join peers
        on
            detected.indicator_id = peers.indicator_id
            and {{ country_code('detected.region_code') }} = peers.country_code
            and {{ periods_per_year('detected.period_code') }} = peers.per_year
    left join {{ ref('core_gap_reason') }} as missing
        on
            detected.indicator_id = missing.indicator_id
            and detected.region_code = missing.region_code
            and detected.period_code = missing.period_code
    left join {{ ref('core_panel') }} as at_break
        on
            detected.indicator_id = at_break.indicator_id
            and detected.region_code = at_break.region_code
            and detected.period_code = at_break.period_code
    left join {{ ref('core_indicator') }} as indicator on detected.indicator_id = indicator.indicator_id
    left join {{ ref('core_region_name') }} as region on detected.region_code = region.region_code
),

-- What two sources gave for the same periods is measured, and goes before what was estimated; but only where it is the
-- step that was found, within the errors of both.
linked as (
    select
        found.* replace (
            case when found.may_link then coalesce(measured.link_factor, found.link_factor) end as link_factor,
            case when found.may_link then coalesce(measured.link_low, found.link_low) end as link_low,
            case when found.may_link then coalesce(measured.link_high, found.link_high) end as link_high
        ),
        case
            when not found.may_link then null
            when measured.link_factor is not null then 'overlap'
            when found.link_factor is null then null
            when found.kind = 'scale' then 'unit'
            else 'estimated_step'
        end as link_method
    from found
    left join {{ ref('core_overlap') }} as measured
        on
            found.kind = 'level'
            and found.indicator_id = measured.indicator_id
            and found.region_code = measured.region_code
            and {{ periods_per_year('found.period_code') }} = {{ periods_per_year('measured.period_code') }}
            and abs({{ period_number('found.period_code') }} - {{ period_number('measured.period_code') }}) <= 1
            and measured.link_low <= 1 + found.effect_high / 100
            and measured.link_high >= 1 + found.effect_low / 100
            and ln(measured.link_high / measured.link_low) <= 2 * ln({{ var('widest_link', 1.25) }})
    qualify row_number() over (partition by found.break_id order by measured.period_code) = 1
)

select
    found.break_id,
    found.indicator_id,
    found.region_code,
    found.period_code,
    found.label_nl,
    found.region_name,
    found.kind,
    {{ break_kind_nl('found.kind') }} as kind_nl,
    found.direction,
    found.effect_pct,
    found.effect_low,
    found.effect_high,
    found.score,
    found.detectable_effect_pct,
    found.cause,
    {{ break_cause_nl('found.cause') }} as cause_nl,
    found.event_ids,
    found.event_shares,
    found.decision,
    found.decided_because,
    found.decided_by,
    found.decided_on,
    found.returned_in,
    found.part_of,
    found.link_factor,
    found.link_low,
    found.link_high,
    found.link_method,
    concat_ws(
        ' ',
        {{ break_happened_nl() }},
        {{ break_holds_nl() }},
        {{ break_caused_nl() }},
        {{ break_compares_nl() }},
        {{ break_next_nl() }}
    ) as explanation_nl
from linked as found
left join named on found.break_id = named.break_id
