-- No verdict is given across a break, and none without a later figure on the same definition.
with measured as (
    select
        goal.*,
        region.region_name,
        figure.latest_period,
        figure.latest_value,
        figure.latest_status,
        figure.baseline_end,
        figure.latest_end,
        figure.same_kind,
        figure.is_survey,
        figure.has_interval,
        figure.linked_factor,
        figure.compared_value,
        figure.latest_low,
        figure.latest_high,
        figure.change_low,
        figure.change_high,
        obstacle.break_id,
        obstacle.because as obstacle_nl,
        coalesce(figure.compared_value, goal.baseline_value) as start_value,
        case goal.rule_kind
            when 'by_percent' then start_value * (1 + goal.rule_value / 100)
            when 'to_value' then goal.rule_value
            else coalesce(goal.rule_value, start_value)
        end as target,
        goal.rule_kind in ('falls', 'not_above')
        or (goal.rule_kind in ('by_percent', 'to_value') and target < figure.compared_value) as wants_less,
        coalesce(figure.latest_end < goal.rule_by_date, false) as is_before
    from {{ ref('core_goal') }} as goal
    left join {{ ref('core_goal_figure') }} as figure
        on goal.goal_id = figure.goal_id and goal.region_code = figure.region_code
    left join {{ ref('core_goal_obstacle') }} as obstacle
        on goal.goal_id = obstacle.goal_id and goal.region_code = obstacle.region_code
    left join {{ ref('core_region_name') }} as region on goal.region_code = region.region_code
),

placed as (
    select
        *,
        case
            when wants_less then change_high < 0 and not {{ same_figure('change_high', '0') }}
            else change_low > 0 and not {{ same_figure('change_low', '0') }}
        end as moved,
        case
            when is_before
                then
                    compared_value + (target - compared_value)
                    * date_diff('day', baseline_end, latest_end) / date_diff('day', baseline_end, rule_by_date)
        end as expected
    from measured
),

held_against as (
    select
        *,
        case rule_kind
            when 'falls' then moved
            when 'rises' then moved
            -- held against the baseline itself, what the baseline may be off counts as well
            when 'not_above'
                then
                    latest_low <= target
                    or {{ same_figure('latest_low', 'target') }}
                    or (rule_value is null and change_low <= 0)
            when 'not_below'
                then
                    latest_high >= target
                    or {{ same_figure('latest_high', 'target') }}
                    or (rule_value is null and change_high >= 0)
            else
                moved
                and (
                    {{ same_figure('latest_value', 'target') }}
                    or case when wants_less then latest_value <= target else latest_value >= target end
                )
        end as reached,
        case
            when wants_less then latest_low <= expected or {{ same_figure('latest_low', 'expected') }}
            else latest_high >= expected or {{ same_figure('latest_high', 'expected') }}
        end as on_line,
        -- as far as the figures themselves go there is a difference, and chance may have made it
        (has_interval or linked_factor is not null)
        and latest_value != compared_value
        and change_low <= 0
        and change_high >= 0 as within_margin
    from placed
),

judged as (
    select
        *,
        case
            when kind = 'qualitative' then 'qualitative'
            when baseline_value is null then 'no_baseline'
            when latest_value is null then 'not_measured'
            when baseline_end is null or not same_kind or obstacle_nl is not null then 'not_comparable'
            else {{ goal_verdict('rule_kind', 'moved', 'reached', 'on_line', 'is_before', 'rule_by_date is not null') }}
        end as verdict
    from held_against
)

select
    goal_id,
    region_code,
    region_name,
    document,
    effect_nl as effect,
    theme,
    goal_nl,
    measure_nl,
    indicator_id,
    unit,
    baseline_period,
    baseline_value,
    case
        when baseline_value is null and kind = 'qualitative' then 'Bij een kwalitatief doel hoort geen cijfer.'
        when baseline_value is null then coalesce(baseline_note, 'Er is geen nulmeting beschikbaar.')
        when baseline_period is null then 'Het document zegt niet over welke periode de nulmeting gaat.'
    end as baseline_because,
    rule_nl as rule,
    case when rule_kind in ('by_percent', 'to_value', 'not_above', 'not_below') then target end as target_value,
    latest_period,
    latest_value,
    verdict,
    {{ verdict_nl('verdict') }} as verdict_nl,
    case
        when kind = 'qualitative' then 'Het doel is kwalitatief geformuleerd; er is geen maat voor afgesproken.'
        when verdict = 'no_baseline' then coalesce(baseline_note, 'Er is geen nulmeting beschikbaar.')
        when verdict = 'not_measured' then 'Na de nulmeting is nog geen cijfer geleverd.'
        when verdict = 'qualitative' then 'Het document zegt niet welke kant het cijfer op moet.'
        when latest_value is not null and baseline_end is null
            then 'Er zijn cijfers, maar van de nulmeting is niet bekend over welke periode zij gaat.'
        when not same_kind
            then 'Het latere cijfer gaat over een ander soort periode dan de nulmeting, zoals een halfjaar en een jaar.'
        when verdict = 'not_comparable' then obstacle_nl
        else
            'In ' || latest_period || ' is het cijfer ' || {{ number_nl('latest_value') }} || ', tegen '
            || {{ number_nl('baseline_value') }} || ' bij de nulmeting (' || baseline_period || ')'
            || case
                when linked_factor is not null
                    then
                        ', over een trendbreuk heen omgerekend tot naar schatting '
                        || {{ number_nl('round(compared_value, if(abs(compared_value) >= 100, 0, 2))') }}
                else ''
            end
            || case
                when within_margin
                    then
                        '; dat verschil valt binnen de '
                        || case when has_interval then 'steekproefmarge' else 'marge van het omrekenen' end
                        || ' en telt niet als '
                        || case when latest_value > compared_value then 'stijging' else 'daling' end
                else ''
            end
            || case
                when is_before
                    then
                        '. Op de rechte lijn naar het doel op ' || strftime(rule_by_date, '%d-%m-%Y') || ' hoort nu '
                        || {{ number_nl('expected') }} || '.'
                when verdict = 'on_track'
                    then '. Het beweegt de goede kant op, maar ' || {{ number_nl('target') }} || ' is nog niet bereikt.'
                when verdict = 'achieved' then '. Het doel is gehaald.'
                else '. Het doel is niet gehaald.'
            end
            || case latest_status
                when 'P' then ' Het laatste cijfer is voorlopig.'
                when 'E' then ' Het laatste cijfer is een schatting.'
                else ''
            end
            || case
                when is_survey and not has_interval
                    then ' Het komt uit een steekproef; zonder aantal respondenten is de marge onbekend.'
                else ''
            end
    end as because,
    break_id
from judged
