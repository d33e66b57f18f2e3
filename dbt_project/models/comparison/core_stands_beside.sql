-- With which municipalities a municipality is compared in a year: by choice where there was one (of several groups the
-- first by name), else with its nearest neighbours, of the latest year known by then, or the earliest there is.
with chosen as (
    select
        reference_group,
        region_code,
        member_code
    from {{ ref('core_reference_group_member') }}
    qualify dense_rank() over (partition by region_code order by reference_group) = 1
),

neighbours as (
    select
        member.reference_group,
        member.region_code,
        member.member_code,
        member.fiscal_year::integer as known_of
    from {{ source('benchmark', 'reference_member') }} as member
    inner join {{ ref('core_reference_group') }} as declared_group
        on member.reference_group = declared_group.reference_group and declared_group.kind = 'nearest'
    anti join chosen on member.region_code = chosen.region_code
    -- one group of neighbours, by name
    qualify dense_rank() over (partition by member.region_code order by member.reference_group) = 1
),

years as (
    select distinct left(period_code, 4) as year
    from {{ ref('core_period') }}
),

in_their_year as (
    select
        known.region_code,
        years.year,
        coalesce(max(known.known_of) filter (where known.known_of <= years.year::integer), min(known.known_of))
            as known_of
    from (
        select distinct
            region_code,
            known_of
        from neighbours
    ) as known
    cross join years
    group by known.region_code, years.year
)

select
    chosen.region_code,
    years.year,
    chosen.reference_group,
    null::integer as known_of,
    chosen.member_code,
    count(*) over (partition by chosen.region_code, years.year) as members
from chosen
cross join years

union all

select
    neighbours.region_code,
    in_their_year.year,
    neighbours.reference_group,
    neighbours.known_of,
    neighbours.member_code,
    count(*) over (partition by neighbours.region_code, in_their_year.year) as members
from in_their_year
inner join neighbours
    on in_their_year.region_code = neighbours.region_code and in_their_year.known_of = neighbours.known_of
