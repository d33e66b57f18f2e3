-- Complaints as `privacy.shown` lets them, beside the same part of the year before. Everything that is derived is
-- derived from what is shown.
with figures as (
    select
        compared.*,
        region.region_name,
        now.shown as complaints,
        now.obs_status,
        previous.shown as previous_complaints,
        case when compared.previous_cell_id is null then ['missing_previous'] else [] end as lacks_previous,
        -- the one of the year before is there, and hidden
        case
            when now.shown is null or (compared.previous_cell_id is not null and previous.shown is null)
                then ['missing_value']
            else []
        end as lacks_value
    from {{ ref('core_complaint_compared') }} as compared
    inner join {{ source('privacy', 'shown') }} as now on compared.cell_id = now.cell_id
    left join {{ source('privacy', 'shown') }} as previous on compared.previous_cell_id = previous.cell_id
    left join {{ ref('core_region_name') }} as region on compared.region_code = region.region_code
),

reasoned as (
    select
        *,
        {{ reasons_in_order("list_concat(reasons, list_concat(lacks_previous, lacks_value))") }}
            as incomparable_because,
        {{ too_few_to_change('complaints', 'previous_complaints') }} as are_few
    from figures
)

select
    region_code,
    period_code,
    law,
    subject,
    region_name,
    {{ law_nl('law') }} as law_nl,
    {{ subject_nl('subject') }} as subject_nl,
    complaints,
    obs_status,
    case
        when complaints is null
            then {{ hidden_nl() }}
        when incomparable_because is null and are_few
            then {{ too_few_to_change_nl() }}
    end as because,
    previous_period,
    previous_complaints,
    case
        when incomparable_because is null and not are_few
            then round(100.0 * (complaints - previous_complaints) / previous_complaints, 1)
    end as change_pct,
    incomparable_because is null as comparable_with_previous,
    incomparable_because,
    {{ reasons_nl('incomparable_because') }} as incomparable_because_nl,
    event_ids,
    source_id
from reasoned
