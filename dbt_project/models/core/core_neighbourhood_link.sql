-- Whether the figure of a wijk or buurt may be held against that of the edition before. Only code and name together
-- say so: a number is given to another piece of town, and a name stays where the borders moved with the number.
with edition as (
    select
        edition_year,
        lag(edition_year) over (order by edition_year) as previous_year
    from (select distinct edition_year from {{ source('raw', 'neighbourhood') }})
)

select
    here.region_code,
    here.edition_year::varchar as period_code,
    edition.previous_year::varchar as previous_code,
    coalesce(lower(earlier.region_name) = lower(here.region_name), false) as is_comparable,
    case
        when edition.previous_year is null then 'first_edition'
        when earlier.region_code is null then 'new_code'
        when lower(earlier.region_name) != lower(here.region_name) then 'new_name'
    end as incomparable_because
from {{ source('raw', 'neighbourhood') }} as here
inner join edition on here.edition_year = edition.edition_year
left join {{ source('raw', 'neighbourhood') }} as earlier
    on here.region_code = earlier.region_code and edition.previous_year = earlier.edition_year
