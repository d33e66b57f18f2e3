-- Of several sources of one figure, the first in the indicator's order of preference.
with ranked as (
    select
        observation.*,
        row_number() over (
            partition by observation.indicator_id, observation.region_code, observation.period_code
            order by
                (observation.value is null)::integer,
                coalesce(list_position(indicator.sources, observation.source_id), 999),
                observation.source_id
        ) as preference
    from {{ ref('core_observation') }} as observation
    inner join {{ ref('core_indicator') }} as indicator on observation.indicator_id = indicator.indicator_id
    where observation.is_latest
)

select * exclude (preference)
from ranked
where preference = 1
