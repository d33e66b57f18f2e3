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

    -- what is no indicator is delivered under the name of the column it stands in
    select
        source_id,
        column_name as indicator_id,
        region_code,
        period_code,
        1 as value,
        'A' as obs_status,
        null as corrected_because
    from {{ ref('core_delivered_column') }}
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

known as (
    select
        expected.*,
        source.cadence,
        source.title as source_nl,
        region.region_name,
        -- what is no indicator is a column of a table
        coalesce(indicator.label_nl, 'Kolom ' || expected.indicator_id || ' van de levering') as label_nl,
        gap.because as registered_because,
        observed.corrected_because,
        observed.value is not null as is_delivered,
        observed.obs_status,
        period.start_date < lifetime.first_day or period.start_date >= lifetime.last_day as is_outside_lifetime
    from {{ ref('core_expected') }} as expected
    inner join {{ ref('core_period') }} as period on expected.period_code = period.period_code
    left join {{ ref('core_source') }} as source on expected.source_id = source.source_id
    left join {{ ref('core_indicator') }} as indicator on expected.indicator_id = indicator.indicator_id
    left join {{ ref('core_region_name') }} as region on expected.region_code = region.region_code
    left join lifetime on expected.region_code = lifetime.region_code
    left join observed
        on
            expected.source_id = observed.source_id
            and expected.indicator_id = observed.indicator_id
            and expected.region_code = observed.region_code
            and expected.period_code = observed.period_code
    left join {{ ref('core_known_gap') }} as gap
        on
            expected.source_id = gap.source_id
            and expected.item = gap.item
            and expected.region_code = gap.region_code
            and expected.period_code = gap.period_code
),

judged as (
    select
        *,
        case
            when is_delivered then 'delivered'
            when obs_status = 'Q' then 'suppressed'
            when obs_status = 'M' or is_outside_lifetime or not in_rhythm then 'not_expected'
            -- on the day itself there is still time
            when due_date >= {{ setting('today') }} then 'not_expected'
            when registered_because is not null or late_until < {{ setting('today') }} then 'missing'
            else 'late'
        end as delivery
    from known
)

select
    source_id,
    indicator_id,
    region_code,
    period_code,
    source_nl,
    label_nl,
    region_name,
    delivery,
    {{ delivery_nl('delivery') }} as delivery_nl,
    case
        when delivery = 'delivered' then null
        when delivery != 'not_expected'
            then
                coalesce(
                    registered_because,
                    corrected_because,
                    case when delivery = 'suppressed' then {{ hidden_nl() }} end
                )
        when obs_status = 'M' then 'Volgens de bron kan dit cijfer niet bestaan.'
        when is_outside_lifetime then 'Het gebied bestond toen niet, of niet meer.'
        when not in_rhythm
            then
                'Tussen twee metingen: de bron verschijnt '
                || coalesce({{ cadence_nl('cadence') }}, 'niet over elke periode') || '.'
        else 'De levering hoeft er pas op ' || strftime(due_date, '%d-%m-%Y') || ' te zijn.'
    end as because,
    due_date,
    late_until,
    cadence
from judged
