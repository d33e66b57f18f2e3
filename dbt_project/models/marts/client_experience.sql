select
    figure.region_code,
    figure.period_code,
    figure.survey,
    figure.question_id,
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
where figure.about = 'clients' and figure.unit = 'pct'
