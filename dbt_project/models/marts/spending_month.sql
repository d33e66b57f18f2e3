-- What was spent by the month, against the budget so far: a twelfth of the year's budget for every month gone by.
with spent as (
    select
        spending.*,
        count(spending.lasten_eur) over so_far as months_known,
        sum(spending.lasten_eur) over so_far as sum_so_far
    from {{ ref('core_spending') }} as spending
    window
        so_far as (
            partition by spending.region_code, spending.taakgebied, spending.told_by, spending.fiscal_year
            order by spending.month_number
        )
),

judged as (
    select
        spent.*,
        -- with a month missing or hidden, the sum would be taken for the whole; and against the next sum it would
        -- give the hidden month away
        case when spent.months_known = spent.month_number then spent.sum_so_far end as cumulative_eur,
        budget.budget_eur,
        budget.budget_vintage,
        taakgebied.label_nl,
        region.region_name
    from spent
    inner join {{ ref('core_taakgebied') }} as taakgebied on spent.taakgebied = taakgebied.taakgebied
    left join {{ ref('core_taakgebied_budget') }} as budget
        on
            spent.region_code = budget.region_code
            and spent.fiscal_year = budget.fiscal_year
            and spent.taakgebied = budget.taakgebied
    left join {{ ref('core_region_name') }} as region on spent.region_code = region.region_code
)

select
    region_code,
    period_code,
    taakgebied,
    told_by,
    label_nl,
    region_name,
    fiscal_year,
    round(lasten_eur) as spending_eur,
    case
        when lasten_eur is not null then null
        when is_hidden then 'Er staan te weinig cliënten, of vooral één cliënt, achter dit bedrag om het te publiceren.'
        else 'Van deze maand zijn geen lasten geboekt.'
    end as spending_because,
    round(baten_eur) as income_eur,
    case
        when baten_eur is not null then null
        when told_by = 'declaraties' then 'Declaraties gaan over lasten; baten staan er niet in.'
        else
            'Over deze maand zijn op dit taakgebied geen baten geleverd, of in een regio niet door alle gemeenten; '
            || 'dat is iets anders dan nul.'
    end as income_because,
    hours,
    day_parts,
    days,
    round(pieces) as pieces,
    case
        when hours + day_parts + days + pieces is not null then null
        when volume_gap = 'ledger' then 'Een grootboek kent geen uren, dagdelen, dagen of stuks.'
        when volume_gap = 'claims'
            then
                'Waar een volume ontbreekt, is in die eenheid niets gedeclareerd, of staan er te weinig cliënten of '
                || 'vooral één cliënt achter.'
        else 'Waar een volume ontbreekt, is het niet van alle gemeenten in de regio bekend.'
    end as volume_because,
    round(cumulative_eur) as cumulative_eur,
    case
        when cumulative_eur is null
            then 'Niet alle maanden van dit jaar tot en met deze zijn bekend en te publiceren.'
    end as cumulative_because,
    budget_vintage,
    budget_eur as budget_year_eur,
    round(budget_eur * month_number / 12) as budget_to_date_eur,
    case when budget_eur is null then 'Voor dit taakgebied is over dit jaar geen begroting geladen.' end
        as budget_because,
    round(cumulative_eur - budget_eur * month_number / 12) as difference_to_date_eur,
    case when budget_eur > 0 then 100 * cumulative_eur / budget_eur end as used_pct,
    case when month_number >= 3 then round(cumulative_eur * 12 / month_number) end as forecast_straight_line_eur,
    case
        when cumulative_eur is null
            then 'Niet alle maanden van dit jaar tot en met deze zijn bekend en te publiceren.'
        when month_number < 3 then 'Voor een rechte lijn zijn ten minste drie maanden nodig.'
    end as forecast_because,
    case
        when told_by = 'declaraties'
            then
                'Alleen wat aanbieders via het berichtenverkeer declareerden, naar dagen over de maanden van de hulp '
                || 'verdeeld: zonder pgb, vaste bedragen per aanbieder en wat nog gedeclareerd kan worden.'
    end as caution_nl
from judged
