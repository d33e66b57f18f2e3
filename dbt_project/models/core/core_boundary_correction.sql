-- Pieces of a municipality that went to another while both stayed, seen from either end and on either geography. They
-- move no figures (why: pipelines/geography/weights.py); what they moved says where a comparison over time would not
-- hold. A correction between two that are one on the borders of the reference year is none there.
{%- set population = var('population_indicator', 'bevolking') %}
{%- set bound = var('boundary_change_pct', 1) %}
with corrections as (
    select
        from_code,
        to_code,
        effective_date,
        inhabitants,
        dwellings,
        hectares
    from {{ source('raw', 'region_change') }}
    where kind = 'grenswijziging' and left(from_code, 2) in ('GM', 'VB') and left(to_code, 2) in ('GM', 'VB')
),

weight as (
    select
        from_code,
        to_code,
        weight
    from {{ source('raw', 'region_weight') }}
    where reference_year = {{ setting('reference_year') }}
),

placed as (
    select
        'published' as geography,
        from_code,
        to_code,
        effective_date,
        inhabitants::double as inhabitants,
        dwellings::double as dwellings,
        hectares
    from corrections

    union all

    select
        {{ reference_geography() }} as geography,
        giver.to_code as from_code,
        taker.to_code,
        corrections.effective_date,
        {{ sum_in_order('corrections.inhabitants * giver.weight * taker.weight') }} as inhabitants,
        {{ sum_in_order('corrections.dwellings * giver.weight * taker.weight') }} as dwellings,
        {{ sum_in_order('corrections.hectares * giver.weight * taker.weight') }} as hectares
    from corrections
    inner join weight as giver on corrections.from_code = giver.from_code
    inner join weight as taker on corrections.to_code = taker.from_code
    where
        giver.to_code != taker.to_code
        and corrections.effective_date <= make_date({{ setting('reference_year') }}, 1, 1)
    group by giver.to_code, taker.to_code, corrections.effective_date
),

ends as (
    select
        geography,
        from_code as region_code,
        to_code as other_code,
        'given' as direction,
        effective_date,
        inhabitants,
        dwellings,
        hectares
    from placed

    union all

    select
        geography,
        to_code as region_code,
        from_code as other_code,
        'received' as direction,
        effective_date,
        inhabitants,
        dwellings,
        hectares
    from placed
),

-- The population is of 1 January, on the borders of that day: the first one that counts the moved at their new place.
counted as (
    select
        ends.*,
        population.value as population_after
    from ends
    left join {{ ref('core_harmonised') }} as population
        on
            population.indicator_id = '{{ population }}'
            and ends.geography = population.geography
            and ends.region_code = population.region_code
            and year(ends.effective_date - 1)::integer + 1 = try_cast(population.period_code as integer)
),

shared as (
    select
        *,
        case direction
            when 'given' then population_after + inhabitants
            else population_after - inhabitants
        end as population_before
    from counted
)

select
    geography,
    region_code,
    effective_date,
    direction,
    other_code,
    inhabitants,
    dwellings,
    hectares,
    population_before as population,
    case when inhabitants = 0 then 0 else 100 * inhabitants / nullif(population_before, 0) end as share_pct,
    case
        when inhabitants = 0 then false
        else 100 * inhabitants / nullif(population_before, 0) > {{ bound }}
    end as exceeds_bound
from shared
