-- Where every row of every delivery went.
select
    source_id,
    file,
    vintage_id,
    vintage_date,
    vintage_label,
    vintage_order,
    checksum_sha256,
    origin,
    fetched_at,
    status,
    is_current,
    withdrawn_on,
    rows_in,
    rows_loaded,
    rows_no_data,
    rows_quarantined,
    notice
from {{ source('raw', 'delivery') }}
