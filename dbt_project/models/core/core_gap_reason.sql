{{ config(materialized='view') }}

select
    expected.indicator_id,
    expected.region_code,
    expected.period_code,
    min(gap.because) as because
from {{ ref('core_known_gap') }} as gap
inner join {{ ref('core_expected') }} as expected
    on
        gap.source_id = expected.source_id
        and gap.item = expected.item
        and gap.region_code = expected.region_code
        and gap.period_code = expected.period_code
where trim(gap.because) != ''
group by expected.indicator_id, expected.region_code, expected.period_code
