-- What a ledger says was booked in a month. A column whose item is called `grootboek` makes a source one.
select
    source_id,
    vintage_id,
    region_code,
    period_code,
    split_part(item, '|', 2) as side,
    split_part(item, '|', 3) as booked_on,
    value as booked_eur
from {{ ref('stg_figures') }}
where item like 'grootboek|%' and regexp_matches(period_code, '^[0-9]{4}M[0-9]{2}$')
