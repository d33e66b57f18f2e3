select * from {{ source('declared', 'event') }}
