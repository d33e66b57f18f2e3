-- What an indicator counts, and since when. A version ends on the day before the next one of the same country.
select
    indicator_id,
    valid_from,
    lead(valid_from) over (partition by indicator_id, country_code order by valid_from) - 1 as valid_to,
    country_code,
    text_nl,
    comparable_with_earlier or valid_from = min(valid_from) over (partition by indicator_id, country_code)
        as comparable_with_earlier,
    reference
from {{ ref('core_indicator_definition') }}
