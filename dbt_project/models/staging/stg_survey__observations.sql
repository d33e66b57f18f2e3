with answers as (
    select
        vintage_id,
        region_code,
        period_code,
        kwaliteit,
        oplossingen,
        passend,
        beter_doen
    from {{ source('raw', 'ceo_wmo') }}
)

select
    'ceo_wmo' as source_id,
    vintage_id,
    item,
    region_code,
    period_code,
    value
from answers
unpivot (value for item in (kwaliteit, oplossingen, passend, beter_doen))
