{#- The half-years between two days as one whole number, with a bit for each: the lowest is the first half of 2000. -#}
{% macro half_years_of(first_day, last_day) -%}
    (((1::hugeint << (
        {{ half_year_number(last_day) }} - {{ half_year_number(first_day) }} + 1
    )) - 1) << {{ half_year_number(first_day) }})
{%- endmacro %}

{% macro half_year_number(day) -%}
    ((year({{ day }}) - 2000) * 2 + (month({{ day }}) > 6)::integer)
{%- endmacro %}
