-- Complaints as `privacy.shown` lets them, beside the same part of the year before. Everything that is derived is
-- derived from what is shown.
with figures as (
    select
        compared.*,
        now.shown as complaints,
        now.obs_status,
        previous.shown as previous_complaints,
        case when previous.shown is null then ['missing_previous'] else [] end as lacks_previous,
        case when now.shown is null then ['missing_value'] else [] end as lacks_value
    from {{ ref('core_complaint_compared') }} as compared
    inner join {{ source('privacy', 'shown') }} as now on compared.cell_id = now.cell_id
    left join {{ source('privacy', 'shown') }} as previous on compared.previous_cell_id = previous.cell_id
),

reasoned as (
    select
        *,
        {{ reasons_in_order("list_concat(reasons, list_concat(lacks_previous, lacks_value))") }} as incomparable_because
    from figures
)

select
    region_code,
    period_code,
    law,
    subject,
    complaints,
    obs_status,
    case
        when complaints is null
            then 'Het aantal is klein, of een klein aantal zou eruit te herleiden zijn.'
    end as because,
    previous_period,
    previous_complaints,
    case
        when incomparable_because is null and previous_complaints > 0
            then round(100.0 * (complaints - previous_complaints) / previous_complaints, 1)
    end as change_pct,
    incomparable_because is null as comparable_with_previous,
    incomparable_because,
    event_ids,
    source_id
from reasoned
