-- The costliest cases of a year, without a trace of anybody: bands of costs, highest first, and the provisions that at
-- least k persons of a band had. A band of fewer persons goes with the next one down; what is left over is left out.
with recursive window_of_region as (
    select
        region_code,
        max(claims_from) as claims_from,
        min(claims_to) as claims_to,
        max(smallest_count) as smallest_count,
        len(list_distinct(flatten(list(person_keys)))) as person_keys
    from {{ ref('core_person_window') }}
    where claims_from is not null and len(member_codes) = 1
    group by region_code
),

covered as (
    select
        window_of_region.region_code,
        window_of_region.smallest_count,
        calendar.period_code
    from window_of_region
    inner join {{ ref('core_period') }} as calendar
        on
            window_of_region.claims_from <= calendar.start_date
            and window_of_region.claims_to >= calendar.end_date
            and calendar.period_kind = 'year'
    where window_of_region.person_keys = 1 and calendar.end_date < {{ setting('today') }}
),

claimed as (
    select
        covered.region_code,
        covered.period_code,
        covered.smallest_count,
        cost.person,
        list(distinct cost.law || '|' || cost.provision) as provisions,
        {{ sum_in_order('cost.amount_eur') }} as amount_eur
    from {{ ref('core_person_cost') }} as cost
    inner join covered
        on cost.region_code = covered.region_code and left(cost.period_code, 4) = covered.period_code
    where cost.amount_eur > 0
    group by covered.region_code, covered.period_code, covered.smallest_count, cost.person
),

bound as (
    select
        unnest([1, 2, 3, 4]) as step,
        unnest([100000, 50000, 25000, 10000]) as from_eur
),

stepped as (
    select
        claimed.*,
        bound.step
    from claimed
    asof left join bound on claimed.amount_eur >= bound.from_eur
),

region_year as (
    select distinct
        region_code,
        period_code,
        smallest_count
    from stepped
    where step is not null
),

-- Persons per step, every step of a region that has any, also those without persons.
counted as (
    select
        region_year.region_code,
        region_year.period_code,
        region_year.smallest_count,
        bound.step,
        bound.from_eur,
        count(stepped.person) as persons
    from region_year
    cross join bound
    left join stepped
        on
            region_year.region_code = stepped.region_code
            and region_year.period_code = stepped.period_code
            and bound.step = stepped.step
    group by all
),

-- Down the steps, gathering persons until there are enough for a band.
gathered as (
    select
        region_code,
        period_code,
        step,
        from_eur,
        persons,
        smallest_count,
        1 as band
    from counted
    where step = 1
    union all
    select
        below.region_code,
        below.period_code,
        below.step,
        below.from_eur,
        case
            when gathered.persons >= gathered.smallest_count then below.persons
            else gathered.persons + below.persons
        end as persons,
        below.smallest_count,
        gathered.band + (gathered.persons >= gathered.smallest_count)::integer as band
    from gathered
    inner join counted as below
        on
            gathered.region_code = below.region_code
            and gathered.period_code = below.period_code
            and gathered.step + 1 = below.step
),

banded as (
    select
        *,
        min(from_eur) over (partition by region_code, period_code, band) as band_from_eur,
        max(persons) over (partition by region_code, period_code, band) as band_persons,
        min(step) over (partition by region_code, period_code, band) as first_step
    from gathered
),

labelled as (
    select
        banded.*,
        above.from_eur as below_eur
    from banded
    left join bound as above on banded.first_step - 1 = above.step
    where banded.band_persons >= banded.smallest_count
),

provided as (
    select
        labelled.region_code,
        labelled.period_code,
        labelled.band,
        labelled.band_from_eur,
        labelled.below_eur,
        labelled.smallest_count,
        stepped.person,
        unnest(stepped.provisions) as provision
    from labelled
    inner join stepped
        on
            labelled.region_code = stepped.region_code
            and labelled.period_code = stepped.period_code
            and labelled.step = stepped.step
),

often as (
    select
        region_code,
        period_code,
        band,
        provision
    from provided
    group by region_code, period_code, band, provision, smallest_count
    having count(distinct person) >= smallest_count
),

band as (
    select distinct
        region_code,
        period_code,
        band,
        case
            when below_eur is null then 'vanaf ' || {{ euros_nl('band_from_eur') }}
            else 'van ' || {{ euros_nl('band_from_eur') }} || ' tot ' || {{ euros_nl('below_eur') }}
        end as band_nl
    from labelled
)

select
    band.region_code,
    band.period_code,
    band.band::bigint as band,
    band.band_nl,
    split_part(often.provision, '|', 1) as law,
    split_part(often.provision, '|', 2) as provision,
    coalesce(
        label.label_nl, split_part(often.provision, '|', 2), 'Geen voorziening die genoeg personen hadden om te noemen'
    ) as provision_nl
from band
left join often
    on band.region_code = often.region_code and band.period_code = often.period_code and band.band = often.band
left join {{ source('declared', 'provision') }} as label on often.provision = label.law || '|' || label.provision
