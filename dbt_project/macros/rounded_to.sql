{#- A figure in steps of its indicator (1, 0.1, 5); as it is where the indicator has none. -#}
{% macro rounded_to(value, step) -%}
    case
        when {{ step }} is null then {{ value }}
        else round(round({{ value }} / {{ step }}) * {{ step }}, 9)
    end
{%- endmacro %}
