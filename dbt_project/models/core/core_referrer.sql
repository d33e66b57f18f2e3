{{ config(materialized='view') }}

select
    code,
    referrer,
    label_nl,
    is_wijkteam,
    reference
from {{ source('declared', 'referrer') }}
