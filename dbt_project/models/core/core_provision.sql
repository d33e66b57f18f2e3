{{ config(materialized='view') }}

select
    law,
    category,
    provision,
    label_nl,
    is_crisis,
    reference
from {{ source('declared', 'provision') }}
