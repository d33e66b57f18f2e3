{{ config(materialized='view') }}

select
    source_id,
    item,
    region_code,
    period_code,
    because
from {{ source('declared', 'known_gap') }}
