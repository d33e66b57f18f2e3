-- The municipality's figure and the country's stand beside that of the wijk; the median is of the wijken (or buurten)
-- of the same municipality: of all of them and of three at least, or there is none. Wijken and buurten have no borders
-- but those of their own year.
{%- set enough = var('wijken_to_stand_among', 3) %}
with figures as (
    select
        compared.*,
        indicator.label_nl,
        coalesce(indicator.aggregation = 'sum', false) as goes_by_size
    from {{ ref('core_compared') }} as compared
    left join {{ ref('core_indicator') }} as indicator on compared.indicator_id = indicator.indicator_id
    where compared.region_type in ('wijk', 'buurt') and compared.geography = 'published'
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
    name_then.region_name,
    reasoned.region_type,
    reasoned.municipality_code,
    named_municipality.region_name as municipality_name,
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
    municipality.value as municipality_value,
    {{ no_figure_beside('municipality', 'of_municipality', 'de gemeente') }} as no_municipality_because,
    national.value as national_value,
    {{ no_figure_beside('national', 'of_country', 'het land') }} as no_national_because,
    case
        when not reasoned.goes_by_size and peers.shown = peers.places and peers.places >= {{ enough }}
            then peers.middle
    end as peer_value,
    case
        when reasoned.goes_by_size
            then 'Een aantal of bedrag hangt af van de omvang van een gebied; vergelijk het cijfer per inwoner.'
        when peers.shown < peers.places
            then
                'Van ' || (peers.places - peers.shown) || ' van de ' || peers.places
                || case reasoned.region_type when 'wijk' then ' wijken' else ' buurten' end
                || ' van de gemeente wordt geen cijfer getoond.'
        when peers.places < {{ enough }}
            then
                'De gemeente heeft minder dan {{ enough }}'
                || case reasoned.region_type when 'wijk' then ' wijken' else ' buurten' end
                || ' met een cijfer om naast te leggen.'
    end as peer_because,
    reasoned.because is null as comparable_with_previous,
    reasoned.because as incomparable_because,
    {{ reasons_nl('reasoned.because') }} as incomparable_because_nl,
    nullif(
        concat_ws(
            ' ',
            out_of_scale.caution_nl,
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
left join above as municipality
    on
        reasoned.indicator_id = municipality.indicator_id
        and reasoned.municipality_code = municipality.region_code
        and reasoned.period_code = municipality.period_code
left join above as national
    on
        reasoned.indicator_id = national.indicator_id
        and reasoned.country_code = national.region_code
        and reasoned.period_code = national.period_code
left join in_the_year as of_municipality
    on
        reasoned.indicator_id = of_municipality.indicator_id
        and reasoned.municipality_code = of_municipality.region_code
        and left(reasoned.period_code, 4) = of_municipality.year
left join in_the_year as of_country
    on
        reasoned.indicator_id = of_country.indicator_id
        and reasoned.country_code = of_country.region_code
        and left(reasoned.period_code, 4) = of_country.year
left join peers
    on
        reasoned.indicator_id = peers.indicator_id
        and reasoned.municipality_code = peers.municipality_code
        and reasoned.region_type = peers.region_type
        and reasoned.period_code = peers.period_code
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
left join {{ ref('core_out_of_scale') }} as out_of_scale
    on
        reasoned.indicator_id = out_of_scale.indicator_id
        and reasoned.region_code = out_of_scale.region_code
        and reasoned.period_code = out_of_scale.period_code
        and reasoned.geography = out_of_scale.geography
-- by the name it had then
left join {{ ref('core_region') }} as name_then
    on
        reasoned.region_code = name_then.region_code
        and reasoned.start_date >= coalesce(name_then.valid_from, reasoned.start_date)
        and reasoned.start_date < coalesce(name_then.valid_to, '9999-12-31'::date)
left join {{ ref('core_region_name') }} as named_municipality
    on reasoned.municipality_code = named_municipality.region_code
