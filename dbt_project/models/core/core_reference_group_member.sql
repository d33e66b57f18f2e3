{{ config(materialized='view') }}

select
    reference_group,
    region_code,
    member_code
from {{ source('declared', 'reference_group_member') }}
