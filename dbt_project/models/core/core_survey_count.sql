-- Every answer that was given to a question of a survey, from the newest delivery that has the question, with how many
-- people answered it. Where people choose one answer that is the sum of the answers; where they choose several, or
-- divide points, the delivery says it; an open text is left empty or not by everybody who took part.
with newest as (
    select
        answer.*,
        rank() over (
            partition by answer.survey, answer.region_code, answer.period_code, answer.question_id
            order by
                delivery.vintage_order desc nulls first,
                delivery.vintage_date desc,
                delivery.fetched_at desc,
                answer.vintage_id desc
        ) as age
    from {{ ref('stg_survey__answer') }} as answer
    inner join {{ source('raw', 'delivery') }} as delivery on answer.vintage_id = delivery.vintage_id
    where delivery.is_current and answer.question_id != 'respons'
),

answers as (
    select
        survey,
        vintage_id,
        region_code,
        period_code,
        question_id,
        answer,
        max(value) filter (where measure = 'aantal') as given,
        max(value) filter (where measure = 'punten') as points,
        max(value) filter (where measure = 'kwadraten') as squares
    from newest
    where age = 1
    group by survey, vintage_id, region_code, period_code, question_id, answer
),

said_themselves as (
    select
        survey,
        vintage_id,
        region_code,
        period_code,
        question_id,
        given as answered
    from answers
    where answer = 'beantwoord'
)

select
    answers.survey,
    answers.region_code,
    answers.period_code,
    answers.question_id,
    answers.answer,
    question.kind,
    declared_answer.is_positive,
    answers.given::bigint as given,
    answers.points,
    answers.squares,
    case
        when question.kind in ('points_100', 'choice') then said_themselves.answered
        when question.kind = 'open_text' then response.respondents
        else
            sum(answers.given) over (
                partition by answers.survey, answers.region_code, answers.period_code, answers.question_id
            )
    end::bigint as answered,
    {{ survey_population('response.population', 'survey', 'inhabitants') }} as population,
    {{ survey_population_from_nl('response.population', 'survey', 'inhabitants') }} as population_from_nl,
    response.response_norm_met
from answers
inner join {{ source('declared', 'survey') }} as survey on answers.survey = survey.survey
inner join {{ source('declared', 'survey_question') }} as question
    on answers.survey = question.survey and answers.question_id = question.question_id
inner join {{ source('declared', 'survey_answer') }} as declared_answer
    on
        answers.survey = declared_answer.survey
        and answers.question_id = declared_answer.question_id
        and answers.answer = declared_answer.answer
left join said_themselves
    on
        answers.survey = said_themselves.survey
        and answers.vintage_id = said_themselves.vintage_id
        and answers.region_code = said_themselves.region_code
        and answers.period_code = said_themselves.period_code
        and answers.question_id = said_themselves.question_id
left join {{ ref('stg_survey__response') }} as response
    on
        answers.survey = response.survey
        and answers.vintage_id = response.vintage_id
        and answers.region_code = response.region_code
        and answers.period_code = response.period_code
left join {{ ref('core_inhabitants') }} as inhabitants
    on
        answers.region_code = inhabitants.region_code
        and try_cast(left(answers.period_code, 4) as integer) = inhabitants.year
