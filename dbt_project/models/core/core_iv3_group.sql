-- Taakvelden of Iv3 that compare over its recodings only together, added up per region and year, so that a series runs
-- on where its taakvelden were divided or renumbered. A group of which a taakveld is not known is not known either.
with members as (
    select
        member.group_id,
        member.label_nl,
        member.side,
        member.report_kind,
        member.regime,
        member.first_year,
        member.last_year,
        member.indicator_id,
        member.link_quality,
        member.link_because,
        count(*) over (partition by member.group_id, member.side, member.report_kind, member.regime) as members
    from {{ source('declared', 'iv3_group') }} as member
),

figures as (
    select
        members.*,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        harmonised.value,
        harmonised.obs_status
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_period') }} as period
        on harmonised.period_code = period.period_code and period.period_kind = 'year'
    inner join members
        on
            harmonised.indicator_id = members.indicator_id
            and year(period.start_date) between members.first_year and members.last_year
)

select
    group_id,
    label_nl,
    side,
    report_kind,
    region_code,
    period_code,
    geography,
    regime,
    case when count(value) = members then sum(value) end as value,
    case
        when count(*) < members or bool_or(value is null and obs_status = 'L') then 'L'
        when bool_or(value is null and obs_status = 'Q') then 'Q'
        when count(value) < members then 'M'
        when bool_or(obs_status = 'E') then 'E'
        when bool_or(obs_status = 'P') then 'P'
        else 'A'
    end as obs_status,
    members,
    count(value) as members_known,
    link_quality,
    link_because
from figures
group by
    group_id,
    label_nl,
    side,
    report_kind,
    region_code,
    period_code,
    geography,
    regime,
    members,
    link_quality,
    link_because
