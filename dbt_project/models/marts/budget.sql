select
    region_code,
    fiscal_year::integer as fiscal_year,
    vintage_label as budget_vintage,
    programme,
    basis,
    side,
    provision_form,
    amount_eur,
    item as label_nl,
    source_id
from {{ ref('core_amount') }}
where is_latest
