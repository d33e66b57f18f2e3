-- Every figure beside the one of the year before, and what is to be said of the two: whether they compare, why not, by
-- how much they differ, and what to keep in mind. All marts that show a change read it here.
with stepped as (
    select
        compared.indicator_id,
        compared.region_code,
        compared.period_code,
        compared.geography,
        {{ sum_in_order('link.link_log') }} as link_log,
        sqrt({{ sum_in_order('link.link_se ^ 2') }}) as link_se
    from {{ ref('core_compared') }} as compared
    inner join {{ ref('core_link') }} as link
        on
            compared.indicator_id = link.indicator_id
            and compared.region_code = link.region_code
            and compared.is_computed = link.is_computed
            and {{ periods_per_year('compared.period_code') }} = link.per_year
            and compared.previous_start < link.start_date
            and compared.start_date >= link.start_date
    group by compared.indicator_id, compared.region_code, compared.period_code, compared.geography
    having bool_and(link.link_log is not null)
),

reasoned as (
    select
        compared.*,
        indicator.label_nl,
        coalesce(indicator.aggregation = 'sum', false) as goes_by_size,
        no_figure.because_nl,
        out_of_scale.caution_nl as scale_nl,
        few.indicator_id is not null as is_few,
        between_them.break_id,
        -- a step that was estimated bridges a break, and nothing else
        case when between_them.may_be_linked and incomparable.reasons is null then stepped.link_log end as link_log,
        stepped.link_se,
        linked.value_linked,
        linked.linked_low,
        linked.linked_high,
        list_concat(coalesce(incomparable.reasons, []), coalesce(between_them.reasons, [])) as reasons
    from {{ ref('core_compared') }} as compared
    inner join {{ ref('core_indicator') }} as indicator on compared.indicator_id = indicator.indicator_id
    left join {{ ref('core_incomparable') }} as incomparable
        on
            compared.indicator_id = incomparable.indicator_id
            and compared.region_code = incomparable.region_code
            and compared.period_code = incomparable.period_code
            and compared.geography = incomparable.geography
    left join {{ ref('core_break_between') }} as between_them
        on
            compared.indicator_id = between_them.indicator_id
            and compared.region_code = between_them.region_code
            and compared.period_code = between_them.period_code
            and compared.geography = between_them.geography
    left join stepped
        on
            compared.indicator_id = stepped.indicator_id
            and compared.region_code = stepped.region_code
            and compared.period_code = stepped.period_code
            and compared.geography = stepped.geography
    -- how much a municipality shifted does not say how much each of its wijken did
    left join {{ ref('core_linked') }} as linked
        on
            compared.indicator_id = linked.indicator_id
            and compared.region_code = linked.region_code
            and compared.period_code = linked.period_code
            and compared.geography = linked.geography
    left join {{ ref('core_few_counted') }} as few
        on
            compared.indicator_id = few.indicator_id
            and compared.region_code = few.region_code
            and compared.period_code = few.period_code
            and compared.geography = few.geography
    left join {{ ref('core_no_figure') }} as no_figure
        on
            compared.indicator_id = no_figure.indicator_id
            and compared.region_code = no_figure.region_code
            and compared.period_code = no_figure.period_code
            and compared.geography = no_figure.geography
    left join {{ ref('core_out_of_scale') }} as out_of_scale
        on
            compared.indicator_id = out_of_scale.indicator_id
            and compared.region_code = out_of_scale.region_code
            and compared.period_code = out_of_scale.period_code
            and compared.geography = out_of_scale.geography
),

judged as (
    select
        *,
        {{ reasons_in_order('reasons') }} as incomparable_because,
        case when not is_few and link_log is not null and previous_value != 0 then value / previous_value end as ratio,
        100 * (ratio * exp(-link_log) - 1) as change_linked_pct,
        100 * (ratio * exp(-link_log - 1.96 * link_se) - 1) as change_linked_low,
        100 * (ratio * exp(-link_log + 1.96 * link_se) - 1) as change_linked_high
    from reasoned
)

select
    indicator_id,
    region_code,
    period_code,
    geography,
    label_nl,
    region_type,
    municipality_code,
    country_code,
    start_date,
    goes_by_size,
    value,
    because_nl,
    obs_status,
    previous_code,
    previous_value,
    case
        when incomparable_because is null and not is_few and previous_value != 0
            then 100 * (value - previous_value) / previous_value
    end as change_pct,
    case
        when incomparable_because is not null
            then
                concat_ws(
                    ' ',
                    {{ reasons_nl('incomparable_because') }},
                    'Omgerekend over de trendbreuk heen is de verandering naar schatting '
                    || {{ signed_percent_nl('change_linked_pct') }} || ' (met 95 % zekerheid tussen '
                    || {{ signed_percent_nl('change_linked_low') }} || ' en '
                    || {{ signed_percent_nl('change_linked_high') }} || ').'
                )
        when is_few then {{ too_few_to_change_nl() }}
        when previous_value = 0 then 'Het cijfer van de periode ervoor is nul.'
    end as no_change_because,
    reasons,
    incomparable_because,
    {{ reasons_nl('incomparable_because') }} as incomparable_because_nl,
    is_few,
    scale_nl,
    nullif(
        concat_ws(
            ' ', scale_nl, {{ caution_of_provisional('incomparable_because', 'obs_status', 'previous_status') }}
        ),
        ''
    ) as caution_nl,
    break_id,
    change_linked_pct,
    change_linked_low,
    change_linked_high,
    value_linked,
    linked_low,
    linked_high
from judged
