-- What was claimed per provision for those who count as its clients in that half-year, and whether it may be shown:
-- claims of at least k of them, of which no one is more than half. All that was claimed under a law is no secret
-- (`marts.spending_month` has it), so that what is hidden of it must do as one, with what was claimed for others than
-- clients, which is never shown: where it does not, the smallest of what is safe is hidden too. What all clients of a
-- law cost together is shown where what it leaves of the whole, and what is hidden in it, do each by itself. A year is
-- shown where both its half-years are, and a group where all its members are. Not for consumers.
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
        cost.law,
        cost.region_code,
        cost.period_code,
        -- '' for others than its clients
        case when client.person is not null then cost.provision else '' end as provision,
        cost.person_key,
        cost.person,
        {{ sum_in_order('cost.amount_eur') }} as amount_eur,
        max(scope.smallest_count) as smallest_count
    from {{ ref('core_person_cost') }} as cost
    inner join scope on cost.law = scope.law and cost.region_code = scope.region_code and not scope.is_group
    inner join {{ ref('core_period') }} as calendar on cost.period_code = calendar.period_code
    left join {{ ref('core_person_period') }} as client
        on
            cost.law = client.law
            and cost.region_code = client.region_code
            and cost.provision = client.provision
            and cost.period_code = client.period_code
            and cost.person_key = client.person_key
            and cost.person = client.person
    where
        scope.claims_from <= calendar.start_date
        and scope.claims_to >= calendar.end_date
        and calendar.end_date < {{ setting('today') }}
    group by all
    having round({{ sum_in_order('cost.amount_eur') }}, 2) != 0
),

per_provision as (
    select
        law,
        region_code,
        provision,
        period_code,
        {{ sum_in_order('amount_eur') }} as amount_eur,
        provision != '' and {{ is_safe_sum('amount_eur', 'max(smallest_count)') }} as is_safe
    from half_year
    group by law, region_code, provision, period_code
),

-- in the order of hiding: what is not safe or not of clients, then from small to large
ordered as (
    select
        *,
        row_number() over (of_law order by is_safe, amount_eur, provision) as nth,
        count(*) filter (where not is_safe) over of_law as unsafe_provisions
    from per_provision
    window of_law as (partition by law, region_code, period_code)
),

hidden_per_person as (
    select
        ordered.law,
        ordered.region_code,
        ordered.period_code,
        last_hidden.nth,
        half_year.person_key,
        half_year.person,
        {{ sum_in_order('half_year.amount_eur') }} as amount_eur,
        {{ sum_in_order('half_year.amount_eur') }} filter (where half_year.provision != '') as of_clients_eur,
        {{ sum_in_order('half_year.amount_eur') }} filter (where half_year.provision = '') as of_others_eur,
        max(half_year.smallest_count) as smallest_count
    from ordered
    inner join ordered as last_hidden
        on
            ordered.law = last_hidden.law
            and ordered.region_code = last_hidden.region_code
            and ordered.period_code = last_hidden.period_code
            and ordered.nth <= last_hidden.nth
    inner join half_year
        on
            ordered.law = half_year.law
            and ordered.region_code = half_year.region_code
            and ordered.provision = half_year.provision
            and ordered.period_code = half_year.period_code
    where last_hidden.unsafe_provisions > 0 and last_hidden.nth >= last_hidden.unsafe_provisions
    group by all
),

hidden_together as (
    select
        law,
        region_code,
        period_code,
        nth,
        {{ is_safe_sum('amount_eur', 'max(smallest_count)') }} as is_safe,
        (count(of_clients_eur) = 0 or ({{ is_safe_sum('of_clients_eur', 'max(smallest_count)') }}))
        and (count(of_others_eur) = 0 or ({{ is_safe_sum('of_others_eur', 'max(smallest_count)') }})) as law_is_safe
    from hidden_per_person
    group by law, region_code, period_code, nth
),

-- where no number of provisions will do, nothing of the law is shown (last_hidden is null)
hidden as (
    select
        law,
        region_code,
        period_code,
        min(nth) filter (where is_safe) as last_hidden,
        arg_min(law_is_safe, nth) filter (where is_safe) as law_is_safe
    from hidden_together
    group by law, region_code, period_code
),

judged as (
    select
        ordered.law,
        ordered.region_code,
        ordered.provision,
        ordered.period_code,
        ordered.amount_eur,
        ordered.unsafe_provisions = 0 or coalesce(ordered.nth > hidden.last_hidden, false) as is_safe,
        ordered.unsafe_provisions = 0 or coalesce(hidden.law_is_safe, false) as law_is_safe
    from ordered
    left join hidden
        on
            ordered.law = hidden.law
            and ordered.region_code = hidden.region_code
            and ordered.period_code = hidden.period_code
    where ordered.provision != ''
),

of_half_year as (
    select
        law,
        region_code,
        provision,
        period_code,
        amount_eur,
        is_safe
    from judged
    union all
    select
        law,
        region_code,
        'totaal' as provision,
        period_code,
        {{ sum_in_order('amount_eur') }} as amount_eur,
        bool_and(law_is_safe) as is_safe
    from judged
    group by law, region_code, period_code
),

of_period as (
    select * from of_half_year
    union all
    select
        of_half_year.law,
        of_half_year.region_code,
        of_half_year.provision,
        left(of_half_year.period_code, 4) as period_code,
        {{ sum_in_order('of_half_year.amount_eur') }} as amount_eur,
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
    {{ sum_in_order('of_period.amount_eur') }} as amount_eur,
    bool_and(of_period.is_safe) as may_be_shown
from of_period
inner join scope on of_period.law = scope.law and of_period.region_code = scope.member_code
inner join {{ ref('core_period') }} as calendar on of_period.period_code = calendar.period_code
where scope.claims_from <= calendar.start_date and scope.claims_to >= calendar.end_date
group by of_period.law, scope.region_code, of_period.provision, of_period.period_code
