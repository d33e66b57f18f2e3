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
    select
        compared.*,
        indicator.label_nl,
        indicator.aggregation = 'sum' as goes_by_size,
        out_of_scale.caution_nl as scale_nl
    from {{ ref('core_compared') }} as compared
    inner join {{ ref('core_indicator') }} as indicator on compared.indicator_id = indicator.indicator_id
    left join {{ ref('core_out_of_scale') }} as out_of_scale
        on
            compared.indicator_id = out_of_scale.indicator_id
            and compared.region_code = out_of_scale.region_code
            and compared.period_code = out_of_scale.period_code
            and compared.geography = out_of_scale.geography
    where compared.region_type = 'gemeente'
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
        avg(figures.value) as mean_value
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
),

reasoned as (
    select
        figures.*,
        between_them.break_id,
        {{ reasons_in_order("list_concat(coalesce(incomparable.reasons, []), coalesce(between_them.reasons, []))") }}
            as because
    from figures
    left join {{ ref('core_incomparable') }} as incomparable
        on
            figures.indicator_id = incomparable.indicator_id
            and figures.region_code = incomparable.region_code
            and figures.period_code = incomparable.period_code
            and figures.geography = incomparable.geography
    left join {{ ref('core_break_between') }} as between_them
        on
            figures.indicator_id = between_them.indicator_id
            and figures.region_code = between_them.region_code
            and figures.period_code = between_them.period_code
            and figures.geography = between_them.geography
)

select
    reasoned.indicator_id,
    reasoned.region_code,
    reasoned.period_code,
    reasoned.geography,
    reasoned.label_nl,
    region.region_name,
    reasoned.value,
    no_figure.because_nl as because,
    reasoned.obs_status,
    reasoned.previous_code as previous_period,
    reasoned.previous_value,
    case
        when reasoned.because is null and few.indicator_id is null and reasoned.previous_value != 0
            then 100 * (reasoned.value - reasoned.previous_value) / reasoned.previous_value
    end as change_pct,
    case
        when reasoned.because is not null then {{ reasons_nl('reasoned.because') }}
        when few.indicator_id is not null then {{ too_few_to_change_nl() }}
        when reasoned.previous_value = 0 then 'Het cijfer van de periode ervoor is nul.'
    end as no_change_because,
    national.value as national_value,
    {{ no_figure_beside('national', 'national_in_the_year', 'het land') }} as no_national_because,
    case when peers.places >= {{ enough }} then peers.middle end as peer_value,
    case when peers.places >= {{ enough }} then ranked.place end as rank,
    case when not reasoned.goes_by_size then coalesce(peers.places, 0) end as rank_of,
    case
        when reasoned.goes_by_size then {{ goes_by_size_nl() }}
        when coalesce(peers.places, 0) < {{ enough }}
            then 'Van minder dan {{ enough }} gemeenten is er een cijfer om naast te leggen.'
        when reasoned.value is null then 'Van deze gemeente is er geen cijfer.'
        when reasoned.scale_nl is not null then 'Het cijfer heeft een verkeerde orde van grootte.'
        when ranked.place is null then 'Te weinig mensen antwoordden.'
    end as rank_because,
    groups.reference_group,
    named_group.label_nl as reference_group_nl,
    groups.known_of as reference_year,
    case when reference.delivered = groups.members then reference.mean_value end as reference_value,
    case
        when groups.reference_group is null
            then 'Voor deze gemeente is geen referentiegroep gekozen, en haar naaste buren zijn niet bekend.'
        when reasoned.goes_by_size then {{ goes_by_size_nl() }}
        when coalesce(reference.delivered, 0) < groups.members
            then
                'Van ' || (groups.members - coalesce(reference.delivered, 0)) || ' van de ' || groups.members
                || ' referentiegemeenten is er geen bruikbaar cijfer.'
    end as reference_because,
    reasoned.because is null as comparable_with_previous,
    reasoned.because as incomparable_because,
    {{ reasons_nl('reasoned.because') }} as incomparable_because_nl,
    nullif(
        concat_ws(
            ' ',
            reasoned.scale_nl,
            {{ caution_of_provisional('reasoned.because', 'reasoned.obs_status', 'reasoned.previous_status') }}
        ),
        ''
    ) as caution_nl,
    reasoned.break_id,
    -- a linked series comes with the linking of breaks; until then there is none to show
    null::double as value_linked,
    null::double as linked_low,
    null::double as linked_high
from reasoned
left join national
    on
        reasoned.indicator_id = national.indicator_id
        and reasoned.country_code = national.country_code
        and reasoned.period_code = national.period_code
        and reasoned.geography = national.geography
left join national_in_the_year
    on
        reasoned.indicator_id = national_in_the_year.indicator_id
        and reasoned.country_code = national_in_the_year.country_code
        and left(reasoned.period_code, 4) = national_in_the_year.year
        and reasoned.geography = national_in_the_year.geography
left join peers
    on
        reasoned.indicator_id = peers.indicator_id
        and reasoned.country_code = peers.country_code
        and reasoned.period_code = peers.period_code
        and reasoned.geography = peers.geography
left join ranked
    on
        reasoned.indicator_id = ranked.indicator_id
        and reasoned.region_code = ranked.region_code
        and reasoned.period_code = ranked.period_code
        and reasoned.geography = ranked.geography
left join groups on reasoned.region_code = groups.region_code and left(reasoned.period_code, 4) = groups.year
left join {{ ref('core_reference_group') }} as named_group on groups.reference_group = named_group.reference_group
left join reference
    on
        reasoned.indicator_id = reference.indicator_id
        and reasoned.region_code = reference.region_code
        and reasoned.period_code = reference.period_code
        and reasoned.geography = reference.geography
left join {{ ref('core_few_counted') }} as few
    on
        reasoned.indicator_id = few.indicator_id
        and reasoned.region_code = few.region_code
        and reasoned.period_code = few.period_code
        and reasoned.geography = few.geography
left join {{ ref('core_no_figure') }} as no_figure
    on
        reasoned.indicator_id = no_figure.indicator_id
        and reasoned.region_code = no_figure.region_code
        and reasoned.period_code = no_figure.period_code
        and reasoned.geography = no_figure.geography
left join {{ ref('core_region_name') }} as region on reasoned.region_code = region.region_code
