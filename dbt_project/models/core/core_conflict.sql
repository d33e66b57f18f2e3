-- Two sources that give another figure for the same thing. Nobody chose between them; the marts follow the
-- declared order of preference, and this table says where that mattered.
select
    first_source.indicator_id,
    first_source.region_code,
    first_source.period_code,
    first_source.source_id,
    first_source.value,
    second_source.source_id as other_source_id,
    second_source.value as other_value,
    case
        when first_source.value != 0
            then 100 * (second_source.value - first_source.value) / first_source.value
    end as difference_pct
from {{ ref('core_preferred') }} as first_source
inner join {{ ref('core_observation') }} as second_source
    on
        first_source.indicator_id = second_source.indicator_id
        and first_source.region_code = second_source.region_code
        and first_source.period_code = second_source.period_code
        and first_source.source_id != second_source.source_id
        and second_source.is_latest
where not {{ same_figure('first_source.value', 'second_source.value') }}
