-- What a survey says in one figure: the share of positive answers, or the mean mark. Delivered as such, or made of the
-- answers that were counted; the delivered one goes first. With how far it may be off, where it is known who answered.
with delivered as (
    select
        indicator.survey,
        indicator.question_id,
        indicator.indicator_id,
        preferred.region_code,
        preferred.period_code,
        indicator.unit,
        false as is_counted,
        preferred.value,
        response.respondents,
        {{ survey_population('response.population', 'survey', 'inhabitants') }} as population,
        response.response_norm_met,
        null::double as half
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_indicator') }} as indicator on preferred.indicator_id = indicator.indicator_id
    -- of the delivery the answer is from: an earlier one may have said something else
    left join {{ ref('stg_survey__response') }} as response
        on
            preferred.vintage_id = response.vintage_id
            and preferred.region_code = response.region_code
            and preferred.period_code = response.period_code
            and indicator.survey = response.survey
    left join {{ source('declared', 'survey') }} as survey on indicator.survey = survey.survey
    left join {{ ref('core_inhabitants') }} as inhabitants
        on
            preferred.region_code = inhabitants.region_code
            and try_cast(left(preferred.period_code, 4) as integer) = inhabitants.year
    where indicator.survey is not null and preferred.value is not null
),

-- Which answers marts.survey_answer does not tell: those of few people, and others with them.
answers as (
    select
        counts.*,
        survey.smallest,
        coalesce(counts.is_positive, false) as counts_as_positive,
        {{ hides_answer(
            'counts.given',
            'survey.smallest',
            'counts.answer',
            'counts.survey, counts.question_id, counts.region_code, counts.period_code',
        ) }} as is_hidden
    from {{ ref('core_survey_count') }} as counts
    inner join {{ source('declared', 'survey') }} as survey on counts.survey = survey.survey
    where counts.kind in ('yes_no', 'good_fair_bad', 'mark')
),

questions as (
    select
        survey,
        question_id,
        region_code,
        period_code,
        any_value(kind) as kind,
        max(answered) as answered,
        max(population) as population,
        bool_or(response_norm_met) as response_norm_met,
        sum(given) filter (where is_positive) as positive,
        sum(try_cast(answer as double) * given) as marks,
        sum(pow(try_cast(answer as double), 2) * given) as squares,
        any_value(smallest) as smallest,
        bool_or(is_hidden) as has_hidden,
        -- what is left of the people behind hidden answers when each was given by one
        coalesce(sum(given) filter (where is_hidden) - count(*) filter (where is_hidden), 0) as hidden_room,
        -- where both sides hide some, the share would tell how many on each
        bool_or(is_hidden and counts_as_positive) and bool_or(is_hidden and not counts_as_positive) as hides_share
    from answers
    group by survey, question_id, region_code, period_code
),

counted as (
    select
        questions.survey,
        questions.question_id,
        indicator.indicator_id,
        questions.region_code,
        questions.period_code,
        case questions.kind when 'mark' then 'mean' else 'pct' end as unit,
        true as is_counted,
        case
            when questions.kind = 'mark' and questions.has_hidden
                then {{ mean_beside_hidden('questions.marks', 'questions.answered', 'questions.smallest') }}
            when questions.kind = 'mark' then questions.marks / questions.answered
            when questions.hides_share then null
            when questions.has_hidden then round(100.0 * coalesce(questions.positive, 0) / questions.answered)
            else 100.0 * coalesce(questions.positive, 0) / questions.answered
        end as value,
        case
            when not questions.has_hidden then questions.answered
            when questions.kind = 'mark' or questions.hidden_room >= questions.smallest
                then {{ to_fives('questions.answered') }}
        end as respondents,
        questions.population,
        questions.response_norm_met,
        case
            when questions.kind = 'mark' and questions.has_hidden
                then {{ half_beside_hidden(
                    'questions.marks', 'questions.squares', 'questions.answered', 'questions.smallest'
                ) }}
            when questions.kind = 'mark'
                then {{ mean_half('questions.marks', 'questions.squares', 'questions.answered') }}
        end as half
    from questions
    left join {{ ref('core_indicator') }} as indicator
        on questions.survey = indicator.survey and questions.question_id = indicator.question_id
    -- what so few people say is not shown
    where questions.answered >= questions.smallest
),

every as (
    select * from delivered
    union all
    select * from counted
),

normed as (
    select
        every.*,
        coalesce(survey.about, 'clients') as about,
        {{ response_norm('every.population', 'coalesce(survey.margin_pct, 5)') }} as response_norm
    from every
    left join {{ source('declared', 'survey') }} as survey on every.survey = survey.survey
    qualify
        row_number() over (
            partition by every.survey, every.question_id, every.region_code, every.period_code
            order by every.is_counted
        ) = 1
)

select
    survey,
    question_id,
    indicator_id,
    region_code,
    period_code,
    about,
    unit,
    is_counted,
    value,
    respondents,
    population,
    response_norm,
    coalesce(response_norm_met, respondents >= response_norm) as response_norm_met,
    case
        when unit = 'mean' then {{ within(1, 10, 'value - half') }}
        else {{ wilson_low('value', 'respondents') }}
    end as ci_low,
    case
        when unit = 'mean' then {{ within(1, 10, 'value + half') }}
        else {{ wilson_high('value', 'respondents') }}
    end as ci_high,
    {{ reliability('coalesce(response_norm_met, respondents >= response_norm)') }} as reliability
from normed
