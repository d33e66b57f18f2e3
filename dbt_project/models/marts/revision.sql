-- What a publisher changed afterwards: the same figure of one source in two vintages that followed each other.
-- Figures that were called definitive are revised as well.
with vintages as (
    select
        observation.indicator_id,
        observation.region_code,
        observation.period_code,
        observation.source_id,
        observation.vintage_id,
        observation.vintage_date,
        observation.value,
        observation.obs_status,
        row_number() over (
            partition by
                observation.indicator_id, observation.region_code, observation.period_code, observation.source_id
            order by
                delivery.vintage_order asc nulls last,
                observation.vintage_date asc,
                delivery.fetched_at asc,
                observation.vintage_id asc
        ) as vintage_number
    from {{ ref('core_observation') }} as observation
    inner join {{ ref('core_delivery') }} as delivery on observation.vintage_id = delivery.vintage_id
)

select
    later.indicator_id,
    later.region_code,
    later.period_code,
    later.source_id,
    indicator.label_nl,
    region.region_name,
    earlier.vintage_date as old_vintage_date,
    later.vintage_date as new_vintage_date,
    earlier.vintage_id as old_vintage_id,
    later.vintage_id as new_vintage_id,
    earlier.value as old_value,
    later.value as new_value,
    case
        when earlier.value != 0 then 100 * (later.value - earlier.value) / earlier.value
    end as change_pct,
    earlier.obs_status as old_status,
    later.obs_status as new_status
from vintages as later
inner join vintages as earlier
    on
        later.indicator_id = earlier.indicator_id
        and later.region_code = earlier.region_code
        and later.period_code = earlier.period_code
        and later.source_id = earlier.source_id
        and later.vintage_number = earlier.vintage_number + 1
left join {{ ref('core_indicator') }} as indicator on later.indicator_id = indicator.indicator_id
left join {{ ref('core_region_name') }} as region on later.region_code = region.region_code
where
    (later.value is null) != (earlier.value is null)
    or not {{ same_figure('later.value', 'earlier.value') }}
