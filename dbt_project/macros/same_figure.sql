{#- Whether two figures are one figure, whatever arithmetic did to the last digits of a double. -#}
{% macro same_figure(one, other) -%}
    abs({{ one }} - {{ other }}) <= 1e-9 * greatest(1, abs({{ other }}))
{%- endmacro %}
