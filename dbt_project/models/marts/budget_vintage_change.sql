-- Two documents about one amount, side by side: a later circular against the one before it.
with vintages as (
    select
        region_code,
        fiscal_year::integer as fiscal_year,
        programme,
        basis,
        side,
        provision_form,
        source_id,
        vintage_label,
        amount_eur,
        lag(vintage_label) over later as earlier_vintage,
        lag(amount_eur) over later as earlier_eur
    from {{ ref('core_amount') }}
    where is_latest
    window
        later as (
            partition by region_code, fiscal_year, programme, basis, side, provision_form, source_id, item, column_name
            order by vintage_order asc nulls last, vintage_date asc, vintage_label asc
        )
)

select
    region_code,
    fiscal_year,
    programme,
    basis,
    side,
    provision_form,
    earlier_vintage,
    vintage_label as later_vintage,
    earlier_eur,
    amount_eur as later_eur,
    amount_eur - earlier_eur as change_eur,
    case when earlier_eur != 0 then 100 * (amount_eur - earlier_eur) / abs(earlier_eur) end as change_pct,
    source_id
from vintages
where earlier_vintage is not null
