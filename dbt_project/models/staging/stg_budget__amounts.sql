-- Every printed amount as one row, still under the publisher's own name for the line.
with finance_buch as (
    select
        'finance_buch' as source_id,
        vintage_id,
        region_code,
        fiscal_year,
        post as item,
        'amount_eur' as column_name,
        null::varchar as side,
        amount_eur as printed_eur
    from {{ source('raw', 'finance_buch') }}
),

budget_heemskerk as (
    select
        'budget_heemskerk' as source_id,
        vintage_id,
        region_code,
        right(series, 4)::integer as fiscal_year,
        programma as item,
        series as column_name,
        split_part(series, '_', 1) as side,
        printed_eur
    from {{ source('raw', 'budget_heemskerk') }}
    unpivot (
        printed_eur for series in (
            lasten_2020, baten_2020, lasten_2021, baten_2021, lasten_2022, baten_2022, lasten_2023, baten_2023
        )
    )
),

circulaire_ijmond as (
    select
        'circulaire_ijmond' as source_id,
        vintage_id,
        region_code,
        right(series, 4)::integer as fiscal_year,
        onderdeel as item,
        series as column_name,
        null::varchar as side,
        printed_eur
    from {{ source('raw', 'circulaire_ijmond') }}
    unpivot (printed_eur for series in (budget_2016, budget_2017, budget_2018, budget_2019))
)

select * from finance_buch
union all
select * from budget_heemskerk
union all
select * from circulaire_ijmond
