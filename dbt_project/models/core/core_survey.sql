{{ config(materialized='view') }}

select
    survey,
    label_nl,
    about,
    reference,
    margin_pct,
    smallest
from {{ source('declared', 'survey') }}
