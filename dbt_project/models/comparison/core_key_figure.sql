-- The figures of the yearly report, for every municipality and every year in which it has any of them. What is measured
-- more often than once a year stands here as it was at the end of the year, on the borders of the reference year.
with declared as (
    select * from {{ source('declared', 'key_figure') }}
),

municipalities as (
    select distinct region_code
    from {{ ref('core_region') }}
    where region_type = 'gemeente'
),

indicator_figures as (
    select
        declared.figure_id,
        compared.region_code,
        left(compared.period_code, 4)::bigint as year,
        compared.period_code,
        compared.value,
        compared.obs_status,
        compared.previous_code as previous_period,
        compared.previous_value,
        compared.previous_status,
        false as is_redefined,
        null as missing_nl,
        false as is_counted,
        null as because_nl,
        null::varchar[] as reasons,
        null as caution_nl
    from declared
    inner join {{ ref('core_compared') }} as compared on declared.indicator_id = compared.indicator_id
    where
        compared.region_type = 'gemeente'
        and compared.geography = {{ reference_geography() }}
        and month(compared.end_date) = 12
    -- the longest part of the year that ends with it
    qualify
        row_number() over (
            partition by declared.figure_id, compared.region_code, left(compared.period_code, 4)
            order by compared.value is null, compared.start_date
        ) = 1
),

counted_figures as (
    select
        declared.figure_id,
        counted.region_code,
        left(counted.period_code, 4)::bigint as year,
        counted.period_code,
        counted.value,
        counted.obs_status,
        counted.previous_period,
        counted.previous_value,
        counted.previous_status,
        false as is_redefined,
        null as missing_nl,
        true as is_counted,
        counted.because_nl,
        counted.reasons,
        counted.caution_nl
    from declared
    inner join {{ ref('core_counted_figure') }} as counted on declared.indicator_id = counted.indicator_id
),

-- What was delivered goes before what was counted here.
told_of_indicators as (
    select *
    from (
        select * from indicator_figures
        union all
        select * from counted_figures
    ) as either
    qualify
        row_number() over (
            partition by figure_id, region_code, year
            order by value is null, obs_status = 'L' and because_nl is null, is_counted, period_code
        ) = 1
),

budgeted as (
    select
        region_code,
        fiscal_year::bigint as year,
        basis,
        side,
        taakgebied,
        provision_form,
        amount_eur,
        programme as made_of
    from {{ ref('core_amount') }}
    where is_latest
    -- of the vintages of one year the newest
    qualify
        dense_rank() over (
            partition by region_code, fiscal_year, basis
            order by vintage_order desc nulls first, vintage_date desc, vintage_label desc
        ) = 1
),

accounted as (
    select
        region_code,
        fiscal_year::bigint as year,
        'jaarrekening' as basis,
        unnest(['lasten', 'baten']) as side,
        taakgebied,
        null as provision_form,
        unnest([lasten_eur, baten_eur]) as amount_eur,
        concat_ws(': ', told_by, taakvelden) as made_of
    from {{ ref('core_taakgebied_account') }}
),

amounts as (
    select * from budgeted
    union all
    select * from accounted
),

-- A total of the social domain is one where every taakgebied is in it: where lasten are known of each. What the state
-- pays is income only.
present as (
    select distinct
        region_code,
        year,
        basis,
        taakgebied
    from amounts
    where (side = 'lasten' or basis = 'rijksbudget') and amount_eur is not null
),

incomplete as (
    select
        loaded.region_code,
        loaded.year,
        loaded.basis,
        string_agg(taakgebied.label_nl, ', ' order by taakgebied.place) as missing_nl
    from (
        select distinct
            region_code,
            year,
            basis
        from amounts
    ) as loaded
    cross join {{ ref('core_taakgebied') }} as taakgebied
    left join present
        on
            loaded.region_code = present.region_code
            and loaded.year = present.year
            and loaded.basis = present.basis
            and taakgebied.taakgebied = present.taakgebied
    where present.taakgebied is null
    group by loaded.region_code, loaded.year, loaded.basis
),

amount_figures as (
    select
        declared.figure_id,
        amounts.region_code,
        amounts.year,
        amounts.year::varchar as period_code,
        case when incomplete.missing_nl is null then {{ sum_in_order('amounts.amount_eur') }} end as value,
        case when incomplete.missing_nl is null then 'A' else 'L' end as obs_status,
        incomplete.missing_nl,
        (amounts.year - 1)::varchar as previous_period,
        list_sort(list(distinct amounts.made_of)) as made_of
    from declared
    inner join amounts
        on
            declared.basis = amounts.basis
            and declared.side = amounts.side
            and (declared.taakgebied is null or declared.taakgebied = amounts.taakgebied)
            and (declared.provision_form is null or declared.provision_form = amounts.provision_form)
    left join incomplete
        on
            declared.taakgebied is null
            and amounts.region_code = incomplete.region_code
            and amounts.year = incomplete.year
            and amounts.basis = incomplete.basis
    where amounts.amount_eur is not null
    group by declared.figure_id, amounts.region_code, amounts.year, incomplete.missing_nl
),

found as (
    select * from told_of_indicators
    union all
    select
        amount_figures.figure_id,
        amount_figures.region_code,
        amount_figures.year,
        amount_figures.period_code,
        amount_figures.value,
        amount_figures.obs_status,
        amount_figures.previous_period,
        previous.value as previous_value,
        previous.obs_status as previous_status,
        -- other programmes, another way of telling, other taakvelden: not the same amount a year later
        coalesce(amount_figures.made_of != previous.made_of, false) as is_redefined,
        amount_figures.missing_nl,
        false as is_counted,
        null as because_nl,
        null as reasons,
        null as caution_nl
    from amount_figures
    left join amount_figures as previous
        on
            amount_figures.figure_id = previous.figure_id
            and amount_figures.region_code = previous.region_code
            and amount_figures.year = previous.year + 1
),

-- Why there are no accounts of a taakgebied, as it is registered of its taakvelden.
missing_accounts as (
    select
        part.taakgebied,
        part.side,
        expected.region_code,
        left(expected.period_code, 4)::bigint as year,
        min(gap.because) as because_nl
    from {{ source('declared', 'taakgebied_taakveld') }} as part
    inner join {{ ref('core_expected') }} as expected
        on
            part.indicator_id = expected.indicator_id
            and left(expected.period_code, 4)::bigint between part.first_year and part.last_year
    inner join {{ ref('core_known_gap') }} as gap
        on
            expected.source_id = gap.source_id
            and expected.item = gap.item
            and expected.region_code = gap.region_code
            and expected.period_code = gap.period_code
    where part.report_kind = 'X005'
    group by part.taakgebied, part.side, expected.region_code, left(expected.period_code, 4)
),

years as (
    select distinct
        found.region_code,
        found.year
    from found
    inner join municipalities on found.region_code = municipalities.region_code
    where found.value is not null or found.missing_nl is not null
)

select
    years.region_code,
    years.year,
    declared.place,
    declared.figure_id,
    declared.heading_nl,
    coalesce(declared.label_nl, indicator.label_nl) as label_nl,
    declared.indicator_id,
    coalesce(indicator.unit, 'eur') as unit,
    coalesce(indicator.desired_direction, 'none') as desired_direction,
    found.period_code,
    found.value,
    found.obs_status,
    found.previous_period,
    found.previous_value,
    found.previous_status,
    indicator.rounding,
    coalesce(found.is_redefined, false) as is_redefined,
    found.missing_nl,
    coalesce(found.is_counted, false) as is_counted,
    case when found.value is null then coalesce(found.because_nl, missing_accounts.because_nl) end as because_nl,
    found.reasons,
    found.caution_nl
from years
cross join declared
left join found
    on
        years.region_code = found.region_code
        and years.year = found.year
        and declared.figure_id = found.figure_id
left join {{ ref('core_indicator') }} as indicator on declared.indicator_id = indicator.indicator_id
left join missing_accounts
    on
        declared.basis = 'jaarrekening'
        and declared.taakgebied = missing_accounts.taakgebied
        and declared.side = missing_accounts.side
        and years.region_code = missing_accounts.region_code
        and years.year = missing_accounts.year
