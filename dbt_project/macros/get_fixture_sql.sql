{#
    The rows that a unit test gives, as a query. It takes the place of dbt's own, which calls two macros for every column
    of every input: over all unit tests together that takes longer than the tests themselves.
#}
{% macro get_fixture_sql(rows, column_name_to_data_types) %}
    {%- set types = {} -%}
    {%- set nothing = {} -%}
    {%- for column in adapter.get_columns_in_relation(this) -%}
        {%- do types.update({column.name | lower: column.data_type}) -%}
        {%- do nothing.update({column.name | lower: "null::" ~ column.data_type}) -%}
    {%- endfor -%}
    {%- if not types -%}
        {{ exceptions.raise_compiler_error("found no table " ~ this ~ ", expected it to be built before a unit test needs its columns") }}
    {%- endif -%}
    {%- for row in rows or [{}] -%}
        {%- set cells = nothing.copy() -%}
        {%- do cells.update(format_row(row, types)) -%}
        {{ "union all " if not loop.first }}select
        {%- for name, cell in cells.items() %} {{ cell }} as "{{ name }}"{{ "," if not loop.last }}{% endfor %}
    {% endfor -%}
    {{ "limit 0" if not rows }}
{% endmacro %}

{# Without asking, for every cell, which adapter casts in which way. #}
{% macro safe_cast(field, type) %}cast({{ field }} as {{ type }}){% endmacro %}
