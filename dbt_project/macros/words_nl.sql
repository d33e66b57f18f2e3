{#- Codes as an adviser reads them: one macro for every vocabulary. -#}

{#- A verdict on a goal, in Dutch. -#}
{% macro verdict_nl(code) -%}
    case {{ code }}
        when 'achieved' then 'gehaald'
        when 'on_track' then 'op koers'
        when 'off_track' then 'niet op koers'
        when 'not_comparable' then 'niet te vergelijken'
        when 'no_baseline' then 'geen nulmeting'
        when 'not_measured' then 'nog niet gemeten'
        when 'qualitative' then 'kwalitatief'
    end
{%- endmacro %}

{#- Whether a figure was delivered, in Dutch. -#}
{% macro delivery_nl(code) -%}
    case {{ code }}
        when 'delivered' then 'geleverd'
        when 'late' then 'te laat'
        when 'missing' then 'niet geleverd'
        when 'suppressed' then 'niet te publiceren'
        when 'not_expected' then 'niet verwacht'
    end
{%- endmacro %}

{#- How often a source appears, in Dutch. -#}
{% macro cadence_nl(code) -%}
    case {{ code }}
        when 'monthly' then 'eens per maand'
        when 'quarterly' then 'eens per kwartaal'
        when 'half_yearly' then 'eens per half jaar'
        when 'yearly' then 'eens per jaar'
        when 'two_yearly' then 'eens in de twee jaar'
        when 'four_yearly' then 'eens in de vier jaar'
        when 'once' then 'eenmalig'
    end
{%- endmacro %}

{#- What sort of break a series has, in Dutch. -#}
{% macro break_kind_nl(code) -%}
    case {{ code }}
        when 'level' then 'een sprong'
        when 'one_off' then 'een eenmalige uitschieter'
        when 'slope' then 'een knik in de trend'
        when 'scale' then 'een schaalfout'
        when 'gap' then 'een gat in de reeks'
        when 'rounding' then 'een andere afronding'
        when 'copy' then 'een kopie van een eerdere periode'
    end
{%- endmacro %}

{#- Whether a break is explained, in Dutch. -#}
{% macro break_cause_nl(code) -%}
    case {{ code }}
        when 'explained' then 'verklaard'
        when 'ambiguous' then 'meer dan een verklaring'
        when 'unexplained' then 'onverklaard'
    end
{%- endmacro %}

{#- What sort of event it is, in Dutch. -#}
{% macro event_kind_nl(code) -%}
    case {{ code }}
        when 'decentralisation' then 'decentralisatie'
        when 'transition' then 'overgang naar een andere wet of regeling'
        when 'herindeling' then 'herindeling'
        when 'ambtelijke_fusie' then 'ambtelijke fusie'
        when 'system_harmonisation' then 'gelijkgetrokken registraties'
        when 'definition_change' then 'andere definitie'
        when 'policy' then 'beleid'
        when 'external' then 'van buiten de gemeente'
        when 'procurement' then 'inkoop'
        when 'funding' then 'bekostiging'
        when 'publication_change' then 'andere publicatie'
    end
{%- endmacro %}

{#- What changed with an event, in Dutch. -#}
{% macro event_nature_nl(code) -%}
    case {{ code }}
        when 'measurement' then 'de meting'
        when 'real_world' then 'de werkelijkheid'
        when 'mixed' then 'de meting en de werkelijkheid'
    end
{%- endmacro %}

{#- What sort of conflict there is between figures, in Dutch. -#}
{% macro conflict_kind_nl(code) -%}
    case {{ code }}
        when 'two_sources' then 'een andere bron geeft een ander cijfer'
        when 'rate_against_counts' then 'het gepubliceerde cijfer volgt niet uit de aantallen'
    end
{%- endmacro %}

{#- The unit of a figure, in Dutch. -#}
{% macro unit_nl(code) -%}
    case {{ code }}
        when 'count' then 'aantal'
        when 'per_1000' then 'per 1.000'
        when 'per_10000' then 'per 10.000'
        when 'pct' then 'procent'
        when 'eur' then 'euro'
        when 'eur_per_inhabitant' then 'euro per inwoner'
        when 'mean' then 'gemiddelde'
    end
{%- endmacro %}

{#- What a complaint is about, in Dutch; municipalities register it under Dutch words. -#}
{% macro subject_nl(code) -%}
    case {{ code }}
        when 'totaal' then 'Alle onderwerpen samen'
        else upper({{ code }}[1]) || replace({{ code }}[2:], '_', ' ')
    end
{%- endmacro %}
