-- How many persons had, began and ended a provision, exact. Not for consumers: marts show what `privacy.shown` lets
-- them. Persons under different keys of pseudonyms do not compare, so that nobody is counted where there is more than
-- one.
with counted as (
    select
        law,
        region_code,
        provision,
        period_code,
        period_kind,
        count(*) as clients,
        count(*) filter (where has_started) as inflow,
        count(*) filter (where has_ended) as outflow,
        case when count(has_returned) = count(*) then count(*) filter (where has_returned) end as returned,
        count(*) filter (where has_crisis_start) as crisis,
        count(*) filter (where has_wijkteam) as wijkteam
    from {{ ref('core_person_period') }}
    group by law, region_code, provision, period_code, period_kind
),

lasted as (
    select
        spell.law,
        spell.region_code,
        spell.provision,
        calendar.period_code,
        median(spell.end_date - spell.start_date + 1) as median_days
    from {{ ref('core_provision_spell') }} as spell
    inner join {{ ref('core_period') }} as calendar
        on
            spell.end_date between calendar.start_date and calendar.end_date
            and calendar.period_kind in ('half_year', 'year')
    group by spell.law, spell.region_code, spell.provision, calendar.period_code
)

select
    counted.law,
    counted.region_code,
    counted.provision,
    counted.period_code,
    counted.period_kind,
    len(law_window.person_keys) > 1 as has_several_keys,
    case when len(law_window.person_keys) = 1 then counted.clients end as clients,
    case when len(law_window.person_keys) = 1 then counted.inflow end as inflow,
    case when len(law_window.person_keys) = 1 then counted.outflow end as outflow,
    case when len(law_window.person_keys) = 1 then counted.returned end as returned,
    case when len(law_window.person_keys) = 1 then counted.crisis end as crisis,
    case when len(law_window.person_keys) = 1 then counted.wijkteam end as wijkteam,
    case when len(law_window.person_keys) = 1 then lasted.median_days end as median_days,
    law_window.has_requests,
    coalesce(law_window.claims_from <= calendar.start_date and law_window.claims_to >= calendar.end_date, false)
        as has_claims,
    law_window.smallest_count,
    law_window.count_rounding
from counted
inner join {{ ref('core_person_window') }} as law_window
    on counted.law = law_window.law and counted.region_code = law_window.region_code
inner join {{ ref('core_period') }} as calendar on counted.period_code = calendar.period_code
left join lasted
    on
        counted.law = lasted.law
        and counted.region_code = lasted.region_code
        and counted.provision = lasted.provision
        and counted.period_code = lasted.period_code
