-- Which persons of the drill-down are among which others, and how many are left. Who has, begins or ends a provision in
-- a half-year does so in the year; who has it in one half-year of the two only, begins or ends it there; who begins or
-- ends it has it; who has one provision has one of the law, in a region and in its group; who came by the municipality
-- came by the wijkteam. Without these sums a hidden count could be found by the ways one person can go. Not for
-- consumers.
with cell as (
    select * from {{ ref('core_drill_down_cell') }}
),

half as (
    select unnest(['H1', 'H2']) as half_code
),

-- a half-year without a row is one of nobody: then the whole year is left
besides as (
    select
        whole.law,
        whole.region_code,
        whole.provision,
        whole.period_code,
        whole.measure,
        half.half_code,
        'besides|' || half.half_code || '|' || whole.cell_id as sum_id,
        whole.cell_id as whole_id,
        part.cell_id as part_id,
        whole.persons - coalesce(part.persons, 0) as rest
    from cell as whole
    cross join half
    left join cell as part
        on
            whole.law = part.law
            and whole.region_code = part.region_code
            and whole.provision = part.provision
            and whole.measure = part.measure
            and whole.period_code || half.half_code = part.period_code
    where
        whole.period_kind = 'year'
        and whole.measure in ('clients', 'inflow', 'outflow', 'returned', 'crisis', 'wijkteam')
),

in_one_half as (
    select
        'one_half|' || moved.half_code || '|' || moved.whole_id as sum_id,
        'rest|' || moved.sum_id as whole_id,
        'rest|' || had.sum_id as part_id,
        moved.rest - had.rest as rest
    from besides as moved
    inner join besides as had
        on
            moved.law = had.law
            and moved.region_code = had.region_code
            and moved.provision = had.provision
            and moved.period_code = had.period_code
            and moved.half_code = had.half_code
    where
        had.measure = 'clients'
        -- new after the first half-year, or gone before the second
        and moved.measure = case moved.half_code when 'H1' then 'inflow' else 'outflow' end
),

pair as (
    select
        *,
        whole_persons - part_persons as rest
    from {{ ref('core_drill_down_pair') }}
),

moved as (
    select
        'moved|' || part_id as sum_id,
        whole_id,
        part_id,
        rest
    from pair
    where whole_measure = 'clients' and part_measure in ('inflow', 'outflow')
),

-- only of clients: what is a beginning under one provision can be none under the law, and the same goes for regions
among as (
    select
        'among|' || case pair_kind when 'law' then 'law' else 'region|' || whole_region end || '|' || part_id as sum_id,
        whole_id,
        part_id,
        rest
    from pair
    where pair_kind in ('law', 'region') and whole_measure = 'clients'
),

-- of several such referrers together: nobody is counted under two
referred as (
    select
        'referred|' || pair.whole_id as sum_id,
        pair.whole_id,
        pair.part_id,
        pair.whole_persons - sum(pair.part_persons) over (partition by pair.whole_id) as rest
    from pair
    inner join {{ ref('core_referrer') }} as referrer on pair.part_measure = 'referrer:' || referrer.referrer
    where pair.whole_measure = 'wijkteam' and referrer.is_wijkteam
)

select
    sum_id,
    whole_id,
    part_id,
    rest
from besides
union all
select * from in_one_half
union all
select * from moved
union all
select * from among
union all
select * from referred
