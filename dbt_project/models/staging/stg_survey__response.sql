-- What a survey says of its own response. Respondents stay empty where they are not printed.
select
    source_id as survey,
    vintage_id,
    region_code,
    period_code,
    max(value) filter (where item = 'respondents')::bigint as respondents,
    bool_or(value = 1) filter (where item = 'response_norm_met') as response_norm_met
from {{ ref('stg_figures') }}
where item in ('respondents', 'response_norm_met')
group by source_id, vintage_id, region_code, period_code
