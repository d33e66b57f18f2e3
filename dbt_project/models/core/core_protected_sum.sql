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
    select
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
from complaints
