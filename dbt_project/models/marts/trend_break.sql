with detected as (
    select
        left(md5(concat_ws('|', indicator_id, region_code, period_code, kind)), 10) as break_id,
        -- Why a figure was not delivered is a matter of who says so: it stands in coverage. An event that happened
        -- around that time is no reason, so that a gap is never put down to one.
        * replace (case when kind = 'gap' then 'unexplained' else cause end as cause)
    from {{ source('breaks', 'detected') }}
    where alarm or kind = 'gap'
),

-- An indicator that comes by half-year and by year was tested twice; what both would have found was detectable.
detectable as (
    select
        indicator_id,
        region_code,
        max(detectable_effect_pct) as detectable_effect_pct
    from {{ source('breaks', 'detectable') }}
    group by indicator_id, region_code
),

-- A break may be named by its id, by its series and period, or by both, and more than once: the newest decision
-- counts, and of one day the one that names the id.
decided as (
    select
        detected.break_id,
        decision.decision,
        decision.because
    from detected
    inner join {{ ref('core_decision') }} as decision
        on
            detected.break_id = decision.break_id
            or (
                detected.indicator_id = decision.indicator_id
                and detected.region_code = decision.region_code
                and detected.period_code = decision.period_code
            )
    qualify
        row_number() over (
            partition by detected.break_id
            order by
                decision.decided_on desc,
                (decision.break_id is null) asc,
                decision.decision asc,
                decision.because asc
        ) = 1
)

select
    detected.break_id,
    detected.indicator_id,
    detected.region_code,
    detected.period_code,
    indicator.label_nl,
    region.region_name,
    detected.kind,
    {{ break_kind_nl('detected.kind') }} as kind_nl,
    detected.effect_pct,
    detected.effect_low,
    detected.effect_high,
    detected.score,
    detectable.detectable_effect_pct,
    detected.cause,
    {{ break_cause_nl('detected.cause') }} as cause_nl,
    case when detected.kind != 'gap' then array_to_string(detected.event_ids, '|') end as event_ids,
    case
        when detected.kind != 'gap' then array_to_string(detected.event_shares::decimal(4, 3)[], '|')
    end as event_shares,
    decided.decision,
    decided.because as decided_because,
    detected.returned_in
from detected
left join detectable
    on
        detected.indicator_id = detectable.indicator_id
        and detected.region_code = detectable.region_code
left join decided on detected.break_id = decided.break_id
left join {{ ref('core_indicator') }} as indicator on detected.indicator_id = indicator.indicator_id
left join {{ ref('core_region_name') }} as region on detected.region_code = region.region_code
