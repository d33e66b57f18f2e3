-- Every figure on the borders of the reference year, but for the rates that follow from counts. Counts and amounts of
-- the members add up; published rates are re-weighted by their denominator; what cannot be put together stays empty and
-- says why.
{{ config(materialized='view') }}

with figures as (
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

weight as (
    select
        from_code,
        to_code
    from {{ source('raw', 'region_weight') }}
    where reference_year = {{ setting('reference_year') }}
),

unchanged as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.is_stock,
        figures.value,
        figures.obs_status,
        case when figures.value is null then 'not_published' end as because,
        null::double as denominator,
        false as is_reweighted
    from figures
    inner join {{ ref('core_placement') }} as placement
        on figures.region_code = placement.region_code and not placement.takes_in
),

wanted as (
    select distinct
        figures.indicator_id,
        figures.is_stock,
        weight.to_code as region_code,
        figures.period_code
    from figures
    inner join weight on figures.region_code = weight.from_code
    inner join {{ ref('core_placement') }} as placement
        on weight.to_code = placement.region_code and placement.takes_in
),

denominators as (
    select figures.*
    from figures
    semi join {{ ref('core_indicator') }} as rate on figures.indicator_id = rate.denominator_id
),

-- What a published rate is re-weighted by: its denominator in the same member, of the same period; a stock of
-- 1 January serves every part of its year.
weighed as (
    select
        part.*,
        indicator.aggregation,
        coalesce(same_period.value, same_year.value) as denominator,
        case when same_period.value is not null then same_period.obs_status else same_year.obs_status end
            as denominator_status
    from {{ ref('core_member_figure') }} as part
    inner join {{ ref('core_indicator') }} as indicator on part.indicator_id = indicator.indicator_id
    left join denominators as same_period
        on
            indicator.denominator_id = same_period.indicator_id
            and part.member_code = same_period.region_code
            and part.period_code = same_period.period_code
    left join denominators as same_year
        on
            indicator.denominator_id = same_year.indicator_id
            and same_year.is_stock
            and part.member_code = same_year.region_code
            and left(part.period_code, 4) = same_year.period_code
),

totals as (
    select
        indicator_id,
        aggregation,
        region_code,
        period_code,
        aggregation in ('weighted_mean', 'recompute') as is_mean,
        count(*) = 1 and min(weight) = 1 as is_one_whole,
        count(value) as delivered,
        -- each member must have delivered, but for one whose figure cannot exist (M): it has nothing to add
        bool_or(value is null and obs_status = 'L') as lacks_one,
        bool_or(value is null and obs_status not in ('L', 'M')) as hides_one,
        bool_or(value is not null and denominator is null) as lacks_denominator,
        bool_or(value is not null and (weight < 1 or obs_status = 'E')) as is_estimate,
        bool_or(value is not null and obs_status = 'P') as is_provisional,
        bool_or(value is not null and denominator_status = 'E') as is_weighed_by_estimate,
        bool_or(value is not null and denominator_status = 'P') as is_weighed_by_provisional,
        min(value) as only_value,
        {{ sum_in_order('value * weight') }} as summed,
        {{ sum_in_order('value * weight * denominator') }} as product,
        {{ sum_in_order('weight * denominator') }} filter (where value is not null) as denominator
    from weighed
    group by indicator_id, aggregation, region_code, period_code
),

-- The mean of one figure is that figure, whatever it would be weighed by.
put_together as (
    select
        indicator_id,
        region_code,
        period_code,
        is_mean and not is_one_whole as is_reweighted,
        is_mean and delivered > 1 as is_weighed,
        is_estimate or (is_weighed and is_weighed_by_estimate) as is_estimate,
        is_provisional or (is_weighed and is_weighed_by_provisional) as is_provisional,
        case when is_mean and not is_one_whole then denominator end as denominator,
        case
            when is_one_whole or (is_mean and delivered = 1) then only_value
            when is_mean then product / nullif(denominator, 0)
            when aggregation = 'sum' then summed
        end as together,
        case
            when delivered = 0 and (is_one_whole or not (lacks_one or hides_one)) then 'not_published'
            when not (is_one_whole or is_mean or aggregation = 'sum') then 'not_aggregable'
            when lacks_one or hides_one then 'member_missing'
            when is_one_whole or not is_mean or delivered = 1 then null
            when lacks_denominator then 'denominator_missing'
            when denominator = 0 then 'denominator_zero'
        end as because,
        case
            when lacks_one then 'L'
            when hides_one then 'Q'
            when delivered = 0 or (is_mean and not lacks_denominator) then 'M'
            else 'L'
        end as status_if_missing,
        because is null as holds
    from totals
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
    inner join {{ ref('core_placement') }} as placement
        on figures.region_code = placement.region_code and placement.takes_in
    inner join {{ ref('core_region') }} as region
        on figures.region_code = region.region_code and period.start_date < region.valid_from
    where figures.value is not null
),

merged as (
    select
        wanted.indicator_id,
        wanted.region_code,
        wanted.period_code,
        wanted.is_stock,
        case when put_together.holds then put_together.together else recomputed.value end as value,
        case
            when put_together.holds and put_together.is_estimate then 'E'
            when put_together.holds and put_together.is_provisional then 'P'
            when put_together.holds then 'A'
            else coalesce(recomputed.obs_status, put_together.status_if_missing, 'M')
        end as obs_status,
        case
            when put_together.holds or recomputed.value is not null then null
            else coalesce(put_together.because, 'formed_later')
        end as because,
        case when put_together.holds then put_together.denominator end as denominator,
        coalesce(put_together.holds and put_together.is_reweighted, false) as is_reweighted
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

brought as (
    select
        indicator_id,
        region_code,
        period_code,
        is_stock,
        value,
        obs_status,
        because,
        denominator,
        is_reweighted
    from unchanged

    union all

    select
        indicator_id,
        region_code,
        period_code,
        is_stock,
        value,
        obs_status,
        because,
        denominator,
        is_reweighted
    from merged
),

-- A code that took in another after the reference date: its later figures are of later borders, and cannot be
-- taken apart. In the period of the change itself they are, once the other has no figure of its own any more.
grown as (
    select
        coalesce(weight.to_code, region_change.to_code) as region_code,
        region_change.from_code,
        region_change.effective_date as since
    from {{ source('raw', 'region_change') }} as region_change
    left join weight on region_change.to_code = weight.from_code
    where
        region_change.kind = 'herindeling'
        and region_change.from_code != region_change.to_code
        and region_change.effective_date > make_date({{ setting('reference_year') }}, 1, 1)
),

outgrown as (
    select distinct
        brought.indicator_id,
        brought.region_code,
        brought.period_code
    from brought
    inner join grown on brought.region_code = grown.region_code
    inner join {{ ref('core_period') }} as period
        on brought.period_code = period.period_code and grown.since <= period.end_date
    left join figures as taken_over
        on
            brought.indicator_id = taken_over.indicator_id
            and grown.from_code = taken_over.region_code
            and brought.period_code = taken_over.period_code
    where
        grown.since <= period.start_date
        or (not brought.is_stock and coalesce(taken_over.obs_status, 'L') = 'L')
)

select
    brought.indicator_id,
    brought.region_code,
    brought.period_code,
    case when outgrown.region_code is null then brought.value end as value,
    case when outgrown.region_code is null then brought.obs_status else 'M' end as obs_status,
    case when outgrown.region_code is null then brought.because else 'later_borders' end as because,
    case when outgrown.region_code is null then brought.denominator end as denominator,
    outgrown.region_code is null and brought.is_reweighted as is_reweighted
from brought
left join outgrown
    on
        brought.indicator_id = outgrown.indicator_id
        and brought.region_code = outgrown.region_code
        and brought.period_code = outgrown.period_code
