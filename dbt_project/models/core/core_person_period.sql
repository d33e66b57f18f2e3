-- Who had which provision in which half-year and year, of those that ended and that the deliveries say all of. Not for
-- consumers.
with period as (
    select
        law_window.law,
        law_window.region_code,
        calendar.period_code,
        calendar.period_kind,
        calendar.start_date,
        calendar.end_date,
        law_window.known_from <= calendar.start_date - 365 as knows_year_before
    from {{ ref('core_person_window') }} as law_window
    inner join {{ ref('core_period') }} as calendar
        on law_window.known_from <= calendar.start_date and law_window.known_to >= calendar.end_date
    where calendar.period_kind in ('half_year', 'year') and calendar.end_date < {{ setting('today') }}
)

select
    spell.law,
    spell.region_code,
    spell.provision,
    period.period_code,
    period.period_kind,
    spell.person_key,
    spell.person,
    bool_or(spell.start_date >= period.start_date) as has_started,
    coalesce(bool_or(spell.end_date <= period.end_date), false) as has_ended,
    -- a stretch that ended before the deliveries begin is not in them
    case
        when bool_and(period.knows_year_before)
            then coalesce(
                bool_or(spell.start_date >= period.start_date and spell.start_date - spell.previous_end_date <= 365),
                false
            )
    end as has_returned,
    coalesce(bool_or(spell.is_crisis) filter (where spell.start_date >= period.start_date), false) as has_crisis_start,
    coalesce(bool_or(spell.is_wijkteam) filter (where spell.start_date >= period.start_date), false) as has_wijkteam,
    arg_min(spell.referrer, spell.start_date) filter (where spell.start_date >= period.start_date) as referrer
from {{ ref('core_provision_spell') }} as spell
inner join period
    on
        spell.law = period.law
        and spell.region_code = period.region_code
        and spell.start_date <= period.end_date
        and coalesce(spell.end_date, '9999-12-31'::date) >= period.start_date
group by all
