-- What was spent in a month on each taakgebied, by the ledger and by the claims of iWmo and iJw messages. What few
-- clients or mostly one stand behind is hidden here already, and claims are rounded, so that no mart can show it.
with taakveld as (
    select distinct
        taakgebied,
        first_year,
        last_year,
        taakveld
    from {{ source('declared', 'taakgebied_taakveld') }}
),

bookings as (
    select
        booking.region_code,
        booking.period_code,
        booking.side,
        booking.booked_on,
        booking.booked_eur
    from {{ ref('stg_ledger__bookings') }} as booking
    inner join {{ source('raw', 'delivery') }} as delivery
        on booking.vintage_id = delivery.vintage_id and delivery.is_current
    where booking.booked_eur is not null
    -- a later export of the same month replaces the earlier one
    qualify
        row_number() over (
            partition by booking.source_id, booking.region_code, booking.period_code, booking.side, booking.booked_on
            order by
                delivery.vintage_order desc nulls first,
                delivery.vintage_date desc,
                delivery.fetched_at desc,
                booking.vintage_id desc
        ) = 1
),

ledger as (
    select
        bookings.region_code,
        bookings.period_code,
        coalesce(named.taakgebied, taakveld.taakgebied) as taakgebied,
        'boekingen' as told_by,
        -- income alone is no sign that the costs were zero
        {{ sum_in_order('bookings.booked_eur') }} filter (where bookings.side = 'lasten') as lasten_eur,
        {{ sum_in_order('bookings.booked_eur') }} filter (where bookings.side = 'baten') as baten_eur,
        null::double as hours,
        null::double as day_parts,
        null::double as days,
        null::double as pieces,
        false as is_hidden,
        'ledger' as volume_gap
    from bookings
    left join {{ ref('core_taakgebied') }} as named on bookings.booked_on = named.taakgebied
    left join taakveld
        on
            -- 6.71a is a part of 6.71
            regexp_replace(bookings.booked_on, '[a-z]$', '') = taakveld.taakveld
            and left(bookings.period_code, 4)::integer between taakveld.first_year and taakveld.last_year
    where coalesce(named.taakgebied, taakveld.taakgebied) is not null
    group by bookings.region_code, bookings.period_code, coalesce(named.taakgebied, taakveld.taakgebied)
),

claimed_events as (
    select
        *,
        coalesce(end_date, start_date) as last_day
    from {{ ref('core_client_event') }}
    where
        {{ claim_sign('event') }} is not null
        and start_date is not null
        and person is not null
),

-- Where persons of long ago were removed by rule, the claims of the months before are no longer all there.
removed as (
    {{ rows_from_by_source() }}
),

-- A claim over several months is divided over them by days.
claims as (
    select
        event.region_code,
        month.period_code,
        taakgebied.taakgebied,
        event.person_key,
        event.person,
        case
            when event.volume_unit in ('01', '04') then 'hours'
            when event.volume_unit = '14' then 'days'
            when event.volume_unit = '16' then 'day_parts'
            when event.volume_unit in ('82', '84') then 'pieces'
            else 'none'
        end as kind,
        {{ claim_sign('event.event') }}
        * (least(event.last_day, month.end_date) - greatest(event.start_date, month.start_date) + 1)
        / (event.last_day - event.start_date + 1) as part,
        event.amount_eur,
        case when event.volume_unit = '01' then event.volume / 60 else event.volume end as volume,
        greatest(
            declared_source.smallest_count, declared_source.suppressed_below, {{ var('least_clients', 10) }}
        ) as least_clients
    from claimed_events as event
    inner join {{ ref('core_period') }} as month
        on month.period_kind = 'month' and event.start_date <= month.end_date and event.last_day >= month.start_date
    inner join {{ ref('core_taakgebied') }} as taakgebied on event.law = taakgebied.law
    left join {{ source('declared', 'source') }} as declared_source on event.source_id = declared_source.source_id
    left join removed on event.source_id = removed.source_id
    where removed.rows_from is null or month.start_date >= removed.rows_from
),

-- What each person has of a month's amount (kind is null here), and of its volume of each kind: that may come from
-- fewer clients than all amounts together.
claimed_by_person as (
    select
        region_code,
        period_code,
        taakgebied,
        kind,
        person_key,
        person,
        case when kind is null then {{ sum_in_order('part * amount_eur') }} else {{ sum_in_order('part * volume') }} end
            as claimed
    from claims
    group by grouping sets (
        (region_code, period_code, taakgebied, person_key, person),
        (region_code, period_code, taakgebied, kind, person_key, person)
    )
),

-- Persons of two keys cannot be told apart from one person: only those of one key are sure to be as many, and the
-- largest of each key may be one and the same. One who has more than half could be read from the whole.
clients as (
    select
        region_code,
        period_code,
        taakgebied,
        kind,
        max(clients) as clients,
        coalesce(sum(largest) > abs({{ sum_in_order('claimed') }}) / 2, false) as is_dominated
    from (
        select
            region_code,
            period_code,
            taakgebied,
            kind,
            count(*) as clients,
            max(abs(claimed)) as largest,
            {{ sum_in_order('claimed') }} as claimed
        from claimed_by_person
        group by region_code, period_code, taakgebied, kind, person_key
    ) as by_key
    group by region_code, period_code, taakgebied, kind
),

claimed as (
    select
        region_code,
        period_code,
        taakgebied,
        kind,
        {{ sum_in_order('part * amount_eur') }} as lasten_eur,
        {{ sum_in_order('part * volume') }} as volume,
        max(least_clients) as least_clients
    from claims
    group by grouping sets ((region_code, period_code, taakgebied), (region_code, period_code, taakgebied, kind))
),

shown as (
    select
        claimed.region_code,
        claimed.period_code,
        claimed.taakgebied,
        claimed.kind,
        clients.clients < claimed.least_clients or clients.is_dominated as is_hidden,
        case when not is_hidden then round(claimed.lasten_eur / 100) * 100 end as lasten_eur,
        case when not is_hidden then round(claimed.volume) end as volume
    from claimed
    inner join clients
        on
            claimed.region_code = clients.region_code
            and claimed.period_code = clients.period_code
            and claimed.taakgebied = clients.taakgebied
            and claimed.kind is not distinct from clients.kind
),

messages as (
    select
        region_code,
        period_code,
        taakgebied,
        'declaraties' as told_by,
        max(lasten_eur) filter (where kind is null) as lasten_eur,
        null::double as baten_eur,
        max(volume) filter (where kind = 'hours') as hours,
        max(volume) filter (where kind = 'day_parts') as day_parts,
        max(volume) filter (where kind = 'days') as days,
        max(volume) filter (where kind = 'pieces') as pieces,
        bool_or(is_hidden) filter (where kind is null) as is_hidden,
        -- whether few clients or none are behind a volume that lacks is not told
        'claims' as volume_gap
    from shown
    group by region_code, period_code, taakgebied
),

spent as (
    select * from ledger
    union all
    select * from messages
),

-- A group is the sum of all its members, never of some, and of no member that is hidden.
members as (
    select
        group_code,
        member_code,
        count(*) over (partition by group_code) as members
    from {{ ref('core_region_member') }}
    where members_complete and year is null
),

of_groups as (
    select
        members.group_code as region_code,
        spent.period_code,
        spent.taakgebied,
        spent.told_by,
        {{ sum_in_order('spent.lasten_eur') }} as lasten_eur,
        case when count(spent.baten_eur) = count(*) then sum(spent.baten_eur) end as baten_eur,
        case when count(spent.hours) = count(*) then sum(spent.hours) end as hours,
        case when count(spent.day_parts) = count(*) then sum(spent.day_parts) end as day_parts,
        case when count(spent.days) = count(*) then sum(spent.days) end as days,
        case when count(spent.pieces) = count(*) then sum(spent.pieces) end as pieces,
        false as is_hidden,
        case spent.told_by when 'boekingen' then 'ledger' else 'members' end as volume_gap
    from spent
    inner join members on spent.region_code = members.member_code
    group by members.group_code, members.members, spent.period_code, spent.taakgebied, spent.told_by
    having count(spent.lasten_eur) = members.members
)

select
    region_code,
    period_code,
    left(period_code, 4)::integer as fiscal_year,
    right(period_code, 2)::integer as month_number,
    taakgebied,
    told_by,
    lasten_eur,
    baten_eur,
    hours,
    day_parts,
    days,
    pieces,
    is_hidden,
    volume_gap
from (
    select * from spent
    union all
    select * from of_groups
) as together
