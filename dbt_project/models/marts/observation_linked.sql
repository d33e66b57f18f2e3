select
    linked.indicator_id,
    linked.region_code,
    linked.period_code,
    linked.geography,
    indicator.label_nl,
    region.region_name,
    linked.value,
    linked.value_linked,
    linked.linked_low,
    linked.linked_high,
    'E' as obs_status,
    linked.method,
    case linked.method
        when 'overlap' then 'schatting: omgerekend met het verschil tussen twee bronnen over dezelfde perioden'
        when 'unit' then 'schatting: omgerekend naar een andere eenheid'
        else 'schatting: omgerekend met de sprong die in de reeks is gevonden'
    end as method_nl,
    linked.linked_factor,
    linked.break_ids,
    linked.event_ids
from {{ ref('core_linked') }} as linked
left join {{ ref('core_indicator') }} as indicator on linked.indicator_id = indicator.indicator_id
left join {{ ref('core_region_name') }} as region on linked.region_code = region.region_code
