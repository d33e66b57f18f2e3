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
    select
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
select * from complaints
union all
select * from complaints_left
