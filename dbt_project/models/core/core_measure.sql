select * from {{ source('declared', 'measure') }}
