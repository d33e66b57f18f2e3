-- By how much a provisional figure usually changes afterwards: what nine out of ten stay under, of all provisional
-- figures that a later vintage gave again. Figures that did not change count too. Without enough of them nobody can
-- say.
{%- set enough = var('revisions_to_judge_by', 20) %}
with vintages as (
    select
        observation.indicator_id,
        {{ country_code('observation.region_code') }} as country_code,
        observation.value,
        observation.obs_status,
        lead(observation.value) over (
            partition by
                observation.indicator_id, observation.region_code, observation.period_code, observation.source_id
            order by
                delivery.vintage_order asc nulls last,
                observation.vintage_date asc,
                delivery.fetched_at asc,
                observation.vintage_id asc
        ) as later_value
    from {{ ref('core_observation') }} as observation
    inner join {{ source('raw', 'delivery') }} as delivery on observation.vintage_id = delivery.vintage_id
)

select
    indicator_id,
    country_code,
    count(*) as revisions,
    quantile_cont(100 * abs(later_value - value) / abs(value), 0.9) as usual_revision_pct
from vintages
where obs_status = 'P' and value != 0 and later_value is not null
group by indicator_id, country_code
having count(*) >= {{ enough }}
