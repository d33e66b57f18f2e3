-- Every figure that a source should deliver, and whether it did; late is judged against the day of the run.
with observed as (
    select
        source_id,
        indicator_id,
        region_code,
        period_code,
        value,
        obs_status,
        corrected_because
    from {{ ref('core_observation') }}
    where is_latest

    union all

    -- an amount is delivered under the name of the column it stands in
    select distinct
        source_id,
        column_name as indicator_id,
        region_code,
        fiscal_year::varchar as period_code,
        1 as value,
        'A' as obs_status,
        null as corrected_because
    from {{ ref('core_amount') }}
    where is_current
),

-- from the first day on which a code was valid to the day it was abolished
lifetime as (
    select
        region_code,
        min(coalesce(valid_from, date '0001-01-01')) as first_day,
        max(coalesce(valid_to, date '9999-12-31')) as last_day
    from {{ ref('core_region') }}
    group by region_code
),

judged as (
    select
        expected.source_id,
        expected.indicator_id,
        expected.region_code,
        expected.period_code,
        expected.due_date,
        coalesce(gap.because, observed.corrected_because) as because,
        case
            when observed.value is not null then 'delivered'
            when observed.obs_status = 'Q' then 'suppressed'
            when observed.obs_status = 'M' then 'not_expected'
            when period.start_date < lifetime.first_day or period.start_date >= lifetime.last_day then 'not_expected'
            -- on the day itself there is still time
            when expected.due_date >= {{ setting('today') }} then 'not_expected'
            when gap.because is not null then 'missing'
            when expected.due_date >= {{ setting('today') }} - interval 90 day then 'late'
            else 'missing'
        end as delivery
    from {{ source('declared', 'expected') }} as expected
    inner join {{ ref('core_period') }} as period on expected.period_code = period.period_code
    left join lifetime on expected.region_code = lifetime.region_code
    left join observed
        on
            expected.source_id = observed.source_id
            and expected.indicator_id = observed.indicator_id
            and expected.region_code = observed.region_code
            and expected.period_code = observed.period_code
    left join {{ source('declared', 'known_gap') }} as gap
        on
            expected.source_id = gap.source_id
            and expected.item = gap.item
            and expected.region_code = gap.region_code
            and expected.period_code = gap.period_code
)

select
    source_id,
    indicator_id,
    region_code,
    period_code,
    delivery,
    case when delivery in ('missing', 'late', 'suppressed') then because end as because,
    due_date
from judged
