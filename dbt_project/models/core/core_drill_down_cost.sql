-- What was claimed per provision, and whether it may be shown: claims of at least k persons, of which no one is more
-- than half. What is hidden must not come back by subtraction, so that a total is shown only where nothing of it is
-- hidden, or where what is hidden would do as one. A year is shown where both its half-years are, and a group where all
-- its members are. Not for consumers.
with scope as (
    select
        law,
        region_code,
        len(member_codes) > 1 as is_group,
        unnest(member_codes) as member_code,
        claims_from,
        claims_to,
        smallest_count
    from {{ ref('core_person_window') }}
),

half_year as (
    select
        cost.*,
        scope.smallest_count
    from {{ ref('core_person_cost') }} as cost
    inner join scope on cost.law = scope.law and cost.region_code = scope.region_code and not scope.is_group
    inner join {{ ref('core_period') }} as calendar on cost.period_code = calendar.period_code
    where
        scope.claims_from <= calendar.start_date
        and scope.claims_to >= calendar.end_date
        and calendar.end_date < {{ setting('today') }}
),

per_provision as (
    select
        law,
        region_code,
        provision,
        period_code,
        sum(amount_eur) as amount_eur,
        count(*) filter (where amount_eur > 0) >= max(smallest_count)
        and max(amount_eur) <= sum(amount_eur) / 2 as is_safe
    from half_year
    group by law, region_code, provision, period_code
),

hidden_per_person as (
    select
        half_year.law,
        half_year.region_code,
        half_year.period_code,
        half_year.person_key,
        half_year.person,
        sum(half_year.amount_eur) as amount_eur,
        max(half_year.smallest_count) as smallest_count
    from half_year
    inner join per_provision
        on
            half_year.law = per_provision.law
            and half_year.region_code = per_provision.region_code
            and half_year.provision = per_provision.provision
            and half_year.period_code = per_provision.period_code
            and not per_provision.is_safe
    group by all
),

hidden as (
    select
        law,
        region_code,
        period_code,
        count(*) filter (where amount_eur > 0) >= max(smallest_count)
        and max(amount_eur) <= sum(amount_eur) / 2 as is_safe
    from hidden_per_person
    group by law, region_code, period_code
),

whole_law as (
    select
        per_provision.law,
        per_provision.region_code,
        'totaal' as provision,
        per_provision.period_code,
        sum(per_provision.amount_eur) as amount_eur,
        -- one that is hidden alone is hidden because it is not safe
        coalesce(bool_and(hidden.is_safe), true) as is_safe
    from per_provision
    left join hidden
        on
            per_provision.law = hidden.law
            and per_provision.region_code = hidden.region_code
            and per_provision.period_code = hidden.period_code
    group by per_provision.law, per_provision.region_code, per_provision.period_code
),

of_half_year as (
    select * from per_provision
    union all
    select * from whole_law
),

of_period as (
    select * from of_half_year
    union all
    select
        of_half_year.law,
        of_half_year.region_code,
        of_half_year.provision,
        left(of_half_year.period_code, 4) as period_code,
        sum(of_half_year.amount_eur) as amount_eur,
        bool_and(of_half_year.is_safe) as is_safe
    from of_half_year
    inner join scope
        on of_half_year.law = scope.law and of_half_year.region_code = scope.region_code and not scope.is_group
    inner join {{ ref('core_period') }} as calendar on calendar.period_code = left(of_half_year.period_code, 4)
    where
        scope.claims_from <= calendar.start_date
        and scope.claims_to >= calendar.end_date
        and calendar.end_date < {{ setting('today') }}
    group by of_half_year.law, of_half_year.region_code, of_half_year.provision, left(of_half_year.period_code, 4)
)

select
    of_period.law,
    scope.region_code,
    of_period.provision,
    of_period.period_code,
    sum(of_period.amount_eur) as amount_eur,
    bool_and(of_period.is_safe) as may_be_shown
from of_period
inner join scope on of_period.law = scope.law and of_period.region_code = scope.member_code
inner join {{ ref('core_period') }} as calendar on of_period.period_code = calendar.period_code
where scope.claims_from <= calendar.start_date and scope.claims_to >= calendar.end_date
group by of_period.law, scope.region_code, of_period.provision, of_period.period_code
