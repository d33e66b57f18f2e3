select
    printed.indicator_id,
    printed.region_code,
    printed.period_code,
    indicator.label_nl,
    region.region_name,
    printed.value,
    printed.document,
    printed.section,
    printed.note
from {{ ref('core_printed_figure') }} as printed
left join {{ ref('core_indicator') }} as indicator on printed.indicator_id = indicator.indicator_id
left join {{ ref('core_region_name') }} as region on printed.region_code = region.region_code
