-- The lasting breaks of every series, each once, with the step that links the figures on either side where it is known.
-- A break is often found twice: in a rate and in the count above its line, in half-years and in years. What was found
-- in the series itself counts. The same break found beside it does not, and one found only beside it cannot be linked.
with lasting as (
    select *
    from {{ ref('core_break_felt') }}
    where kind != 'one_off' and returned_on is null and len(reasons) > 0
),

-- A count is as little computed as a rate that was delivered: both are judged by themselves. A rate that was computed
-- is judged by its counts.
series as (
    select distinct
        felt.indicator_id,
        felt.region_code,
        rhythm.per_year,
        computed.is_computed
    from lasting as felt
    cross join (values (1), (2), (4), (12)) as rhythm (per_year)
    cross join (values (false), (true)) as computed (is_computed)
),

placed as (
    select
        series.indicator_id,
        series.region_code,
        series.per_year,
        series.is_computed,
        lasting.break_id,
        lasting.start_date,
        lasting.is_own != series.is_computed
        and (lasting.per_year = series.per_year or lasting.in_denominator) as is_of_series,
        lasting.link_log,
        lasting.link_se
    from series
    inner join lasting
        on
            series.indicator_id = lasting.indicator_id
            and series.region_code = lasting.region_code
            and (series.is_computed or not lasting.in_denominator)
)

select
    indicator_id,
    region_code,
    per_year,
    is_computed,
    break_id,
    start_date,
    case when is_of_series then link_log end as link_log,
    case when is_of_series then link_se end as link_se
from placed
where
    is_of_series
    or not exists (
        select 1
        from placed as beside
        where
            beside.is_of_series
            and beside.indicator_id = placed.indicator_id
            and beside.region_code = placed.region_code
            and beside.per_year = placed.per_year
            and beside.is_computed = placed.is_computed
            and abs(date_diff('day', beside.start_date, placed.start_date)) <= 366
    )
