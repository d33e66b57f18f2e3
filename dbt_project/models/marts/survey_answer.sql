with counted as (
    select
        counts.*,
        survey.label_nl as survey_nl,
        survey.smallest,
        survey.margin_pct,
        coalesce(counts.answered >= survey.smallest, false) as is_shown,
        sum(counts.points) over question as all_points,
        sum(try_cast(counts.answer as double) * counts.given) over question as marks,
        sum(pow(try_cast(counts.answer as double), 2) * counts.given) over question as mark_squares,
        case
            when counts.kind in ('choice', 'open_text')
                then
                    -- of those who chose several answers, and of those who did not, each answer tells by itself
                    coalesce(counts.given between 1 and survey.smallest - 1, false)
                    or coalesce(counts.answered - counts.given between 1 and survey.smallest - 1, false)
            when counts.kind in ('yes_no', 'good_fair_bad', 'mark')
                then
                    {{ hides_answer(
                        'counts.given',
                        'survey.smallest',
                        'counts.answer',
                        'counts.survey, counts.region_code, counts.period_code, counts.question_id',
                    ) }}
            when counts.kind = 'points_100'
                then {{ few_gave_points('counts.points', 'counts.squares', 'survey.smallest') }}
            else false
        end as is_few
    from {{ ref('core_survey_count') }} as counts
    inner join {{ ref('core_survey') }} as survey on counts.survey = survey.survey
    window
        question as (
            partition by counts.survey, counts.region_code, counts.period_code, counts.question_id
        )
),

-- Exact numbers would give away what was hidden of the same question.
told as (
    select
        *,
        bool_or(is_few) over question as has_few,
        is_few
        or (has_few and kind = 'mark')
        -- shares of points add up to 100: one more goes with the few, the smallest of those that many gave points to
        or (
            has_few
            and kind = 'points_100'
            and points > 0
            and row_number() over (question_by_few order by points, answer) = 1
        ) as is_hidden,
        case
            when not has_few then answered
            -- of hidden answers that add up to it, the number of people would tell
            when
                kind not in ('yes_no', 'good_fair_bad')
                or sum(given) filter (where is_few) over question - count(*) filter (where is_few) over question
                >= smallest
                then {{ to_fives('answered') }}
        end as respondents
    from counted
    window
        question as (partition by survey, region_code, period_code, question_id),
        question_by_few as (
            partition by survey, region_code, period_code, question_id, is_few, coalesce(points > 0, false)
        )
),

shares as (
    select
        *,
        case
            when not is_shown or is_hidden then null
            when kind = 'points_100' and has_few then round(100.0 * points / nullif(all_points, 0))
            when kind = 'points_100' then 100.0 * points / nullif(all_points, 0)
            when has_few then round(100.0 * given / nullif(answered, 0))
            else 100.0 * given / nullif(answered, 0)
        end as share_pct,
        case when kind = 'points_100' and not has_few then {{ mean_half('points', 'squares', 'answered') }} end
            as share_half,
        case
            when not is_shown or kind != 'mark' then null
            when has_few then {{ mean_beside_hidden('marks', 'answered', 'smallest') }}
            else marks / nullif(answered, 0)
        end as mean_mark,
        case when kind = 'mark' and not has_few then {{ mean_half('marks', 'mark_squares', 'answered') }} end
            as mark_half,
        {{ response_norm('population', 'margin_pct') }} as response_norm
    from told
)

select
    shares.region_code,
    shares.period_code,
    shares.survey,
    shares.question_id,
    shares.answer,
    region.region_name,
    shares.survey_nl,
    question.label_nl as question_nl,
    answer.label_nl as answer_nl,
    shares.kind as question_kind,
    question.ontwikkellijn,
    shares.share_pct,
    case
        when shares.kind = 'points_100' then {{ within(0, 100, 'shares.share_pct - shares.share_half') }}
        else {{ wilson_low('shares.share_pct', 'shares.respondents') }}
    end as ci_low,
    case
        when shares.kind = 'points_100' then {{ within(0, 100, 'shares.share_pct + shares.share_half') }}
        else {{ wilson_high('shares.share_pct', 'shares.respondents') }}
    end as ci_high,
    shares.mean_mark,
    {{ within(1, 10, 'shares.mean_mark - shares.mark_half') }} as mean_low,
    {{ within(1, 10, 'shares.mean_mark + shares.mark_half') }} as mean_high,
    case when shares.is_shown then shares.respondents end as respondents,
    shares.response_norm,
    shares.population_from_nl,
    case when shares.is_shown then {{ reliability('shares.respondents >= shares.response_norm') }} else 'onbekend' end
        as reliability,
    case
        when shares.answered is null then 'Niet bekend is hoeveel mensen deze vraag hebben beantwoord.'
        when not shares.is_shown
            then
                'Minder dan ' || shares.smallest
                || ' mensen hebben deze vraag beantwoord; hun antwoorden worden niet getoond.'
        when shares.is_hidden and shares.kind in ('choice', 'open_text')
            then
                'Minder dan ' || shares.smallest
                || ' mensen gaven dit antwoord, of gaven het juist niet; het aandeel wordt niet getoond.'
        when shares.is_hidden and shares.kind = 'points_100'
            then
                'Misschien gaven minder dan ' || shares.smallest
                || ' mensen punten aan dit of een ander antwoord op deze vraag; het aandeel wordt niet getoond.'
        when shares.is_hidden
            then
                'Minder dan ' || shares.smallest
                || ' mensen gaven dit of een ander antwoord op deze vraag; het aandeel wordt niet getoond.'
        when shares.respondents is null
            then 'Het aantal mensen zou verraden hoe weinig van hen een ander antwoord gaven.'
        when shares.kind = 'points_100' and shares.has_few
            then
                'Een betrouwbaarheidsinterval zou kunnen verraden hoe weinig mensen punten gaven aan een ander '
                || 'antwoord.'
        when shares.kind = 'points_100' and shares.squares is null
            then
                'Alleen de totalen van de punten zijn geleverd: zonder hun spreiding over de mensen is er geen '
                || 'betrouwbaarheidsinterval.'
    end as because
from shares
inner join {{ ref('core_survey_question') }} as question
    on shares.survey = question.survey and shares.question_id = question.question_id
inner join {{ ref('core_survey_answer') }} as answer
    on
        shares.survey = answer.survey
        and shares.question_id = answer.question_id
        and shares.answer = answer.answer
left join {{ ref('core_region_name') }} as region on shares.region_code = region.region_code
