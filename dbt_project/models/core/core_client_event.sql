-- What happened to whom, under pseudonyms. Not for consumers: no mart reads this, and all that is published of it are
-- sums over many persons.
with events as (
    select
        client_event.*,
        case client_event.standard when 'iwmo' then 'wmo' else 'jeugd' end as law,
        -- what takes something back is a later word on the same matter
        replace(client_event.event, '_removed', '') as matter
    from {{ source('raw', 'client_event') }} as client_event
    inner join {{ source('raw', 'delivery') }} as delivery
        on client_event.vintage_id = delivery.vintage_id and delivery.is_current
)

select
    source_id,
    vintage_id,
    line,
    law,
    message,
    message_id,
    message_date,
    region_code,
    provider_agb,
    person,
    person_key,
    event,
    allocation_id,
    category,
    product_code,
    allocated_on,
    start_date,
    end_date,
    volume,
    volume_unit,
    volume_frequency,
    amount_eurocents / 100.0 as amount_eur,
    reason_code,
    referrer_type,
    response_code,
    matter not in ('allocation', 'start', 'stop') or row_number() over (
        partition by
            law,
            matter,
            region_code,
            person_key,
            person,
            allocation_id,
            -- an allocation has one number, whatever becomes of it; a start and a stop are known by all that they say
            case when matter != 'allocation' then category end,
            case when matter != 'allocation' then product_code end,
            case when matter != 'allocation' then start_date end,
            case when matter = 'stop' then end_date end,
            case when matter = 'stop' then reason_code end
        order by
            message_date desc,
            allocated_on desc nulls last,
            vintage_id desc,
            line desc
    ) = 1 as is_latest
from events
