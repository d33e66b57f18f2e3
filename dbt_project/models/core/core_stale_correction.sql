-- Declared corrections that are not applied to the figure that counts. Nobody should find out from a chart that a
-- correction stopped working.
with figures as (
    select
        source_id,
        item,
        region_code,
        period_code,
        any_value(delivered_value) as delivered_value,
        any_value(corrected_because) as corrected_because
    from {{ ref('core_observation') }}
    where is_latest
    group by source_id, item, region_code, period_code
),

compared as (
    select
        correction.source_id,
        correction.item,
        correction.region_code,
        correction.period_code,
        correction.expect,
        correction.because,
        figures.delivered_value,
        figures.source_id is not null as is_delivered,
        coalesce({{ same_figure('figures.delivered_value', 'correction.expect') }}, false) as is_as_expected,
        coalesce(figures.corrected_because = correction.because, false) as is_applied
    from {{ source('declared', 'correction') }} as correction
    left join figures
        on
            correction.source_id = figures.source_id
            and correction.item = figures.item
            and correction.region_code = figures.region_code
            and correction.period_code = figures.period_code
)

select
    source_id,
    item,
    region_code,
    period_code,
    expect,
    delivered_value,
    because,
    case
        when not is_delivered then 'not_delivered'
        when not is_as_expected then 'changed'
        else 'superseded'
    end as standing
from compared
where not (is_as_expected and is_applied)
