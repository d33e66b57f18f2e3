-- Why there is no figure: what was registered or corrected first, then what its publisher says, then what is lacking
-- to compute it.
select
    harmonised.indicator_id,
    harmonised.region_code,
    harmonised.period_code,
    harmonised.geography,
    case
        when registered.because is not null then registered.because
        when preferred.corrected_because is not null then preferred.corrected_because
        when harmonised.obs_status = 'Q' then {{ hidden_nl() }}
        when harmonised.because = 'denominator_zero' then 'Het aantal waardoor gedeeld wordt is nul.'
        when harmonised.obs_status = 'M' then 'Volgens de bron kan dit cijfer niet bestaan.'
        when harmonised.because = 'denominator_missing'
            then
                'Het aantal waardoor gedeeld wordt'
                || coalesce(' (' || below.label_nl || ')', '')
                || ' is voor dit gebied en deze periode niet geleverd.'
        when harmonised.because = 'member_missing' then 'Van een van de gemeenten die erin opgaan is er geen cijfer.'
        when harmonised.because = 'not_aggregable' then 'Dit cijfer is niet uit cijfers van delen samen te stellen.'
        when harmonised.because = 'formed_later' then 'Het gebied bestond toen nog niet.'
        when harmonised.because = 'later_borders' then 'Het cijfer gaat over latere grenzen en is niet te splitsen.'
        when harmonised.because = 'group_incomplete' then 'Niet van alle leden van de groep is bekend welke het zijn.'
        else 'De bron heeft dit cijfer leeg geleverd, zonder reden.'
    end as because_nl
from {{ ref('core_harmonised') }} as harmonised
left join {{ ref('core_gap_reason') }} as registered
    on
        harmonised.indicator_id = registered.indicator_id
        and harmonised.region_code = registered.region_code
        and harmonised.period_code = registered.period_code
left join {{ ref('core_preferred') }} as preferred
    on
        harmonised.indicator_id = preferred.indicator_id
        and harmonised.region_code = preferred.region_code
        and harmonised.period_code = preferred.period_code
left join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
left join {{ ref('core_indicator') }} as below on indicator.denominator_id = below.indicator_id
where harmonised.value is null
