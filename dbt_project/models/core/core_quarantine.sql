{{ config(materialized='view') }}

select
    vintage_id,
    source_id,
    file,
    line,
    "column",
    column_name,
    reason,
    found,
    expected,
    raw_text
from {{ source('raw', 'quarantine') }}
