with conflicts as (
    select
        *,
        'two_sources' as conflict_kind
    from {{ ref('core_conflict') }}

    union all by name

    select
        *,
        'rate_against_counts' as conflict_kind
    from {{ ref('core_rate_conflict') }}
)

select
    conflicts.indicator_id,
    conflicts.region_code,
    conflicts.period_code,
    conflicts.conflict_kind,
    {{ conflict_kind_nl('conflicts.conflict_kind') }} as conflict_kind_nl,
    indicator.label_nl,
    region.region_name,
    conflicts.source_id,
    conflicts.value,
    conflicts.other_source_id,
    conflicts.other_value,
    conflicts.difference_pct
from conflicts
left join {{ ref('core_indicator') }} as indicator on conflicts.indicator_id = indicator.indicator_id
left join {{ ref('core_region_name') }} as region on conflicts.region_code = region.region_code
