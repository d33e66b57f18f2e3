select
    region_code,
    region_name,
    region_type,
    valid_from,
    valid_to,
    successor_codes,
    is_fictional
from {{ ref('core_region') }}
