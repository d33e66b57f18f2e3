-- Amounts as printed, and beside them what makes them comparable: per inhabitant, per client, in prices of one year.
with counted as (
    select
        indicator_id,
        region_code,
        left(period_code, 4)::integer as year,
        max(value) filter (where regexp_matches(period_code, '^[0-9]{4}$')) as of_year,
        {{ mean_in_order('value') }} filter (where regexp_matches(period_code, '^[0-9]{4}H[12]$')) as of_halves,
        count(value) filter (where regexp_matches(period_code, '^[0-9]{4}H[12]$')) as halves
    from {{ ref('core_harmonised') }}
    where geography = 'published'
    group by indicator_id, region_code, left(period_code, 4)
),

clients as (
    select
        indicator_id,
        region_code,
        year,
        coalesce(of_year, case when halves = 2 then of_halves end) as clients,
        case
            when of_year is not null then 'jaar'
            when halves = 2 then 'gemiddelde van twee halfjaren'
        end as clients_over
    from counted
),

amounts as (
    select
        amount.*,
        amount.fiscal_year::integer as budget_year,
        region.region_name,
        inhabitants.inhabitants,
        clients.clients,
        clients.clients_over,
        price.price_year,
        price.price_factor
    from {{ ref('core_amount') }} as amount
    left join {{ ref('core_inhabitants') }} as inhabitants
        on amount.region_code = inhabitants.region_code and amount.fiscal_year = inhabitants.year
    left join clients
        on
            amount.clients_indicator_id = clients.indicator_id
            and amount.region_code = clients.region_code
            and amount.fiscal_year = clients.year
    left join {{ ref('core_price_index') }} as price
        on {{ country_code('amount.region_code') }} = price.country_code and amount.fiscal_year = price.fiscal_year
    left join {{ ref('core_region_name') }} as region on amount.region_code = region.region_code
    where amount.is_latest
)

select
    region_code,
    budget_year as fiscal_year,
    vintage_label as budget_vintage,
    programme,
    basis,
    side,
    provision_form,
    amount_eur,
    item as label_nl,
    region_name,
    source_id,
    taakgebied,
    inhabitants,
    round(amount_eur / inhabitants, 2) as eur_per_inhabitant,
    case when inhabitants is null then 'Het inwonertal van deze regio in dit jaar is niet geladen.' end
        as per_inhabitant_because,
    case when clients > 0 then clients end as clients,
    case when clients > 0 then clients_over end as clients_over,
    case when clients > 0 then round(amount_eur / clients, 2) end as eur_per_client,
    case
        when clients > 0 then null
        when provision_form is not null then 'Cliënten met zin en met pgb zijn niet apart geteld.'
        when clients_indicator_id is null then 'Van dit programma wordt geen aantal cliënten gevolgd.'
        else 'Het aantal cliënten van dit programma in deze regio en dit jaar is niet geladen.'
    end as per_client_because,
    round(amount_eur * price_factor) as amount_eur_real,
    case when price_factor is not null then price_year end as price_year,
    case
        when price_factor is not null then null
        when price_year is not null then 'Van het gekozen prijsjaar is geen prijsindex geladen.'
        else 'Van dit jaar is geen prijsindex geladen.'
    end as real_because
from amounts
