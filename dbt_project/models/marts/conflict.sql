select
    indicator_id,
    region_code,
    period_code,
    source_id,
    value,
    other_source_id,
    other_value,
    difference_pct
from {{ ref('core_conflict') }}
