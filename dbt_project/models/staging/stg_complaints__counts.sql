-- How many complaints were registered. A column whose item is called `klachten` makes a source one.
select
    source_id,
    vintage_id,
    region_code,
    period_code,
    split_part(item, '|', 2) as law,
    split_part(item, '|', 3) as subject,
    value as complaints
from {{ ref('stg_figures') }}
where item like 'klachten|%|%' and value is not null
