with items as (
    select
        cost.*,
        reference_set.reference_group,
        reference_set.members,
        reference_set.because_nl as no_members_because_nl,
        reference_set.caution_nl as members_caution_nl
    from {{ ref('core_benchmark_cost') }} as cost
    inner join {{ source('benchmark', 'reference_set') }} as reference_set
        on cost.region_code = reference_set.region_code and cost.fiscal_year = reference_set.fiscal_year
),

-- Every member counts the same, however large it is. A mean of some of the members is another reference than the one
-- that was asked for.
referenced as (
    select
        items.region_code,
        items.fiscal_year,
        items.item,
        items.reference_group,
        {{ mean_in_order('of_member.eur_per_inhabitant') }} as known_eur,
        count(of_member.eur_per_inhabitant) as members_known,
        string_agg(coalesce(region_name.region_name, member.member_code), ', ' order by member.member_code)
        filter (where of_member.eur_per_inhabitant is null) as members_unknown
    from items
    inner join {{ source('benchmark', 'reference_member') }} as member
        on
            items.region_code = member.region_code
            and items.fiscal_year = member.fiscal_year
            and items.reference_group = member.reference_group
    left join {{ ref('core_benchmark_cost') }} as of_member
        on
            member.member_code = of_member.region_code
            and items.fiscal_year = of_member.fiscal_year
            and items.item = of_member.item
    left join {{ ref('core_region_name') }} as region_name on member.member_code = region_name.region_code
    group by items.region_code, items.fiscal_year, items.item, items.reference_group
),

compared as (
    select
        items.*,
        coalesce(referenced.members_known, 0) as members_known,
        referenced.members_unknown,
        case when referenced.members_known = items.members then referenced.known_eur end as reference_eur,
        case
            when referenced.members_known = items.members and referenced.known_eur > 0
                then items.eur_per_inhabitant / referenced.known_eur
        end as ratio
    from items
    left join referenced
        on
            items.region_code = referenced.region_code
            and items.fiscal_year = referenced.fiscal_year
            and items.item = referenced.item
            and items.reference_group = referenced.reference_group
),

read_out as (
    select
        *,
        {{ reading_nl('ratio') }} as reading_nl
    from compared
),

-- Two items that mirror each other, the one high and the other low: one thing, booked in two places. What compares is
-- their sum.
mirrored as (
    select
        one.region_code,
        one.fiscal_year,
        one.item,
        one.reference_group,
        string_agg(other.item, ' en ' order by other.item) as other_items,
        count(*) as others,
        max(together.item) as sum_item,
        max(together.ratio) as sum_ratio,
        max(together.reading_nl) as sum_reading_nl
    from read_out as one
    inner join read_out as other
        on
            one.mirror_item = other.mirror_item
            and one.item != other.item
            and one.opgave = other.opgave
            and one.region_code = other.region_code
            and one.fiscal_year = other.fiscal_year
            and one.reference_group = other.reference_group
    left join read_out as together
        on
            one.mirror_item = together.item
            and one.region_code = together.region_code
            and one.fiscal_year = together.fiscal_year
            and one.reference_group = together.reference_group
    where
        (one.reading_nl in ('hoger', 'veel hoger') and other.reading_nl in ('lager', 'veel lager'))
        or (one.reading_nl in ('lager', 'veel lager') and other.reading_nl in ('hoger', 'veel hoger'))
    group by one.region_code, one.fiscal_year, one.item, one.reference_group
)

select
    read_out.region_code,
    read_out.fiscal_year::integer as fiscal_year,
    read_out.item,
    read_out.reference_group,
    region.region_name,
    named_group.label_nl as reference_group_nl,
    read_out.item_kind,
    read_out.label_nl as item_nl,
    read_out.opgave,
    read_out.lasten_eur,
    read_out.inhabitants::bigint as inhabitants,
    read_out.eur_per_inhabitant,
    read_out.obs_status,
    read_out.reference_eur,
    read_out.members::integer as reference_members,
    read_out.members_known::integer as reference_members_known,
    read_out.eur_per_inhabitant - read_out.reference_eur as difference_eur,
    read_out.ratio,
    read_out.reading_nl,
    case
        when read_out.ratio is not null then null
        when read_out.because_nl is not null then read_out.because_nl
        when read_out.no_members_because_nl is not null then read_out.no_members_because_nl
        when read_out.members_unknown is not null
            then concat(
                'Van deze referentiegemeenten is geen bedrag per inwoner bekend: ', read_out.members_unknown, '.'
            )
        else 'De referentiegemeenten geven hieraan samen niets uit.'
    end as no_ratio_because_nl,
    nullif(
        concat_ws(
            ' ',
            case
                when mirrored.item is not null
                    then concat(
                        'Waarschijnlijk anders geboekt: ', mirrored.other_items,
                        case when mirrored.others > 1 then ' wijken' else ' wijkt' end, ' de andere kant op af.',
                        case
                            when mirrored.sum_ratio is not null
                                then concat(
                                    ' Samen (', mirrored.sum_item, ') is het ', mirrored.sum_reading_nl, ': ',
                                    replace(format('{:.2f}', mirrored.sum_ratio), '.', ','),
                                    ' keer de referentie.'
                                )
                        end
                    )
            end,
            case
                when
                    read_out.reading_nl != 'vergelijkbaar'
                    and read_out.eur_per_inhabitant between corrected.corrected_low_eur and corrected.corrected_high_eur
                    then
                        'Het verschil ligt binnen de marge van wat de structuur van de gemeente verklaart: het is '
                        || 'geen bevinding.'
            end,
            read_out.caution_nl,
            read_out.members_caution_nl
        ),
        ''
    ) as caution_nl,
    structure.expected_eur as structure_expected_eur,
    structure.expected_low_eur as structure_low_eur,
    structure.expected_high_eur as structure_high_eur,
    structure.explained_pct as structure_explained_pct,
    structure.municipalities::integer as structure_municipalities,
    corrected.corrected_reference_eur,
    corrected.corrected_low_eur,
    corrected.corrected_high_eur,
    case
        when corrected.corrected_reference_eur > 0
            then read_out.eur_per_inhabitant / corrected.corrected_reference_eur
    end as corrected_ratio,
    corrected.because_nl as not_corrected_because_nl
from read_out
left join {{ ref('core_reference_group') }} as named_group
    on read_out.reference_group = named_group.reference_group
left join {{ ref('core_region_name') }} as region on read_out.region_code = region.region_code
left join mirrored
    on
        read_out.region_code = mirrored.region_code
        and read_out.fiscal_year = mirrored.fiscal_year
        and read_out.item = mirrored.item
        and read_out.reference_group = mirrored.reference_group
left join {{ source('benchmark', 'structure_expected') }} as structure
    on
        read_out.region_code = structure.region_code
        and read_out.fiscal_year = structure.fiscal_year
        and read_out.item = structure.item
left join {{ source('benchmark', 'corrected') }} as corrected
    on
        read_out.region_code = corrected.region_code
        and read_out.fiscal_year = corrected.fiscal_year
        and read_out.item = corrected.item
        and read_out.reference_group = corrected.reference_group
