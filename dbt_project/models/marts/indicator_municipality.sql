with figures as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        harmonised.period_code,
        harmonised.geography,
        harmonised.value,
        harmonised.obs_status,
        period.start_date,
        period.year_before_code as previous_code,
        case when harmonised.region_code like 'VB%' then 'VB00' else 'NL01' end as country_code,
        coalesce(indicator.numerator_id, harmonised.indicator_id) as counted_id
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_indicator') }} as indicator on harmonised.indicator_id = indicator.indicator_id
    inner join {{ ref('core_period') }} as period on harmonised.period_code = period.period_code
    inner join {{ ref('core_region') }} as region on harmonised.region_code = region.region_code
    where region.region_type = 'gemeente'
),

national as (
    select
        indicator_id,
        region_code as country_code,
        period_code,
        geography,
        value
    from {{ ref('core_harmonised') }}
    where region_code in ('NL01', 'VB00')
),

peers as (
    select
        indicator_id,
        country_code,
        period_code,
        geography,
        median(value) as peer_value
    from figures
    group by all
),

compared as (
    select
        figures.*,
        national.value as national_value,
        peers.peer_value,
        previous.value as previous_value,
        previous_period.start_date as previous_start
    from figures
    left join {{ ref('core_period') }} as previous_period
        on figures.previous_code = previous_period.period_code
    left join figures as previous
        on
            figures.indicator_id = previous.indicator_id
            and figures.region_code = previous.region_code
            and figures.geography = previous.geography
            and figures.previous_code = previous.period_code
    left join national
        on
            figures.indicator_id = national.indicator_id
            and figures.country_code = national.country_code
            and figures.period_code = national.period_code
            and figures.geography = national.geography
    left join peers
        on
            figures.indicator_id = peers.indicator_id
            and figures.country_code = peers.country_code
            and figures.period_code = peers.period_code
            and figures.geography = peers.geography
),

-- A break stands between two figures when the new regime starts after the one and not after the other; a single
-- wrong point spoils every comparison it takes part in.
broken as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        trend_break.break_id,
        trend_break.score,
        case
            when list_contains(event_kinds.kinds, 'ambtelijke_fusie') then 'administrative_merger'
            when list_contains(event_kinds.kinds, 'system_harmonisation') then 'system_harmonisation'
            when
                list_contains(event_kinds.kinds, 'definition_change')
                or list_contains(event_kinds.kinds, 'publication_change')
                then 'definition_change'
            else 'unexplained_break'
        end as reason
    from compared
    inner join {{ ref('trend_break') }} as trend_break
        on
            compared.counted_id = trend_break.indicator_id
            and trend_break.region_code in (compared.region_code, compared.country_code)
            and trend_break.kind != 'gap'
            and coalesce(trend_break.decision, '') not in ('rejected', 'corrected')
    inner join {{ ref('core_period') }} as break_period on trend_break.period_code = break_period.period_code
    left join (
        select
            attributed.break_id,
            list(event.kind) as kinds
        from (
            select
                break_id,
                unnest(string_split(event_ids, '|')) as event_id
            from {{ ref('trend_break') }}
        ) as attributed
        inner join {{ ref('core_event') }} as event on attributed.event_id = event.event_id
        group by attributed.break_id
    ) as event_kinds on trend_break.break_id = event_kinds.break_id
    where
        (
            trend_break.kind in ('level', 'slope')
            and break_period.start_date > compared.previous_start
            and break_period.start_date <= compared.start_date
        )
        or (
            trend_break.kind in ('one_off', 'scale')
            and trend_break.period_code in (compared.period_code, compared.previous_code)
        )
),

breaks as (
    select
        indicator_id,
        region_code,
        period_code,
        geography,
        arg_max(break_id, score) as break_id,
        list_sort(list(distinct reason)) as reasons
    from broken
    group by indicator_id, region_code, period_code, geography
),

boundaries as (
    select distinct
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography
    from compared
    inner join {{ source('raw', 'region_change') }} as region_change
        on
            compared.region_code = region_change.to_code
            and compared.previous_start < region_change.effective_date
            and compared.start_date >= region_change.effective_date
    where
        compared.geography = 'published'
        and region_change.kind = 'herindeling'
        and region_change.from_code != region_change.to_code
),

reasoned as (
    select
        compared.*,
        breaks.break_id,
        list_concat(
            list_concat(
                case when boundaries.region_code is not null then ['boundary_change'] else [] end,
                coalesce(breaks.reasons, [])
            ),
            case when compared.previous_value is null then ['missing_previous'] else [] end
        ) as reasons
    from compared
    left join breaks
        on
            compared.indicator_id = breaks.indicator_id
            and compared.region_code = breaks.region_code
            and compared.period_code = breaks.period_code
            and compared.geography = breaks.geography
    left join boundaries
        on
            compared.indicator_id = boundaries.indicator_id
            and compared.region_code = boundaries.region_code
            and compared.period_code = boundaries.period_code
            and compared.geography = boundaries.geography
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    value,
    obs_status,
    previous_value,
    case
        when len(reasons) = 0 and value is not null and previous_value != 0
            then 100 * (value - previous_value) / previous_value
    end as change_pct,
    national_value,
    peer_value,
    value is not null and len(reasons) = 0 as comparable_with_previous,
    nullif(array_to_string(reasons, '|'), '') as incomparable_because,
    break_id,
    -- a linked series comes with the linking of breaks; until then there is none to show
    null::double as value_linked,
    null::double as linked_low,
    null::double as linked_high
from reasoned
