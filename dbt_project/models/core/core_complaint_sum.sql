-- Which counts of complaints add up to which: subjects to a law, laws to all of them, parts of a year to the year, and
-- municipalities to the group they work in. What the parts leave of the whole is a count of its own, which a reader can
-- find by subtracting. Parts that come to more than the whole are no sum. Not for consumers.
with cell as (
    select
        complaint.*,
        period.period_kind,
        period.start_date,
        period.end_date
    from {{ ref('core_complaint') }} as complaint
    inner join {{ ref('core_period') }} as period on complaint.period_code = period.period_code
),

members as (
    select distinct
        member.group_code,
        member.member_code,
        cell.period_code
    from {{ ref('core_region_member') }} as member
    inner join cell on member.group_code = cell.region_code
    where coalesce(member.year::varchar, left(cell.period_code, 4)) = left(cell.period_code, 4)
),

pairs as (
    select
        'subjects|' || whole.cell_id as sum_id,
        whole.cell_id as total_cell_id,
        whole.complaints as total,
        part.cell_id as part_cell_id,
        part.complaints
    from cell as whole
    inner join cell as part
        on
            whole.region_code = part.region_code
            and whole.period_code = part.period_code
            and whole.law = part.law
    where whole.subject = 'totaal' and part.subject != 'totaal'

    union all

    select
        'laws|' || whole.cell_id as sum_id,
        whole.cell_id as total_cell_id,
        whole.complaints as total,
        part.cell_id as part_cell_id,
        part.complaints
    from cell as whole
    inner join cell as part
        on
            whole.region_code = part.region_code
            and whole.period_code = part.period_code
    where whole.law = 'totaal' and part.law != 'totaal' and part.subject = 'totaal'

    union all

    select
        'periods|' || part.period_kind || '|' || whole.cell_id as sum_id,
        whole.cell_id as total_cell_id,
        whole.complaints as total,
        part.cell_id as part_cell_id,
        part.complaints
    from cell as whole
    inner join cell as part
        on
            whole.region_code = part.region_code
            and whole.law = part.law
            and whole.subject = part.subject
            and whole.period_code != part.period_code
            and whole.start_date <= part.start_date
            and whole.end_date >= part.end_date

    union all

    select
        'members|' || whole.cell_id as sum_id,
        whole.cell_id as total_cell_id,
        whole.complaints as total,
        part.cell_id as part_cell_id,
        part.complaints
    from cell as whole
    inner join members
        on whole.region_code = members.group_code and whole.period_code = members.period_code
    inner join cell as part
        on
            members.member_code = part.region_code
            and whole.period_code = part.period_code
            and whole.law = part.law
            and whole.subject = part.subject
)

select
    sum_id,
    total_cell_id,
    part_cell_id,
    (total - sum(complaints) over (partition by sum_id))::bigint as rest
from pairs
qualify sum(complaints) over (partition by sum_id) <= total
