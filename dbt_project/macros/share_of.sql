{#- A percentage of two rounded counts, null where either is hidden; rounding must not make it more than all of them. -#}
{% macro share_of(part, whole) -%}
    round(case when {{ part }} > {{ whole }} then 100.0 else 100.0 * {{ part }} / nullif({{ whole }}, 0) end, 1)
{%- endmacro %}

{#- The smallest count to divide by: of one below it, rounded to a multiple of 5, the error is over 5 %. -#}
{% macro least_to_divide_by() -%}
    50
{%- endmacro %}
