-- What was claimed for whom in each half-year, without what was credited or returned. Not for consumers.
select
    event.law,
    event.region_code,
    coalesce(provision.provision, event.category, 'onbekend') as provision,
    calendar.period_code,
    event.person_key,
    event.person,
    -- in cents, which add up to the same in any order
    sum(({{ claim_sign('event.event') }} * event.amount_eur)::decimal(18, 2))::double as amount_eur
from {{ ref('core_client_event') }} as event
inner join {{ ref('core_period') }} as calendar
    on event.start_date between calendar.start_date and calendar.end_date and calendar.period_kind = 'half_year'
left join {{ source('declared', 'provision') }} as provision
    on event.law = provision.law and event.category = provision.category
where {{ claim_sign('event.event') }} is not null and event.person is not null
group by all
