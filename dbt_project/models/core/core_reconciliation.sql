-- Printed totals beside the sum of the lines that were loaded, each within its own delivery.
with printed_lines as (
    select
        no_data.source_id,
        no_data.vintage_id,
        unnest(json_keys(no_data.cells)) as column_name,
        no_data.cells
    from {{ source('raw', 'no_data_row') }} as no_data
    where no_data.kind = 'total'
),

printed_text as (
    select
        source_id,
        vintage_id,
        column_name,
        json_extract_string(cells, '$.' || column_name) as cell
    from printed_lines
    where regexp_matches(column_name, '^(lasten|baten|budget)_[0-9]{4}$')
),

printed as (
    select
        source_id,
        vintage_id,
        right(column_name, 4)::integer as fiscal_year,
        case when column_name like 'lasten%' then 'lasten' else 'baten' end as side,
        -- empty where the cell holds no number: then nothing reconciles with it, and the check says so
        abs(try_cast(replace(replace(cell, '.', ''), ',', '.') as double)) as printed_eur
    from printed_text
    where coalesce(cell, '') != ''
),

summed as (
    select
        vintage_id,
        fiscal_year,
        side,
        {{ sum_in_order('amount_eur') }} as summed_eur
    from {{ ref('core_amount') }}
    where is_current
    group by vintage_id, fiscal_year, side
),

-- a total stands under all regions of its file
region as (
    select
        vintage_id,
        case when count(distinct region_code) = 1 then any_value(region_code) end as region_code
    from {{ ref('core_amount') }}
    group by vintage_id
)

select
    printed.source_id,
    delivery.vintage_label,
    region.region_code,
    printed.fiscal_year,
    printed.side,
    printed.printed_eur,
    coalesce(summed.summed_eur, 0) as summed_eur,
    coalesce(summed.summed_eur, 0) - coalesce(printed.printed_eur, 0) as difference_eur
from printed
inner join {{ source('raw', 'delivery') }} as delivery on printed.vintage_id = delivery.vintage_id
left join region on printed.vintage_id = region.vintage_id
left join summed
    on
        printed.vintage_id = summed.vintage_id
        and printed.fiscal_year = summed.fiscal_year
        and printed.side = summed.side
