-- The publisher's own history of its codes comes first; what it does not know (cooperations, and the
-- municipalities of a profile without a CBS region table) is declared by us.
with published as (
    select
        region_code,
        region_name,
        region_type,
        valid_from,
        valid_to,
        array_to_string(successor_codes, '|') as successor_codes,
        is_fictional
    from {{ source('raw', 'region') }}
),

declared as (
    select
        region_code,
        region_name,
        region_type,
        valid_from,
        valid_to,
        null::varchar as successor_codes,
        is_fictional
    from {{ source('declared', 'region') }}
)

select * from published
union all
select declared.*
from declared
anti join published on declared.region_code = published.region_code
