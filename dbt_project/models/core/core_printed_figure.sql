{{ config(materialized='view') }}

select
    indicator_id,
    region_code,
    period_code,
    value,
    document,
    section,
    note
from {{ source('declared', 'printed_figure') }}
