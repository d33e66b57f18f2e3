{#- The country whose figures stand beside those of a region. Voorbeeldland is a country of its own. -#}
{% macro country_code(region_code) -%}
    case when regexp_matches({{ region_code }}, '^(SV-)?VB') then 'VB00' else 'NL01' end
{%- endmacro %}
