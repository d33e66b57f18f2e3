-- Which municipalities make up a group: as we declared it, for all years, and as the publisher's table of divisions
-- says for each year, in pairs of texts under the title of the division (`GGD-regio's: Code`, `GGD-regio's: Naam`).
with declared as (
    select
        member.group_code,
        region.region_name as group_name,
        'samenwerking' as group_kind,
        member.member_code,
        null::integer as year,
        region.members_complete,
        region.is_fictional
    from {{ source('declared', 'region_member') }} as member
    inner join {{ source('declared', 'region') }} as region on member.group_code = region.region_code
),

told as (
    select
        figures.region_code as member_code,
        left(figures.period_code, 4)::integer as year,
        regexp_extract(figures.item, '^(.*): (Code|Naam)$', 1) as title,
        regexp_extract(figures.item, '^(.*): (Code|Naam)$', 2) as what,
        trim(figures.text_value) as told
    from {{ ref('stg_figures') }} as figures
    inner join {{ source('declared', 'source') }} as declared_source
        on figures.source_id = declared_source.source_id and declared_source.defines_groups
    inner join {{ source('raw', 'delivery') }} as delivery
        on figures.vintage_id = delivery.vintage_id and delivery.is_current
    where figures.region_code is not null and figures.period_code is not null and trim(figures.text_value) != ''
),

-- Of all divisions those of the sociaal domein, and those that its figures come in.
paired as (
    select
        member_code,
        year,
        case
            when lower(title) like '%arbeidsmarktregio%' then 'arbeidsmarktregio'
            when lower(title) like '%ggd-regio%' then 'ggd_regio'
            when lower(title) like '%jeugdregio%' or lower(title) like '%jeugdzorgregio%' then 'jeugdregio'
            when lower(title) like '%veiligheidsregio%' then 'veiligheidsregio'
            when lower(title) like '%corop-gebied%' then 'corop'
            when lower(title) like '%provincie%' then 'provincie'
        end as group_kind,
        max(told) filter (where what = 'Code') as group_code,
        max(told) filter (where what = 'Naam') as group_name
    from told
    where title != ''
    group by member_code, year, title
)

select * from declared
union all
select
    paired.group_code,
    coalesce(
        max(paired.group_name) over (partition by paired.group_code, paired.year),
        max(paired.group_name) over (partition by paired.group_code),
        paired.group_code
    ) as group_name,
    paired.group_kind,
    paired.member_code,
    paired.year,
    true as members_complete,
    false as is_fictional
from paired
anti join declared on paired.group_code = declared.group_code
where paired.group_kind is not null and paired.group_code is not null
