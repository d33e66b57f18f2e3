-- Which counts of the drill-down add up to which. Persons are counted once over two half-years, two provisions or two
-- regions: there the parts together are the whole and an overlap that nobody is shown. Not for consumers.
with parts as (
    select
        case pair_kind
            when 'measure' then 'split|' || regexp_replace(part_measure, '^not_|:.*$', '', 'g')
            else pair_kind
        end
        || '|'
        || whole_id as sum_id,
        whole_id,
        part_id,
        whole_persons,
        part_persons,
        pair_kind != 'measure' as may_overlap
    from {{ ref('core_drill_down_pair') }}
    where
        pair_kind != 'measure'
        or (whole_measure = 'inflow' and part_measure not in ('clients', 'outflow'))
)

select
    *,
    sum(part_persons) over (partition by sum_id) as together_persons
from parts
-- What a person did in one region or under one provision can be something else for all of them: no sum at all.
qualify sum(part_persons) over (partition by sum_id) >= whole_persons
