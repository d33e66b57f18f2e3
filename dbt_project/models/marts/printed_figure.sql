select
    indicator_id,
    region_code,
    period_code,
    value,
    document,
    section,
    note
from {{ ref('core_printed_figure') }}
