-- Figures whose change is not told: rounded counts that are too small to tell one from, and the rates that were
-- computed from them. A count is rounded where its indicator is shown in steps of more than one.
with rounded as (
    select indicator_id
    from {{ ref('core_indicator') }}
    where unit = 'count' and rounding > 1
),

few as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        compared.previous_code
    from {{ ref('core_compared') }} as compared
    semi join rounded on compared.indicator_id = rounded.indicator_id
    where {{ too_few_to_change('compared.value', 'compared.previous_value') }}
)

select
    indicator_id,
    region_code,
    period_code,
    geography
from few

union all

select
    rate.indicator_id,
    few.region_code,
    few.period_code,
    few.geography
from few
inner join {{ ref('core_indicator') }} as rate on few.indicator_id = rate.numerator_id
inner join {{ ref('core_compared') }} as compared
    on
        rate.indicator_id = compared.indicator_id
        and few.region_code = compared.region_code
        and few.period_code = compared.period_code
        and few.geography = compared.geography
        and few.previous_code is not distinct from compared.previous_code
