-- Delivered figures only; what is missing stands in coverage. The national figure is of the same period or absent.
with rates as (
    select
        harmonised.region_code,
        harmonised.period_code,
        indicator.law,
        indicator.provision,
        harmonised.value as clients_per_1000,
        harmonised.is_computed,
        out_of_scale.caution_nl,
        {{ country_code('harmonised.region_code') }} as country_code
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
    left join {{ ref('core_out_of_scale') }} as out_of_scale
        on
            harmonised.indicator_id = out_of_scale.indicator_id
            and harmonised.region_code = out_of_scale.region_code
            and harmonised.period_code = out_of_scale.period_code
            and harmonised.geography = out_of_scale.geography
    where
        indicator.provision is not null
        and indicator.unit = 'per_1000'
        and harmonised.geography = 'published'
        and harmonised.value is not null
)

select
    rates.region_code,
    rates.period_code,
    rates.law,
    rates.provision,
    region.region_name,
    {{ law_nl('rates.law') }} as law_nl,
    {{ provision_nl('label.label_nl', 'rates.provision') }} as provision_nl,
    rates.clients_per_1000,
    national.clients_per_1000 as national_clients_per_1000,
    rates.is_computed,
    rates.caution_nl
from rates
left join rates as national
    on
        rates.country_code = national.region_code
        and rates.period_code = national.period_code
        and rates.law = national.law
        and rates.provision = national.provision
left join {{ ref('core_provision') }} as label on rates.law = label.law and rates.provision = label.provision
left join {{ ref('core_region_name') }} as region on rates.region_code = region.region_code
