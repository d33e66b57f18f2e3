{#- A percentage of two rounded counts, null where either is hidden; rounding must not make it more than all of them. -#}
{% macro share_of(part, whole) -%}
    round(case when {{ part }} > {{ whole }} then 100.0 else 100.0 * {{ part }} / nullif({{ whole }}, 0) end, 1)
{%- endmacro %}
