-- Who referred those who began, as `privacy.shown` lets it.
with inflow as (
    select
        cell.*,
        shown.shown
    from {{ ref('core_drill_down_cell') }} as cell
    inner join {{ source('privacy', 'shown') }} as shown on cell.cell_id = shown.cell_id
    where cell.measure = 'inflow'
),

referred as (
    select
        cell.law,
        cell.region_code,
        cell.provision,
        cell.period_code,
        replace(cell.measure, 'referrer:', '') as referrer,
        shown.shown,
        shown.obs_status
    from {{ ref('core_drill_down_cell') }} as cell
    inner join {{ source('privacy', 'shown') }} as shown on cell.cell_id = shown.cell_id
    where cell.measure like 'referrer:%'
),

asked as (
    select
        law,
        region_code
    from {{ ref('core_person_window') }}
    where has_requests
)

select
    referred.region_code,
    referred.period_code,
    referred.law,
    referred.provision,
    referred.referrer,
    region.region_name,
    {{ law_nl('referred.law') }} as law_nl,
    {{ provision_nl('label.label_nl', 'referred.provision') }} as provision_nl,
    coalesce(referrer.label_nl, 'Onbekend') as referrer_nl,
    referred.shown as inflow,
    {{ share_of('referred.shown', 'inflow.shown') }} as share_pct,
    referred.obs_status,
    case
        when referred.obs_status = 'Q' then 'Klein aantal, of een aantal waaruit een klein aantal te herleiden is.'
    end as because
from referred
inner join asked on referred.law = asked.law and referred.region_code = asked.region_code
inner join inflow
    on
        referred.law = inflow.law
        and referred.region_code = inflow.region_code
        and referred.provision = inflow.provision
        and referred.period_code = inflow.period_code
left join {{ ref('core_referrer') }} as referrer on referred.referrer = referrer.referrer
left join {{ ref('core_provision') }} as label
    on referred.law = label.law and referred.provision = label.provision
left join {{ ref('core_region_name') }} as region on referred.region_code = region.region_code
