-- Which counts of the drill-down belong together, two by two: a year and a half-year in it, a law and a provision under
-- it, a group of municipalities and a member, and, of the same persons, those who began or came by the wijkteam and the
-- ways in which they did. What follows from a pair is for the models that read it. Not for consumers.
with cell as (
    select * from {{ ref('core_drill_down_cell') }}
),

member as (
    select
        law,
        region_code,
        unnest(member_codes) as member_code
    from {{ ref('core_person_window') }}
    where len(member_codes) > 1
),

pairs as (
    select
        'year' as pair_kind,
        whole.cell_id as whole_id,
        part.cell_id as part_id
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
        'law' as pair_kind,
        whole.cell_id as whole_id,
        part.cell_id as part_id
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
        'region' as pair_kind,
        whole.cell_id as whole_id,
        part.cell_id as part_id
    from cell as whole
    inner join member on whole.law = member.law and whole.region_code = member.region_code
    inner join cell as part
        on
            whole.law = part.law
            and member.member_code = part.region_code
            and whole.provision = part.provision
            and whole.period_code = part.period_code
            and whole.measure = part.measure

    union all

    select
        'measure' as pair_kind,
        whole.cell_id as whole_id,
        part.cell_id as part_id
    from cell as whole
    inner join cell as part
        on
            whole.law = part.law
            and whole.region_code = part.region_code
            and whole.provision = part.provision
            and whole.period_code = part.period_code
            and whole.measure != part.measure
    where whole.measure in ('clients', 'inflow', 'wijkteam')
)

select
    pairs.pair_kind,
    pairs.whole_id,
    pairs.part_id,
    whole.measure as whole_measure,
    part.measure as part_measure,
    whole.region_code as whole_region,
    whole.persons as whole_persons,
    part.persons as part_persons
from pairs
inner join cell as whole on pairs.whole_id = whole.cell_id
inner join cell as part on pairs.part_id = part.cell_id
