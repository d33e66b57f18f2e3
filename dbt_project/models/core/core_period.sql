select * from {{ source('declared', 'period') }}
