-- Figures of municipalities beside those they may be read against. Among a handful of municipalities, which happen to
-- have a figure, neither the middle one nor a place says anything.
{%- set enough = var('peers_to_stand_among', 10) %}
with national as (
    select
        indicator_id,
        region_code as country_code,
        period_code,
        geography,
        value
    from {{ ref('core_harmonised') }}
    where region_code in ('NL01', 'VB00')
),

national_in_the_year as (
    select distinct
        indicator_id,
        country_code,
        geography,
        left(period_code, 4) as year
    from national
    where value is not null
),

figures as (
    select *
    from {{ ref('core_judged') }}
    where region_type = 'gemeente'
),

-- A number or an amount goes by the size of a municipality: only what is taken per head, or is a share, has a place
-- among others. An answer that too few people gave has none either, nor has a figure of the wrong order of magnitude.
ranked as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.geography,
        figures.country_code,
        figures.value,
        rank() over (
            partition by figures.indicator_id, figures.country_code, figures.period_code, figures.geography
            order by figures.value desc
        ) as place
    from figures
    anti join {{ ref('core_low_response') }} as low_response
        on
            figures.indicator_id = low_response.indicator_id
            and figures.region_code = low_response.region_code
            and figures.period_code = low_response.period_code
    where figures.value is not null and not figures.goes_by_size and figures.scale_nl is null
),

peers as (
    select
        indicator_id,
        country_code,
        period_code,
        geography,
        median(value) as middle,
        count(*) as places
    from ranked
    group by indicator_id, country_code, period_code, geography
),

-- The mean of the group is unweighted, as in the benchmark of costs, and of all members or of none.
reference as (
    select
        figures.indicator_id,
        member.region_code,
        figures.period_code,
        figures.geography,
        count(figures.value) as delivered,
        {{ mean_in_order('figures.value') }} as mean_value
    from figures
    inner join {{ ref('core_stands_beside') }} as member
        on figures.region_code = member.member_code and left(figures.period_code, 4) = member.year
    where not figures.goes_by_size and figures.scale_nl is null
    group by figures.indicator_id, member.region_code, figures.period_code, figures.geography
),

groups as (
    select distinct
        region_code,
        year,
        reference_group,
        known_of,
        members
    from {{ ref('core_stands_beside') }}
)

select
    figures.indicator_id,
    figures.region_code,
    figures.period_code,
    figures.geography,
    figures.label_nl,
    region.region_name,
    figures.value,
    figures.because_nl as because,
    figures.obs_status,
    figures.previous_code as previous_period,
    figures.previous_value,
    figures.change_pct,
    figures.no_change_because,
    national.value as national_value,
    {{ no_figure_beside('national', 'national_in_the_year', 'het land') }} as no_national_because,
    case when peers.places >= {{ enough }} then peers.middle end as peer_value,
    case when peers.places >= {{ enough }} then ranked.place end as rank,
    case when not figures.goes_by_size then coalesce(peers.places, 0) end as rank_of,
    case
        when figures.goes_by_size then {{ goes_by_size_nl() }}
        when coalesce(peers.places, 0) < {{ enough }}
            then 'Van minder dan {{ enough }} gemeenten is er een cijfer om naast te leggen.'
        when figures.value is null then 'Van deze gemeente is er geen cijfer.'
        when figures.scale_nl is not null then 'Het cijfer heeft een verkeerde orde van grootte.'
        when ranked.place is null then 'Te weinig mensen antwoordden.'
    end as rank_because,
    groups.reference_group,
    named_group.label_nl as reference_group_nl,
    groups.known_of as reference_year,
    case when reference.delivered = groups.members then reference.mean_value end as reference_value,
    case
        when groups.reference_group is null
            then 'Voor deze gemeente is geen referentiegroep gekozen, en haar naaste buren zijn niet bekend.'
        when figures.goes_by_size then {{ goes_by_size_nl() }}
        when coalesce(reference.delivered, 0) < groups.members
            then
                'Van ' || (groups.members - coalesce(reference.delivered, 0)) || ' van de ' || groups.members
                || ' referentiegemeenten is er geen bruikbaar cijfer.'
    end as reference_because,
    figures.incomparable_because is null as comparable_with_previous,
    figures.incomparable_because,
    figures.incomparable_because_nl,
    figures.caution_nl,
    figures.break_id,
    figures.change_linked_pct,
    figures.change_linked_low,
    figures.change_linked_high,
    figures.value_linked,
    figures.linked_low,
    figures.linked_high
from figures
left join national
    on
        figures.indicator_id = national.indicator_id
        and figures.country_code = national.country_code
        and figures.period_code = national.period_code
        and figures.geography = national.geography
left join national_in_the_year
    on
        figures.indicator_id = national_in_the_year.indicator_id
        and figures.country_code = national_in_the_year.country_code
        and left(figures.period_code, 4) = national_in_the_year.year
        and figures.geography = national_in_the_year.geography
left join peers
    on
        figures.indicator_id = peers.indicator_id
        and figures.country_code = peers.country_code
        and figures.period_code = peers.period_code
        and figures.geography = peers.geography
left join ranked
    on
        figures.indicator_id = ranked.indicator_id
        and figures.region_code = ranked.region_code
        and figures.period_code = ranked.period_code
        and figures.geography = ranked.geography
left join groups on figures.region_code = groups.region_code and left(figures.period_code, 4) = groups.year
left join {{ ref('core_reference_group') }} as named_group on groups.reference_group = named_group.reference_group
left join reference
    on
        figures.indicator_id = reference.indicator_id
        and figures.region_code = reference.region_code
        and figures.period_code = reference.period_code
        and figures.geography = reference.geography
left join {{ ref('core_region_name') }} as region on figures.region_code = region.region_code
