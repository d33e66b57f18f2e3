-- Of a division that the publisher tells by year, the members of the newest year; of a declared group, those declared.
with members as (
    select
        group_code,
        string_agg(member_code, '|' order by member_code) as member_codes,
        bool_and(members_complete) as members_complete
    from (
        select *
        from {{ ref('core_region_member') }}
        qualify coalesce(year, 9999) = max(coalesce(year, 9999)) over (partition by group_code)
    )
    group by group_code
)

select
    region.region_code,
    region.region_name,
    region.region_type,
    region.valid_from,
    region.valid_to,
    region.successor_codes,
    region.is_fictional,
    region.municipality_code,
    members.member_codes,
    members.members_complete
from {{ ref('core_region') }} as region
left join members on region.region_code = members.group_code
