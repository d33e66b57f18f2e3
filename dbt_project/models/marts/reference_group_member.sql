select
    member.region_code,
    member.fiscal_year::integer as fiscal_year,
    member.reference_group,
    member.member_code,
    declared_group.label_nl as reference_group_nl,
    case declared_group.kind when 'chosen' then 'gekozen' else 'naaste buren' end as chosen_by_nl,
    member.rank::integer as rank,
    member.distance,
    member.distance_because_nl
from {{ source('benchmark', 'reference_member') }} as member
inner join {{ ref('core_reference_group') }} as declared_group
    on member.reference_group = declared_group.reference_group
