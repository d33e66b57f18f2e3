-- Two sources that give another figure for the same thing. Nobody chose between them; the marts follow the
-- declared order of preference, and this table says where that mattered. What two publishers round differently does
-- not contradict.
with rounding as (
    select
        series.source_id,
        series.indicator_id,
        max(declared.rounding * abs(series.factor)) as rounded_to
    from {{ source('declared', 'series') }} as series
    inner join {{ source('declared', 'source') }} as declared on series.source_id = declared.source_id
    group by series.source_id, series.indicator_id
)

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
left join rounding as first_rounding
    on
        first_source.source_id = first_rounding.source_id
        and first_source.indicator_id = first_rounding.indicator_id
left join rounding as second_rounding
    on
        second_source.source_id = second_rounding.source_id
        and second_source.indicator_id = second_rounding.indicator_id
where
    not {{ same_figure('first_source.value', 'second_source.value') }}
    and (
        first_rounding.rounded_to is not distinct from second_rounding.rounded_to
        or abs(first_source.value - second_source.value)
        > greatest(coalesce(first_rounding.rounded_to, 0), coalesce(second_rounding.rounded_to, 0)) / 2
    )
