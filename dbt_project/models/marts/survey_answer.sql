with counted as (
    select
        counts.*,
        survey.smallest,
        survey.margin_pct,
        coalesce(counts.answered >= survey.smallest, false) as is_shown,
        sum(counts.points) over question as all_points,
        sum(try_cast(counts.answer as double) * counts.given) over question as marks,
        sum(pow(try_cast(counts.answer as double), 2) * counts.given) over question as mark_squares
    from {{ ref('core_survey_count') }} as counts
    inner join {{ source('declared', 'survey') }} as survey on counts.survey = survey.survey
    window
        question as (
            partition by counts.survey, counts.region_code, counts.period_code, counts.question_id
        )
),

shares as (
    select
        *,
        case
            when kind = 'points_100' then 100.0 * points / nullif(all_points, 0)
            else 100.0 * given / nullif(answered, 0)
        end as share_pct,
        case when kind = 'points_100' then {{ mean_half('points', 'squares', 'answered') }} end as share_half,
        case when kind = 'mark' then marks / nullif(answered, 0) end as mean_mark,
        case when kind = 'mark' then {{ mean_half('marks', 'mark_squares', 'answered') }} end as mark_half,
        {{ response_norm('population', 'margin_pct') }} as response_norm
    from counted
)

select
    shares.region_code,
    shares.period_code,
    shares.survey,
    shares.question_id,
    shares.answer,
    question.label_nl as question_nl,
    answer.label_nl as answer_nl,
    shares.kind as question_kind,
    question.ontwikkellijn,
    case when shares.is_shown then shares.share_pct end as share_pct,
    case
        when not shares.is_shown then null
        when shares.kind = 'points_100' then {{ within(0, 100, 'shares.share_pct - shares.share_half') }}
        else {{ wilson_low('shares.share_pct', 'shares.answered') }}
    end as ci_low,
    case
        when not shares.is_shown then null
        when shares.kind = 'points_100' then {{ within(0, 100, 'shares.share_pct + shares.share_half') }}
        else {{ wilson_high('shares.share_pct', 'shares.answered') }}
    end as ci_high,
    case when shares.is_shown then shares.mean_mark end as mean_mark,
    case when shares.is_shown then {{ within(1, 10, 'shares.mean_mark - shares.mark_half') }} end as mean_low,
    case when shares.is_shown then {{ within(1, 10, 'shares.mean_mark + shares.mark_half') }} end as mean_high,
    case when shares.is_shown then shares.answered end as respondents,
    shares.response_norm,
    case when shares.is_shown then {{ reliability('shares.answered >= shares.response_norm') }} else 'onbekend' end
        as reliability,
    case
        when shares.answered is null then 'Niet bekend is hoeveel mensen deze vraag hebben beantwoord.'
        when not shares.is_shown
            then
                'Minder dan ' || shares.smallest
                || ' mensen hebben deze vraag beantwoord; hun antwoorden worden niet getoond.'
    end as because
from shares
inner join {{ source('declared', 'survey_question') }} as question
    on shares.survey = question.survey and shares.question_id = question.question_id
inner join {{ source('declared', 'survey_answer') }} as answer
    on
        shares.survey = answer.survey
        and shares.question_id = answer.question_id
        and shares.answer = answer.answer
