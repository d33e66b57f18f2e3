-- Periods between the first and the last of an indicator that the source should have delivered for somebody, and
-- in which it has no row for anybody.
with spans as (
    select
        observation.source_id,
        observation.indicator_id,
        period.period_kind,
        min(period.sort_index) as first_index,
        max(period.sort_index) as last_index
    from {{ ref('core_observation') }} as observation
    inner join {{ ref('core_period') }} as period on observation.period_code = period.period_code
    where observation.is_latest
    group by all
),

seen as (
    select distinct
        source_id,
        indicator_id,
        period_code
    from {{ ref('core_observation') }}
    where is_latest
)

select
    spans.source_id,
    spans.indicator_id,
    period.period_code
from spans
inner join {{ ref('core_period') }} as period
    on
        spans.period_kind = period.period_kind
        and period.sort_index between spans.first_index and spans.last_index
inner join (
    select distinct
        source_id,
        indicator_id,
        period_code
    from {{ source('declared', 'expected') }}
) as expected
    on
        spans.source_id = expected.source_id
        and spans.indicator_id = expected.indicator_id
        and period.period_code = expected.period_code
left join seen
    on
        spans.source_id = seen.source_id
        and spans.indicator_id = seen.indicator_id
        and period.period_code = seen.period_code
where seen.period_code is null
