-- Every count of persons that we make ourselves, exact. A mart shows of it what `privacy.shown` holds and nothing else.
-- What is not published is only there so that sums go through it. Not for consumers.
with drill_down as (
    select
        cell_id,
        'drill_down' as table_name,
        region_code,
        period_code,
        'published' as geography,
        json_object('law', law, 'provision', provision, 'measure', measure)::varchar as key,
        persons,
        smallest_count as k,
        count_rounding as round_to,
        true as is_published
    from {{ ref('core_drill_down_cell') }}
),

-- What parts of a whole count twice, and what they are together.
together as (
    select distinct
        'together|' || sum_id as cell_id,
        'drill_down' as table_name,
        null as region_code,
        null as period_code,
        'published' as geography,
        null::varchar as key,
        together_persons::bigint as persons,
        1 as k,
        1 as round_to,
        false as is_published
    from {{ ref('core_drill_down_sum') }}
    where may_overlap
),

overlap as (
    select distinct
        'overlap|' || sum_id as cell_id,
        'drill_down' as table_name,
        null as region_code,
        null as period_code,
        'published' as geography,
        null::varchar as key,
        (together_persons - whole_persons)::bigint as persons,
        1 as k,
        1 as round_to,
        false as is_published
    from {{ ref('core_drill_down_sum') }}
    where may_overlap
),

drill_down_left as (
    select distinct
        'rest|' || sum_id as cell_id,
        'drill_down' as table_name,
        null as region_code,
        null as period_code,
        'published' as geography,
        null::varchar as key,
        rest as persons,
        1 as k,
        1 as round_to,
        false as is_published
    from {{ ref('core_drill_down_within') }}
),

stapeling as (
    select
        cell_id,
        'stapeling' as table_name,
        region_code,
        period_code,
        'published' as geography,
        json_object('measure', measure, 'number_of_laws', number_of_laws)::varchar as key,
        persons,
        smallest_count as k,
        count_rounding as round_to,
        is_published
    from {{ ref('core_stapeling_cell') }}
),

-- In every household is a person, and in one of one law nobody has another.
households as (
    select
        region_code,
        period_code,
        sum(persons) filter (where measure = 'persons')::bigint as all_persons,
        sum(persons) filter (where measure = 'households')::bigint as all_households,
        sum(persons) filter (where measure = 'persons' and number_of_laws = 1)::bigint as persons_of_one,
        sum(persons) filter (where measure = 'households' and number_of_laws = 1)::bigint as households_of_one
    from {{ ref('core_stapeling_cell') }}
    where measure in ('persons', 'households')
    group by region_code, period_code
),

beside_households as (
    select
        concat_ws('|', name, region_code, period_code) as cell_id,
        'stapeling' as table_name,
        null as region_code,
        null as period_code,
        'published' as geography,
        null::varchar as key,
        persons,
        1 as k,
        1 as round_to,
        false as is_published
    from (
        select
            region_code,
            period_code,
            unnest(['all_persons', 'rest|households', 'rest|households_of_one']) as name,
            unnest([all_persons, all_persons - all_households, persons_of_one - households_of_one]) as persons
        from households
        where all_households is not null
    ) as helper
),

complaints as (
    select
        cell_id,
        'complaint' as table_name,
        region_code,
        period_code,
        'published' as geography,
        json_object('law', law, 'subject', subject)::varchar as key,
        complaints as persons,
        smallest_count as k,
        count_rounding as round_to,
        true as is_published
    from {{ ref('core_complaint') }}
),

-- A reader can take the parts from the whole: what they leave is protected as if it were shown.
complaints_left as (
    select distinct
        'rest|' || adds_up.sum_id as cell_id,
        'complaint' as table_name,
        null as region_code,
        null as period_code,
        'published' as geography,
        null::varchar as key,
        adds_up.rest as persons,
        whole.smallest_count as k,
        whole.count_rounding as round_to,
        true as is_published
    from {{ ref('core_complaint_sum') }} as adds_up
    inner join {{ ref('core_complaint') }} as whole on adds_up.total_cell_id = whole.cell_id
    where adds_up.rest > 0
)

select * from drill_down
union all
select * from together
union all
select * from overlap
union all
select * from drill_down_left
union all
select * from stapeling
union all
select * from beside_households
union all
select * from complaints
union all
select * from complaints_left
