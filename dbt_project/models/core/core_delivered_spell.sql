-- Stretches in which a person had a provision, as they were delivered: a start and its stop, or a row of a table. What
-- was allocated and never began is no use. Not for consumers.
with events as (
    select
        *,
        -- an allocation has one number; without one, the product tells what a stop belongs to
        coalesce(allocation_id, category || '|' || product_code) as matter
    from {{ ref('core_client_event') }}
    where is_latest and person is not null
),

allocated as (
    select
        law,
        region_code,
        person_key,
        person,
        allocation_id,
        any_value(category) as category,
        any_value(product_code) as product_code,
        any_value(end_date) as end_date,
        -- 13: sent by mistake, to be taken as never sent
        bool_or(reason_code = '13') as is_taken_back
    from events
    where event = 'allocation' and allocation_id is not null
    group by law, region_code, person_key, person, allocation_id
),

-- A stop repeats the day of the start that it ends, so that it is word of a start as well.
begun as (
    select
        law,
        region_code,
        person_key,
        person,
        matter,
        start_date,
        any_value(allocation_id) as allocation_id,
        any_value(category) as category,
        any_value(product_code) as product_code,
        any_value(provider_agb) as provider_agb,
        min(end_date) filter (where event = 'stop') as stopped_on,
        -- 20: ended for the time being
        coalesce(bool_and(reason_code = '20') filter (where event = 'stop'), false) as is_interrupted
    from events
    where event in ('start', 'start_removed', 'stop') and start_date is not null
    group by law, region_code, person_key, person, matter, start_date
    having not bool_or(event = 'start_removed')
),

resumed as (
    select
        interrupted.law,
        interrupted.region_code,
        interrupted.person_key,
        interrupted.person,
        interrupted.matter,
        interrupted.start_date,
        min(later.start_date) as next_start
    from begun as interrupted
    inner join begun as later
        on
            interrupted.law = later.law
            and interrupted.region_code = later.region_code
            and interrupted.person_key = later.person_key
            and interrupted.person = later.person
            and interrupted.matter = later.matter
            and interrupted.stopped_on < later.start_date
    where interrupted.is_interrupted
    group by all
),

from_messages as (
    select
        begun.law,
        begun.region_code,
        begun.person_key,
        begun.person,
        begun.provider_agb,
        begun.start_date,
        coalesce(begun.category, allocated.category) as category,
        coalesce(begun.product_code, allocated.product_code) as product_code,
        case
            when resumed.next_start is not null then resumed.next_start - 1
            when begun.stopped_on is not null then greatest(begun.stopped_on, begun.start_date)
            -- nobody said that it stopped, and it is allocated no longer
            when allocated.end_date >= begun.start_date then allocated.end_date
        end as end_date
    from begun
    left join allocated
        on
            begun.law = allocated.law
            and begun.region_code = allocated.region_code
            and begun.person_key = allocated.person_key
            and begun.person = allocated.person
            and begun.allocation_id = allocated.allocation_id
    left join resumed
        on
            begun.law = resumed.law
            and begun.region_code = resumed.region_code
            and begun.person_key = resumed.person_key
            and begun.person = resumed.person
            and begun.matter = resumed.matter
            and begun.start_date = resumed.start_date
    where not coalesce(allocated.is_taken_back, false)
),

requested as (
    select
        law,
        region_code,
        person_key,
        person,
        category,
        start_date as wanted_on,
        arg_max(referrer_type, message_date) as referrer_type
    from events
    where event = 'request' and category is not null and start_date is not null
    group by law, region_code, person_key, person, category, start_date
),

-- The request that comes just before the start, if it is of the same year.
asked as (
    select
        from_messages.law,
        from_messages.region_code,
        from_messages.person_key,
        from_messages.person,
        from_messages.category,
        from_messages.start_date,
        arg_max(requested.referrer_type, requested.wanted_on) as referrer_type
    from from_messages
    inner join requested
        on
            from_messages.law = requested.law
            and from_messages.region_code = requested.region_code
            and from_messages.person_key = requested.person_key
            and from_messages.person = requested.person
            and from_messages.category = requested.category
    where from_messages.start_date - requested.wanted_on between 0 and 365
    group by all
),

referred as (
    select
        from_messages.*,
        asked.referrer_type
    from from_messages
    left join asked
        on
            from_messages.law = asked.law
            and from_messages.region_code = asked.region_code
            and from_messages.person_key = asked.person_key
            and from_messages.person = asked.person
            and from_messages.category = asked.category
            and from_messages.start_date = asked.start_date
),

from_tables as (
    select spell.*
    from {{ source('raw', 'person_spell') }} as spell
    inner join {{ source('raw', 'delivery') }} as delivery
        on spell.vintage_id = delivery.vintage_id and delivery.is_current
),

every as (
    select
        law,
        region_code,
        person_key,
        person,
        null::varchar as household,
        category,
        product_code,
        provider_agb,
        referrer_type,
        start_date,
        end_date
    from referred
    union all
    select
        law,
        region_code,
        person_key,
        person,
        household,
        lower(trim(provision)) as category,
        null as product_code,
        null as provider_agb,
        null as referrer_type,
        start_date,
        end_date
    from from_tables
)

select
    every.law,
    every.region_code,
    every.person_key,
    every.person,
    every.household,
    coalesce(provision.provision, every.category, 'onbekend') as provision,
    every.start_date,
    every.end_date,
    coalesce(referrer.referrer, 'onbekend') as referrer,
    coalesce(provision.is_crisis, false) or crisis_product.product_code is not null as is_crisis,
    coalesce(referrer.is_wijkteam, false) or wijkteam_provider.provider_agb is not null as is_wijkteam
from every
left join {{ source('declared', 'provision') }} as provision
    on every.law = provision.law and every.category = provision.category
left join {{ source('declared', 'crisis_product') }} as crisis_product
    on
        every.law = crisis_product.law
        and every.product_code = crisis_product.product_code
        and every.region_code = coalesce(crisis_product.region_code, every.region_code)
left join {{ source('declared', 'referrer') }} as referrer on every.referrer_type = referrer.code
left join {{ source('declared', 'wijkteam_provider') }} as wijkteam_provider
    on every.region_code = wijkteam_provider.region_code and every.provider_agb = wijkteam_provider.provider_agb
