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
        item as label_nl,
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
    vintages.region_code,
    vintages.fiscal_year,
    vintages.programme,
    vintages.basis,
    vintages.side,
    vintages.provision_form,
    vintages.earlier_vintage,
    vintages.vintage_label as later_vintage,
    vintages.label_nl,
    region.region_name,
    vintages.earlier_eur,
    vintages.amount_eur as later_eur,
    vintages.amount_eur - vintages.earlier_eur as change_eur,
    case
        when vintages.earlier_eur != 0
            then 100 * (vintages.amount_eur - vintages.earlier_eur) / abs(vintages.earlier_eur)
    end as change_pct,
    vintages.source_id
from vintages
left join {{ ref('core_region_name') }} as region on vintages.region_code = region.region_code
where vintages.earlier_vintage is not null
