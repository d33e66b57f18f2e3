-- What every municipality spent on every item of the benchmark, per inhabitant, gross and by its accounts: taakvelden
-- and their parts, the sums of what mirrors each other, of an opgave and of all, and the groups that compare over the
-- recodings of Iv3. On the borders of the book year itself, for that is what the accounts are of.
with municipalities as (
    select distinct region_code
    from {{ ref('core_region') }}
    where region_type = 'gemeente'
),

figures as (
    select
        harmonised.indicator_id,
        harmonised.region_code,
        year(period.start_date) as fiscal_year,
        harmonised.value,
        harmonised.obs_status
    from {{ ref('core_harmonised') }} as harmonised
    inner join {{ ref('core_period') }} as period
        on harmonised.period_code = period.period_code and period.period_kind = 'year'
    semi join municipalities on harmonised.region_code = municipalities.region_code
    where harmonised.geography = 'published'
),

parts as (
    select
        *,
        count(*) over (partition by item, first_year) as parts
    from {{ source('declared', 'benchmark_part') }}
),

-- A sum of which one part is not known is not known either. What cannot exist is no cost of nothing: a municipality
-- before or after its time has no row.
summed as (
    select
        parts.item,
        parts.item_kind,
        parts.label_nl,
        parts.opgave_nl as opgave,
        figures.region_code,
        figures.fiscal_year,
        parts.parts,
        count(figures.value) as parts_known,
        {{ sum_in_order('figures.value') }} as value,
        string_agg(distinct figures.obs_status, '') as statuses
    from parts
    inner join figures
        on
            parts.indicator_id = figures.indicator_id
            and figures.fiscal_year between parts.first_year and parts.last_year
    group by
        parts.item,
        parts.item_kind,
        parts.label_nl,
        parts.opgave_nl,
        figures.region_code,
        figures.fiscal_year,
        parts.parts
    having bool_or(figures.obs_status != 'M')

    union all

    select
        declared_group.item,
        'groep' as item_kind,
        declared_group.label_nl,
        declared_group.opgave_nl as opgave,
        linked.region_code,
        year(period.start_date) as fiscal_year,
        linked.members as parts,
        linked.members_known as parts_known,
        linked.value,
        linked.obs_status as statuses
    from {{ source('declared', 'benchmark_group') }} as declared_group
    inner join {{ ref('core_iv3_group') }} as linked
        on declared_group.item = linked.group_id and linked.side = 'lasten' and linked.report_kind = 'X005'
    inner join {{ ref('core_period') }} as period on linked.period_code = period.period_code
    semi join municipalities on linked.region_code = municipalities.region_code
    where linked.geography = 'published' and linked.obs_status != 'M'
),

-- What has to be known of an item in that year and country.
cautions as (
    select
        region_year.country_code,
        region_year.fiscal_year,
        caution.item,
        string_agg(caution.caution_nl, ' ' order by caution.caution_nl) as caution_nl
    from {{ source('declared', 'benchmark_caution') }} as caution
    inner join (
        select distinct
            {{ country_code('region_code') }} as country_code,
            fiscal_year
        from summed
    ) as region_year
        on
            caution.country_code = region_year.country_code
            and caution.first_year <= region_year.fiscal_year
            and coalesce(caution.last_year, region_year.fiscal_year) >= region_year.fiscal_year
    group by region_year.country_code, region_year.fiscal_year, caution.item
),

inhabitants as (
    select
        region_code,
        fiscal_year,
        value as inhabitants
    from figures
    where indicator_id = 'bevolking' and value > 0
)

select
    summed.region_code,
    summed.fiscal_year,
    summed.item,
    {{ country_code('summed.region_code') }} as country_code,
    summed.item_kind,
    summed.label_nl,
    summed.opgave,
    case when summed.parts_known = summed.parts then summed.value end as lasten_eur,
    inhabitants.inhabitants,
    case when summed.parts_known = summed.parts then summed.value / inhabitants.inhabitants end as eur_per_inhabitant,
    case
        when summed.parts_known < summed.parts and contains(summed.statuses, 'Q') then 'Q'
        when summed.parts_known < summed.parts then 'L'
        when contains(summed.statuses, 'E') then 'E'
        when contains(summed.statuses, 'P') then 'P'
        else 'A'
    end as obs_status,
    case
        when summed.parts_known = 0 then 'De gemeente leverde dit cijfer niet in haar jaarrekening (Iv3).'
        when summed.parts_known < summed.parts
            then concat(
                'Van de ', summed.parts, ' taakvelden die dit samen zijn, ontbreken er ',
                summed.parts - summed.parts_known, '.'
            )
        when inhabitants.inhabitants is null then 'Het aantal inwoners op 1 januari is niet geladen.'
    end as because_nl,
    mirror.sum_item as mirror_item,
    cautions.caution_nl
from summed
left join inhabitants
    on summed.region_code = inhabitants.region_code and summed.fiscal_year = inhabitants.fiscal_year
left join {{ source('declared', 'benchmark_mirror') }} as mirror on summed.item = mirror.item
left join cautions
    on
        summed.item = cautions.item
        and summed.fiscal_year = cautions.fiscal_year
        and {{ country_code('summed.region_code') }} = cautions.country_code
