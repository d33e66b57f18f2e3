-- Stretches of use without overlap: what overlaps or follows on the day after is one. `totaal` is any provision of the
-- law; a group of regions has the spells of all its members together. Not for consumers.
with scoped as (
    select
        delivered.law,
        scope.region_code,
        unnest([delivered.provision, 'totaal']) as provision,
        delivered.person_key,
        delivered.person,
        delivered.start_date,
        coalesce(delivered.end_date, '9999-12-31'::date) as end_date,
        delivered.referrer,
        delivered.is_crisis,
        delivered.is_wijkteam
    from {{ ref('core_delivered_spell') }} as delivered
    inner join (
        select
            law,
            region_code,
            unnest(member_codes) as member_code
        from {{ ref('core_person_window') }}
    ) as scope
        on delivered.law = scope.law and delivered.region_code = scope.member_code
),

marked as (
    select
        *,
        coalesce(
            start_date > max(end_date) over (
                partition by law, region_code, provision, person_key, person
                order by start_date, end_date
                rows between unbounded preceding and 1 preceding
            ) + 1,
            true
        ) as is_new
    from scoped
),

numbered as (
    select
        *,
        sum(is_new::integer) over (
            partition by law, region_code, provision, person_key, person
            order by start_date, end_date
            rows unbounded preceding
        ) as spell_number
    from marked
),

merged as (
    select
        law,
        region_code,
        provision,
        person_key,
        person,
        spell_number,
        min(start_date) as start_date,
        max(end_date) as end_date,
        -- how it began: what came later is no start, and of two on one day the one that says most counts
        arg_min(referrer, (start_date, referrer = 'onbekend', referrer)) as referrer,
        arg_min(is_crisis, (start_date, not is_crisis)) as is_crisis,
        arg_min(is_wijkteam, (start_date, not is_wijkteam)) as is_wijkteam
    from numbered
    group by law, region_code, provision, person_key, person, spell_number
)

select
    law,
    region_code,
    provision,
    person_key,
    person,
    start_date,
    nullif(end_date, '9999-12-31'::date) as end_date,
    referrer,
    is_crisis,
    is_wijkteam,
    lag(end_date) over (
        partition by law, region_code, provision, person_key, person
        order by spell_number
    ) as previous_end_date
from merged
