-- The price level of each year, all from one delivery: an index of another base year says nothing beside it.
with yearly as (
    select
        observation.vintage_id,
        observation.vintage_date,
        observation.is_latest,
        observation.region_code as country_code,
        observation.period_code::integer as fiscal_year,
        observation.value as price_index
    from {{ ref('core_observation') }} as observation
    where
        observation.indicator_id = 'cpi'
        and observation.value > 0
        and regexp_matches(observation.period_code, '^[0-9]{4}$')
),

newest as (
    select
        country_code,
        arg_max(vintage_id, (vintage_date, vintage_id)) as vintage_id
    from yearly
    where is_latest
    group by country_code
),

-- the year that the project asks for, or the newest there is
price_year as (
    select
        yearly.country_code,
        yearly.vintage_id,
        coalesce({{ setting('price_year') }}, max(yearly.fiscal_year)) as price_year
    from yearly
    inner join newest on yearly.country_code = newest.country_code and yearly.vintage_id = newest.vintage_id
    group by yearly.country_code, yearly.vintage_id
)

select
    yearly.country_code,
    yearly.fiscal_year,
    price_year.price_year,
    yearly.price_index,
    -- by what an amount of this year is multiplied; null where the price year has no index
    base.price_index / yearly.price_index as price_factor
from yearly
inner join price_year
    on yearly.country_code = price_year.country_code and yearly.vintage_id = price_year.vintage_id
left join yearly as base
    on
        price_year.country_code = base.country_code
        and price_year.vintage_id = base.vintage_id
        and price_year.price_year = base.fiscal_year
