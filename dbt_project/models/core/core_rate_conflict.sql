-- Published rates that do not follow from the counts that are known: the difference is more than the rounding of the
-- rate and of both counts leaves room for. What a source rounds to is declared, or shows in its own figures: what all
-- of them are a multiple of. Few figures may all be tens by chance, so that above one it takes at least ten of them.
with parts as (
    select
        indicator_id,
        numerator_id,
        denominator_id,
        rate_factor
    from {{ ref('core_indicator') }}
    where numerator_id is not null
),

figures as (
    select
        observation.indicator_id,
        observation.region_code,
        observation.period_code,
        observation.source_id,
        observation.value
    from {{ ref('core_observation') }} as observation
    where
        observation.is_latest
        and observation.value is not null
        and observation.indicator_id in (
            select parts.indicator_id from parts
            union
            select parts.numerator_id from parts
            union
            select parts.denominator_id from parts
        )
),

unit as (
    select unnest([1000, 100, 50, 10, 5, 1, 0.1, 0.01, 0.001])::double as unit
),

distinct_figures as (
    select distinct
        source_id,
        indicator_id,
        value
    from figures
),

shown as (
    select
        fits.source_id,
        fits.indicator_id,
        max(fits.unit) as rounded_to
    from (
        select
            distinct_figures.source_id,
            distinct_figures.indicator_id,
            unit.unit
        from distinct_figures
        cross join unit
        group by distinct_figures.source_id, distinct_figures.indicator_id, unit.unit
        having
            bool_and(abs(distinct_figures.value / unit.unit - round(distinct_figures.value / unit.unit)) < 1e-6)
            and (unit.unit <= 1 or count(*) >= 10)
    ) as fits
    group by fits.source_id, fits.indicator_id
),

said as (
    select
        series.source_id,
        series.indicator_id,
        max(declared.rounding * abs(series.factor)) as rounded_to
    from {{ source('declared', 'series') }} as series
    inner join {{ source('declared', 'source') }} as declared on series.source_id = declared.source_id
    group by series.source_id, series.indicator_id
),

rounded as (
    select
        figures.indicator_id,
        figures.region_code,
        figures.period_code,
        figures.source_id,
        figures.value,
        coalesce(said.rounded_to, shown.rounded_to, 0) / 2 as margin
    from figures
    left join shown on figures.source_id = shown.source_id and figures.indicator_id = shown.indicator_id
    left join said on figures.source_id = said.source_id and figures.indicator_id = said.indicator_id
),

-- The counts that the rate would be computed from: of the preferred source, and a stock of 1 January for every part of
-- its year.
counts as (
    select rounded.*
    from rounded
    semi join {{ ref('core_preferred') }} as preferred
        on
            rounded.indicator_id = preferred.indicator_id
            and rounded.region_code = preferred.region_code
            and rounded.period_code = preferred.period_code
            and rounded.source_id = preferred.source_id
),

matched as (
    select
        published.indicator_id,
        published.region_code,
        published.period_code,
        published.source_id,
        published.value,
        published.margin,
        parts.rate_factor,
        numerator.source_id as other_source_id,
        numerator.value as numerator,
        numerator.margin as numerator_margin,
        coalesce(same_period.value, same_year.value) as below,
        case when same_period.value is not null then same_period.margin else same_year.margin end as below_margin
    from parts
    inner join rounded as published on parts.indicator_id = published.indicator_id
    inner join counts as numerator
        on
            parts.numerator_id = numerator.indicator_id
            and published.region_code = numerator.region_code
            and published.period_code = numerator.period_code
    inner join {{ ref('core_indicator') }} as denominator on parts.denominator_id = denominator.indicator_id
    left join counts as same_period
        on
            parts.denominator_id = same_period.indicator_id
            and published.region_code = same_period.region_code
            and published.period_code = same_period.period_code
    left join counts as same_year
        on
            parts.denominator_id = same_year.indicator_id
            and published.region_code = same_year.region_code
            and case denominator.value_kind when 'stock' then left(published.period_code, 4) end
            = same_year.period_code
),

compared as (
    select
        indicator_id,
        region_code,
        period_code,
        source_id,
        value,
        margin,
        other_source_id,
        rate_factor * numerator / below as other_value,
        rate_factor * greatest(numerator - numerator_margin, 0) / (below + below_margin) as low,
        rate_factor * (numerator + numerator_margin) / nullif(greatest(below - below_margin, 0), 0) as high
    from matched
    where below != 0
)

select
    indicator_id,
    region_code,
    period_code,
    source_id,
    value,
    other_source_id,
    other_value,
    case when value != 0 then 100 * (other_value - value) / value end as difference_pct
from compared
where
    value + margin < low - 1e-9 * greatest(1, abs(low))
    or value - margin > high + 1e-9 * greatest(1, abs(high))
