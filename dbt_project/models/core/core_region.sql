-- The publisher's own history of its codes comes first; what it does not know (cooperations, and the municipalities of
-- a profile without a CBS region table) is declared by us, or is a division that the publisher only names beside each
-- municipality. Wijken and buurten come once for every stretch of years in which they stayed the same.
with published as (
    select
        region_code,
        region_name,
        region_type,
        valid_from,
        valid_to,
        array_to_string(successor_codes, '|') as successor_codes,
        null::varchar as municipality_code,
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
        null::varchar as municipality_code,
        is_fictional
    from {{ source('declared', 'region') }}
),

divisions as (
    select
        group_code as region_code,
        last(group_name order by year) as region_name,
        case when group_kind in ('corop', 'provincie') then group_kind else 'samenwerking' end as region_type,
        null::date as valid_from,
        null::date as valid_to,
        null::varchar as successor_codes,
        null::varchar as municipality_code,
        bool_or(is_fictional) as is_fictional
    from {{ ref('core_region_member') }}
    group by group_code, group_kind
),

neighbourhoods as (
    select
        region_code,
        region_name,
        region_type,
        valid_from,
        valid_to,
        null::varchar as successor_codes,
        municipality_code,
        is_fictional
    from {{ ref('core_neighbourhood') }}
),

of_one_code as (
    select * from published
    union all
    select declared.*
    from declared
    anti join published on declared.region_code = published.region_code
)

select * from of_one_code
union all
select divisions.*
from divisions
anti join of_one_code on divisions.region_code = of_one_code.region_code
union all
select * from neighbourhoods
