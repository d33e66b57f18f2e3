-- Series of which the figures stand a power of ten apart from what they should be like: per 1,000 beside per 10,000, a
-- share beside a percentage, a count beside thousands. Compared are two sources of one figure, two vintages of it, a
-- published rate with its own counts, and a period with the one before; a single figure that is odd is no scale.
{%- set tolerance = 1.25 -%}
{%- set fewest = 3 %}
with figures as (
    select
        observation.indicator_id,
        observation.region_code,
        observation.period_code,
        observation.source_id,
        observation.vintage_id,
        observation.vintage_date,
        observation.value,
        observation.is_latest,
        -- as in core_observation: what nobody placed came last
        coalesce(delivery.vintage_order, 1000000) as vintage_order,
        delivery.fetched_at,
        delivery.withdrawn_on
    from {{ ref('core_observation') }} as observation
    inner join {{ source('raw', 'delivery') }} as delivery on observation.vintage_id = delivery.vintage_id
    -- nothing is a power of ten apart from nothing
    where observation.value > 0
),

indicator as (
    select
        indicator_id,
        numerator_id,
        denominator_id,
        rate_factor,
        sources
    from {{ ref('core_indicator') }}
),

latest as (
    select
        figures.*,
        indicator.rate_factor,
        coalesce(list_position(indicator.sources, figures.source_id), 999) as place
    from figures
    inner join indicator on figures.indicator_id = indicator.indicator_id
    where figures.is_latest
),

preferred as (
    select
        indicator_id,
        region_code,
        period_code,
        source_id,
        value
    from {{ ref('core_preferred') }}
    where value > 0
),

-- Two sources of one figure, the one that goes before the other first.
of_sources as (
    select
        'sources' as comparison,
        one.indicator_id,
        other.source_id,
        one.source_id as other_source_id,
        null::varchar as period_code,
        null::varchar as other_period_code,
        null::varchar as vintage_id,
        null::varchar as other_vintage_id,
        one.region_code as figure_region,
        one.period_code as figure_period,
        other.value,
        one.value as other_value,
        coalesce(preferred.source_id in (one.source_id, other.source_id), false) as counts,
        null::date as moment_from,
        null::date as moment_to
    from latest as one
    inner join latest as other
        on
            one.indicator_id = other.indicator_id
            and one.region_code = other.region_code
            and one.period_code = other.period_code
            and (one.place < other.place or (one.place = other.place and one.source_id < other.source_id))
    left join preferred
        on
            one.indicator_id = preferred.indicator_id
            and one.region_code = preferred.region_code
            and one.period_code = preferred.period_code
),

-- What counts now, and what the vintage before it said of the same figure.
of_vintages as (
    select
        'vintages' as comparison,
        latest.indicator_id,
        latest.source_id,
        latest.source_id as other_source_id,
        null::varchar as period_code,
        null::varchar as other_period_code,
        latest.vintage_id,
        older.vintage_id as other_vintage_id,
        latest.region_code as figure_region,
        latest.period_code as figure_period,
        latest.value,
        older.value as other_value,
        coalesce(preferred.source_id = latest.source_id, false) as counts,
        older.vintage_date as moment_from,
        latest.vintage_date as moment_to
    from latest
    inner join figures as older
        on
            not older.is_latest
            and older.withdrawn_on is null
            and latest.indicator_id = older.indicator_id
            and latest.region_code = older.region_code
            and latest.period_code = older.period_code
            and latest.source_id = older.source_id
            and (latest.vintage_order, latest.vintage_date, latest.fetched_at)
            > (older.vintage_order, older.vintage_date, older.fetched_at)
    left join preferred
        on
            latest.indicator_id = preferred.indicator_id
            and latest.region_code = preferred.region_code
            and latest.period_code = preferred.period_code
    qualify
        row_number() over (
            partition by latest.indicator_id, latest.region_code, latest.period_code, latest.source_id
            order by older.vintage_order desc, older.vintage_date desc, older.fetched_at desc
        ) = 1
),

-- A rate as it was published, and what its own counts make of it; a stock of 1 January serves every part of its year.
of_counts as (
    select
        'counts' as comparison,
        rate.indicator_id,
        rate.source_id,
        numerator.source_id as other_source_id,
        null::varchar as period_code,
        null::varchar as other_period_code,
        null::varchar as vintage_id,
        null::varchar as other_vintage_id,
        rate.region_code as figure_region,
        rate.period_code as figure_period,
        rate.value,
        numerator.value * indicator.rate_factor / coalesce(same_period.value, same_year.value) as other_value,
        coalesce(preferred.source_id = rate.source_id, false) as counts,
        null::date as moment_from,
        null::date as moment_to
    from latest as rate
    inner join indicator on rate.indicator_id = indicator.indicator_id
    inner join preferred as numerator
        on
            indicator.numerator_id = numerator.indicator_id
            and rate.region_code = numerator.region_code
            and rate.period_code = numerator.period_code
    inner join {{ ref('core_indicator') }} as below on indicator.denominator_id = below.indicator_id
    left join preferred as same_period
        on
            indicator.denominator_id = same_period.indicator_id
            and rate.region_code = same_period.region_code
            and rate.period_code = same_period.period_code
    left join preferred as same_year
        on
            indicator.denominator_id = same_year.indicator_id
            and rate.region_code = same_year.region_code
            and case below.value_kind when 'stock' then left(rate.period_code, 4) end = same_year.period_code
    left join preferred
        on
            rate.indicator_id = preferred.indicator_id
            and rate.region_code = preferred.region_code
            and rate.period_code = preferred.period_code
    where coalesce(same_period.value, same_year.value) is not null
),

timed as (
    select
        latest.indicator_id,
        latest.source_id,
        latest.region_code,
        latest.period_code,
        latest.value,
        latest.rate_factor,
        period.period_kind,
        period.sort_index,
        period.start_date,
        coalesce(preferred.source_id = latest.source_id, false) as counts
    from latest
    inner join {{ ref('core_period') }} as period on latest.period_code = period.period_code
    left join preferred
        on
            latest.indicator_id = preferred.indicator_id
            and latest.region_code = preferred.region_code
            and latest.period_code = preferred.period_code
),

-- A figure and the one before it in the same series. The world may have changed; a whole country seldom does so by a
-- power of ten.
of_periods as (
    select
        'periods' as comparison,
        indicator_id,
        source_id,
        source_id as other_source_id,
        period_code,
        lag(period_code) over series as other_period_code,
        null::varchar as vintage_id,
        null::varchar as other_vintage_id,
        region_code as figure_region,
        period_code as figure_period,
        value,
        lag(value) over series as other_value,
        counts,
        lag(start_date) over series as moment_from,
        start_date as moment_to
    from timed
    window series as (partition by indicator_id, source_id, region_code, period_kind order by sort_index)
    qualify other_value is not null
),

-- Where two successive periods have no region in common, only rates can be held against each other, and only loosely.
of_levels as (
    select
        'periods' as comparison,
        levels.indicator_id,
        levels.source_id,
        levels.source_id as other_source_id,
        levels.period_code,
        lag(levels.period_code) over series as other_period_code,
        null::varchar as vintage_id,
        null::varchar as other_vintage_id,
        levels.figure_region,
        levels.period_code as figure_period,
        levels.value,
        lag(levels.value) over series as other_value,
        levels.counts,
        lag(levels.start_date) over series as moment_from,
        levels.start_date as moment_to
    from (
        select
            indicator_id,
            source_id,
            period_code,
            period_kind,
            sort_index,
            start_date,
            case when count(*) = 1 then any_value(region_code) end as figure_region,
            median(value) as value,
            bool_or(counts) as counts
        from timed
        where rate_factor is not null
        group by indicator_id, source_id, period_code, period_kind, sort_index, start_date
    ) as levels
    anti join of_periods
        on
            levels.indicator_id = of_periods.indicator_id
            and levels.source_id = of_periods.source_id
            and levels.period_code = of_periods.period_code
    window series as (partition by levels.indicator_id, levels.source_id, levels.period_kind order by levels.sort_index)
    qualify other_value is not null
),

compared as (
    select * from of_sources
    union all
    select * from of_vintages
    union all
    select * from of_counts
    union all
    select * from of_periods
    union all
    select * from of_levels
),

measured as (
    select
        comparison,
        indicator_id,
        source_id,
        other_source_id,
        period_code,
        -- a region that skipped a period has another one before it than most
        mode(other_period_code) as other_period_code,
        vintage_id,
        other_vintage_id,
        count(*) as compared_figures,
        median(value / other_value) as median_ratio,
        round(log10(median(value / other_value)))::integer as power,
        bool_or(counts) as counts_in_marts,
        arg_min(
            struct_pack(region := figure_region, period := figure_period, one := value, other := other_value),
            figure_period || coalesce(figure_region, '')
        ) as example,
        min(moment_from) as moment_from,
        max(moment_to) as moment_to
    from compared
    group by
        comparison, indicator_id, source_id, other_source_id, period_code, vintage_id, other_vintage_id
),

apart as (
    select
        *,
        -- a correction of what was far too large must not stop what is right now; the reverse does the most harm
        compared_figures >= {{ fewest }}
        and case comparison when 'periods' then false when 'vintages' then power > 0 else true end as is_certain
    from measured
    where power != 0 and abs(log10(median_ratio) - power) <= log10({{ tolerance }}) + 1e-9
),

-- A change of unit or definition that somebody declared is no conflict between what was before it and what came after.
explained as (
    select
        apart.comparison,
        apart.indicator_id,
        apart.source_id,
        apart.period_code,
        apart.vintage_id,
        apart.other_vintage_id,
        min(event.event_id) as event_id
    from apart
    inner join {{ source('declared', 'event_scope') }} as event_scope on apart.indicator_id = event_scope.indicator_id
    inner join {{ ref('core_event') }} as event
        on
            event_scope.event_id = event.event_id
            and event.nature in ('measurement', 'mixed')
            and apart.moment_to >= event.window_start
            and apart.moment_from <= event.window_end
    where apart.comparison in ('periods', 'vintages')
    group by all
)

select
    apart.indicator_id,
    apart.comparison,
    apart.source_id,
    apart.other_source_id,
    apart.period_code,
    apart.other_period_code,
    apart.vintage_id,
    apart.other_vintage_id,
    apart.compared_figures,
    apart.median_ratio,
    power(10.0, apart.power)::double as scale_factor,
    apart.example.region as example_region_code,
    apart.example.period as example_period_code,
    apart.example.one as value,
    apart.example.other as other_value,
    apart.counts_in_marts,
    apart.is_certain,
    explained.event_id,
    'Ongeveer '
    || case when apart.power > 0 then power(10, apart.power) else power(10, -apart.power) end::bigint
    || case when apart.power > 0 then ' keer zo groot als ' else ' keer zo klein als ' end
    || case apart.comparison
        when 'sources' then 'hetzelfde cijfer van ' || apart.other_source_id
        when 'vintages' then 'hetzelfde cijfer in de vorige levering'
        when 'counts' then 'wat de aantallen van ' || apart.other_source_id || ' geven'
        else 'in ' || apart.other_period_code
    end
    || ' (mediaan ' || replace(format('{:.3g}', apart.median_ratio), '.', ',') || ' over ' || apart.compared_figures
    || case apart.compared_figures when 1 then ' cijfer); ' else ' cijfers); ' end
    || case abs(apart.power)
        when 1 then 'waarschijnlijk staat het een per 1.000 en het ander per 10.000'
        when 2 then 'waarschijnlijk staat het een als percentage en het ander als aandeel of per 10.000'
        when 3 then 'waarschijnlijk staat het een in eenheden en het ander in duizenden'
        else 'waarschijnlijk staan ze in een andere eenheid'
    end
    || '.' as because
from apart
left join explained
    on
        apart.comparison = explained.comparison
        and apart.indicator_id = explained.indicator_id
        and apart.source_id = explained.source_id
        and apart.period_code is not distinct from explained.period_code
        and apart.vintage_id is not distinct from explained.vintage_id
        and apart.other_vintage_id is not distinct from explained.other_vintage_id
