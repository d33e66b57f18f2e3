-- The reference level of the gemeentefonds that counts now, per inhabitant and in all, whichever of the two was told.
with latest as (
    select reference.*
    from {{ ref('stg_gemeentefonds__references') }} as reference
    inner join {{ source('raw', 'delivery') }} as delivery
        on reference.vintage_id = delivery.vintage_id and delivery.is_current
    where reference.reference_eur is not null or reference.reference_eur_per_inhabitant is not null
    qualify
        row_number() over (
            partition by reference.region_code, reference.fiscal_year, reference.taakgebied
            order by
                delivery.vintage_order desc nulls first,
                delivery.vintage_date desc,
                delivery.fetched_at desc,
                reference.vintage_id desc
        ) = 1
)

select
    latest.region_code,
    latest.fiscal_year,
    latest.taakgebied,
    latest.source_id,
    inhabitants.inhabitants,
    coalesce(latest.reference_eur, latest.reference_eur_per_inhabitant * inhabitants.inhabitants) as reference_eur,
    coalesce(latest.reference_eur_per_inhabitant, latest.reference_eur / inhabitants.inhabitants)
        as reference_eur_per_inhabitant
from latest
left join {{ ref('core_inhabitants') }} as inhabitants
    on latest.region_code = inhabitants.region_code and latest.fiscal_year = inhabitants.year
