-- What an indicator counts, and since when. A version ends on the day before the next one of the same country, the last
-- one where the code lists end with it.
with versions as (
    select
        indicator_id,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by indicator_id, country_code order by valid_from) - 1,
            valid_until
        ) as valid_to,
        country_code,
        text_nl,
        -- one without a day is the only one
        comparable_with_earlier
        or valid_from is null
        or valid_from = min(valid_from) over (partition by indicator_id, country_code) as comparable_with_earlier,
        reference,
        undated_because
    from {{ ref('core_indicator_definition') }}
)

select
    versions.indicator_id,
    versions.valid_from,
    versions.valid_to,
    versions.country_code,
    indicator.label_nl,
    versions.text_nl,
    versions.comparable_with_earlier,
    versions.reference,
    versions.undated_because
from versions
left join {{ ref('core_indicator') }} as indicator on versions.indicator_id = indicator.indicator_id
