-- The codes on the borders of the reference year, and whether they take in figures of another code: only there does
-- the border matter. A code that the publisher's history does not know (a cooperation, a municipality in a profile
-- without that history) keeps the borders it has. Wijken and buurten have none but those of their own year.
with gone as (
    select region_code
    from {{ ref('core_region') }}
    where
        valid_to <= make_date({{ setting('reference_year') }}, 1, 1)
        or valid_from > make_date({{ setting('reference_year') }}, 1, 1)
)

select
    to_code as region_code,
    count(*) > 1 or min(weight) < 1 as takes_in
from {{ source('raw', 'region_weight') }}
where reference_year = {{ setting('reference_year') }}
group by to_code

union all

select distinct
    used.region_code,
    false as takes_in
from {{ ref('core_preferred') }} as used
anti join {{ source('raw', 'region') }} as published on used.region_code = published.region_code
anti join gone on used.region_code = gone.region_code
anti join {{ ref('core_neighbourhood') }} as neighbourhood on used.region_code = neighbourhood.region_code
