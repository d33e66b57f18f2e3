select
    indicator_id,
    label_nl,
    label_en,
    law,
    unit,
    value_kind,
    numerator_id,
    denominator_id,
    aggregation,
    desired_direction,
    description_nl,
    provision,
    survey,
    question_id
from {{ ref('core_indicator') }}
