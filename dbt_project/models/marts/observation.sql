select
    indicator_id,
    region_code,
    period_code,
    vintage_date,
    value,
    obs_status,
    source_id,
    source_flag,
    vintage_id,
    is_latest,
    delivered_value,
    corrected_because
from {{ ref('core_observation') }}
