select * from {{ source('declared', 'measure_realised') }}
