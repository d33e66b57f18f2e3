-- What a survey says of its own response. Respondents stay empty where they are not printed.
select
    'ceo_wmo' as survey,
    vintage_id,
    region_code,
    period_code,
    null::bigint as respondents,
    case response_norm when 'net niet' then false when 'nee' then false when 'ja' then true end as response_norm_met
from {{ source('raw', 'ceo_wmo') }}
