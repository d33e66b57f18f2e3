-- Figures of the wrong order of magnitude: from the break on, until the series came back. A rate has it where it was
-- computed from the count that has; the population below the line turns it round. What somebody rejected is none.
with broken as (
    select
        trend_break.indicator_id,
        trend_break.region_code,
        1 + trend_break.effect_pct / 100 as ratio,
        period.start_date as broken_on,
        coalesce(returned.start_date, '9999-12-31'::date) as returned_on
    from {{ ref('trend_break') }} as trend_break
    inner join {{ ref('core_period') }} as period on trend_break.period_code = period.period_code
    left join {{ ref('core_period') }} as returned on trend_break.returned_in = returned.period_code
    where trend_break.kind = 'scale' and trend_break.decision is distinct from 'rejected'
),

feeling as (
    select
        indicator_id,
        indicator_id as broken_id,
        false as must_be_computed,
        false as is_below
    from {{ ref('core_indicator') }}
    union all
    select
        indicator_id,
        numerator_id as broken_id,
        true as must_be_computed,
        false as is_below
    from {{ ref('core_indicator') }}
    union all
    select
        indicator_id,
        denominator_id as broken_id,
        true as must_be_computed,
        true as is_below
    from {{ ref('core_indicator') }}
),

found as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        case when feeling.is_below then 1 / broken.ratio else broken.ratio end as ratio
    from broken
    inner join feeling on broken.indicator_id = feeling.broken_id
    inner join {{ ref('core_harmonised') }} as harmonised
        on
            feeling.indicator_id = harmonised.indicator_id
            and broken.region_code = harmonised.region_code
            and (harmonised.is_computed or not feeling.must_be_computed)
    inner join {{ ref('core_period') }} as period
        on
            harmonised.period_code = period.period_code
            and broken.returned_on > period.start_date
            and broken.broken_on <= period.end_date
    where harmonised.value is not null
    qualify
        row_number() over (
            partition by
                harmonised.indicator_id, harmonised.region_code, harmonised.period_code, harmonised.geography
            order by feeling.must_be_computed, feeling.is_below, broken.broken_on
        ) = 1
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    'Dit cijfer is ongeveer '
    || round(greatest(ratio, 1 / ratio))::bigint
    || case when ratio > 1 then ' keer zo groot' else ' keer zo klein' end
    || ' als de rest van de reeks; waarschijnlijk klopt de eenheid niet.' as caution_nl
from found
