with detected as (
    select
        left(md5(concat_ws('|', indicator_id, region_code, period_code, kind)), 10) as break_id,
        *
    from {{ source('breaks', 'detected') }}
    where alarm or kind = 'gap'
)

select
    detected.break_id,
    detected.indicator_id,
    detected.region_code,
    detected.period_code,
    detected.kind,
    detected.effect_pct,
    detected.effect_low,
    detected.effect_high,
    detected.score,
    detectable.detectable_effect_pct,
    detected.cause,
    array_to_string(detected.event_ids, '|') as event_ids,
    array_to_string(detected.event_shares::decimal(4, 3)[], '|') as event_shares,
    decision.decision,
    decision.because as decided_because
from detected
left join {{ source('breaks', 'detectable') }} as detectable
    on
        detected.indicator_id = detectable.indicator_id
        and detected.region_code = detectable.region_code
left join {{ source('declared', 'decision') }} as decision
    on
        detected.break_id = decision.break_id
        or (
            detected.indicator_id = decision.indicator_id
            and detected.region_code = decision.region_code
            and detected.period_code = decision.period_code
        )
