-- What nobody delivered as a figure and was counted here: answers to a survey, and who has provisions under the three
-- laws, at the end of a year. Only what marts.survey_answer and marts.stapeling show of them: what those hide is null
-- here, with their reason.
with answers as (
    select
        indicator_id,
        region_code,
        period_code,
        is_counted,
        value,
        case when value is not null then 'A' else 'Q' end as obs_status,
        case
            when value is null
                then
                    'Weinig mensen gaven een van de antwoorden op deze vraag; het cijfer wordt niet getoond, omdat het '
                    || 'hun aantal zou verraden.'
        end as because_nl,
        response_norm_met
    from {{ ref('core_survey_figure') }}
    where indicator_id is not null

    union all

    select
        indicator.indicator_id,
        counts.region_code,
        counts.period_code,
        true as is_counted,
        null as value,
        'Q' as obs_status,
        'Minder dan ' || any_value(survey.smallest)
        || ' mensen hebben deze vraag beantwoord; hun antwoorden worden niet getoond.' as because_nl,
        null as response_norm_met
    from {{ ref('core_survey_count') }} as counts
    inner join {{ ref('core_survey') }} as survey on counts.survey = survey.survey
    inner join {{ ref('core_indicator') }} as indicator
        on counts.survey = indicator.survey and counts.question_id = indicator.question_id
    anti join {{ ref('core_survey_figure') }} as told
        on
            indicator.indicator_id = told.indicator_id
            and counts.region_code = told.region_code
            and counts.period_code = told.period_code
    where counts.kind in ('yes_no', 'good_fair_bad', 'mark')
    group by indicator.indicator_id, counts.region_code, counts.period_code
    having max(counts.answered) < any_value(survey.smallest)
),

shown as (
    select
        cell.region_code,
        cell.period_code,
        cell.measure,
        count(*) as parts,
        count(shown.shown) as parts_shown,
        sum(shown.shown) as persons
    from {{ ref('core_stapeling_cell') }} as cell
    inner join {{ source('privacy', 'shown') }} as shown on cell.cell_id = shown.cell_id
    where cell.is_published
    group by cell.region_code, cell.period_code, cell.measure
),

counted as (
    select
        region_code,
        period_code,
        unnest(['stapeling_clienten', 'stapeling_huishoudens']) as indicator_id,
        unnest(['persons', 'households']) as measure,
        unnest([null, case when bool_or(households is null) then true end]) as lacks_households,
        max(delivered_bits) as delivered_bits,
        bool_or(has_several_keys) as has_several_keys
    from {{ ref('core_stapeling') }}
    group by region_code, period_code
),

-- All who have a provision are the sum of what is shown by the number of laws; with one of those hidden, it would tell.
stapeling as (
    select
        counted.indicator_id,
        counted.region_code,
        counted.period_code,
        case
            when counted.has_several_keys
                then 'Personen staan onder verschillende sleutels van pseudoniemen en zijn niet te vergelijken.'
            when bit_count(counted.delivered_bits) < 3
                then 'Niet alle drie de wetten zijn over deze periode geleverd.'
            when counted.lacks_households
                then 'Niet van iedereen is een huishouden geleverd: huishoudens zijn niet te tellen.'
        end as lacking_nl,
        coalesce(shown.parts = 3 and shown.parts_shown = 3, false) as is_whole,
        case when lacking_nl is null and is_whole then shown.persons end as value,
        case
            when lacking_nl is not null then 'L'
            when is_whole then 'A'
            else 'Q'
        end as obs_status,
        case
            when lacking_nl is not null then lacking_nl
            when not is_whole then 'Kleine aantallen zijn weggelaten, en aantallen waaruit die te herleiden zijn.'
        end as because_nl
    from counted
    left join shown
        on
            counted.region_code = shown.region_code
            and counted.period_code = shown.period_code
            and counted.measure = shown.measure
),

every as (
    select * from answers
    union all
    select
        indicator_id,
        region_code,
        period_code,
        true as is_counted,
        value::double as value,
        obs_status,
        because_nl,
        null as response_norm_met
    from stapeling
),

-- A survey stands beside the one before, also where that is more than a year ago; a count beside the year before.
paired as (
    select
        every.*,
        period.start_date,
        lag(case when every.value is not null then every.period_code end ignore nulls) over earlier as measured_code,
        case
            when starts_with(every.indicator_id, 'stapeling_') then period.year_before_code
            else measured_code
        end as previous_period
    from every
    inner join {{ ref('core_period') }} as period on every.period_code = period.period_code
    where month(period.end_date) = 12
    window earlier as (
        partition by every.indicator_id, every.region_code, substr(every.period_code, 5)
        order by period.start_date
    )
),

beside as (
    select
        paired.*,
        previous.start_date as previous_start,
        previous.value as previous_value,
        previous.obs_status as previous_status,
        coalesce(paired.response_norm_met, true) and coalesce(previous.response_norm_met, true) as is_answered
    from paired
    left join paired as previous
        on
            paired.indicator_id = previous.indicator_id
            and paired.region_code = previous.region_code
            and paired.previous_period = previous.period_code
    where paired.is_counted
),

-- Tables keep the borders of 1 January for the whole year.
moved as (
    select distinct
        beside.indicator_id,
        beside.region_code,
        beside.period_code
    from beside
    inner join {{ source('raw', 'region_change') }} as change
        on
            beside.region_code in (change.from_code, change.to_code)
            and beside.start_date >= change.effective_date
            and beside.previous_start < case
                when change.effective_date = date_trunc('year', change.effective_date) then change.effective_date
                else date_trunc('year', change.effective_date) + interval 1 year
            end
    where change.kind = 'herindeling' and change.from_code != change.to_code
)

select
    beside.indicator_id,
    beside.region_code,
    beside.period_code,
    beside.value,
    beside.obs_status,
    beside.because_nl,
    beside.previous_period,
    beside.previous_value,
    beside.previous_status,
    list_concat(
        case when moved.region_code is not null then ['boundary_change'] else [] end,
        case when beside.is_answered then [] else ['low_response'] end
    ) as reasons,
    case
        when beside.value is not null and not beside.response_norm_met
            then 'Indicatief: er antwoordden minder mensen dan nodig is om op dit cijfer te bouwen.'
    end as caution_nl
from beside
left join moved
    on
        beside.indicator_id = moved.indicator_id
        and beside.region_code = moved.region_code
        and beside.period_code = moved.period_code
