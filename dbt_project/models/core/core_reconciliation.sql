-- Printed totals beside the sum of the lines that were loaded.
with printed_lines as (
    select
        no_data.source_id,
        no_data.vintage_id,
        unnest(json_keys(no_data.cells)) as column_name,
        no_data.cells
    from {{ source('raw', 'no_data_row') }} as no_data
    where no_data.kind = 'total'
),

printed as (
    select
        source_id,
        vintage_id,
        right(column_name, 4)::integer as fiscal_year,
        case when column_name like 'lasten%' then 'lasten' else 'baten' end as side,
        abs(
            replace(replace(json_extract_string(cells, '$.' || column_name), '.', ''), ',', '.')::double
        ) as printed_eur
    from printed_lines
    where
        regexp_matches(column_name, '^(lasten|baten|budget)_[0-9]{4}$')
        and coalesce(json_extract_string(cells, '$.' || column_name), '') != ''
),

summed as (
    select
        source_id,
        vintage_id,
        vintage_label,
        region_code,
        fiscal_year,
        side,
        sum(amount_eur) as summed_eur
    from {{ ref('core_amount') }}
    where is_current
    group by all
)

select
    printed.source_id,
    summed.vintage_label,
    summed.region_code,
    printed.fiscal_year,
    printed.side,
    printed.printed_eur,
    coalesce(summed.summed_eur, 0) as summed_eur,
    coalesce(summed.summed_eur, 0) - printed.printed_eur as difference_eur
from printed
left join summed
    on
        printed.vintage_id = summed.vintage_id
        and printed.fiscal_year = summed.fiscal_year
        and printed.side = summed.side
