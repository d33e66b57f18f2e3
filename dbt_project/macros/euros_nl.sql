{#- Whole euros as a council reads them: `€ 25.000`. -#}
{% macro euros_nl(amount) -%}
    ('€ ' || replace(format('{:,}', {{ amount }}::bigint), ',', '.'))
{%- endmacro %}
