-- The yearly budget of each taakgebied: what the municipality's own budget says, else the budget it gave to Iv3.
with printed as (
    select
        region_code,
        fiscal_year,
        taakgebied,
        source_id,
        vintage_label,
        vintage_order,
        vintage_date,
        {{ sum_in_order('amount_eur') }} as budget_eur
    from {{ ref('core_amount') }}
    where is_latest and basis = 'begroting' and side = 'lasten' and taakgebied is not null
    group by region_code, fiscal_year, taakgebied, source_id, vintage_label, vintage_order, vintage_date
),

-- two budgets of one year are never added up: the later one counts
own as (
    select *
    from printed
    qualify
        row_number() over (
            partition by region_code, fiscal_year, taakgebied
            order by vintage_order desc nulls first, vintage_date desc, vintage_label desc, source_id asc
        ) = 1
),

iv3 as (
    select
        harmonised.region_code,
        harmonised.period_code::integer as fiscal_year,
        part.taakgebied,
        {{ sum_in_order('harmonised.value') }} as budget_eur
    from {{ source('declared', 'taakgebied_taakveld') }} as part
    inner join {{ ref('core_harmonised') }} as harmonised
        on
            part.indicator_id = harmonised.indicator_id
            and harmonised.geography = 'published'
            and regexp_matches(harmonised.period_code, '^[0-9]{4}$')
            and try_cast(harmonised.period_code as integer) between part.first_year and part.last_year
    where part.side = 'lasten' and part.report_kind = 'X000' and harmonised.value is not null
    group by harmonised.region_code, harmonised.period_code, part.taakgebied, part.regime
    having
        count(*) = (
            select count(*)
            from {{ source('declared', 'taakgebied_taakveld') }} as whole
            where
                whole.taakgebied = part.taakgebied
                and whole.regime = part.regime
                and whole.side = 'lasten'
                and whole.report_kind = 'X000'
        )
),

of_municipalities as (
    select
        region_code,
        fiscal_year,
        taakgebied,
        budget_eur,
        vintage_label as budget_vintage
    from own
    union all
    select
        iv3.region_code,
        iv3.fiscal_year,
        iv3.taakgebied,
        iv3.budget_eur,
        'iv3-begroting' as budget_vintage
    from iv3
    anti join own
        on
            iv3.region_code = own.region_code
            and iv3.fiscal_year = own.fiscal_year
            and iv3.taakgebied = own.taakgebied
),

members as (
    select
        group_code,
        member_code,
        count(*) over (partition by group_code) as members
    from {{ ref('core_region_member') }}
    where members_complete and year is null
)

select * from of_municipalities
union all
-- a group has a budget where all of its members have one
select
    members.group_code as region_code,
    budget.fiscal_year,
    budget.taakgebied,
    {{ sum_in_order('budget.budget_eur') }} as budget_eur,
    string_agg(distinct budget.budget_vintage, '|' order by budget.budget_vintage) as budget_vintage
from of_municipalities as budget
inner join members on budget.region_code = members.member_code
anti join of_municipalities as own_budget
    on
        members.group_code = own_budget.region_code
        and budget.fiscal_year = own_budget.fiscal_year
        and budget.taakgebied = own_budget.taakgebied
group by members.group_code, members.members, budget.fiscal_year, budget.taakgebied
having count(*) = members.members
