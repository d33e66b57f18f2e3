-- Rows and files that were refused, with what was found and what was expected. Never personal data.
select
    source_id,
    file,
    line,
    "column",
    column_name,
    reason,
    found,
    expected,
    raw_text,
    vintage_id
from {{ ref('core_quarantine') }}
