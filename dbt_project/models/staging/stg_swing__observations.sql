{%- for source_id in var('swing_sources') %}
select
    '{{ source_id }}' as source_id,
    vintage_id,
    item,
    region_code,
    period_code,
    value,
    special as source_flag
from {{ source('raw', source_id) }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
