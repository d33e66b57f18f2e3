-- Measures as advised, and what they were found to yield. Nothing found is not the same as nothing yielded.
with found as (
    select
        measure_id,
        {{ sum_in_order('amount_eur') }} as realised_eur,
        max(period_code) as realised_until,
        string_agg(
            period_code || ': ' || realised_by || ', ' || realised_on::varchar || ' (' || reference || ')',
            '; '
            order by period_code
        ) as realised_according_to
    from {{ ref('core_measure_realised') }}
    group by measure_id
)

select
    measure.measure_id,
    measure.region_code,
    region.region_name,
    measure.document,
    measure.title_nl,
    measure.opgave,
    measure.feasibility,
    measure.term,
    measure.term_class,
    measure.yield_low_eur,
    measure.yield_high_eur,
    measure.cost,
    measure.cost_once_low_eur,
    measure.cost_once_high_eur,
    measure.cost_yearly_low_eur,
    measure.cost_yearly_high_eur,
    measure.impact_provisions,
    measure.impact_residents,
    measure.impact_policy,
    found.realised_eur,
    found.realised_until,
    found.realised_according_to,
    case when found.measure_id is null then 'Nog niemand heeft vastgesteld wat deze maatregel opleverde.' end
        as realised_because,
    measure.note as note_nl
from {{ ref('core_measure') }} as measure
left join found on measure.measure_id = found.measure_id
left join {{ ref('core_region_name') }} as region on measure.region_code = region.region_code
