-- Figures on the level of the newest regime: multiplied by the factors of all later breaks of their series. Steps
-- compose, and their errors add up in squares on the scale of logarithms. One break that cannot be linked, or one that
-- lies within the period of a figure itself, leaves every figure before it as it is.
with figures as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        harmonised.value,
        harmonised.is_computed,
        {{ periods_per_year('harmonised.period_code') }} as per_year,
        period.start_date,
        period.end_date
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_period') }} as period on harmonised.period_code = period.period_code
    where harmonised.value is not null
),

stepped as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.geography,
        figures.value,
        {{ sum_in_order('link.link_log') }} as total_log,
        sqrt({{ sum_in_order('link.link_se ^ 2') }}) as total_se,
        string_agg(link.break_id, '|' order by link.start_date, link.break_id) as break_ids,
        list_distinct(list(found.link_method)) as methods,
        list_distinct(flatten(list(string_split(found.event_ids, '|')[1:1]))) as events
    from figures
    inner join {{ ref('core_link') }} as link
        on
            figures.indicator_id = link.indicator_id
            and figures.region_code = link.region_code
            and figures.per_year = link.per_year
            and figures.is_computed = link.is_computed
            and figures.start_date < link.start_date
    inner join {{ ref('trend_break') }} as found on link.break_id = found.break_id
    group by
        figures.indicator_id, figures.region_code, figures.period_code, figures.geography, figures.value
    having bool_and(link.link_log is not null and figures.end_date < link.start_date)
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    value,
    exp(total_log) as linked_factor,
    value * exp(total_log) as value_linked,
    least(value * exp(total_log - 1.96 * total_se), value * exp(total_log + 1.96 * total_se)) as linked_low,
    greatest(value * exp(total_log - 1.96 * total_se), value * exp(total_log + 1.96 * total_se)) as linked_high,
    -- of several ways the least sure one names the figure
    case
        when list_contains(methods, 'estimated_step') then 'estimated_step'
        when list_contains(methods, 'overlap') then 'overlap'
        else 'unit'
    end as method,
    break_ids,
    nullif(array_to_string(list_sort(events), '|'), '') as event_ids
from stepped
