-- The counts of stapeling: by the number of laws, which a mart shows, and by the laws themselves, which nobody sees and
-- which tie them to the clients of each law. Not for consumers.
with known as (
    select * from {{ ref('core_stapeling') }}
    where persons is not null
)

select
    concat_ws('|', 'stapeling', 'persons', region_code, period_code, number_of_laws) as cell_id,
    region_code,
    period_code,
    'persons' as measure,
    number_of_laws,
    null::bigint as law_bits,
    sum(persons)::bigint as persons,
    any_value(smallest_count) as smallest_count,
    any_value(count_rounding) as count_rounding,
    true as is_published
from known
group by region_code, period_code, number_of_laws
union all
select
    concat_ws('|', 'stapeling', 'households', region_code, period_code, number_of_laws) as cell_id,
    region_code,
    period_code,
    'households' as measure,
    number_of_laws,
    null as law_bits,
    sum(households)::bigint as persons,
    any_value(smallest_count) as smallest_count,
    any_value(count_rounding) as count_rounding,
    true as is_published
from known
where households is not null
group by region_code, period_code, number_of_laws
union all
select
    concat_ws('|', 'stapeling', 'laws', region_code, period_code, law_bits) as cell_id,
    region_code,
    period_code,
    'laws' as measure,
    number_of_laws,
    law_bits,
    persons,
    smallest_count,
    count_rounding,
    false as is_published
from known
