-- Between which days the deliveries about persons say all there is to say, per law and region: from the first day of
-- the month of the first message to the day of the last one, or as a table says itself. A group has the days that all
-- of its members have, where all of them deliver. Where persons of long ago were removed by rule, what is left says
-- all from a later day on (`rows_from`): who was in care before it and no more after it is not there any more.
with removed as (
    {{ rows_from_by_source() }}
),

told as (
    select
        law,
        region_code,
        source_id,
        date_trunc('month', min(message_date))::date as known_from,
        max(message_date) as known_to,
        list(distinct person_key) as person_keys,
        bool_or(event = 'request') as has_requests,
        min(start_date) filter (where event in ('claim', 'claim_credited')) as claims_from,
        max(end_date) filter (where event in ('claim', 'claim_credited')) as claims_to
    from {{ ref('core_client_event') }}
    group by law, region_code, source_id
    union all
    select
        spell.law,
        spell.region_code,
        spell.source_id,
        min(coalesce(spell.known_from, spell.start_date)) as known_from,
        max(coalesce(spell.known_to, delivery.vintage_date)) as known_to,
        list(distinct spell.person_key) as person_keys,
        false as has_requests,
        null as claims_from,
        null as claims_to
    from {{ source('raw', 'person_spell') }} as spell
    inner join {{ source('raw', 'delivery') }} as delivery
        on spell.vintage_id = delivery.vintage_id and delivery.is_current
    group by spell.law, spell.region_code, spell.source_id
),

of_region as (
    select
        told.law,
        told.region_code,
        greatest(min(told.known_from), max(removed.rows_from)) as known_from,
        max(told.known_to) as known_to,
        flatten(list(told.person_keys)) as person_keys,
        bool_or(told.has_requests) as has_requests,
        case
            when min(told.claims_from) is not null
                then greatest(date_trunc('month', min(told.claims_from))::date, max(removed.rows_from))
        end as claims_from,
        max(told.claims_to) as claims_to,
        coalesce(max(source.smallest_count), 10) as smallest_count,
        coalesce(max(source.count_rounding), 5) as count_rounding
    from told
    left join {{ source('declared', 'source') }} as source on told.source_id = source.source_id
    left join removed on told.source_id = removed.source_id
    where told.region_code is not null
    group by told.law, told.region_code
),

member as (
    select
        group_code,
        member_code,
        count(*) over (partition by group_code) as members
    from {{ ref('core_region_member') }}
    where group_kind = 'samenwerking' and year is null and members_complete
),

of_group as (
    select
        of_region.law,
        member.group_code as region_code,
        list(member.member_code order by member.member_code) as member_codes,
        max(of_region.known_from) as known_from,
        min(of_region.known_to) as known_to,
        flatten(list(of_region.person_keys)) as person_keys,
        bool_and(of_region.has_requests) as has_requests,
        case when count(of_region.claims_from) = count(*) then max(of_region.claims_from) end as claims_from,
        case when count(of_region.claims_to) = count(*) then min(of_region.claims_to) end as claims_to,
        max(of_region.smallest_count) as smallest_count,
        max(of_region.count_rounding) as count_rounding
    from of_region
    inner join member on of_region.region_code = member.member_code
    group by of_region.law, member.group_code
    having count(*) = max(member.members)
),

every as (
    select
        law,
        region_code,
        [region_code] as member_codes,
        known_from,
        known_to,
        person_keys,
        has_requests,
        claims_from,
        claims_to,
        smallest_count,
        count_rounding
    from of_region
    union all
    select *
    from of_group
)

select * replace (list_distinct(person_keys) as person_keys)
from every
