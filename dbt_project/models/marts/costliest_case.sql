select * from {{ ref('core_costliest_case') }}
