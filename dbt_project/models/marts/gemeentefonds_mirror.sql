-- What a taakgebied costs a municipality, mirrored in what the gemeentefonds reckons it to need. The fund pays for net
-- costs: where the income of a taakgebied is not known, gross costs stand in for them, and the caution says so. All
-- together is compared only where every part is net.
with mirrored as (
    select
        reference.region_code,
        reference.fiscal_year,
        reference.taakgebied,
        taakgebied.label_nl,
        region.region_name,
        account.told_by,
        account.taakvelden,
        account.lasten_eur,
        account.baten_eur,
        account.net_eur,
        reference.inhabitants,
        reference.reference_eur,
        reference.reference_eur_per_inhabitant,
        reference.source_id
    from {{ ref('core_fund_reference') }} as reference
    inner join {{ ref('core_taakgebied') }} as taakgebied on reference.taakgebied = taakgebied.taakgebied
    left join {{ ref('core_taakgebied_account') }} as account
        on
            reference.region_code = account.region_code
            and reference.fiscal_year = account.fiscal_year
            and reference.taakgebied = account.taakgebied
    left join {{ ref('core_region_name') }} as region on reference.region_code = region.region_code
),

-- all taakgebieden together, where none is missing on either side
whole as (
    select
        region_code,
        fiscal_year,
        'totaal' as taakgebied,
        'Sociaal domein samen' as label_nl,
        any_value(region_name) as region_name,
        case when count(distinct told_by) = 1 then min(told_by) end as told_by,
        string_agg(taakvelden, '|' order by taakgebied) as taakvelden,
        {{ sum_in_order('lasten_eur') }} as lasten_eur,
        case when count(baten_eur) = count(*) then sum(baten_eur) end as baten_eur,
        case when count(net_eur) = count(*) then sum(net_eur) end as net_eur,
        any_value(inhabitants) as inhabitants,
        {{ sum_in_order('reference_eur') }} as reference_eur,
        {{ sum_in_order('reference_eur_per_inhabitant') }} as reference_eur_per_inhabitant,
        any_value(source_id) as source_id
    from mirrored
    group by region_code, fiscal_year
    having
        count(lasten_eur) = (select count(*) from {{ ref('core_taakgebied') }})
        and count(reference_eur) = count(*)
),

compared as (
    select
        together.*,
        case when together.reference_eur > 0 then together.compared_eur / together.reference_eur end as ratio
    from (
        select
            *,
            coalesce(net_eur, lasten_eur) as compared_eur
        from mirrored
        union all
        select
            *,
            net_eur as compared_eur
        from whole
    ) as together
)

select
    region_code,
    fiscal_year::integer as fiscal_year,
    taakgebied,
    label_nl,
    region_name,
    told_by,
    taakvelden,
    round(lasten_eur) as lasten_eur,
    round(baten_eur) as baten_eur,
    case
        when lasten_eur is null or baten_eur is not null then null
        when taakgebied = 'totaal'
            then 'Niet van elk taakgebied zijn over dit jaar baten geleverd; dat is iets anders dan nul.'
        else 'Over dit jaar zijn op dit taakgebied geen baten geleverd; dat is iets anders dan nul.'
    end as baten_because,
    round(net_eur) as net_eur,
    inhabitants,
    round(compared_eur / inhabitants, 2) as eur_per_inhabitant,
    round(reference_eur) as reference_eur,
    round(reference_eur_per_inhabitant, 2) as reference_eur_per_inhabitant,
    round(compared_eur - reference_eur) as difference_eur,
    ratio,
    {{ reading_nl('ratio') }} as reading_nl,
    case
        when compared_eur is not null and net_eur is null
            then 'Bruto lasten naast een netto ijkpunt: de baten zijn niet bekend, dus de verhouding valt te hoog uit.'
        when net_eur < 0 then 'De baten zijn hoger dan de lasten; de verhouding zegt dan weinig.'
    end as caution_nl,
    case
        when compared_eur is null and taakgebied = 'totaal'
            then
                'Niet van elk taakgebied zijn de baten bekend: samen is het geen netto bedrag, en dus niet naast het '
                || 'ijkpunt te zetten.'
        when compared_eur is null
            then 'Er is geen jaarrekening (Iv3) en geen grootboek van twaalf maanden van dit taakgebied geladen.'
        when reference_eur is null
            then 'Het ijkpunt is per inwoner, en het inwonertal is niet geladen.'
        when not coalesce(reference_eur > 0, false) then 'Het ijkpunt is nul.'
    end as because,
    source_id
from compared
