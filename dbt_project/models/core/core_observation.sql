-- The long table of observed figures. Status follows SDMX; the publisher's own flag travels along.
with observed as (
    select
        source_id,
        vintage_id,
        item,
        region_code,
        period_code,
        value,
        source_flag,
        case
            when value is not null and period_status in ('Voorlopig', 'NaderVoorlopig') then 'P'
            when value is not null then 'A'
            when source_flag = 'Impossible' then 'M'
            when source_flag = 'Confidential' then 'Q'
            else 'L'
        end as obs_status
    from {{ ref('stg_cbs__observations') }}

    union all

    select
        source_id,
        vintage_id,
        item,
        region_code,
        period_code,
        value,
        source_flag,
        case
            when value is not null then 'A'
            when source_flag = 'hidden' then 'Q'
            when source_flag = 'not_applicable' then 'M'
            else 'L'
        end as obs_status
    from {{ ref('stg_swing__observations') }}

    union all

    select
        source_id,
        vintage_id,
        item,
        region_code,
        period_code,
        value,
        null as source_flag,
        'A' as obs_status
    from {{ ref('stg_survey__observations') }}
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
    inner join {{ source('declared', 'series') }} as series
        on observed.source_id = series.source_id and observed.item = series.item
    left join corrections
        on
            observed.source_id = corrections.source_id
            and observed.item = corrections.item
            and observed.region_code = corrections.region_code
            and observed.period_code = corrections.period_code
            and {{ same_figure('observed.value', 'corrections.expect') }}
),

dated as (
    select
        identified.*,
        delivery.vintage_date,
        delivery.vintage_order,
        delivery.fetched_at,
        delivery.is_current
    from identified
    inner join {{ source('raw', 'delivery') }} as delivery
        on identified.vintage_id = delivery.vintage_id
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
from dated
