-- Which figures go into a municipality on the borders of the reference year, and with what weight. One row per
-- indicator, period, region and member that takes part; a member without a figure is there, and leaves a gap.
{{ config(materialized='view') }}

with recursive reference as (
    select make_date({{ setting('reference_year') }}, 1, 1) as reference_date
),

figures as (
    select
        preferred.indicator_id,
        preferred.region_code,
        preferred.period_code,
        preferred.value,
        preferred.obs_status,
        coalesce(indicator.value_kind = 'stock', false) as is_stock
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_indicator') }} as indicator on preferred.indicator_id = indicator.indicator_id
),

members as (
    select
        weight.to_code,
        weight.from_code,
        weight.weight,
        coalesce(region.valid_from, date '0001-01-01') as valid_from,
        coalesce(region.valid_to, date '9999-12-31') as valid_to
    from {{ source('raw', 'region_weight') }} as weight
    inner join {{ ref('core_placement') }} as placement
        on weight.to_code = placement.region_code and placement.takes_in
    left join {{ ref('core_region') }} as region on weight.from_code = region.region_code
    where weight.reference_year = {{ setting('reference_year') }}
),

wanted as (
    select distinct
        figures.indicator_id,
        figures.is_stock,
        members.to_code as region_code,
        figures.period_code
    from figures
    inner join members on figures.region_code = members.from_code
),

-- How each member stood in each period: it was there as the period began, began within it or later, or had ended.
standing as (
    select
        members.to_code,
        members.from_code,
        members.weight,
        period.period_code,
        members.valid_from <= period.end_date and members.valid_to > period.start_date as is_due,
        members.valid_from > period.start_date as began_later,
        members.valid_from > period.end_date as began_after,
        members.valid_from <= period.start_date
        and members.valid_to between period.start_date + 1 and period.end_date as ended_within
    from members
    cross join {{ ref('core_period') }} as period
    semi join wanted on period.period_code = wanted.period_code
),

-- A member takes part when it existed as the period began, and also after its end when the publisher goes on
-- with its figures: tables keep the borders of 1 January for the rest of the year.
candidate_parts as (
    select
        wanted.indicator_id,
        wanted.is_stock,
        wanted.region_code,
        wanted.period_code,
        standing.from_code,
        standing.weight,
        standing.began_later,
        standing.began_after,
        standing.ended_within,
        figures.value,
        coalesce(figures.obs_status, 'L') as obs_status
    from wanted
    inner join standing
        on wanted.region_code = standing.to_code and wanted.period_code = standing.period_code and standing.is_due
    left join figures
        on
            wanted.indicator_id = figures.indicator_id
            and standing.from_code = figures.region_code
            and wanted.period_code = figures.period_code

    union all

    select
        figures.indicator_id,
        figures.is_stock,
        standing.to_code as region_code,
        figures.period_code,
        standing.from_code,
        standing.weight,
        standing.began_later,
        standing.began_after,
        standing.ended_within,
        figures.value,
        figures.obs_status
    from figures
    inner join standing
        on
            figures.region_code = standing.from_code
            and figures.period_code = standing.period_code
            and not standing.is_due
    where figures.value is not null
),

-- A member that ended within the period and has no figure of its own is inside that of its successor, which accounts
-- for all of the period; a stock is of one day, and there it must be.
taken_over as (
    select
        indicator_id,
        region_code,
        period_code,
        from_code
    from candidate_parts
    where ended_within and not is_stock and obs_status = 'L'
),

takes_over as (
    select distinct
        indicator_id,
        region_code,
        period_code
    from taken_over
),

succession as (
    select
        region_change.from_code,
        region_change.to_code,
        region_change.effective_date
    from {{ source('raw', 'region_change') }} as region_change
    cross join reference
    where
        region_change.kind in ('herindeling', 'naamswijziging')
        and region_change.from_code != region_change.to_code
        and region_change.effective_date <= reference.reference_date
),

-- What a code was formed out of, through any number of steps; not what it took in afterwards.
ancestor as (
    select
        succession.from_code as ancestor_code,
        succession.to_code as region_code
    from succession
    inner join {{ ref('core_region') }} as region
        on succession.to_code = region.region_code and succession.effective_date <= region.valid_from

    union

    select
        succession.from_code as ancestor_code,
        ancestor.region_code
    from ancestor
    inner join succession on ancestor.ancestor_code = succession.to_code
),

-- A publisher may have brought a figure to later borders itself, under a code that did not exist yet: it stands in for
-- the codes that went into it, where none of them has a figure.
standing_in as (
    select
        later.indicator_id,
        later.region_code,
        later.period_code,
        later.from_code
    from candidate_parts as later
    inner join ancestor on later.from_code = ancestor.region_code
    left join candidate_parts as earlier
        on
            later.indicator_id = earlier.indicator_id
            and later.region_code = earlier.region_code
            and later.period_code = earlier.period_code
            and ancestor.ancestor_code = earlier.from_code
            and earlier.value is not null
    where later.began_later and later.value is not null
    group by later.indicator_id, later.region_code, later.period_code, later.from_code
    having count(earlier.from_code) = 0
),

stood_in_for as (
    select distinct
        standing_in.indicator_id,
        standing_in.region_code,
        standing_in.period_code,
        ancestor.ancestor_code as from_code
    from standing_in
    inner join ancestor on standing_in.from_code = ancestor.region_code
)

-- A code that began after the period's first day has no part in what its members delivered, unless it stands in for
-- them, or accounts for one that it took over within the period.
select
    candidate_parts.indicator_id,
    candidate_parts.region_code,
    candidate_parts.period_code,
    candidate_parts.from_code as member_code,
    candidate_parts.weight,
    candidate_parts.value,
    candidate_parts.obs_status
from candidate_parts
anti join taken_over
    on
        candidate_parts.indicator_id = taken_over.indicator_id
        and candidate_parts.region_code = taken_over.region_code
        and candidate_parts.period_code = taken_over.period_code
        and candidate_parts.from_code = taken_over.from_code
anti join stood_in_for
    on
        candidate_parts.indicator_id = stood_in_for.indicator_id
        and candidate_parts.region_code = stood_in_for.region_code
        and candidate_parts.period_code = stood_in_for.period_code
        and candidate_parts.from_code = stood_in_for.from_code
left join standing_in
    on
        candidate_parts.indicator_id = standing_in.indicator_id
        and candidate_parts.region_code = standing_in.region_code
        and candidate_parts.period_code = standing_in.period_code
        and candidate_parts.from_code = standing_in.from_code
left join takes_over
    on
        candidate_parts.indicator_id = takes_over.indicator_id
        and candidate_parts.region_code = takes_over.region_code
        and candidate_parts.period_code = takes_over.period_code
where
    not candidate_parts.began_later
    or standing_in.from_code is not null
    or (not candidate_parts.began_after and takes_over.region_code is not null)
