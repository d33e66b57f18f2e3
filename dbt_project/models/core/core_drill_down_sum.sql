-- Which counts of the drill-down add up to which. Persons are counted once over two half-years, two provisions or two
-- regions: there the parts together are the whole and an overlap that nobody is shown. Not for consumers.
with cell as (
    select * from {{ ref('core_drill_down_cell') }}
),

split as (
    select
        'split|' || regexp_replace(part.measure, '^not_|:.*$', '', 'g') || '|' || whole.cell_id as sum_id,
        whole.cell_id as whole_id,
        part.cell_id as part_id,
        whole.persons as whole_persons,
        part.persons as part_persons,
        false as may_overlap
    from cell as whole
    inner join cell as part
        on
            whole.law = part.law
            and whole.region_code = part.region_code
            and whole.provision = part.provision
            and whole.period_code = part.period_code
    where
        whole.measure = 'inflow'
        and part.measure not in ('clients', 'inflow', 'outflow')
),

pairs as (
    select
        'year|' || whole.cell_id as sum_id,
        whole.cell_id as whole_id,
        part.cell_id as part_id,
        whole.persons as whole_persons,
        part.persons as part_persons,
        true as may_overlap
    from cell as whole
    inner join cell as part
        on
            whole.law = part.law
            and whole.region_code = part.region_code
            and whole.provision = part.provision
            and whole.measure = part.measure
            and whole.period_code = left(part.period_code, 4)
    where whole.period_kind = 'year' and part.period_kind = 'half_year'
    union all
    select
        'law|' || whole.cell_id as sum_id,
        whole.cell_id as whole_id,
        part.cell_id as part_id,
        whole.persons as whole_persons,
        part.persons as part_persons,
        true as may_overlap
    from cell as whole
    inner join cell as part
        on
            whole.law = part.law
            and whole.region_code = part.region_code
            and whole.period_code = part.period_code
            and whole.measure = part.measure
    where whole.provision = 'totaal' and part.provision != 'totaal'
    union all
    select
        'region|' || whole.cell_id as sum_id,
        whole.cell_id as whole_id,
        part.cell_id as part_id,
        whole.persons as whole_persons,
        part.persons as part_persons,
        true as may_overlap
    from cell as whole
    inner join (
        select
            law,
            region_code,
            unnest(member_codes) as member_code
        from {{ ref('core_person_window') }}
        where len(member_codes) > 1
    ) as scope
        on whole.law = scope.law and whole.region_code = scope.region_code
    inner join cell as part
        on
            whole.law = part.law
            and scope.member_code = part.region_code
            and whole.provision = part.provision
            and whole.period_code = part.period_code
            and whole.measure = part.measure
),

every as (
    select * from split
    union all
    select * from pairs
)

select
    *,
    sum(part_persons) over (partition by sum_id) as together_persons
from every
-- What a person did in one region or under one provision can be something else for all of them: no sum at all.
qualify sum(part_persons) over (partition by sum_id) >= whole_persons
