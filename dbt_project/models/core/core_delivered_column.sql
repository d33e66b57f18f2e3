-- Which columns of money, which other figures that are no indicator, and which tables and messages about persons were
-- delivered for whom and when. Coverage goes by the name of the column, or of the item where it has none.
with current_figure as (
    select figure.*
    from {{ ref('stg_figures') }} as figure
    inner join {{ source('raw', 'delivery') }} as delivery
        on figure.vintage_id = delivery.vintage_id and delivery.is_current
    where figure.value is not null
),

-- A column may be called as an indicator: what is a series is judged by its observations.
wanted as (
    select expected.*
    from {{ source('declared', 'expected') }} as expected
    anti join {{ source('declared', 'series') }} as series
        on expected.source_id = series.source_id and expected.item = series.item
),

-- From the first day of the month of the first message to the last day of that of the last one, or as a table says
-- itself: what happened in that time was told, however little that was.
told as (
    select
        source_id,
        region_code,
        date_trunc('month', min(message_date))::date as known_from,
        last_day(max(message_date)) as known_to
    from {{ ref('core_client_event') }}
    group by source_id, region_code

    union all

    select
        spell.source_id,
        spell.region_code,
        min(coalesce(spell.known_from, spell.start_date)) as known_from,
        max(coalesce(spell.known_to, delivery.vintage_date)) as known_to
    from {{ source('raw', 'person_spell') }} as spell
    inner join {{ source('raw', 'delivery') }} as delivery
        on spell.vintage_id = delivery.vintage_id and delivery.is_current
    group by spell.source_id, spell.region_code
)

select distinct
    source_id,
    column_name,
    region_code,
    fiscal_year::varchar as period_code
from {{ ref('core_amount') }}
where is_current

union

select distinct
    figure.source_id,
    figure.column_name,
    figure.region_code,
    figure.period_code
from current_figure as figure
semi join wanted on figure.source_id = wanted.source_id and figure.column_name = wanted.indicator_id

union

select distinct
    figure.source_id,
    figure.item as column_name,
    figure.region_code,
    figure.period_code
from current_figure as figure
semi join wanted on figure.source_id = wanted.source_id and figure.item = wanted.indicator_id
where figure.column_name is null

union

select
    wanted.source_id,
    wanted.indicator_id as column_name,
    wanted.region_code,
    wanted.period_code
from wanted
inner join {{ ref('core_period') }} as period on wanted.period_code = period.period_code
inner join told
    on
        wanted.source_id = told.source_id
        and wanted.region_code = told.region_code
        and period.start_date >= told.known_from
        and period.end_date <= told.known_to
