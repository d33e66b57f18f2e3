select
    event_id,
    kind,
    nature,
    effective_date,
    period_from,
    period_to,
    region_codes,
    indicator_ids,
    label_nl,
    reference
from {{ ref('core_event') }}
