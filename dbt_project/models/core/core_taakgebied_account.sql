-- What each taakgebied cost in a year: the accounts of Iv3, else a ledger of which all twelve months came. Net where
-- the income is known too.
with parts as (
    select
        taakgebied,
        regime,
        first_year,
        last_year,
        taakveld,
        side,
        indicator_id,
        count(*) over (partition by taakgebied, regime, side) as parts
    from {{ source('declared', 'taakgebied_taakveld') }}
    where report_kind = 'X005'
),

named as (
    select
        taakgebied,
        first_year,
        last_year,
        string_agg(taakveld, '|' order by taakveld) as taakvelden
    from parts
    where side = 'lasten'
    group by taakgebied, first_year, last_year
),

sides as (
    select
        harmonised.region_code,
        harmonised.period_code::integer as fiscal_year,
        parts.taakgebied,
        parts.side,
        case when count(harmonised.value) = parts.parts then sum(harmonised.value) end as amount_eur
    from parts
    inner join {{ ref('core_harmonised') }} as harmonised
        on
            parts.indicator_id = harmonised.indicator_id
            and harmonised.geography = 'published'
            and regexp_matches(harmonised.period_code, '^[0-9]{4}$')
            and try_cast(harmonised.period_code as integer) between parts.first_year and parts.last_year
    group by harmonised.region_code, harmonised.period_code, parts.taakgebied, parts.side, parts.parts
),

iv3 as (
    select
        region_code,
        fiscal_year,
        taakgebied,
        'jaarrekening' as told_by,
        max(amount_eur) filter (where side = 'lasten') as lasten_eur,
        max(amount_eur) filter (where side = 'baten') as baten_eur
    from sides
    group by region_code, fiscal_year, taakgebied
    having max(amount_eur) filter (where side = 'lasten') is not null
),

ledger as (
    select
        region_code,
        fiscal_year,
        taakgebied,
        told_by,
        {{ sum_in_order('lasten_eur') }} as lasten_eur,
        -- a month without income is one without bookings; of a year without any, nobody knows whether there was none: a
        -- ledger that says so books zero
        {{ sum_in_order('baten_eur') }} as baten_eur
    from {{ ref('core_spending') }}
    where told_by = 'boekingen'
    group by region_code, fiscal_year, taakgebied, told_by
    having count(lasten_eur) = 12
),

preferred as (
    select * from iv3
    union all
    select ledger.*
    from ledger
    anti join iv3
        on
            ledger.region_code = iv3.region_code
            and ledger.fiscal_year = iv3.fiscal_year
            and ledger.taakgebied = iv3.taakgebied
)

select
    preferred.region_code,
    preferred.fiscal_year,
    preferred.taakgebied,
    preferred.told_by,
    named.taakvelden,
    preferred.lasten_eur,
    preferred.baten_eur,
    preferred.lasten_eur - preferred.baten_eur as net_eur
from preferred
left join named
    on
        preferred.taakgebied = named.taakgebied
        and preferred.fiscal_year between named.first_year and named.last_year
