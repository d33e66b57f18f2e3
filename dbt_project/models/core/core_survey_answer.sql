{{ config(materialized='view') }}

select
    survey,
    question_id,
    sort_index,
    answer,
    label_nl,
    is_positive
from {{ source('declared', 'survey_answer') }}
