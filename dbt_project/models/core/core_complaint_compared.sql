-- Complaints beside the same part of the year before, and what stands between the two: other borders, or another way to
-- register. The totals over laws and subjects are no safer than their parts.
with cell as (
    select
        complaint.*,
        period.start_date,
        period.end_date,
        period.year_before_code
    from {{ ref('core_complaint') }} as complaint
    inner join {{ ref('core_period') }} as period on complaint.period_code = period.period_code
),

pairs as (
    select
        cell.cell_id,
        cell.region_code,
        cell.period_code,
        cell.law,
        cell.subject,
        cell.source_id,
        cell.end_date,
        cell.year_before_code as previous_period,
        previous.cell_id as previous_cell_id,
        before.start_date as previous_start
    from cell
    left join {{ ref('core_period') }} as before on cell.year_before_code = before.period_code
    left join cell as previous
        on
            cell.region_code = previous.region_code
            and cell.law = previous.law
            and cell.subject = previous.subject
            and cell.year_before_code = previous.period_code
),

changed as (
    select
        event.event_id,
        scope.region_code,
        replace(scope.indicator_id, 'klachten_over_', '') as law,
        event.window_start,
        event.window_end,
        {{ reason_of_event('event.kind') }} as reason
    from {{ ref('core_event') }} as event
    inner join {{ source('declared', 'event_scope') }} as scope on event.event_id = scope.event_id
    where
        scope.indicator_id like 'klachten\_over\_%' escape '\'
        and event.nature = 'measurement'
        -- borders are known to the day from the list of changes
        and event.kind != 'herindeling'
),

between_them as (
    select
        pairs.cell_id,
        changed.event_id,
        changed.reason
    from pairs
    inner join changed
        on
            pairs.region_code = changed.region_code
            and pairs.law in (changed.law, 'totaal')
            and pairs.previous_start < changed.window_end
            and pairs.end_date >= changed.window_start

    union

    select
        pairs.cell_id,
        null as event_id,
        'boundary_change' as reason
    from pairs
    inner join {{ source('raw', 'region_change') }} as moved
        on
            pairs.region_code = moved.to_code
            and moved.kind = 'herindeling'
            and moved.from_code != moved.to_code
            and pairs.previous_start < moved.effective_date
            and pairs.end_date >= moved.effective_date
)

select
    pairs.cell_id,
    pairs.region_code,
    pairs.period_code,
    pairs.law,
    pairs.subject,
    pairs.source_id,
    pairs.previous_period,
    pairs.previous_cell_id,
    coalesce(list_sort(list_distinct(list(between_them.reason) filter (where between_them.reason is not null))), [])
        as reasons,
    string_agg(distinct between_them.event_id, '|' order by between_them.event_id) as event_ids
from pairs
left join between_them on pairs.cell_id = between_them.cell_id
group by all
