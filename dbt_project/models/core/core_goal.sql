{{ config(materialized='view') }}

select
    goal_id,
    region_code,
    document,
    section,
    effect_nl,
    theme,
    goal_nl,
    measure_nl,
    indicator_id,
    baseline_period,
    baseline_value,
    unit,
    baseline_note,
    rule_kind,
    rule_value,
    rule_by_date,
    rule_nl,
    kind,
    source_nl
from {{ source('declared', 'goal') }}
