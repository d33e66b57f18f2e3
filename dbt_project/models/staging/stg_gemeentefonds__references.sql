-- The reference levels of the gemeentefonds. A column whose item is called `ijkpunt_eur` or `ijkpunt_eur_per_inwoner`
-- makes a source one.
select
    source_id,
    vintage_id,
    region_code,
    period_code::integer as fiscal_year,
    split_part(item, '|', 2) as taakgebied,
    max(value) filter (where item like 'ijkpunt_eur|%') as reference_eur,
    max(value) filter (where item like 'ijkpunt_eur_per_inwoner|%') as reference_eur_per_inhabitant
from {{ ref('stg_figures') }}
where regexp_matches(item, '^ijkpunt_eur(_per_inwoner)?[|]') and regexp_matches(period_code, '^[0-9]{4}$')
group by source_id, vintage_id, region_code, period_code, split_part(item, '|', 2)
