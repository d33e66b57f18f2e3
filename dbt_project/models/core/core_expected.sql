{{ config(materialized='view') }}

select
    source_id,
    item,
    indicator_id,
    region_code,
    period_code,
    due_date,
    late_until,
    in_rhythm
from {{ source('declared', 'expected') }}
