-- What stands between a figure and the one before it. A lasting break does when the new regime starts after the one and
-- not after the other. Wrong figures spoil every comparison they take part in, from the first until the figures were
-- right again.
with broken as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        found.break_id,
        found.score,
        found.reasons,
        found.kind != 'one_off' and found.returned_on is null as is_lasting
    from {{ ref('core_compared') }} as compared
    inner join {{ ref('core_break_felt') }} as found
        on
            compared.indicator_id = found.indicator_id
            and compared.municipality_code = found.region_code
            and (compared.is_computed or not found.in_denominator)
    where
        (
            found.kind != 'one_off'
            and found.returned_on is null
            and found.start_date > compared.previous_start
            and found.start_date <= compared.start_date
        )
        or (
            found.kind in ('one_off', 'scale')
            and (
                compared.start_date between found.start_date and coalesce(found.returned_on - 1, found.end_date)
                or compared.previous_start between found.start_date and coalesce(found.returned_on - 1, found.end_date)
            )
        )
),

-- Where no break could have been found, because the series is too short or no others are there to hold it against, a
-- registered change of measurement is all there is to go by. A rate is judged by what it is computed from.
judged as (
    select
        indicator_id,
        region_code
    from {{ source('breaks', 'detectable') }}
    where detectable_effect_pct is not null
),

changed as (
    select
        event.event_id,
        scope.indicator_id,
        scope.region_code,
        event.window_start,
        event.window_end,
        {{ reason_of_event('event.kind') }} as reason
    from {{ ref('core_event') }} as event
    inner join {{ source('declared', 'event_scope') }} as scope on event.event_id = scope.event_id
    where
        event.nature = 'measurement'
        and event.kind in ('ambtelijke_fusie', 'system_harmonisation', 'definition_change', 'publication_change')
),

unjudged as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        null::varchar as break_id,
        null::double as score,
        [changed.reason] as reasons,
        false as is_lasting
    from (
        select
            figure.*,
            case when figure.is_computed then indicator.numerator_id else figure.indicator_id end as judged_id
        from {{ ref('core_compared') }} as figure
        inner join {{ ref('core_indicator') }} as indicator on figure.indicator_id = indicator.indicator_id
    ) as compared
    inner join changed
        on
            compared.indicator_id = changed.indicator_id
            and compared.municipality_code = changed.region_code
            and compared.previous_start < changed.window_end
            and compared.end_date >= changed.window_start
    anti join judged on compared.region_code = judged.region_code and compared.judged_id = judged.indicator_id
),

every as (
    select * from broken
    union all
    select * from unjudged
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    first(break_id order by score desc nulls last, break_id asc nulls last) as break_id,
    list_sort(list_distinct(flatten(list(reasons)))) as reasons,
    coalesce(bool_and(is_lasting) filter (where len(reasons) > 0), false) as may_be_linked
from every
group by indicator_id, region_code, period_code, geography
