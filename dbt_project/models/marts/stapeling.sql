-- Persons and households by the number of laws, as `privacy.shown` lets it.
with stapeling as (
    select
        region_code,
        period_code,
        number_of_laws,
        max(delivered_bits) as delivered_bits,
        bool_or(has_several_keys) as has_several_keys,
        bool_or(households is null) as lacks_households
    from {{ ref('core_stapeling') }}
    group by region_code, period_code, number_of_laws
),

shown as (
    select
        cell.region_code,
        cell.period_code,
        cell.number_of_laws,
        cell.measure,
        shown.shown,
        shown.obs_status
    from {{ ref('core_stapeling_cell') }} as cell
    inner join {{ source('privacy', 'shown') }} as shown on cell.cell_id = shown.cell_id
)

select
    stapeling.region_code,
    stapeling.period_code,
    stapeling.number_of_laws::bigint as number_of_laws,
    region.region_name,
    case stapeling.number_of_laws when 1 then 'één wet' when 2 then 'twee wetten' else 'drie wetten' end as label_nl,
    persons.shown as persons,
    households.shown as households,
    concat_ws(
        '|',
        case when stapeling.delivered_bits & 1 > 0 then 'wmo' end,
        case when stapeling.delivered_bits & 2 > 0 then 'jeugd' end,
        case when stapeling.delivered_bits & 4 > 0 then 'participatie' end
    ) as laws_delivered,
    case when stapeling.has_several_keys then 'L' else coalesce(persons.obs_status, 'Q') end as obs_status,
    nullif(concat_ws(
        ' ',
        case
            when stapeling.has_several_keys
                then 'Personen staan onder verschillende sleutels van pseudoniemen en zijn niet te vergelijken.'
        end,
        case
            when persons.obs_status = 'Q' or households.obs_status = 'Q'
                then 'Kleine aantallen zijn weggelaten, en aantallen waaruit die te herleiden zijn.'
        end,
        case
            when stapeling.lacks_households and not stapeling.has_several_keys
                then 'Niet van iedereen is een huishouden geleverd: huishoudens zijn niet te tellen.'
        end,
        case
            when bit_count(stapeling.delivered_bits) < 3
                then 'Niet alle drie de wetten zijn over deze periode geleverd.'
        end
    ), '') as because
from stapeling
left join shown as persons
    on
        stapeling.region_code = persons.region_code
        and stapeling.period_code = persons.period_code
        and stapeling.number_of_laws = persons.number_of_laws
        and persons.measure = 'persons'
left join shown as households
    on
        stapeling.region_code = households.region_code
        and stapeling.period_code = households.period_code
        and stapeling.number_of_laws = households.number_of_laws
        and households.measure = 'households'
left join {{ ref('core_region_name') }} as region on stapeling.region_code = region.region_code
