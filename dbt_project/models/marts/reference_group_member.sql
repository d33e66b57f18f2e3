select
    member.region_code,
    member.fiscal_year::integer as fiscal_year,
    member.reference_group,
    member.member_code,
    region.region_name,
    member_region.region_name as member_name,
    declared_group.label_nl as reference_group_nl,
    case declared_group.kind when 'chosen' then 'gekozen' else 'naaste buren' end as chosen_by_nl,
    member.rank::integer as rank,
    member.distance,
    member.distance_because_nl,
    reference_set.caution_nl
from {{ source('benchmark', 'reference_member') }} as member
inner join {{ source('benchmark', 'reference_set') }} as reference_set
    on
        member.region_code = reference_set.region_code
        and member.fiscal_year = reference_set.fiscal_year
        and member.reference_group = reference_set.reference_group
inner join {{ ref('core_reference_group') }} as declared_group
    on member.reference_group = declared_group.reference_group
left join {{ ref('core_region_name') }} as region on member.region_code = region.region_code
left join {{ ref('core_region_name') }} as member_region on member.member_code = member_region.region_code
