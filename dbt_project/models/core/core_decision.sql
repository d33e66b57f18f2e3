{{ config(materialized='view') }}

select
    break_id,
    indicator_id,
    region_code,
    period_code,
    kind,
    direction,
    decision,
    because,
    decided_by,
    decided_on
from {{ source('declared', 'decision') }}
