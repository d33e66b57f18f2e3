select
    event_id,
    kind,
    {{ event_kind_nl('kind') }} as kind_nl,
    nature,
    {{ event_nature_nl('nature') }} as nature_nl,
    effective_date,
    period_from,
    period_to,
    region_codes,
    indicator_ids,
    label_nl,
    reference
from {{ ref('core_event') }}
