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

identified as (
    select
        series.indicator_id,
        observed.region_code,
        observed.period_code,
        observed.source_id,
        observed.vintage_id,
        observed.value * series.factor as value,
        observed.obs_status,
        observed.source_flag
    from observed
    inner join {{ source('declared', 'series') }} as series
        on observed.source_id = series.source_id and observed.item = series.item
),

dated as (
    select
        identified.*,
        delivery.vintage_date,
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
    value,
    obs_status,
    source_flag,
    is_current and row_number() over (
        partition by indicator_id, region_code, period_code, source_id
        order by is_current desc, vintage_date desc, fetched_at desc, vintage_id desc
    ) = 1 as is_latest
from dated
