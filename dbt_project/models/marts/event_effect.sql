-- Whether an event shows in the data at all: most registered events leave no trace that could be told from chance.
select
    effect.event_id,
    effect.indicator_id,
    event.label_nl as event_nl,
    indicator.label_nl as indicator_nl,
    event.kind,
    event.nature,
    effect.series,
    effect.broken,
    effect.visible,
    100 * (exp(effect.effect_log) - 1) as effect_pct,
    100 * (exp(effect.effect_log - 1.96 * effect.se) - 1) as effect_low,
    100 * (exp(effect.effect_log + 1.96 * effect.se) - 1) as effect_high,
    case
        when effect.series = 0 then 'Van geen enkele reeks in dit bereik kon worden nagegaan of zij veranderde.'
        when not effect.visible and effect.broken = 0
            then 'In geen van de ' || effect.series || ' reeksen is iets van deze gebeurtenis te zien.'
        when not effect.visible
            then
                'Wel veranderden ' || effect.broken || ' van de ' || effect.series
                || ' reeksen rond die tijd, maar niet meer dan door toeval kan.'
        else
            'In ' || effect.broken || ' van de ' || effect.series || ' reeksen te zien'
            || coalesce(
                ': gemiddeld ' || {{ signed_percent_nl('effect_pct') }} || ' (met 95 % zekerheid tussen '
                || {{ signed_percent_nl('effect_low') }} || ' en ' || {{ signed_percent_nl('effect_high') }} || ')',
                ''
            ) || '.'
    end as reading_nl
from {{ source('breaks', 'event_effect') }} as effect
inner join {{ ref('core_event') }} as event on effect.event_id = event.event_id
left join {{ ref('core_indicator') }} as indicator on effect.indicator_id = indicator.indicator_id
