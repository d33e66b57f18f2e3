select * from {{ source('declared', 'indicator') }}
