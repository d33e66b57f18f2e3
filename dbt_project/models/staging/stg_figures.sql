-- Every figure of every source, as the readers hand it over. A new source adds rows here, and no SQL.
select
    source_id,
    vintage_id,
    item,
    region_code,
    period_code,
    period_status,
    value,
    text_value,
    source_flag,
    unit,
    part,
    column_name
from {{ source('raw', 'figure') }}
