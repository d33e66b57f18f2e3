{{ config(materialized='view') }}

select
    delivery.vintage_id,
    delivery.source_id,
    delivery.file,
    delivery.checksum_sha256,
    delivery.origin,
    delivery.fetched_at,
    delivery.vintage_date,
    delivery.vintage_label,
    delivery.vintage_order,
    delivery.is_current,
    delivery.withdrawn_on,
    delivery.status,
    delivery.rows_in,
    delivery.rows_loaded,
    delivery.rows_no_data,
    delivery.rows_quarantined,
    delivery.notice,
    coalesce(declared_source.person_level, false) as is_about_persons,
    coalesce(declared_source.hides_counts, false) as hides_counts
from {{ source('raw', 'delivery') }} as delivery
left join {{ source('declared', 'source') }} as declared_source on delivery.source_id = declared_source.source_id
