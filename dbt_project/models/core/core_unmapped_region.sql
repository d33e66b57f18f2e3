-- Codes with figures that are on no borders of the reference year: unknown to every list of regions, or known and
-- without a place there. Nothing is left out of the harmonised figures without standing here.
with used as (
    select
        region_code,
        count(value) as figures,
        min(period_code) as first_period,
        max(period_code) as last_period
    from {{ ref('core_preferred') }}
    group by region_code
)

select
    used.region_code,
    region.region_name,
    used.figures,
    used.first_period,
    used.last_period,
    case
        when unmapped.because is not null then unmapped.because
        when region.region_code is null then 'staat in geen enkele lijst van regio''s'
        else 'gold niet op 1 januari van het jaar waarvan de grenzen gekozen zijn'
    end as because
from used
left join {{ ref('core_region') }} as region on used.region_code = region.region_code
left join {{ source('raw', 'region_unmapped') }} as unmapped on used.region_code = unmapped.region_code
anti join {{ source('raw', 'region_weight') }} as weight
    on used.region_code = weight.from_code and weight.reference_year = {{ setting('reference_year') }}
anti join {{ ref('core_neighbourhood') }} as neighbourhood on used.region_code = neighbourhood.region_code
where
    region.region_code is null
    or unmapped.because is not null
    or region.valid_to <= make_date({{ setting('reference_year') }}, 1, 1)
    or region.valid_from > make_date({{ setting('reference_year') }}, 1, 1)
