-- Wijken and buurten belong to the division of one year. One is taken to go on for as long as its code and its name
-- both stay, from one edition to the next: publishers number them anew every year, and give no key.
with edition as (
    select
        edition_year,
        row_number() over (order by edition_year) as place,
        lead(edition_year) over (order by edition_year) as following_year
    from (select distinct edition_year from {{ source('raw', 'neighbourhood') }})
),

listed as (
    select
        neighbourhood.region_code,
        neighbourhood.region_name,
        neighbourhood.region_type,
        neighbourhood.municipality_code,
        neighbourhood.is_fictional,
        lower(neighbourhood.region_name) as same_name,
        edition.edition_year,
        edition.following_year,
        edition.place
    from {{ source('raw', 'neighbourhood') }} as neighbourhood
    inner join edition on neighbourhood.edition_year = edition.edition_year
),

runs as (
    select
        *,
        place - row_number() over (partition by region_code, same_name order by place) as run
    from listed
)

select
    region_code,
    last(region_name order by edition_year) as region_name,
    any_value(region_type) as region_type,
    any_value(municipality_code) as municipality_code,
    make_date(min(edition_year), 1, 1) as valid_from,
    -- of the newest edition nobody knows whether it goes on
    make_date(last(following_year order by edition_year), 1, 1) as valid_to,
    count(*) as editions,
    any_value(is_fictional) as is_fictional
from runs
group by region_code, same_name, run
