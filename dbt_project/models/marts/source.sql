select
    source_id,
    publisher,
    title,
    licence,
    url,
    cadence,
    last_vintage,
    is_fictional,
    is_connected,
    because
from {{ ref('core_source') }}
