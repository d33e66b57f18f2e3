-- Counts as `privacy.shown` lets them; every share and ratio is made of these, so that it tells no more than they do.
with drill_down as (
    select * from {{ ref('core_drill_down') }}
),

shown as (
    select
        cell.law,
        cell.region_code,
        cell.provision,
        cell.period_code,
        max(shown.shown) filter (where cell.measure = 'clients') as clients,
        max(shown.shown) filter (where cell.measure = 'inflow') as inflow,
        max(shown.shown) filter (where cell.measure = 'outflow') as outflow,
        max(shown.shown) filter (where cell.measure = 'returned') as returned,
        max(shown.shown) filter (where cell.measure = 'crisis') as crisis,
        max(shown.shown) filter (where cell.measure = 'wijkteam') as wijkteam,
        bool_or(cell.measure = 'clients' and shown.obs_status = 'Q') as is_hidden,
        coalesce(bool_or(shown.obs_status = 'Q') filter (where cell.measure not in ('crisis', 'wijkteam')), false)
            as hides_some,
        coalesce(bool_or(shown.obs_status = 'Q') filter (where cell.measure = 'crisis'), false) as hides_crisis,
        coalesce(bool_or(shown.obs_status = 'Q') filter (where cell.measure = 'wijkteam'), false) as hides_wijkteam
    from {{ ref('core_drill_down_cell') }} as cell
    inner join {{ source('privacy', 'shown') }} as shown on cell.cell_id = shown.cell_id
    where cell.measure in ('clients', 'inflow', 'outflow', 'returned', 'crisis', 'wijkteam')
    group by cell.law, cell.region_code, cell.provision, cell.period_code
),

crisis_law as (
    select distinct law
    from {{ ref('core_provision') }}
    where is_crisis
)

select
    drill_down.region_code,
    drill_down.period_code,
    drill_down.law,
    drill_down.provision,
    region.region_name,
    {{ law_nl('drill_down.law') }} as law_nl,
    {{ provision_nl('label.label_nl', 'drill_down.provision') }} as provision_nl,
    shown.clients,
    shown.inflow,
    shown.outflow,
    round(shown.inflow / nullif(shown.outflow, 0), 2) as inflow_outflow_ratio,
    -- of an odd number of stretches the median is that of one person: not to the day
    case
        when shown.outflow >= drill_down.smallest_count then (round(drill_down.median_days / 5) * 5)::bigint
    end as median_duration_days,
    case
        when cost.may_be_shown and shown.clients >= {{ least_to_divide_by() }}
            then (round(cost.amount_eur / shown.clients / 10) * 10)::bigint
    end as cost_per_client_eur,
    {{ share_of('shown.returned', 'shown.inflow') }} as returned_within_year_pct,
    -- of one provision it says no more than whether that provision is help in a crisis
    case
        when drill_down.provision = 'totaal' and crisis_law.law is not null
            then {{ share_of('shown.crisis', 'shown.inflow') }}
    end as crisis_start_pct,
    case when drill_down.has_requests then {{ share_of('shown.wijkteam', 'shown.inflow') }} end as wijkteam_pct,
    case
        when drill_down.has_several_keys then 'L'
        when shown.is_hidden or shown.clients is null then 'Q'
        else 'A'
    end as obs_status,
    nullif(concat_ws(
        ' ',
        case
            when drill_down.has_several_keys
                then 'Personen staan onder verschillende sleutels van pseudoniemen en zijn niet te vergelijken.'
        end,
        -- of a share that is never told nothing is said
        case
            when
                shown.hides_some
                or (shown.hides_crisis and drill_down.provision = 'totaal' and crisis_law.law is not null)
                or (shown.hides_wijkteam and drill_down.has_requests)
                then 'Kleine aantallen zijn weggelaten, en aantallen waaruit die te herleiden zijn.'
        end,
        -- whatever was claimed, and for how many: it would tell how many clients are hidden, or how few they are
        case
            when drill_down.has_several_keys then null
            when shown.clients is null
                then 'Waar het aantal cliënten niet is getoond, staat niets over hun kosten.'
            when not drill_down.has_claims
                then 'Er zijn geen declaraties geleverd die de hele periode beslaan.'
            when shown.clients < {{ least_to_divide_by() }}
                then 'Het afgeronde aantal cliënten is te klein om er de kosten door te delen.'
            when cost.may_be_shown
                then 'Kosten van personen van wie geen begin bekend is, tellen niet mee.'
            else 'De kosten komen van te weinig personen of te veel van één, of zouden zulke kosten verraden.'
        end,
        case
            when not drill_down.has_several_keys and drill_down.returned is null
                then 'Wie terugkwam, is niet bekend: de leveringen gaan geen jaar verder terug.'
        end,
        case
            when drill_down.has_several_keys then null
            when crisis_law.law is null
                then 'De wet heeft geen voorziening voor hulp in een crisis.'
            when drill_down.provision != 'totaal'
                then 'Welk deel in een crisis begon, staat alleen bij alle voorzieningen van de wet samen.'
        end,
        case
            when not drill_down.has_several_keys and not drill_down.has_requests
                then 'Er zijn geen verzoeken om toewijzing geleverd, zodat de verwijzer niet bekend is.'
        end
    ), '') as because
from drill_down
left join shown
    on
        drill_down.law = shown.law
        and drill_down.region_code = shown.region_code
        and drill_down.provision = shown.provision
        and drill_down.period_code = shown.period_code
left join {{ ref('core_drill_down_cost') }} as cost
    on
        drill_down.law = cost.law
        and drill_down.region_code = cost.region_code
        and drill_down.provision = cost.provision
        and drill_down.period_code = cost.period_code
left join {{ ref('core_provision') }} as label
    on drill_down.law = label.law and drill_down.provision = label.provision
left join crisis_law on drill_down.law = crisis_law.law
left join {{ ref('core_region_name') }} as region on drill_down.region_code = region.region_code
