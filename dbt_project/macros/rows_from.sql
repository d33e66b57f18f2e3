{#- From which day on the rows of a source say all there is to say, where persons of long ago were removed by rule. -#}
{% macro rows_from_by_source() -%}
    select
        source_id,
        max(rows_from) as rows_from
    from {{ source('raw', 'delivery') }}
    where rows_from is not null
    group by source_id
{%- endmacro %}
