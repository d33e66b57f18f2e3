-- What a survey says of its own response, beside figures or among counted answers. What is not printed stays empty.
with said as (
    select
        survey_source.survey,
        figures.vintage_id,
        figures.region_code,
        figures.period_code,
        figures.value,
        case figures.item
            when 'aantal|respons|respondenten' then 'respondents'
            when 'aantal|respons|populatie' then 'population'
            else figures.item
        end as item
    from {{ ref('stg_figures') }} as figures
    inner join {{ source('declared', 'survey_source') }} as survey_source on figures.source_id = survey_source.source_id
)

select
    survey,
    vintage_id,
    region_code,
    period_code,
    max(value) filter (where item = 'respondents')::bigint as respondents,
    max(value) filter (where item = 'population')::bigint as population,
    bool_or(value = 1) filter (where item = 'response_norm_met') as response_norm_met
from said
where item in ('respondents', 'population', 'response_norm_met')
group by survey, vintage_id, region_code, period_code
