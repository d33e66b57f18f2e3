{{ config(materialized='view') }}

select
    survey,
    sort_index,
    question_id,
    kind,
    label_nl,
    ontwikkellijn
from {{ source('declared', 'survey_question') }}
