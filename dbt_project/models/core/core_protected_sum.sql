-- Which counts of persons are the sum of which others; a count may be the total of several sums. Not for consumers.
with drill_down as (
    select
        sum_id,
        case when may_overlap then 'together|' || sum_id else whole_id end as total_cell_id,
        part_id as part_cell_id
    from {{ ref('core_drill_down_sum') }}
),

once as (
    select distinct
        'once|' || sum_id as sum_id,
        'together|' || sum_id as total_cell_id,
        unnest([whole_id, 'overlap|' || sum_id]) as part_cell_id
    from {{ ref('core_drill_down_sum') }}
    where may_overlap
),

within as (
    select distinct
        sum_id,
        whole_id as total_cell_id,
        unnest([part_id, 'rest|' || sum_id]) as part_cell_id
    from {{ ref('core_drill_down_within') }}
),

laws as (
    select * from {{ ref('core_stapeling_cell') }}
    where measure = 'laws'
),

number_of_laws as (
    select
        'number_of_laws|' || whole.cell_id as sum_id,
        whole.cell_id as total_cell_id,
        laws.cell_id as part_cell_id
    from {{ ref('core_stapeling_cell') }} as whole
    inner join laws
        on
            whole.region_code = laws.region_code
            and whole.period_code = laws.period_code
            and whole.number_of_laws = laws.number_of_laws
    where whole.measure = 'persons'
),

clients_of_law as (
    select
        'laws|' || whole.cell_id as sum_id,
        whole.cell_id as total_cell_id,
        laws.cell_id as part_cell_id
    from {{ ref('core_drill_down_cell') }} as whole
    inner join laws
        on
            whole.region_code = laws.region_code
            and whole.period_code = laws.period_code
            and laws.law_bits & case whole.law when 'wmo' then 1 when 'jeugd' then 2 else 4 end > 0
    where whole.measure = 'clients' and whole.provision = 'totaal'
),

-- persons by the number of laws are all persons, and all households with what is left are that too
households as (
    select
        concat_ws('|', persons.measure, 'all', persons.region_code, persons.period_code) as sum_id,
        concat_ws('|', 'all_persons', persons.region_code, persons.period_code) as total_cell_id,
        persons.cell_id as part_cell_id
    from {{ ref('core_stapeling_cell') }} as persons
    inner join (
        select distinct
            region_code,
            period_code
        from {{ ref('core_stapeling_cell') }}
        where measure = 'households'
    ) as counted
        on persons.region_code = counted.region_code and persons.period_code = counted.period_code
    where persons.measure in ('persons', 'households')
    union all
    select
        concat_ws('|', 'households', 'all', region_code, period_code) as sum_id,
        concat_ws('|', 'all_persons', region_code, period_code) as total_cell_id,
        concat_ws('|', 'rest', 'households', region_code, period_code) as part_cell_id
    from {{ ref('core_stapeling_cell') }}
    where measure = 'households' and number_of_laws = 1
    union all
    select
        concat_ws('|', 'households', 'one', persons.region_code, persons.period_code) as sum_id,
        persons.cell_id as total_cell_id,
        unnest(
            [
                households.cell_id,
                concat_ws('|', 'rest', 'households_of_one', persons.region_code, persons.period_code)
            ]
        ) as part_cell_id
    from {{ ref('core_stapeling_cell') }} as persons
    inner join {{ ref('core_stapeling_cell') }} as households
        on
            persons.region_code = households.region_code
            and persons.period_code = households.period_code
            and persons.number_of_laws = households.number_of_laws
    where persons.measure = 'persons' and households.measure = 'households' and persons.number_of_laws = 1
),

complaints as (
    select
        sum_id,
        total_cell_id,
        part_cell_id
    from {{ ref('core_complaint_sum') }}
    union all
    select distinct
        sum_id,
        total_cell_id,
        'rest|' || sum_id as part_cell_id
    from {{ ref('core_complaint_sum') }}
    where rest > 0
)

select
    *,
    1 as sign
from drill_down
union all
select
    *,
    1 as sign
from once
union all
select
    *,
    1 as sign
from within
where part_cell_id is not null
union all
select
    *,
    1 as sign
from number_of_laws
union all
select
    *,
    1 as sign
from clients_of_law
union all
select
    *,
    1 as sign
from households
union all
select
    *,
    1 as sign
from complaints
