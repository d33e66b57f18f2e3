select
    source_id,
    publisher,
    title,
    licence,
    url,
    cadence,
    {{ cadence_nl('cadence') }} as cadence_nl,
    last_vintage,
    is_fictional,
    is_connected,
    because
from {{ ref('core_source') }}
