-- The long table of observed figures. Status follows SDMX; the publisher's own flag travels along.
with figures as (
    select
        source_id,
        vintage_id,
        item,
        part,
        region_code,
        period_code,
        value,
        source_flag,
        case
            when value is not null and period_status in ('Voorlopig', 'NaderVoorlopig') then 'P'
            when value is not null then 'A'
            when source_flag in ('Impossible', 'not_applicable') then 'M'
            when source_flag in ('Confidential', 'hidden') then 'Q'
            else 'L'
        end as obs_status
    from {{ ref('stg_figures') }}
    where region_code is not null and period_code is not null
),

-- A region that reports nothing but zeros has not delivered, where the source is declared to work like that: a
-- delivery of nothing is no cost of nothing.
item_rank as (
    select
        source_id,
        item,
        part,
        max(rank) as rank
    from {{ ref('core_series_item') }}
    group by source_id, item, part
),

zero_or_not as (
    select
        figures.source_id,
        figures.vintage_id,
        figures.item,
        figures.region_code,
        figures.period_code,
        figures.part,
        -- two moments of publication side by side are two deliveries: the later one may not have come yet
        max(abs(figures.value)) over (
            partition by
                figures.source_id,
                figures.vintage_id,
                figures.region_code,
                figures.period_code,
                figures.part,
                item_rank.rank
        ) as largest
    from figures
    inner join {{ source('declared', 'source') }} as declared
        on figures.source_id = declared.source_id and declared.not_delivered_when_all_zero
    left join item_rank
        on
            figures.source_id = item_rank.source_id
            and figures.item = item_rank.item
            and figures.part is not distinct from item_rank.part
),

nothing_but_zeros as (
    select *
    from zero_or_not
    where largest = 0
),

observed as (
    select
        figures.source_id,
        figures.vintage_id,
        figures.item,
        figures.part,
        figures.region_code,
        figures.period_code,
        case when nothing_but_zeros.source_id is null then figures.value end as value,
        case when nothing_but_zeros.source_id is null then figures.source_flag else 'all_zero' end as source_flag,
        case when nothing_but_zeros.source_id is null then figures.obs_status else 'L' end as obs_status
    from figures
    left join nothing_but_zeros
        on
            figures.source_id = nothing_but_zeros.source_id
            and figures.item = nothing_but_zeros.item
            and figures.vintage_id = nothing_but_zeros.vintage_id
            and figures.region_code = nothing_but_zeros.region_code
            and figures.period_code = nothing_but_zeros.period_code
            and figures.part is not distinct from nothing_but_zeros.part
),

-- A figure known to be wrong is replaced where it still stands as it was when somebody looked at it; a publisher
-- who changed it since makes the correction stale (core.stale_correction).
corrections as (
    select
        source_id,
        item,
        region_code,
        period_code,
        expect,
        value,
        because
    from {{ source('declared', 'correction') }}
    qualify
        row_number() over (
            partition by source_id, item, region_code, period_code, expect
            order by corrected_on desc, because asc
        ) = 1
),

identified as (
    select
        series.indicator_id,
        series.declared_item,
        series.adds_up,
        series.rank,
        observed.part,
        observed.region_code,
        observed.period_code,
        observed.source_id,
        observed.vintage_id,
        observed.item,
        observed.value as delivered_value,
        corrections.because as corrected_because,
        observed.source_flag,
        series.factor * case when corrections.expect is null then observed.value else corrections.value end as value,
        case
            when corrections.expect is not null and corrections.value is null then 'L'
            else observed.obs_status
        end as obs_status
    from observed
    inner join {{ ref('core_series_item') }} as series
        on
            observed.source_id = series.source_id
            and observed.item = series.item
            and observed.part is not distinct from series.part
    left join corrections
        on
            observed.source_id = corrections.source_id
            and observed.item = corrections.item
            and observed.region_code = corrections.region_code
            and observed.period_code = corrections.period_code
            and {{ same_figure('observed.value', 'corrections.expect') }}
),

-- An empty item adds nothing to a sum; one that is suppressed leaves it unknown.
together as (
    select * exclude (declared_item)
    from identified
    where not adds_up

    union all by name

    select
        indicator_id,
        region_code,
        period_code,
        source_id,
        vintage_id,
        part,
        declared_item as item,
        rank,
        adds_up,
        case when not bool_or(obs_status = 'Q') then {{ sum_in_order('delivered_value') }} end as delivered_value,
        min(corrected_because) as corrected_because,
        case when bool_or(obs_status = 'Q') or count(value) = 0 then min(source_flag) end as source_flag,
        case when not bool_or(obs_status = 'Q') then {{ sum_in_order('value') }} end as value,
        case
            when bool_or(obs_status = 'Q') then 'Q'
            when count(value) = 0 then min(obs_status)
            when bool_or(obs_status = 'P') then 'P'
            else 'A'
        end as obs_status
    from identified
    where adds_up
    group by indicator_id, region_code, period_code, source_id, vintage_id, part, declared_item, rank, adds_up
),

-- Where it is declared so, what a delivered report leaves empty is a zero: nothing was booked there.
reports as (
    select distinct
        together.source_id,
        together.vintage_id,
        together.region_code,
        together.period_code,
        together.part,
        together.rank
    from together
    inner join {{ source('declared', 'source') }} as declared
        on together.source_id = declared.source_id and declared.empty_is_zero
    where together.adds_up and together.value is not null
),

left_empty as (
    select
        series.indicator_id,
        reports.region_code,
        reports.period_code,
        reports.source_id,
        reports.vintage_id,
        reports.part,
        series.item,
        series.rank,
        true as adds_up,
        null::double as delivered_value,
        null::varchar as corrected_because,
        'empty' as source_flag,
        0::double as value,
        'A' as obs_status
    from reports
    inner join {{ source('declared', 'series') }} as series
        on
            reports.source_id = series.source_id
            and series.adds_up
            and reports.rank = series.rank
            and reports.part is not distinct from series.part
    anti join together
        on
            reports.source_id = together.source_id
            and reports.vintage_id = together.vintage_id
            and reports.region_code = together.region_code
            and reports.period_code = together.period_code
            and series.item = together.item
            and series.indicator_id = together.indicator_id
            and reports.part is not distinct from together.part
            and (together.value is not null or together.obs_status = 'Q')
),

complete as (
    select together.*
    from together
    anti join left_empty
        on
            together.source_id = left_empty.source_id
            and together.vintage_id = left_empty.vintage_id
            and together.region_code = left_empty.region_code
            and together.period_code = left_empty.period_code
            and together.item = left_empty.item
            and together.indicator_id = left_empty.indicator_id
            and together.part is not distinct from left_empty.part

    union all by name

    select * from left_empty
),

dated as (
    select
        complete.*,
        delivery.vintage_date,
        delivery.vintage_order,
        delivery.fetched_at,
        delivery.is_current
    from complete
    inner join {{ source('raw', 'delivery') }} as delivery
        on complete.vintage_id = delivery.vintage_id
),

-- Two items of one vintage that give one figure (two moments of publication side by side) are one observation.
first_in_rank as (
    select *
    from dated
    qualify
        row_number() over (
            partition by indicator_id, region_code, period_code, source_id, vintage_id
            order by value is null asc, rank desc, item asc
        ) = 1
)

select
    indicator_id,
    region_code,
    period_code,
    source_id,
    vintage_id,
    vintage_date,
    item,
    value,
    delivered_value,
    corrected_because,
    obs_status,
    source_flag,
    is_current and row_number() over (
        partition by indicator_id, region_code, period_code, source_id
        order by is_current desc, vintage_order desc nulls first, vintage_date desc, fetched_at desc, vintage_id desc
    ) = 1 as is_latest
from first_in_rank
