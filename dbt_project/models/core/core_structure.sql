-- What a municipality is like, for the years it has costs of: per characteristic the figure of the book year, or of the
-- latest of the three years before in which it is known of at least half of the municipalities. Structure moves slowly,
-- and is published late; figures of different years are not mixed within a characteristic.
with wanted as (
    select distinct
        region_code,
        country_code,
        fiscal_year
    from {{ ref('core_benchmark_cost') }}
),

known as (
    select
        characteristic.characteristic,
        characteristic.transform,
        harmonised.region_code,
        year(period.start_date) as structure_year,
        harmonised.value
    from {{ source('declared', 'structure_characteristic') }} as characteristic
    inner join {{ ref('core_harmonised') }} as harmonised
        on characteristic.indicator_id = harmonised.indicator_id and harmonised.geography = 'published'
    inner join {{ ref('core_period') }} as period
        on harmonised.period_code = period.period_code and period.period_kind = 'year'
    where harmonised.value is not null
),

sizes as (
    select
        country_code,
        fiscal_year,
        count(*) as municipalities
    from wanted
    group by country_code, fiscal_year
),

years as (
    select
        known.characteristic,
        wanted.country_code,
        wanted.fiscal_year,
        known.structure_year
    from wanted
    inner join known
        on
            wanted.region_code = known.region_code
            and known.structure_year between wanted.fiscal_year - 3 and wanted.fiscal_year
    inner join sizes
        on wanted.country_code = sizes.country_code and wanted.fiscal_year = sizes.fiscal_year
    group by
        known.characteristic, wanted.country_code, wanted.fiscal_year, known.structure_year, sizes.municipalities
    having 2 * count(*) >= sizes.municipalities
    qualify
        row_number() over (
            partition by known.characteristic, wanted.country_code, wanted.fiscal_year
            order by known.structure_year desc
        ) = 1
)

select
    wanted.region_code,
    wanted.fiscal_year,
    characteristic.characteristic,
    characteristic.label_nl,
    characteristic.indicator_id,
    years.structure_year,
    known.value,
    case
        when characteristic.transform = 'none' then known.value
        when known.value > 0 then ln(known.value)
    end as modelled_value
from wanted
cross join {{ source('declared', 'structure_characteristic') }} as characteristic
left join years
    on
        characteristic.characteristic = years.characteristic
        and wanted.country_code = years.country_code
        and wanted.fiscal_year = years.fiscal_year
left join known
    on
        years.characteristic = known.characteristic
        and years.structure_year = known.structure_year
        and wanted.region_code = known.region_code
