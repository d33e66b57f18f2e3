select
    figure.region_code,
    figure.period_code,
    figure.survey,
    figure.question_id,
    region.region_name,
    survey.label_nl as survey_nl,
    question.label_nl as question_nl,
    figure.value as pct_positive,
    national.value as national_pct_positive,
    figure.respondents,
    figure.response_norm,
    figure.response_norm_met,
    figure.ci_low,
    figure.ci_high,
    figure.reliability
from {{ ref('core_survey_figure') }} as figure
left join {{ ref('core_survey_figure') }} as national
    on
        {{ country_code('figure.region_code') }} = national.region_code
        and figure.period_code = national.period_code
        and figure.survey = national.survey
        and figure.question_id = national.question_id
        and figure.unit = national.unit
left join {{ ref('core_survey') }} as survey on figure.survey = survey.survey
left join {{ ref('core_survey_question') }} as question
    on figure.survey = question.survey and figure.question_id = question.question_id
left join {{ ref('core_region_name') }} as region on figure.region_code = region.region_code
where figure.about = 'clients' and figure.unit = 'pct'
