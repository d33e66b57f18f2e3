-- Complaints as they were last delivered, with the totals over subjects and over laws. Exact: a mart shows of it what
-- the privacy step lets through. Not for consumers.
with delivered as (
    select
        counted.*,
        source.smallest_count,
        source.count_rounding
    from {{ ref('stg_complaints__counts') }} as counted
    inner join {{ source('raw', 'delivery') }} as delivery on counted.vintage_id = delivery.vintage_id
    inner join {{ source('declared', 'source') }} as source on counted.source_id = source.source_id
    where delivery.is_current
    -- a newer delivery replaces what it is about as a whole: a subject that is gone from it is gone
    qualify
        dense_rank() over (
            partition by counted.region_code, counted.period_code, counted.law
            order by
                delivery.vintage_order desc nulls first,
                delivery.vintage_date desc,
                delivery.fetched_at desc,
                counted.vintage_id desc
        ) = 1
),

every as (
    select
        coalesce(law, 'totaal') as law,
        coalesce(subject, 'totaal') as subject,
        region_code,
        period_code,
        any_value(source_id) as source_id,
        sum(complaints)::bigint as complaints,
        max(smallest_count) as smallest_count,
        max(count_rounding) as count_rounding
    from delivered
    group by grouping sets (
        (region_code, period_code, law, subject),
        (region_code, period_code, law),
        (region_code, period_code)
    )
)

select
    concat_ws('|', 'complaint', region_code, period_code, law, subject) as cell_id,
    region_code,
    period_code,
    law,
    subject,
    source_id,
    complaints,
    smallest_count,
    count_rounding
from every
