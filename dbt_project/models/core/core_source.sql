with vintages as (
    select
        source_id,
        max(vintage_date) as last_vintage
    from {{ source('raw', 'delivery') }}
    where status = 'loaded' and is_current
    group by source_id
)

select
    declared.*,
    vintages.last_vintage
from {{ source('declared', 'source') }} as declared
left join vintages on declared.source_id = vintages.source_id
