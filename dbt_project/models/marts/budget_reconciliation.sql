select
    source_id,
    vintage_label as budget_vintage,
    region_code,
    fiscal_year,
    side,
    printed_eur,
    summed_eur,
    difference_eur,
    abs(coalesce(difference_eur, printed_eur, summed_eur)) <= 1 as reconciles
from {{ ref('core_reconciliation') }}
