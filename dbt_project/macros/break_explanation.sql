{#- What a break is, in Dutch, for a policy adviser: each macro makes one part of `explanation_nl`, from the columns of
    the aliases `found` and `named` in trend_break. The same text stands in the mart, the alert, the pages of checks and
    `nulmeting breaks explain`. -#}

{#- A period in the middle of a sentence. -#}
{% macro period_nl(code) -%}
    case
        when {{ code }} like '____H1' then 'het eerste halfjaar van ' || left({{ code }}, 4)
        when {{ code }} like '____H2' then 'het tweede halfjaar van ' || left({{ code }}, 4)
        when {{ code }} like '____Q_' then 'het ' || right({{ code }}, 1) || 'e kwartaal van ' || left({{ code }}, 4)
        when {{ code }} like '____M__'
            then
                list_extract(
                    [
                        'januari', 'februari', 'maart', 'april', 'mei', 'juni',
                        'juli', 'augustus', 'september', 'oktober', 'november', 'december'
                    ],
                    right({{ code }}, 2)::integer
                ) || ' ' || left({{ code }}, 4)
        else {{ code }}
    end
{%- endmacro %}

{#- How long a period lasts: what grows does so every half-year. -#}
{% macro period_length_nl(code) -%}
    case substr({{ code }}, 5, 1)
        when 'H' then 'halfjaar'
        when 'Q' then 'kwartaal'
        when 'M' then 'maand'
        else 'jaar'
    end
{%- endmacro %}

{#- The number of a percentage: one decimal below ten, none from there on. -#}
{% macro percent_number_nl(value) -%}
    replace(printf('%.10g', round({{ value }}, case when abs({{ value }}) < 10 then 1 else 0 end)), '.', ',')
{%- endmacro %}

{% macro percent_nl(value) -%}
    ({{ percent_number_nl(value) }} || ' %')
{%- endmacro %}

{% macro signed_percent_nl(value) -%}
    (case when round({{ value }}, 1) > 0 then '+' else '' end || {{ percent_nl(value) }})
{%- endmacro %}

{#- How much higher or lower, as part of a sentence. -#}
{% macro apart_nl(value) -%}
    ({{ percent_nl('abs(' ~ value ~ ')') }} || case when {{ value }} < 0 then ' lager' else ' hoger' end)
{%- endmacro %}

{#- A series in a region: what is made up says so, once. -#}
{% macro series_of_break_nl() -%}
    (
        '‘' || coalesce(found.label_nl, found.indicator_id) || '’ in '
        || case when found.is_national and not found.has_own_figures then 'heel ' else '' end
        || case
            when regexp_matches(found.region_code, '^(SV-)?VB')
                then regexp_replace(coalesce(found.region_name, found.region_code), ' \(VB\)$', '') || ' (fictief)'
            else coalesce(found.region_name, found.region_code)
        end
    )
{%- endmacro %}

{#- The two ends of the interval, without sign where both lie on one side. -#}
{% macro interval_of_break_nl() -%}
    coalesce(
        ' (met 95 % zekerheid tussen '
        || case
            when found.effect_low < 0 and found.effect_high > 0
                then {{ apart_nl('found.effect_low') }} || ' en ' || {{ apart_nl('found.effect_high') }}
            else
                {{ percent_number_nl('least(abs(found.effect_low), abs(found.effect_high))') }} || ' en '
                || {{ percent_nl('greatest(abs(found.effect_low), abs(found.effect_high))') }}
        end
        || case when found.unit = 'pct' then '; dit zijn geen procentpunten' else '' end
        || ')',
        case when found.unit = 'pct' then ' (geen procentpunten)' else '' end
    )
{%- endmacro %}

{#- What the figures were held against: one municipality against the others, a country or what has no peers against its
    own years. -#}
{% macro expected_by_nl() -%}
    case
        when found.is_national or found.has_no_peers then 'volgens eerdere cijfers te verwachten was'
        else 'volgens eerdere cijfers en de ontwikkeling in andere gemeenten te verwachten was'
    end
{%- endmacro %}

{#- Two periods beside each other, the latter of which may be empty. -#}
{% macro only_one_period() -%}
    (found.returned_in = {{ period_moved('found.period_code', 1) }})
{%- endmacro %}

{#- What happened, since when and how large. -#}
{% macro break_happened_nl() -%}
    case
        when found.kind in ('level', 'one_off')
            then
                case
                    when found.is_newest then 'In '
                    when found.kind = 'level' then 'Sinds '
                    else 'Alleen in '
                end
                || {{ period_nl('found.period_code') }}
                || case when found.kind = 'one_off' and not found.is_newest then ' lag ' else ' ligt ' end
                || {{ series_of_break_nl() }} || ' ' || {{ apart_nl('found.effect_pct') }}
                || ' dan ' || {{ expected_by_nl() }} || {{ interval_of_break_nl() }} || '.'
        when found.kind = 'slope'
            then
                'Vanaf ' || {{ period_nl('found.period_code') }} || ' groeit ' || {{ series_of_break_nl() }} || ' elk '
                || {{ period_length_nl('found.period_code') }} || ' ' || {{ percent_nl('abs(found.effect_pct)') }}
                || case when found.effect_pct < 0 then ' minder' else ' meer' end
                || ' dan ' || {{ expected_by_nl() }} || {{ interval_of_break_nl() }}
                || '; het verschil loopt dus steeds verder op.'
        when found.kind = 'scale'
            then
                case when {{ only_one_period() }} then 'In ' else 'Vanaf ' end
                || {{ period_nl('found.period_code') }}
                || case when {{ only_one_period() }} then ' is het cijfer van ' else ' zijn de cijfers van ' end
                || {{ series_of_break_nl() }} || ' ongeveer een factor '
                || replace(
                    printf(
                        '%,.0f', greatest(1 + found.effect_pct / 100, 1 / nullif(1 + found.effect_pct / 100, 0))
                    ),
                    ',', '.'
                )
                || case when found.effect_pct < 0 then ' kleiner' else ' groter' end
                || ' dan de rest van de reeks'
                || case
                    when found.returned_in is null or {{ only_one_period() }} then ''
                    else '; vanaf ' || {{ period_nl('found.returned_in') }} || ' is dat voorbij'
                end
                || '.'
        when found.kind = 'gap'
            then
                case when {{ only_one_period() }} then 'Over ' else 'Vanaf ' end
                || {{ period_nl('found.period_code') }}
                || case when {{ only_one_period() }} then ' is van ' else ' zijn van ' end || {{ series_of_break_nl() }}
                || case when {{ only_one_period() }} then ' geen cijfer geleverd' else ' geen cijfers geleverd' end
                || case when found.is_zero then ' (er staat 0, wat niet past bij de rest van de reeks)' else '' end
                || coalesce('; vanaf ' || {{ period_nl('found.returned_in') }} || ' zijn er weer cijfers', '') || '.'
        when found.kind = 'rounding'
            then
                'Vanaf ' || {{ period_nl('found.period_code') }} || ' zijn de cijfers van '
                || {{ series_of_break_nl() }} || ' anders afgerond dan ervoor.'
        when found.kind = 'copy'
            then
                'In ' || {{ period_nl('found.period_code') }} || ' is het cijfer van '
                || {{ series_of_break_nl() }} || ' precies dat van een eerdere periode'
                || case
                    when found.returned_in is null or {{ only_one_period() }} then ''
                    else '; dat blijft zo tot ' || {{ period_nl('found.returned_in') }}
                end
                || '.'
    end
{%- endmacro %}

{#- How far what happened holds: of a newest figure nobody knows whether it stays, of a whole not for each part. -#}
{% macro break_holds_nl() -%}
    nullif(
        concat_ws(
            ' ',
            case
                when found.kind in ('level', 'one_off') and found.is_newest
                    then
                        'Het is het nieuwste cijfer'
                        || case when found.is_provisional then ', en nog voorlopig' else '' end
                        || ': of het verschil blijft, is pas bij een volgend cijfer te zien.'
            end,
            case
                when found.kind not in ('level', 'one_off', 'slope', 'scale') or found.has_own_figures then null
                when found.is_national
                    then 'Het gaat om wat de gemeenten gemeen hebben; in een enkele gemeente kan het anders zijn.'
                when found.is_group
                    then
                        'Het gaat om wat de gemeenten van deze samenwerking gemeen hebben; '
                        || 'in een enkele gemeente kan het meer of minder zijn.'
            end
        ),
        ''
    )
{%- endmacro %}

{#- What caused it, how sure that is, and what could not be told apart. -#}
{% macro break_caused_nl() -%}
    case
        when found.kind in ('rounding', 'copy') then null
        when found.kind = 'gap'
            then coalesce('De bekende reden: ' || rtrim(found.missing_because, '.') || '.', 'De reden is niet bekend.')
        when found.cause = 'explained'
            then
                'Waarschijnlijke oorzaak: ' || named.first_told || '.'
                || case
                    when named.only_the_measurement then ' Die veranderde de meting, niet wat er gemeten wordt.'
                    when named.only_the_world then ''
                    else
                        ' Die veranderde de meting en ook wat er gemeten wordt; '
                        || 'hoeveel van het verschil bij elk hoort, is niet te scheiden.'
                end
                || coalesce(' Minder waarschijnlijk: ' || named.rest_told || '.', '')
        when found.cause = 'ambiguous'
            then
                'Er zijn meer mogelijke oorzaken: ' || named.told
                || '. Welke het was, en hoeveel van het verschil bij elk hoort, is aan de cijfers niet te zien'
                || case
                    when named.together < 0.95
                        then
                            '; de kans dat het geen van deze was, is '
                            || {{ percent_nl('round(100 * (1 - named.together))') }}
                    else ''
                end
                || '.'
        when found.link_method = 'overlap'
            then
                'In het register past geen gebeurtenis hierbij, maar de reeks gaat hier over op een andere bron. '
                || 'Waar beide bronnen een cijfer geven, verschillen zij evenveel: waarschijnlijk komt het daardoor.'
        when found.decision is not null then 'In het register staat geen gebeurtenis die dit verklaart.'
        when found.kind = 'scale'
            then
                'De oorzaak is niet bekend. Zo’n verschil komt bijna altijd door een andere eenheid '
                || 'of door een fout in de levering.'
        else
            case
                when named.told is not null
                    then
                        'De oorzaak is niet bekend. Wel gebeurde rond die tijd: ' || named.told
                        || '; er veranderde te weinig mee om het daaraan toe te schrijven.'
                when found.event_ids is not null
                    then 'De oorzaak is niet bekend: geen van de gebeurtenissen in het register is waarschijnlijk.'
                else 'De oorzaak is niet bekend: geen gebeurtenis in het register past erbij.'
            end
            || ' Dat zegt niet dat de cijfers fout zijn: er kan echt iets zijn veranderd, of er is anders geteld.'
    end
{%- endmacro %}

{#- What may still be compared. -#}
{% macro break_compares_nl() -%}
    case
        when found.decision = 'rejected' or found.decision_of_whole = 'rejected'
            then 'De cijfers van ervoor en erna zijn gewoon te vergelijken.'
        when found.kind = 'gap' and found.returned_in is null
            then 'De cijfers van ervoor blijven bruikbaar; latere zijn er nog niet.'
        when found.kind = 'gap'
            then
                'Het gat staat een vergelijking van de cijfers ervoor en erna niet in de weg; '
                || 'over de tijd ertussen is niets bekend.'
        when found.kind = 'rounding'
            then 'De cijfers zijn te vergelijken, maar kleine verschillen kunnen door het afronden komen.'
        when found.kind = 'copy' and found.decision = 'accepted' then 'Het cijfer is te gebruiken zoals het is.'
        when found.kind = 'copy'
            then 'Mogelijk is een oude levering herhaald: lees er nog niet uit af dat er niets veranderde.'
        when found.kind != 'scale' and found.cause != 'unexplained' and named.only_the_world
            then
                'Niet de meting veranderde maar wat er gemeten wordt: '
                || 'de cijfers van ervoor en erna zijn te vergelijken.'
        when found.link_factor is not null and (found.is_national or found.is_group) and not found.has_own_figures
            then
                'Cijfers van ervoor zijn niet zomaar te vergelijken met die erna. '
                || 'Voor de gemeenten samen gaat het om een factor '
                || {{ link_factor_nl() }} || {{ link_interval_nl() }} || '; '
                || case
                    when found.is_national then 'cijfers van een gemeente worden daarmee niet omgerekend.'
                    else
                        'elke gemeente wordt met haar eigen sprong omgerekend, als die goed genoeg te schatten is. '
                        || 'Omgerekende cijfers zijn schattingen en staan naast de oorspronkelijke.'
                end
        when found.link_factor is not null
            then
                'Cijfers van ervoor zijn niet zomaar te vergelijken met die erna, wel nadat zij '
                || case
                    when found.link_method = 'unit' and found.link_factor < 1
                        then 'door ' || replace(printf('%,.0f', 1 / found.link_factor), ',', '.') || ' zijn gedeeld'
                    else 'met ' || {{ link_factor_nl() }} || ' zijn vermenigvuldigd'
                end
                || {{ link_interval_nl() }}
                || '. Omgerekende cijfers zijn schattingen en staan naast de oorspronkelijke.'
        when found.kind = 'scale' and found.returned_in is null
            then
                'Vergelijk cijfers van voor ' || {{ period_nl('found.period_code') }}
                || ' niet met latere, en gebruik die pas als duidelijk is welke eenheid klopt.'
        when found.kind = 'scale' and {{ only_one_period() }}
            then
                'Gebruik het cijfer van ' || {{ period_nl('found.period_code') }}
                || ' niet; de andere zijn onderling te vergelijken' || {{ no_other_break_nl() }}
        when found.kind = 'scale'
            then
                'Gebruik de cijfers van ' || {{ period_nl('found.period_code') }} || ' tot '
                || {{ period_nl('found.returned_in') }} || ' niet; de andere zijn onderling te vergelijken'
                || {{ no_other_break_nl() }}
        when found.kind = 'one_off' or (found.kind = 'level' and found.is_newest)
            then
                'Vergelijk het cijfer van ' || {{ period_nl('found.period_code') }}
                || ' niet met dat van andere perioden; de andere zijn onderling te vergelijken'
                || {{ no_other_break_nl() }}
        else
            'Vergelijk cijfers van voor ' || {{ period_nl('found.period_code') }}
            || ' niet met latere; aan dezelfde kant zijn zij te vergelijken' || {{ no_other_break_nl() }}
            || case
                when found.kind != 'level' or found.cause = 'unexplained' then ''
                when named.only_the_measurement
                    then
                        ' Omgerekend wordt er niet: '
                        || 'hoe groot het verschil door de meting is, is niet goed genoeg bekend.'
                else ' Omgerekend wordt er niet: daarmee zou ook een echte verandering worden weggewerkt.'
            end
    end
{%- endmacro %}

{% macro no_other_break_nl() -%}
    ', als er geen andere trendbreuk tussen ligt.'
{%- endmacro %}

{#- Two decimals from a tenth on, two digits below. -#}
{% macro link_number_nl(value) -%}
    replace(
        case
            when abs({{ value }}) < 0.1 then printf('%.2g', {{ value }}) else printf('%.10g', round({{ value }}, 2))
        end,
        '.', ','
    )
{%- endmacro %}

{% macro link_factor_nl() -%}
    {{ link_number_nl('found.link_factor') }}
{%- endmacro %}

{% macro link_interval_nl() -%}
    (
        case
            when found.link_high > found.link_low
                then
                    ' (met 95 % zekerheid tussen ' || {{ link_number_nl('found.link_low') }} || ' en '
                    || {{ link_number_nl('found.link_high') }}
                    || case
                        when found.link_method = 'overlap' then '; gemeten over perioden die twee bronnen beide gaven'
                        else ''
                    end
                    || ')'
            when found.link_method = 'overlap' then ' (gemeten over perioden die twee bronnen beide gaven)'
            else ''
        end
    )
{%- endmacro %}

{#- What to do next, or what was done. -#}
{% macro break_next_nl() -%}
    case
        when found.decision is not null
            then
                'Besloten op ' || strftime(found.decided_on, '%d-%m-%Y') || ' door ' || found.decided_by || ': '
                || case found.decision
                    when 'accepted' then 'de nieuwe stand is het uitgangspunt'
                    when 'corrected' then 'de fout is aan de bron hersteld'
                    else 'dit is geen trendbreuk'
                end
                || ' (' || rtrim(found.decided_because, '.') || ').'
                || case
                    when found.decision = 'corrected'
                        then ' De geleverde cijfers tonen de breuk nog: vraag of de herziene levering er al is.'
                    else ''
                end
        when found.part_of is not null and found.decision_of_whole is not null
            then
                'Dit hoort bij een breuk van de hele samenwerking (breuk ' || found.part_of
                || '), waarover al is besloten.'
        when found.part_of is not null
            then
                'Dit hoort bij een breuk van de hele samenwerking (breuk ' || found.part_of
                || '): een besluit daarover is genoeg.'
        when found.kind = 'gap' and found.missing_because is not null then 'Er hoeft niets te gebeuren.'
        when found.kind = 'gap' then 'Vraag na waarom de levering uitbleef en leg de reden vast bij de bron.'
        when found.kind in ('rounding', 'copy') then 'Vraag de leverancier of dit zo bedoeld is.'
        when found.kind = 'scale' and found.returned_in is null
            then
                'Vraag de leverancier welke eenheid klopt en leg dat vast met ' || {{ decide_nl() }}
                || ': als `accepted` wanneer de eenheid nieuw is, als `corrected` wanneer de fout is hersteld.'
        when found.kind = 'scale'
            then 'Vraag de leverancier om het juiste cijfer, of leg een besluit vast met ' || {{ decide_nl() }} || '.'
        when found.cause = 'explained'
            then 'Er hoeft niets te gebeuren; een besluit is vast te leggen met ' || {{ decide_nl() }} || '.'
        when found.cause = 'ambiguous'
            then
                'Zoek uit wanneer en voor welke gemeenten elk van deze gebeurtenissen gold en leg dat preciezer vast, '
                || 'of leg een besluit vast met ' || {{ decide_nl() }} || '.'
        when found.link_method = 'overlap'
            then
                'Leg de overgang naar de andere bron vast als gebeurtenis, of leg een besluit vast met '
                || {{ decide_nl() }} || '.'
        else
            'Vraag '
            || case
                when found.is_national then 'de uitgever van de cijfers'
                when found.is_group then 'de samenwerking of de leverancier'
                else 'de gemeente of de leverancier'
            end
            || ' wat er veranderde; leg de gebeurtenis vast, of een besluit met ' || {{ decide_nl() }} || '.'
    end
{%- endmacro %}

{% macro decide_nl() -%}
    '`nulmeting breaks decide ' || found.break_id || '`'
{%- endmacro %}
