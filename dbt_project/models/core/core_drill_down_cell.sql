-- Every count of persons of the drill-down by itself, with what is left when it is taken from its whole: a reader can
-- subtract, so that the rest is protected as if it were shown. Not for consumers.
with known as (
    select * from {{ ref('core_drill_down') }}
    where clients is not null
),

parts as (
    select
        law,
        region_code,
        provision,
        period_code,
        period_kind,
        smallest_count,
        count_rounding,
        unnest(
            [
                'clients',
                'inflow',
                'outflow',
                'returned',
                'not_returned',
                'crisis',
                'not_crisis',
                'wijkteam',
                'not_wijkteam'
            ]
        ) as measure,
        unnest(
            [
                clients,
                inflow,
                outflow,
                returned,
                inflow - returned,
                crisis,
                inflow - crisis,
                wijkteam,
                inflow - wijkteam
            ]
        ) as persons
    from known
),

referred as (
    select
        person.law,
        person.region_code,
        person.provision,
        person.period_code,
        person.period_kind,
        known.smallest_count,
        known.count_rounding,
        'referrer:' || person.referrer as measure,
        count(*) as persons
    from {{ ref('core_person_period') }} as person
    inner join known
        on
            person.law = known.law
            and person.region_code = known.region_code
            and person.provision = known.provision
            and person.period_code = known.period_code
    where person.has_started
    group by all
),

every as (
    select * from parts
    where persons is not null
    union all
    select * from referred
)

select
    concat_ws('|', 'drill_down', measure, region_code, period_code, law, provision) as cell_id,
    *
from every
