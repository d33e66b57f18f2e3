select
    source_id,
    publisher,
    title,
    licence,
    url,
    cadence,
    last_vintage,
    is_fictional
from {{ ref('core_source') }}
