-- The municipality's figure and the country's stand beside that of the wijk; the median is of the wijken (or buurten)
-- of the same municipality: of all of them and of three at least, or there is none. Wijken and buurten have no borders
-- but those of their own year.
{%- set enough = var('wijken_to_stand_among', 3) %}
with figures as (
    select *
    from {{ ref('core_judged') }}
    where region_type in ('wijk', 'buurt') and geography = 'published'
),

above as (
    select
        indicator_id,
        region_code,
        period_code,
        value
    from {{ ref('core_harmonised') }}
    where geography = 'published'
),

in_the_year as (
    select distinct
        indicator_id,
        region_code,
        left(period_code, 4) as year
    from above
    where value is not null
),

peers as (
    select
        indicator_id,
        municipality_code,
        region_type,
        period_code,
        count(*) as places,
        count(value) as shown,
        median(value) as middle
    from figures
    group by indicator_id, municipality_code, region_type, period_code
)

select
    figures.indicator_id,
    figures.region_code,
    figures.period_code,
    figures.geography,
    figures.label_nl,
    name_then.region_name,
    figures.region_type,
    figures.municipality_code,
    named_municipality.region_name as municipality_name,
    figures.value,
    figures.because_nl as because,
    figures.obs_status,
    figures.previous_code as previous_period,
    figures.previous_value,
    figures.change_pct,
    figures.no_change_because,
    municipality.value as municipality_value,
    {{ no_figure_beside('municipality', 'of_municipality', 'de gemeente') }} as no_municipality_because,
    national.value as national_value,
    {{ no_figure_beside('national', 'of_country', 'het land') }} as no_national_because,
    case
        when not figures.goes_by_size and peers.shown = peers.places and peers.places >= {{ enough }}
            then peers.middle
    end as peer_value,
    case
        when figures.goes_by_size then {{ goes_by_size_nl('een gebied') }}
        when peers.shown < peers.places
            then
                'Van ' || (peers.places - peers.shown) || ' van de ' || peers.places
                || case figures.region_type when 'wijk' then ' wijken' else ' buurten' end
                || ' van de gemeente wordt geen cijfer getoond.'
        when peers.places < {{ enough }}
            then
                'De gemeente heeft minder dan {{ enough }}'
                || case figures.region_type when 'wijk' then ' wijken' else ' buurten' end
                || ' met een cijfer om naast te leggen.'
    end as peer_because,
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
left join above as municipality
    on
        figures.indicator_id = municipality.indicator_id
        and figures.municipality_code = municipality.region_code
        and figures.period_code = municipality.period_code
left join above as national
    on
        figures.indicator_id = national.indicator_id
        and figures.country_code = national.region_code
        and figures.period_code = national.period_code
left join in_the_year as of_municipality
    on
        figures.indicator_id = of_municipality.indicator_id
        and figures.municipality_code = of_municipality.region_code
        and left(figures.period_code, 4) = of_municipality.year
left join in_the_year as of_country
    on
        figures.indicator_id = of_country.indicator_id
        and figures.country_code = of_country.region_code
        and left(figures.period_code, 4) = of_country.year
left join peers
    on
        figures.indicator_id = peers.indicator_id
        and figures.municipality_code = peers.municipality_code
        and figures.region_type = peers.region_type
        and figures.period_code = peers.period_code
-- by the name it had then
left join {{ ref('core_region') }} as name_then
    on
        figures.region_code = name_then.region_code
        and figures.start_date >= coalesce(name_then.valid_from, figures.start_date)
        and figures.start_date < coalesce(name_then.valid_to, '9999-12-31'::date)
left join {{ ref('core_region_name') }} as named_municipality
    on figures.municipality_code = named_municipality.region_code
