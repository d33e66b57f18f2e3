{#- What a break is, in Dutch, for a policy adviser: each macro makes one part of `explanation_nl`, from the columns of
    the alias `found` in trend_break. The same text stands in the mart, the alert, the pages of checks and
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

{#- A percentage: one decimal below ten, none from there on. -#}
{% macro percent_nl(value) -%}
    (
        replace(
            printf('%.10g', round({{ value }}, case when abs({{ value }}) < 10 then 1 else 0 end)), '.', ','
        ) || ' %'
    )
{%- endmacro %}

{% macro signed_percent_nl(value) -%}
    (case when round({{ value }}, 1) > 0 then '+' else '' end || {{ percent_nl(value) }})
{%- endmacro %}

{#- Who and what: a region that is made up says so. -#}
{% macro region_of_break_nl() -%}
    (
        coalesce(found.region_name, found.region_code)
        || case when regexp_matches(found.region_code, '^(SV-)?VB') then ' (fictief)' else '' end
    )
{%- endmacro %}

{% macro series_of_break_nl() -%}
    ('‘' || coalesce(found.label_nl, found.indicator_id) || '’')
{%- endmacro %}

{% macro interval_of_break_nl() -%}
    coalesce(
        ' (met 95 % zekerheid tussen ' || {{ signed_percent_nl('found.effect_low') }}
        || ' en ' || {{ signed_percent_nl('found.effect_high') }} || ')',
        ''
    )
{%- endmacro %}

{% macro higher_or_lower_nl() -%}
    ({{ percent_nl('abs(found.effect_pct)') }} || case when found.effect_pct < 0 then ' lager' else ' hoger' end)
{%- endmacro %}

{#- What happened, since when and how large. -#}
{% macro break_happened_nl() -%}
    case found.kind
        when 'level'
            then
                'Sinds ' || {{ period_nl('found.period_code') }} || ' ligt ' || {{ series_of_break_nl() }}
                || ' in ' || {{ region_of_break_nl() }} || ' ' || {{ higher_or_lower_nl() }}
                || ' dan volgens ' || {{ expected_by_nl() }} || ' te verwachten was'
                || {{ interval_of_break_nl() }} || '.'
        when 'one_off'
            then
                'Alleen in ' || {{ period_nl('found.period_code') }} || ' ligt ' || {{ series_of_break_nl() }}
                || ' in ' || {{ region_of_break_nl() }} || ' ' || {{ higher_or_lower_nl() }}
                || ' dan volgens ' || {{ expected_by_nl() }} || ' te verwachten was'
                || {{ interval_of_break_nl() }} || '.'
        when 'slope'
            then
                'Vanaf ' || {{ period_nl('found.period_code') }} || ' ontwikkelt ' || {{ series_of_break_nl() }}
                || ' in ' || {{ region_of_break_nl() }} || ' zich anders: per periode '
                || {{ higher_or_lower_nl() }} || ' dan bij de groei van ervoor'
                || {{ interval_of_break_nl() }} || '.'
        when 'scale'
            then
                'Vanaf ' || {{ period_nl('found.period_code') }} || ' zijn de cijfers van '
                || {{ series_of_break_nl() }} || ' in ' || {{ region_of_break_nl() }} || ' een factor '
                || printf('%.0f', greatest(1 + found.effect_pct / 100, 1 / nullif(1 + found.effect_pct / 100, 0)))
                || case when found.effect_pct < 0 then ' te klein' else ' te groot' end
                || ' naast de rest van de reeks'
                || coalesce('; vanaf ' || {{ period_nl('found.returned_in') }} || ' kloppen zij weer', '') || '.'
        when 'gap'
            then
                'Vanaf ' || {{ period_nl('found.period_code') }} || ' zijn van ' || {{ series_of_break_nl() }}
                || ' in ' || {{ region_of_break_nl() }} || ' geen cijfers geleverd'
                || coalesce('; vanaf ' || {{ period_nl('found.returned_in') }} || ' zijn zij er weer', '') || '.'
        when 'rounding'
            then
                'Vanaf ' || {{ period_nl('found.period_code') }} || ' zijn de cijfers van '
                || {{ series_of_break_nl() }} || ' in ' || {{ region_of_break_nl() }} || ' anders afgerond dan ervoor.'
        when 'copy'
            then
                'In ' || {{ period_nl('found.period_code') }} || ' zijn de cijfers van '
                || {{ series_of_break_nl() }} || ' in ' || {{ region_of_break_nl() }}
                || ' precies die van een eerdere periode.'
    end
{%- endmacro %}

{#- What the figures were held against: one municipality against the others, a country against its own years. -#}
{% macro expected_by_nl() -%}
    case
        when found.region_code in ('NL01', 'VB00') then 'eerdere cijfers'
        else 'eerdere cijfers en de ontwikkeling elders'
    end
{%- endmacro %}

{#- What caused it, how sure that is, and what could not be told apart. -#}
{% macro break_caused_nl() -%}
    case
        when found.kind in ('gap', 'rounding', 'copy') then null
        when found.cause = 'explained'
            then
                'De waarschijnlijke oorzaak (tussen haakjes hoe waarschijnlijk): ' || named.told || '.'
        when found.cause = 'ambiguous'
            then
                'Er zijn meer mogelijke oorzaken (tussen haakjes hoe waarschijnlijk): ' || named.told
                || '. Welke het was, is aan de cijfers niet te zien: samen verklaren zij '
                || {{ percent_nl('least(round(100 * named.together), 99)') }}
                || ', en hoeveel van de verandering bij elk hoort, is niet te scheiden.'
        when named.told is not null
            then
                'Een oorzaak is niet bekend. Wel gebeurde rond die tijd: ' || named.told
                || '; daarbij bewoog te weinig mee om het eraan toe te schrijven.'
        else 'Een oorzaak is niet bekend: geen gebeurtenis in het register past erbij.'
    end
{%- endmacro %}

{#- What may still be compared. -#}
{% macro break_compares_nl() -%}
    case
        when found.decision = 'rejected' then 'De cijfers van ervoor en erna zijn gewoon te vergelijken.'
        when found.kind = 'gap' and found.returned_in is null
            then 'De cijfers van ervoor blijven bruikbaar; van erna zijn er nog geen.'
        when found.kind = 'gap'
            then 'De cijfers voor en na het gat zijn te vergelijken; over de periode ertussen is niets bekend.'
        when found.kind = 'rounding'
            then 'De cijfers zijn te vergelijken, maar kleine verschillen kunnen door het afronden komen.'
        when found.kind = 'copy'
            then 'Gebruik het cijfer van ' || {{ period_nl('found.period_code') }} || ' nog niet.'
        when found.link_factor is not null
            then
                'Cijfers van ervoor zijn te vergelijken met die erna nadat zij met '
                || {{ number_nl('found.link_factor') }} || ' zijn vermenigvuldigd'
                || case
                    when found.link_high > found.link_low
                        then
                            ' (met 95 % zekerheid tussen ' || {{ number_nl('found.link_low') }} || ' en '
                            || {{ number_nl('found.link_high') }} || ')'
                    else ''
                end
                || '; de omgerekende cijfers staan als schatting naast de oorspronkelijke.'
        when found.kind = 'scale' and found.returned_in is null
            then 'Gebruik de cijfers vanaf ' || {{ period_nl('found.period_code') }} || ' nog niet naast die van ervoor.'
        when found.kind = 'scale'
            then
                'Gebruik de cijfers van ' || {{ period_nl('found.period_code') }} || ' tot '
                || {{ period_nl('found.returned_in') }} || ' niet; de andere zijn onderling te vergelijken.'
        when named.only_the_world and found.cause != 'unexplained'
            then 'Niet de meting veranderde maar wat er gemeten wordt: de cijfers van ervoor en erna zijn te vergelijken.'
        when found.kind = 'one_off'
            then
                'Vergelijk het cijfer van ' || {{ period_nl('found.period_code') }}
                || ' niet met dat van andere perioden; de andere zijn onderling te vergelijken.'
        else
            'Vergelijk cijfers van voor ' || {{ period_nl('found.period_code') }}
            || ' niet met die erna; cijfers aan dezelfde kant zijn onderling te vergelijken.'
    end
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
        when found.part_of is not null
            then
                'Dit is een deel van wat de gemeenten van de samenwerking gemeen hebben (breuk ' || found.part_of
                || '): een besluit daarover is genoeg.'
        when found.kind = 'gap'
            then 'Vraag na waarom de levering uitbleef en leg de reden vast bij de bron.'
        when found.kind in ('rounding', 'copy') then 'Vraag de leverancier of dit zo bedoeld is.'
        when found.cause = 'explained'
            then 'Er hoeft niets; zo nodig legt `nulmeting breaks decide ' || found.break_id || '` een besluit vast.'
        when found.cause = 'ambiguous'
            then
                'Zoek uit wanneer en voor welke gemeenten elk van deze gebeurtenissen gold en leg dat preciezer vast, of '
                || 'leg een besluit vast met `nulmeting breaks decide ' || found.break_id || '`.'
        else
            'Vraag de gemeente of de leverancier wat er veranderde; leg de gebeurtenis vast, of een besluit met '
            || '`nulmeting breaks decide ' || found.break_id || '`.'
    end
{%- endmacro %}
