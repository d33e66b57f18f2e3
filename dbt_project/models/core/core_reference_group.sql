select * from {{ source('declared', 'reference_group') }}
