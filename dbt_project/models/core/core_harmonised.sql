-- Every figure on the borders it was published on, and on those of the reference year. Counts add up; rates
-- are computed again from their counts; what cannot be aggregated stays empty.
with reference as (
    select
        make_date({{ setting('reference_year') }}, 1, 1) as reference_date,
        {{ reference_geography() }} as geography
),

weight as (
    select
        from_code,
        to_code,
        weight
    from {{ source('raw', 'region_weight') }}
    where reference_year = {{ setting('reference_year') }}
),

figures as (
    select
        preferred.indicator_id,
        preferred.region_code,
        preferred.period_code,
        preferred.value,
        preferred.obs_status,
        indicator.aggregation
    from {{ ref('core_preferred') }} as preferred
    inner join {{ ref('core_indicator') }} as indicator on preferred.indicator_id = indicator.indicator_id
),

gone as (
    select region.region_code
    from {{ ref('core_region') }} as region
    cross join reference
    where region.valid_to <= reference.reference_date or region.valid_from > reference.reference_date
),

-- The codes on the borders of the reference year, and whether they take in figures of another code: only there
-- does the border matter. A code that the publisher's history does not know (a cooperation, a municipality in a
-- profile without that history) keeps the borders it has.
placed as (
    select
        to_code as region_code,
        count(*) > 1 or min(weight) < 1 as takes_in
    from weight
    group by to_code

    union all

    select distinct
        figures.region_code,
        false as takes_in
    from figures
    anti join {{ source('raw', 'region') }} as published on figures.region_code = published.region_code
    anti join gone on figures.region_code = gone.region_code
),

unchanged as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.value,
        figures.obs_status
    from figures
    inner join placed on figures.region_code = placed.region_code and not placed.takes_in
),

members as (
    select
        weight.to_code,
        weight.from_code,
        weight.weight,
        coalesce(region.valid_from, date '0001-01-01') as valid_from,
        coalesce(region.valid_to, date '9999-12-31') as valid_to
    from weight
    inner join placed on weight.to_code = placed.region_code and placed.takes_in
    left join {{ ref('core_region') }} as region on weight.from_code = region.region_code
),

wanted as (
    select distinct
        figures.indicator_id,
        figures.aggregation,
        members.to_code as region_code,
        figures.period_code
    from figures
    inner join members on figures.region_code = members.from_code
),

-- A member takes part when it existed as the period began, and also after its end when the publisher goes on
-- with its figures: tables keep the borders of 1 January for the rest of the year.
parts as (
    select
        wanted.indicator_id,
        wanted.aggregation,
        wanted.region_code,
        wanted.period_code,
        members.weight,
        figures.value,
        coalesce(figures.obs_status, 'L') as obs_status
    from wanted
    inner join {{ ref('core_period') }} as period on wanted.period_code = period.period_code
    inner join members on wanted.region_code = members.to_code and period.start_date >= members.valid_from
    left join figures
        on
            wanted.indicator_id = figures.indicator_id
            and members.from_code = figures.region_code
            and wanted.period_code = figures.period_code
    where members.valid_to > period.start_date or figures.value is not null
),

-- Each member must have delivered, but for one whose figure cannot exist (M): it has nothing to add. A figure of
-- which only a share came along is an estimate (E). What does not add up holds only where one member is the whole.
put_together as (
    select
        indicator_id,
        region_code,
        period_code,
        case
            when aggregation != 'sum' and (count(*) > 1 or min(weight) < 1) then null
            when bool_and(value is not null or obs_status = 'M') then sum(value * weight)
        end as value,
        case
            when aggregation != 'sum' and (count(*) > 1 or min(weight) < 1) then 'L'
            when bool_or(value is null and obs_status = 'L') then 'L'
            when bool_or(value is null and obs_status = 'Q') then 'Q'
            when count(value) = 0 then 'M'
            when bool_or(value is not null and weight < 1) then 'E'
            when bool_or(obs_status = 'P') then 'P'
            else 'A'
        end as obs_status
    from parts
    group by indicator_id, aggregation, region_code, period_code
),

-- Where the members do not give the figure, the publisher may have brought it to the new borders by itself, under
-- a code that did not exist yet.
recomputed as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.value,
        figures.obs_status
    from figures
    inner join {{ ref('core_period') }} as period on figures.period_code = period.period_code
    inner join members
        on
            figures.region_code = members.to_code
            and figures.region_code = members.from_code
            and period.start_date < members.valid_from
    where figures.value is not null
),

merged as (
    select
        wanted.indicator_id,
        wanted.region_code,
        wanted.period_code,
        coalesce(put_together.value, recomputed.value) as value,
        case
            when put_together.value is null and recomputed.value is not null then recomputed.obs_status
            else coalesce(put_together.obs_status, 'M')
        end as obs_status
    from wanted
    left join put_together
        on
            wanted.indicator_id = put_together.indicator_id
            and wanted.region_code = put_together.region_code
            and wanted.period_code = put_together.period_code
    left join recomputed
        on
            wanted.indicator_id = recomputed.indicator_id
            and wanted.region_code = recomputed.region_code
            and wanted.period_code = recomputed.period_code
),

-- A code that took in another after the reference date: its later figures are of later borders, and cannot be
-- taken apart.
grown as (
    select
        region_change.to_code as region_code,
        min(region_change.effective_date) as since
    from {{ source('raw', 'region_change') }} as region_change
    cross join reference
    where
        region_change.kind = 'herindeling'
        and region_change.from_code != region_change.to_code
        and region_change.effective_date > reference.reference_date
    group by region_change.to_code
),

delivered as (
    select
        indicator_id,
        region_code,
        period_code,
        'published' as geography,
        value,
        obs_status
    from figures

    union all

    select
        brought.indicator_id,
        brought.region_code,
        brought.period_code,
        reference.geography,
        case when grown.since is null or grown.since > period.start_date then brought.value end as value,
        case when grown.since is null or grown.since > period.start_date then brought.obs_status else 'M' end
            as obs_status
    from (
        select * from unchanged
        union all
        select * from merged
    ) as brought
    cross join reference
    inner join {{ ref('core_period') }} as period on brought.period_code = period.period_code
    left join grown on brought.region_code = grown.region_code
),

-- The count below the line is of the same period; a stock of 1 January serves every part of its year.
computed as (
    select
        rate.indicator_id,
        numerator.region_code,
        numerator.period_code,
        numerator.geography,
        numerator.value as numerator,
        numerator.obs_status as numerator_status,
        rate.rate_factor,
        coalesce(same_period.value, same_year.value) as denominator,
        case
            when same_period.value is not null then same_period.obs_status
            else coalesce(same_year.obs_status, same_period.obs_status, 'L')
        end as denominator_status
    from {{ ref('core_indicator') }} as rate
    inner join delivered as numerator on rate.numerator_id = numerator.indicator_id
    inner join {{ ref('core_indicator') }} as below on rate.denominator_id = below.indicator_id
    left join delivered as same_period
        on
            rate.denominator_id = same_period.indicator_id
            and numerator.region_code = same_period.region_code
            and numerator.geography = same_period.geography
            and numerator.period_code = same_period.period_code
    left join delivered as same_year
        on
            rate.denominator_id = same_year.indicator_id
            and numerator.region_code = same_year.region_code
            and numerator.geography = same_year.geography
            and case below.value_kind when 'stock' then left(numerator.period_code, 4) end = same_year.period_code
    where rate.aggregation = 'recompute'
),

candidates as (
    select
        indicator_id,
        region_code,
        period_code,
        geography,
        value,
        obs_status,
        null::double as numerator,
        null::double as denominator,
        false as is_computed
    from delivered

    union all

    select
        indicator_id,
        region_code,
        period_code,
        geography,
        numerator * rate_factor / nullif(denominator, 0) as value,
        case
            when numerator is null then numerator_status
            when denominator is null then denominator_status
            when denominator = 0 then 'M'
            when 'E' in (numerator_status, denominator_status) then 'E'
            when 'P' in (numerator_status, denominator_status) then 'P'
            else 'A'
        end as obs_status,
        numerator,
        denominator,
        true as is_computed
    from computed
)

-- A rate that was published as such goes before the computed one, unless it is empty.
select *
from candidates
qualify
    row_number() over (
        partition by indicator_id, region_code, period_code, geography
        order by value is null, is_computed
    ) = 1
