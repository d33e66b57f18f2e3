-- No verdict is given across a break, and none without a later figure on the same definition.
with later as (
    select
        goal.goal_id,
        goal.region_code,
        preferred.period_code,
        preferred.value,
        baseline.period_code is null as baseline_undated,
        coalesce(period.period_kind = baseline.period_kind, false) as same_kind,
        -- a figure of the same kind of period tells more than a newer one of another kind
        row_number() over (
            partition by goal.goal_id, goal.region_code
            order by
                coalesce(period.period_kind = baseline.period_kind, false) desc,
                period.sort_index desc
        ) as recency
    from {{ source('declared', 'goal') }} as goal
    inner join {{ ref('core_preferred') }} as preferred
        on goal.indicator_id = preferred.indicator_id and goal.region_code = preferred.region_code
    inner join {{ ref('core_period') }} as period on preferred.period_code = period.period_code
    left join {{ ref('core_period') }} as baseline on goal.baseline_period = baseline.period_code
    where
        preferred.value is not null
        and goal.baseline_value is not null
        -- without a date of the baseline nobody can say what is later
        and (baseline.period_code is null or period.end_date > baseline.end_date)
)

select
    goal.goal_id,
    goal.region_code,
    goal.document,
    goal.theme,
    goal.goal_nl,
    goal.indicator_id,
    goal.baseline_period,
    goal.baseline_value,
    goal.rule_nl as rule,
    later.period_code as latest_period,
    later.value as latest_value,
    case
        when goal.kind = 'qualitative' then 'qualitative'
        when goal.baseline_value is null then 'no_baseline'
        when later.value is null then 'not_measured'
        else 'not_comparable'
    end as verdict,
    case
        when goal.kind = 'qualitative' then 'Het doel is kwalitatief geformuleerd; er is geen maat voor afgesproken.'
        when goal.baseline_value is null
            then coalesce(goal.baseline_note, 'Er is geen nulmeting beschikbaar.')
        when later.value is null then 'Na de nulmeting is nog geen cijfer geleverd.'
        when later.baseline_undated
            then 'Er zijn cijfers, maar van de nulmeting is niet bekend over welke periode zij gaat.'
        when not later.same_kind
            then 'Het latere cijfer gaat over een ander soort periode dan de nulmeting, zoals een halfjaar en een jaar.'
        else 'Er is een later cijfer, maar nog niet vastgesteld dat het met de nulmeting te vergelijken is.'
    end as because
from {{ source('declared', 'goal') }} as goal
left join later
    on
        goal.goal_id = later.goal_id
        and goal.region_code = later.region_code
        and later.recency = 1
