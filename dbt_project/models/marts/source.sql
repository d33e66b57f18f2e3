select
    source_id,
    publisher,
    title,
    licence,
    url,
    cadence,
    last_vintage,
    is_fictional,
    is_connected
from {{ ref('core_source') }}
