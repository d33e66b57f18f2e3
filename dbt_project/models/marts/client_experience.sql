with answers as (
    select
        preferred.region_code,
        preferred.period_code,
        indicator.survey,
        indicator.question_id,
        preferred.value as pct_positive,
        preferred.vintage_id,
        {{ country_code('preferred.region_code') }} as country_code
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_indicator') }} as indicator on preferred.indicator_id = indicator.indicator_id
    where indicator.survey is not null and preferred.value is not null
),

-- of the delivery the answer is from: an earlier one may have said something else
response as (
    select
        vintage_id,
        region_code,
        period_code,
        survey,
        respondents,
        response_norm_met
    from {{ ref('stg_survey__response') }}
)

select
    answers.region_code,
    answers.period_code,
    answers.survey,
    answers.question_id,
    answers.pct_positive,
    national.pct_positive as national_pct_positive,
    response.respondents,
    response.response_norm_met,
    -- without a number of respondents there is no interval to give
    null::double as ci_low,
    null::double as ci_high
from answers
left join answers as national
    on
        answers.country_code = national.region_code
        and answers.period_code = national.period_code
        and answers.survey = national.survey
        and answers.question_id = national.question_id
left join response
    on
        answers.vintage_id = response.vintage_id
        and answers.region_code = response.region_code
        and answers.period_code = response.period_code
        and answers.survey = response.survey
