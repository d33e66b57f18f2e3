select * from {{ source('declared', 'taakgebied') }}
