-- What a region code is called, for the marts: the newest name, where a wijk or buurt had several.
select
    region_code,
    arg_max(region_name, coalesce(valid_from, '0001-01-01'::date)) as region_name
from {{ ref('core_region') }}
group by region_code
