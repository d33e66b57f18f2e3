-- Names and codes in deliveries that stand for no region, or for more than one. They are never guessed: their rows are
-- in quarantine until the delivery or `sources/catalogue/aliases.yml` says which region is meant.
select
    source_id,
    file,
    column_name,
    found,
    any_value(expected) as expected,
    count(*) as rows_refused,
    min(line) as first_line
from {{ source('raw', 'quarantine') }}
where reason = 'unknown_region'
group by source_id, file, column_name, found
