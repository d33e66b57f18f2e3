{#
    The rows that a unit test gives, as a query. It takes the place of dbt's own, which calls two macros for every column
    of every input: over all unit tests together that takes longer than the tests themselves.
#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {%- if not rows -%}
        select * from {{ this }} limit 0
    {%- else -%}
        {%- set types = {} -%}
        {%- set nothing = {} -%}
        {%- set _, columns = adapter.execute("select column_name, column_type from (describe " ~ this ~ ")", fetch=true) -%}
        {%- for name, type in columns.rows -%}
            {%- do types.update({name | lower: type}) -%}
            {%- do nothing.update({name | lower: "null::" ~ type}) -%}
        {%- endfor -%}
        {%- for row in rows -%}
            {%- set cells = nothing.copy() -%}
            {%- do cells.update(format_row(row, types)) -%}
            {{ "union all " if not loop.first }}select
            {%- for name, cell in cells.items() %} {{ cell }} as "{{ name }}"{{ "," if not loop.last }}{% endfor %}
        {% endfor -%}
    {%- endif -%}
{% endmacro %}

{# Without asking, for every cell, which adapter casts in which way. #}
{% macro safe_cast(field, type) %}cast({{ field }} as {{ type }}){% endmacro %}
