-- Whether an event shows in the data at all: most registered events leave no trace that could be told from chance.
select
    effect.event_id,
    effect.indicator_id,
    event.label_nl as event_nl,
    indicator.label_nl,
    event.kind,
    event.nature,
    effect.series,
    effect.broken,
    effect.visible,
    100 * (exp(effect.effect_log) - 1) as effect_pct,
    100 * (exp(effect.effect_log - 1.96 * effect.se) - 1) as effect_low,
    100 * (exp(effect.effect_log + 1.96 * effect.se) - 1) as effect_high,
    case
        when effect.series = 0
            then 'Van geen reeks die deze gebeurtenis kan raken, kon worden nagegaan of zij veranderde.'
        when not effect.visible and effect.broken = 0
            then
                case
                    when effect.series = 1 then 'In de enige reeks die is nagegaan,'
                    else 'In geen van de ' || effect.series || ' reeksen'
                end
                || ' is ' || case when effect.series = 1 then 'niets' else 'iets' end
                || ' van deze gebeurtenis te zien; een kleine verandering is niet uitgesloten.'
        when not effect.visible
            then
                'Wel ' || case
                    when effect.series = 1 then 'veranderde de enige reeks die is nagegaan'
                    when effect.broken = 1 then 'veranderde 1 van de ' || effect.series || ' reeksen'
                    else 'veranderden ' || effect.broken || ' van de ' || effect.series || ' reeksen'
                end
                || ' rond die tijd, maar dat is niet meer dan bij toeval te verwachten is.'
        else
            case
                when effect.series = 1 then 'Te zien in de enige reeks die is nagegaan'
                else 'In ' || effect.broken || ' van de ' || effect.series || ' reeksen te zien'
            end
            || coalesce(
                case when effect.broken = 1 then ': ' else ': gemiddeld ' end
                || {{ signed_percent_nl('effect_pct') }} || ' (met 95 % zekerheid tussen '
                || {{ signed_percent_nl('effect_low') }} || ' en ' || {{ signed_percent_nl('effect_high') }} || ')',
                ''
            ) || '.'
    end as reading_nl
from {{ source('breaks', 'event_effect') }} as effect
inner join {{ ref('core_event') }} as event on effect.event_id = event.event_id
left join {{ ref('core_indicator') }} as indicator on effect.indicator_id = indicator.indicator_id
