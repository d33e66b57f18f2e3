-- The newest figure after the baseline of every goal that has one, with how far either may be off. Where all breaks
-- between the two were linked, the baseline moves to the level of the newest figure.
with figures as (
    select
        indicator_id,
        region_code,
        period_code,
        value,
        obs_status,
        is_computed
    from {{ ref('core_harmonised') }}
    where geography = 'published' and value is not null

    union all

    -- answers that were counted are a figure as well, where nobody delivered one
    select
        counted.indicator_id,
        counted.region_code,
        counted.period_code,
        counted.value,
        'A' as obs_status,
        false as is_computed
    from {{ ref('core_survey_figure') }} as counted
    where counted.is_counted and counted.indicator_id is not null and counted.value is not null
),

later as (
    select
        goal.goal_id,
        goal.region_code,
        goal.indicator_id,
        goal.baseline_period,
        goal.baseline_value,
        figures.period_code as latest_period,
        figures.value as latest_value,
        figures.obs_status as latest_status,
        figures.is_computed,
        baseline.start_date as baseline_start,
        baseline.end_date as baseline_end,
        period.start_date as latest_start,
        period.end_date as latest_end,
        coalesce(period.period_kind = baseline.period_kind, false) as same_kind
    from {{ source('declared', 'goal') }} as goal
    inner join figures on goal.indicator_id = figures.indicator_id and goal.region_code = figures.region_code
    inner join {{ ref('core_period') }} as period on figures.period_code = period.period_code
    left join {{ ref('core_period') }} as baseline on goal.baseline_period = baseline.period_code
    where
        goal.baseline_value is not null
        -- without a date of the baseline nobody can say what is later
        and (baseline.period_code is null or period.end_date > baseline.end_date)
    -- a figure of the same kind of period tells more than a newer one of another kind
    qualify
        row_number() over (
            partition by goal.goal_id, goal.region_code
            order by same_kind desc, period.sort_index desc
        ) = 1
),

linked as (
    select
        later.goal_id,
        later.region_code,
        exp({{ sum_in_order('link.link_log') }}) as factor,
        -- by how much of itself the baseline may be off, downwards and upwards
        1 - exp(-1.96 * sqrt({{ sum_in_order('link.link_se ^ 2') }})) as off_below,
        exp(1.96 * sqrt({{ sum_in_order('link.link_se ^ 2') }})) - 1 as off_above
    from later
    inner join {{ ref('core_link') }} as link
        on
            later.indicator_id = link.indicator_id
            and later.region_code = link.region_code
            and later.is_computed = link.is_computed
            and {{ periods_per_year('later.latest_period') }} = link.per_year
            and later.baseline_start < link.start_date
            and later.latest_start >= link.start_date
    where later.same_kind
    group by later.goal_id, later.region_code
    having bool_and(link.link_log is not null and later.baseline_end < link.start_date)
)

select
    later.*,
    linked.factor as linked_factor,
    later.baseline_value * coalesce(linked.factor, 1) as compared_value,
    indicator.survey is not null as is_survey,
    coalesce(now.ci_low, later.latest_value) as latest_low,
    coalesce(now.ci_high, later.latest_value) as latest_high,
    now.ci_low is not null as has_interval,
    -- between what the difference lies, by Newcombe's way of putting two intervals together
    later.latest_value - compared_value - sqrt(
        pow(later.latest_value - coalesce(now.ci_low, later.latest_value), 2)
        + pow(coalesce(before.ci_high - before.value, 0) * coalesce(linked.factor, 1), 2)
        + pow(coalesce(linked.off_above, 0) * compared_value, 2)
    ) as change_low,
    later.latest_value - compared_value + sqrt(
        pow(coalesce(now.ci_high, later.latest_value) - later.latest_value, 2)
        + pow(coalesce(before.value - before.ci_low, 0) * coalesce(linked.factor, 1), 2)
        + pow(coalesce(linked.off_below, 0) * compared_value, 2)
    ) as change_high
from later
inner join {{ ref('core_indicator') }} as indicator on later.indicator_id = indicator.indicator_id
left join {{ ref('core_survey_figure') }} as now
    on
        later.indicator_id = now.indicator_id
        and later.region_code = now.region_code
        and later.latest_period = now.period_code
left join {{ ref('core_survey_figure') }} as before
    on
        later.indicator_id = before.indicator_id
        and later.region_code = before.region_code
        and later.baseline_period = before.period_code
left join linked
    on
        later.goal_id = linked.goal_id
        and later.region_code = linked.region_code
