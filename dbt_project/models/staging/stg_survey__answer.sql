-- Counted answers of surveys, as their items name them: what is counted, the question, and the answer.
select
    survey_source.survey,
    figures.vintage_id,
    figures.region_code,
    figures.period_code,
    split_part(figures.item, '|', 1) as measure,
    split_part(figures.item, '|', 2) as question_id,
    split_part(figures.item, '|', 3) as answer,
    figures.value
from {{ ref('stg_figures') }} as figures
inner join {{ source('declared', 'survey_source') }} as survey_source on figures.source_id = survey_source.source_id
where figures.item like '%|%|%' and figures.value is not null
