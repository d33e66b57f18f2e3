-- The yearly report in figures. A figure that is not there keeps its row and says why.
with gaps as (
    select
        indicator_id,
        region_code,
        left(period_code, 4)::bigint as year,
        min(because) as because
    from {{ ref('core_gap_reason') }}
    group by indicator_id, region_code, left(period_code, 4)
),

national as (
    select
        indicator_id,
        region_code as country_code,
        period_code,
        value
    from {{ ref('core_harmonised') }}
    where region_code in ('NL01', 'VB00') and geography = {{ reference_geography() }}
),

reasoned as (
    select
        figure.* exclude (reasons),
        region.region_name,
        national.value as national_value,
        gaps.because as registered_because,
        coalesce(judged.is_few, false)
        or coalesce(
            figure.is_counted
            and figure.unit = 'count'
            and {{ too_few_to_change('figure.value', 'figure.previous_value') }},
            false
        ) as is_few,
        case when figure.value is null then ['missing_value'] else [] end as lacks_value,
        case when figure.previous_value is null then ['missing_previous'] else [] end as lacks_previous,
        case when figure.is_redefined then ['definition_change'] else [] end as is_another,
        case
            -- the others would tell that nobody delivered it
            when figure.is_counted then coalesce(figure.reasons, [])
            else coalesce(judged.reasons, [])
        end as reasons
    from {{ ref('core_key_figure') }} as figure
    left join {{ ref('core_judged') }} as judged
        on
            figure.indicator_id = judged.indicator_id
            and figure.region_code = judged.region_code
            and figure.period_code = judged.period_code
            and judged.geography = {{ reference_geography() }}
    left join national
        on
            figure.indicator_id = national.indicator_id
            and figure.period_code = national.period_code
            and {{ country_code('figure.region_code') }} = national.country_code
    left join gaps
        on
            figure.indicator_id = gaps.indicator_id
            and figure.region_code = gaps.region_code
            and figure.year = gaps.year
    left join {{ ref('core_region_name') }} as region on figure.region_code = region.region_code
),

told as (
    select
        *,
        {{ rounded_to('value', 'rounding') }} as shown_value,
        {{ rounded_to('previous_value', 'rounding') }} as shown_previous,
        {{ reasons_in_order("flatten([reasons, is_another, lacks_previous, lacks_value])") }} as incomparable_because
    from reasoned
)

select
    region_code,
    year,
    figure_id,
    place,
    region_name,
    heading_nl,
    label_nl,
    unit,
    shown_value as value,
    coalesce(obs_status, 'L') as obs_status,
    case
        when value is not null then null
        when because_nl is not null then because_nl
        when obs_status = 'Q' then 'De bron toont dit cijfer niet: het gaat om te weinig personen.'
        when obs_status = 'M' then 'Volgens de bron kan dit cijfer niet bestaan.'
        when registered_because is not null then registered_because
        when missing_nl is not null
            then 'Niet van elk taakgebied is over dit jaar een bedrag geleverd; er ontbreekt: ' || missing_nl || '.'
        when unit = 'eur' then 'Over dit jaar is geen bedrag geleverd.'
        else 'Over het einde van dit jaar is geen cijfer geleverd.'
    end as because,
    period_code,
    shown_previous as previous_value,
    -- of the figures as they are shown: whoever reads both must find the same
    case
        when incomparable_because is null and not is_few and shown_previous != 0
            then 100 * (shown_value - shown_previous) / shown_previous
    end as change_pct,
    case
        when incomparable_because is not null then {{ reasons_nl('incomparable_because') }}
        when is_few then {{ too_few_to_change_nl() }}
        when shown_previous = 0 then 'Het cijfer van de periode ervoor is nul.'
    end as no_change_because,
    {{ rounded_to('national_value', 'rounding') }} as national_value,
    incomparable_because is null as comparable_with_previous,
    incomparable_because,
    {{ reasons_nl('incomparable_because') }} as incomparable_because_nl,
    coalesce(
        caution_nl,
        {{ caution_of_provisional('incomparable_because', 'obs_status', 'previous_status') }}
    ) as caution_nl,
    desired_direction,
    indicator_id
from told
