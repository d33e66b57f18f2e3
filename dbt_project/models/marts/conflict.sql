select
    indicator_id,
    region_code,
    period_code,
    'two_sources' as conflict_kind,
    source_id,
    value,
    other_source_id,
    other_value,
    difference_pct
from {{ ref('core_conflict') }}

union all

select
    indicator_id,
    region_code,
    period_code,
    'rate_against_counts' as conflict_kind,
    source_id,
    value,
    other_source_id,
    other_value,
    difference_pct
from {{ ref('core_rate_conflict') }}
