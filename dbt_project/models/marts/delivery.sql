-- Where every row of every delivery went. A delivery about persons may be about few: how many rows it has stays out,
-- and so does the checksum, by which a guess at its bytes could be tried; the latter of hidden counts as well.
select
    source_id,
    file,
    vintage_id,
    vintage_date,
    vintage_label,
    vintage_order,
    case when not (is_about_persons or hides_counts) then checksum_sha256 end as checksum_sha256,
    origin,
    fetched_at,
    status,
    is_current,
    withdrawn_on,
    case when not is_about_persons then rows_in end as rows_in,
    case when not is_about_persons then rows_loaded end as rows_loaded,
    case when not is_about_persons then rows_no_data end as rows_no_data,
    case when not is_about_persons then rows_quarantined end as rows_quarantined,
    notice
from {{ ref('core_delivery') }}
