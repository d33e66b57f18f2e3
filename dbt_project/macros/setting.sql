{#- What a run was told: the day it is judged on, and the year whose borders figures are brought to. -#}
{% macro setting(name) -%}
    (select setting.{{ name }} from {{ source('declared', 'setting') }} as setting)
{%- endmacro %}

{% macro reference_geography() -%}
    {{ setting('reference_year') }}::varchar
{%- endmacro %}
