-- Money, with its signs made plain: rijksbudget is income, printed minus signs of baten are dropped, and only a
-- taakstelling may stay negative.
with amounts as (
    select
        printed.source_id,
        printed.vintage_id,
        printed.region_code,
        printed.fiscal_year,
        printed.item,
        printed.column_name,
        item.programme,
        item.basis,
        item.provision_form,
        item.taakgebied,
        item.clients_indicator_id,
        case when item.basis = 'rijksbudget' then 'baten' else coalesce(printed.side, 'lasten') end as side,
        printed.printed_eur
    from {{ ref('stg_budget__amounts') }} as printed
    inner join {{ ref('budget_item') }} as item
        on printed.source_id = item.source_id and printed.item = item.item
    where printed.printed_eur is not null
)

select
    amounts.source_id,
    amounts.vintage_id,
    delivery.vintage_label,
    delivery.vintage_date,
    delivery.vintage_order,
    delivery.is_current,
    amounts.region_code,
    amounts.fiscal_year,
    amounts.item,
    amounts.column_name,
    amounts.programme,
    amounts.basis,
    amounts.side,
    amounts.provision_form,
    amounts.taakgebied,
    amounts.clients_indicator_id,
    case
        when amounts.side = 'baten' and amounts.printed_eur < 0 then -amounts.printed_eur
        else amounts.printed_eur
    end as amount_eur,
    -- a file that prints the same line of the same document again replaces it, also under another name
    delivery.is_current and row_number() over (
        partition by
            amounts.source_id,
            delivery.vintage_label,
            amounts.region_code,
            amounts.fiscal_year,
            amounts.item,
            amounts.column_name
        order by
            delivery.is_current desc,
            delivery.vintage_order desc nulls first,
            delivery.vintage_date desc,
            delivery.fetched_at desc,
            amounts.vintage_id desc
    ) = 1 as is_latest
from amounts
inner join {{ source('raw', 'delivery') }} as delivery on amounts.vintage_id = delivery.vintage_id
