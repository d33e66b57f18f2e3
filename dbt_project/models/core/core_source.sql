with vintages as (
    select
        source_id,
        max(vintage_date) as last_vintage
    from {{ source('raw', 'delivery') }}
    where status = 'loaded' and is_current
    group by source_id
),

every as (
    select
        source_id,
        publisher,
        title,
        licence,
        url,
        cadence,
        is_fictional,
        true as is_connected,
        not_expected_because as because
    from {{ source('declared', 'source') }}

    union all

    -- what a document measures by, and nobody delivers
    select
        source_id,
        publisher,
        title,
        null as licence,
        url,
        cadence,
        false as is_fictional,
        false as is_connected,
        because_nl as because
    from {{ source('declared', 'rhythm') }}
)

select
    every.*,
    vintages.last_vintage
from every
left join vintages on every.source_id = vintages.source_id
