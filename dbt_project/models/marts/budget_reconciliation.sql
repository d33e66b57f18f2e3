select
    reconciled.source_id,
    reconciled.vintage_label as budget_vintage,
    reconciled.region_code,
    reconciled.fiscal_year,
    reconciled.side,
    region.region_name,
    reconciled.printed_eur,
    reconciled.summed_eur,
    reconciled.difference_eur,
    abs(coalesce(reconciled.difference_eur, reconciled.printed_eur, reconciled.summed_eur)) <= 1 as reconciles
from {{ ref('core_reconciliation') }} as reconciled
left join {{ ref('core_region_name') }} as region on reconciled.region_code = region.region_code
