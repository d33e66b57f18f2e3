-- Figures of groups that nobody publishes: the sum of their members, and rates of those sums. Only where all members
-- are known and all of them have a figure; the rest says why not. Published figures of a group stay what they are:
-- parts that were rounded and suppressed do not add up to them.
with latest_division as (
    select
        group_kind,
        max(year) as year
    from {{ ref('core_region_member') }}
    where year <= {{ setting('reference_year') }}
    group by group_kind
),

-- A division of the publisher has the members of the period's own year on published borders, and on those of the
-- reference year the members of that year, or of the newest division before it. A group that we declared is a piece of
-- the country on the borders of the reference year: its figure is the same on either. Provinces and COROP areas stand
-- in the publisher's own tables.
membership as (
    select
        member.group_code,
        member.member_code,
        member.members_complete,
        member.year,
        latest_division.year is not null as is_latest,
        count(*) over (partition by member.group_code, member.year) as members
    from {{ ref('core_region_member') }} as member
    left join latest_division
        on member.group_kind = latest_division.group_kind and member.year = latest_division.year
    where member.group_kind not in ('provincie', 'corop')
),

figures as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        try_cast(left(harmonised.period_code, 4) as integer) as year,
        harmonised.value,
        harmonised.obs_status,
        indicator.aggregation,
        indicator.denominator_id,
        coalesce(indicator.value_kind = 'stock', false) as is_stock
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
    where
        indicator.aggregation in ('sum', 'weighted_mean', 'recompute')
        and harmonised.region_code in (select membership.member_code from membership)
),

denominators as (
    select figures.*
    from figures
    semi join {{ ref('core_indicator') }} as rate on figures.indicator_id = rate.denominator_id
),

-- Once per figure, not once per group that it goes into.
weighed as (
    select
        figures.*,
        coalesce(same_period.value, same_year.value) as denominator,
        case when same_period.value is not null then same_period.obs_status else same_year.obs_status end
            as denominator_status
    from figures
    left join denominators as same_period
        on
            figures.denominator_id = same_period.indicator_id
            and figures.region_code = same_period.region_code
            and figures.period_code = same_period.period_code
            and figures.geography = same_period.geography
    left join denominators as same_year
        on
            figures.denominator_id = same_year.indicator_id
            and same_year.is_stock
            and figures.region_code = same_year.region_code
            and left(figures.period_code, 4) = same_year.period_code
            and figures.geography = same_year.geography
),

parts as (
    select
        weighed.*,
        membership.group_code,
        membership.members,
        membership.members_complete
    from weighed
    inner join membership on weighed.region_code = membership.member_code and weighed.year = membership.year
    where weighed.geography = 'published'

    union all

    select
        weighed.*,
        membership.group_code,
        membership.members,
        membership.members_complete
    from weighed
    inner join membership on weighed.region_code = membership.member_code and membership.is_latest
    where weighed.geography = {{ reference_geography() }}

    union all

    select
        weighed.*,
        membership.group_code,
        membership.members,
        membership.members_complete
    from weighed
    inner join membership on weighed.region_code = membership.member_code and membership.year is null
    where weighed.geography = {{ reference_geography() }}

    union all

    select
        weighed.* replace ('published' as geography),
        membership.group_code,
        membership.members,
        membership.members_complete
    from weighed
    inner join membership on weighed.region_code = membership.member_code and membership.year is null
    where weighed.geography = {{ reference_geography() }}
),

totals as (
    select
        indicator_id,
        aggregation,
        group_code,
        period_code,
        geography,
        any_value(members) as members,
        bool_and(members_complete) as members_complete,
        count(*) filter (where value is not null or obs_status = 'M') as members_delivered,
        count(value) as with_value,
        bool_or(obs_status = 'Q') as hides_one,
        bool_or(value is not null and denominator is null) as lacks_denominator,
        bool_or('E' in (obs_status, denominator_status)) as is_estimate,
        bool_or('P' in (obs_status, denominator_status)) as is_provisional,
        {{ sum_in_order('value') }} as summed,
        {{ sum_in_order('value * denominator') }} as product,
        {{ sum_in_order('denominator') }} filter (where value is not null) as denominator
    from parts
    group by indicator_id, aggregation, group_code, period_code, geography
),

put_together as (
    select
        indicator_id,
        group_code as region_code,
        period_code,
        geography,
        members,
        members_delivered,
        null::double as numerator,
        case when aggregation != 'sum' then denominator end as denominator,
        case
            when not members_complete then 'group_incomplete'
            when members_delivered < members then 'member_missing'
            when with_value = 0 then 'not_published'
            when aggregation = 'sum' then null
            when lacks_denominator then 'denominator_missing'
            when denominator = 0 then 'denominator_zero'
        end as because,
        case
            when because is not null then null
            when aggregation = 'sum' then summed
            else product / denominator
        end as value,
        case
            when because = 'member_missing' and hides_one then 'Q'
            when because in ('not_published', 'denominator_zero') then 'M'
            when because is not null then 'L'
            when is_estimate then 'E'
            when is_provisional then 'P'
            else 'A'
        end as obs_status,
        case when because is null then 1 else 2 end as preference
    from totals
),

below_the_line as (
    select put_together.*
    from put_together
    semi join {{ ref('core_indicator') }} as rate
        on put_together.indicator_id = rate.denominator_id and rate.aggregation = 'recompute'
),

-- The rate of the sums; where the counts are unknown, the mean of the members' rates, weighted by what they are
-- rates of.
computed as (
    select
        rate.indicator_id,
        numerator.region_code,
        numerator.period_code,
        numerator.geography,
        numerator.members,
        least(numerator.members_delivered, coalesce(same_period.members_delivered, same_year.members_delivered))
            as members_delivered,
        numerator.value as numerator,
        coalesce(same_period.value, same_year.value) as denominator,
        null as because,
        numerator.value * rate.rate_factor / nullif(coalesce(same_period.value, same_year.value), 0) as value,
        case
            when 'E' in (numerator.obs_status, same_period.obs_status, same_year.obs_status) then 'E'
            when 'P' in (numerator.obs_status, same_period.obs_status, same_year.obs_status) then 'P'
            else 'A'
        end as obs_status,
        0 as preference
    from {{ ref('core_indicator') }} as rate
    inner join put_together as numerator on rate.numerator_id = numerator.indicator_id
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
    where rate.aggregation = 'recompute' and numerator.value * coalesce(same_period.value, same_year.value) is not null
),

candidates as (
    select * from put_together
    union all by name
    select * from computed
    where value is not null
)

select
    candidates.indicator_id,
    candidates.region_code,
    candidates.period_code,
    candidates.geography,
    candidates.members,
    candidates.members_delivered,
    candidates.numerator,
    candidates.denominator,
    candidates.because,
    candidates.value,
    candidates.obs_status
from candidates
anti join {{ ref('core_harmonised') }} as published
    on
        candidates.indicator_id = published.indicator_id
        and candidates.region_code = published.region_code
        and candidates.period_code = published.period_code
        and candidates.geography = published.geography
        and published.value is not null
qualify
    row_number() over (
        partition by candidates.indicator_id, candidates.region_code, candidates.period_code, candidates.geography
        order by candidates.preference
    ) = 1
