-- Which laws persons had a provision under in a half-year, and households where every person of the region has one; of
-- the laws that were delivered for the whole half-year, and exact. Not for consumers: marts show what `privacy.shown`
-- lets them.
with law_bit as (
    select
        unnest(['wmo', 'jeugd', 'participatie']) as law,
        unnest([1, 2, 4]) as bit
),

delivered as (
    select
        law_window.region_code,
        calendar.period_code,
        bit_or(law_bit.bit) as delivered_bits,
        len(list_distinct(flatten(list(law_window.person_keys)))) > 1 as has_several_keys,
        max(law_window.smallest_count) as smallest_count,
        max(law_window.count_rounding) as count_rounding
    from {{ ref('core_person_window') }} as law_window
    inner join law_bit on law_window.law = law_bit.law
    inner join {{ ref('core_period') }} as calendar
        on law_window.known_from <= calendar.start_date and law_window.known_to >= calendar.end_date
    where calendar.period_kind = 'half_year' and calendar.end_date < {{ setting('today') }}
    group by law_window.region_code, calendar.period_code
    having count(*) > 1
),

half_year as (
    select
        law_window.law,
        law_window.region_code,
        law_window.member_codes,
        law_bit.bit,
        min(calendar.start_date) as first_day,
        max(calendar.end_date) as last_day
    from {{ ref('core_person_window') }} as law_window
    inner join law_bit on law_window.law = law_bit.law
    inner join {{ ref('core_period') }} as calendar
        on law_window.known_from <= calendar.start_date and law_window.known_to >= calendar.end_date
    where calendar.period_kind = 'half_year' and calendar.end_date < {{ setting('today') }}
    group by law_window.law, law_window.region_code, law_window.member_codes, law_bit.bit
),

scope as (
    select
        law,
        region_code,
        bit,
        first_day,
        last_day,
        unnest(member_codes) as member_code
    from half_year
),

-- The half-years of a stretch of use as one number, a bit for each since 2000: a million persons are grouped once,
-- whatever the number of half-years.
used as (
    select
        scope.region_code,
        scope.bit,
        delivered.person_key,
        delivered.person,
        {{ half_years_of(
            'greatest(delivered.start_date, scope.first_day)',
            "least(coalesce(delivered.end_date, '9999-12-31'::date), scope.last_day)"
        ) }} as half_years
    from {{ ref('core_delivered_spell') }} as delivered
    inner join scope on delivered.law = scope.law and delivered.region_code = scope.member_code
    where
        delivered.start_date <= scope.last_day
        and coalesce(delivered.end_date, '9999-12-31'::date) >= scope.first_day
),

person as (
    select
        region_code,
        person_key,
        person,
        coalesce(bit_or(half_years) filter (where bit = 1), 0) as wmo,
        coalesce(bit_or(half_years) filter (where bit = 2), 0) as jeugd,
        coalesce(bit_or(half_years) filter (where bit = 4), 0) as participatie
    from used
    group by region_code, person_key, person
),

registered as (
    select told.*
    from {{ source('raw', 'person_household') }} as told
    inner join {{ source('raw', 'delivery') }} as delivery
        on told.vintage_id = delivery.vintage_id and delivery.is_current
),

-- Where a region delivers who is in which household, that alone counts: a table of provisions may call the same
-- household something else. Without it, what such a table says.
household as (
    select
        person_key,
        person,
        arg_max(household, (start_date, household)) as household
    from (
        select
            person_key,
            person,
            household,
            start_date
        from registered
        union all
        select
            spell.person_key,
            spell.person,
            spell.household,
            spell.start_date
        from {{ ref('core_delivered_spell') }} as spell
        anti join registered on spell.region_code = registered.region_code
        where spell.household is not null
    ) as told
    group by person_key, person
),

placed as (
    select
        person.*,
        household.household
    from person
    left join household on person.person_key = household.person_key and person.person = household.person
),

of_household as (
    select
        region_code,
        bit_or(wmo) as wmo,
        bit_or(jeugd) as jeugd,
        bit_or(participatie) as participatie
    from placed
    where household is not null
    group by region_code, person_key, household
),

-- How many of each kind had the same half-years under the same laws.
pattern as (
    select
        region_code,
        wmo,
        jeugd,
        participatie,
        count(*) as persons,
        count(*) filter (where household is null) as without_household,
        0 as households
    from placed
    group by region_code, wmo, jeugd, participatie
    union all
    select
        region_code,
        wmo,
        jeugd,
        participatie,
        0 as persons,
        0 as without_household,
        count(*) as households
    from of_household
    group by region_code, wmo, jeugd, participatie
),

counted as (
    select
        pattern.region_code,
        calendar.period_code,
        (pattern.wmo & half_year_bit.bit > 0)::integer
        + (pattern.jeugd & half_year_bit.bit > 0)::integer * 2
        + (pattern.participatie & half_year_bit.bit > 0)::integer * 4 as law_bits,
        sum(pattern.persons)::bigint as persons,
        sum(pattern.without_household)::bigint as without_household,
        sum(pattern.households)::bigint as households
    from pattern
    inner join delivered on pattern.region_code = delivered.region_code
    inner join {{ ref('core_period') }} as calendar on delivered.period_code = calendar.period_code
    inner join lateral (
        select {{ half_years_of('calendar.start_date', 'calendar.start_date') }} as bit
    ) as half_year_bit on true
    group by pattern.region_code, calendar.period_code, law_bits
),

complete as (
    select
        region_code,
        period_code,
        sum(without_household) as without_household
    from counted
    where law_bits > 0
    group by region_code, period_code
),

combination as (
    select
        delivered.*,
        unnest(range(1, 8)) as law_bits
    from delivered
)

select
    combination.region_code,
    combination.period_code,
    combination.law_bits,
    bit_count(combination.law_bits) as number_of_laws,
    combination.delivered_bits,
    combination.has_several_keys,
    case when not combination.has_several_keys then coalesce(counted.persons, 0) end as persons,
    case
        when not combination.has_several_keys and coalesce(complete.without_household, 0) = 0
            then coalesce(counted.households, 0)
    end as households,
    combination.smallest_count,
    combination.count_rounding
from combination
left join counted
    on
        combination.region_code = counted.region_code
        and combination.period_code = counted.period_code
        and combination.law_bits = counted.law_bits
left join complete
    on combination.region_code = complete.region_code and combination.period_code = complete.period_code
where combination.law_bits & combination.delivered_bits = combination.law_bits
