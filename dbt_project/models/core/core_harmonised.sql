-- Every figure on the borders it was published on, and on those of the reference year. Counts and amounts add up;
-- rates are computed again from their counts, and where those are unknown re-weighted by their denominator; what
-- cannot be put together stays empty and says why. Wijken and buurten have no other borders than those of their year.
with recursive reference as (
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
        indicator.aggregation,
        indicator.denominator_id,
        coalesce(indicator.value_kind = 'stock', false) as is_stock
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
    anti join {{ ref('core_neighbourhood') }} as neighbourhood
        on figures.region_code = neighbourhood.region_code
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
        figures.denominator_id,
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
        wanted.aggregation,
        wanted.denominator_id,
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
        figures.aggregation,
        figures.denominator_id,
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
        on figures.region_code = standing.from_code and figures.period_code = standing.period_code and not standing.is_due
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
),

-- A code that began after the period's first day has no part in what its members delivered, unless it stands in for
-- them, or accounts for one that it took over within the period.
parts as (
    select candidate_parts.* exclude (began_later, began_after, ended_within)
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
    left join (select distinct indicator_id, region_code, period_code from taken_over) as takes_over
        on
            candidate_parts.indicator_id = takes_over.indicator_id
            and candidate_parts.region_code = takes_over.region_code
            and candidate_parts.period_code = takes_over.period_code
    where
        not candidate_parts.began_later
        or standing_in.from_code is not null
        or (not candidate_parts.began_after and takes_over.region_code is not null)
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
        parts.*,
        coalesce(same_period.value, same_year.value) as denominator,
        case when same_period.value is not null then same_period.obs_status else same_year.obs_status end
            as denominator_status
    from parts
    left join denominators as same_period
        on
            parts.denominator_id = same_period.indicator_id
            and parts.from_code = same_period.region_code
            and parts.period_code = same_period.period_code
    left join denominators as same_year
        on
            parts.denominator_id = same_year.indicator_id
            and same_year.is_stock
            and parts.from_code = same_year.region_code
            and left(parts.period_code, 4) = same_year.period_code
),

totals as (
    select
        indicator_id,
        aggregation,
        is_stock,
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
        sum(value * weight) as summed,
        sum(value * weight * denominator) as product,
        sum(weight * denominator) filter (where value is not null) as denominator
    from weighed
    group by indicator_id, aggregation, is_stock, region_code, period_code
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
    cross join reference
    left join weight on region_change.to_code = weight.from_code
    where
        region_change.kind = 'herindeling'
        and region_change.from_code != region_change.to_code
        and region_change.effective_date > reference.reference_date
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
),

delivered as (
    select
        indicator_id,
        region_code,
        period_code,
        'published' as geography,
        value,
        obs_status,
        case when value is null then 'not_published' end as because,
        null::double as denominator,
        false as is_reweighted
    from figures

    union all

    select
        brought.indicator_id,
        brought.region_code,
        brought.period_code,
        reference.geography,
        case when outgrown.region_code is null then brought.value end as value,
        case when outgrown.region_code is null then brought.obs_status else 'M' end as obs_status,
        case when outgrown.region_code is null then brought.because else 'later_borders' end as because,
        case when outgrown.region_code is null then brought.denominator end as denominator,
        outgrown.region_code is null and brought.is_reweighted as is_reweighted
    from brought
    cross join reference
    left join outgrown
        on
            brought.indicator_id = outgrown.indicator_id
            and brought.region_code = outgrown.region_code
            and brought.period_code = outgrown.period_code
),

below_the_line as (
    select delivered.*
    from delivered
    semi join {{ ref('core_indicator') }} as rate
        on delivered.indicator_id = rate.denominator_id and rate.aggregation = 'recompute'
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
        numerator.because as numerator_because,
        rate.rate_factor,
        coalesce(same_period.value, same_year.value) as denominator,
        case
            when same_period.value is not null then same_period.obs_status
            else coalesce(same_year.obs_status, same_period.obs_status, 'L')
        end as denominator_status
    from {{ ref('core_indicator') }} as rate
    inner join delivered as numerator on rate.numerator_id = numerator.indicator_id
    inner join {{ ref('core_indicator') }} as below on rate.denominator_id = below.indicator_id
    left join below_the_line as same_period
        on
            rate.denominator_id = same_period.indicator_id
            and numerator.region_code = same_period.region_code
            and numerator.geography = same_period.geography
            and numerator.period_code = same_period.period_code
    left join below_the_line as same_year
        on
            rate.denominator_id = same_year.indicator_id
            and numerator.region_code = same_year.region_code
            and numerator.geography = same_year.geography
            and case below.value_kind when 'stock' then left(numerator.period_code, 4) end = same_year.period_code
    where rate.aggregation = 'recompute'
),

rates as (
    select
        delivered.indicator_id,
        delivered.region_code,
        delivered.period_code,
        delivered.geography,
        delivered.value,
        delivered.obs_status,
        delivered.because,
        null::double as numerator,
        delivered.denominator,
        delivered.is_reweighted as is_computed,
        case when delivered.value is null then 3 when delivered.is_reweighted then 2 else 0 end as preference
    from delivered
    semi join {{ ref('core_indicator') }} as rate
        on delivered.indicator_id = rate.indicator_id and rate.aggregation = 'recompute'

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
        case
            when numerator is null then numerator_because
            when denominator is null then 'denominator_missing'
            when denominator = 0 then 'denominator_zero'
        end as because,
        numerator,
        denominator,
        true as is_computed,
        case when numerator / nullif(denominator, 0) is null then 4 else 1 end as preference
    from computed
),

-- A rate that was published as such goes before the computed one, the computed one before one that was re-weighted,
-- and any of them before an empty one.
chosen_rates as (
    select * exclude (preference)
    from rates
    qualify row_number() over (partition by indicator_id, region_code, period_code, geography order by preference) = 1
)

select
    delivered.indicator_id,
    delivered.region_code,
    delivered.period_code,
    delivered.geography,
    delivered.value,
    delivered.obs_status,
    delivered.because,
    null::double as numerator,
    delivered.denominator,
    delivered.is_reweighted as is_computed
from delivered
anti join {{ ref('core_indicator') }} as rate
    on delivered.indicator_id = rate.indicator_id and rate.aggregation = 'recompute'

union all

select * from chosen_rates
