{{ config(materialized='view') }}

select
    indicator_id,
    valid_from,
    valid_until,
    undated_because,
    text_nl,
    country_code,
    comparable_with_earlier,
    reference
from {{ source('declared', 'indicator_definition') }}
