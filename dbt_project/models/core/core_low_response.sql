-- Answers of a survey that too few people gave, by what the survey says of itself or by the response norm: indicative,
-- and no ground for comparing.
{{ config(materialized='view') }}

select distinct
    indicator_id,
    region_code,
    period_code
from {{ ref('core_survey_figure') }}
where not response_norm_met and indicator_id is not null and value is not null
