{#-
What every relation holds now, told in one text, and from which inputs it was made: `built.content`.

A model whose inputs are what they were, and whose own text is, need not be made again. That is decided per model, so
that a change stops where it no longer changes anything. The row of a table is written in the transaction that makes
the table; the rows of what dbt did not make are measured by whoever starts dbt (`pipelines.reuse`).
-#}
{% macro create_built() -%}
    create schema if not exists built;
    create table if not exists built.content (relation varchar, content varchar, inputs varchar)
{%- endmacro %}

{#- schema.table, as `built.content` calls a relation -#}
{% macro built_name(node) -%}
    {{ node.schema }}.{{ node.identifier or node.alias or node.name }}
{%- endmacro %}

{#- One text for what this model is made of: its query, its documentation, and what its parents hold. None where the
content of a parent is not known. -#}
{% macro inputs_of_model() %}
    {% set parents = [] %}
    {% for unique_id in model.depends_on.nodes %}
        {% set node = graph.nodes.get(unique_id) or graph.sources.get(unique_id) %}
        {% do parents.append(built_name(node) | trim) %}
    {% endfor %}
    {% set parents = parents | unique | list %}
    {% set said = [compiled_code, model.description, tojson(model.columns, sort_keys=true), config.get('materialized')] %}
    {% set query %}
        select
            case
                when count(*) = {{ parents | length }}
                then md5(
                    '{{ local_md5(said | join("|")) }}' || version()
                    || coalesce(string_agg(relation || '=' || content, ',' order by relation), '')
                )
            end
        from built.content
        where relation in ({% for parent in parents %}'{{ parent }}', {% endfor %}'')
    {% endset %}
    {{ return(run_query(query).columns[0].values()[0]) }}
{% endmacro %}

{#- Whether the relation stands that these inputs gave, and what stands may be used again. -#}
{% macro stands_as_built(relation, type, inputs) %}
    {% if not var('reuse', false) or inputs is none or relation is none or relation.type != type %}
        {{ return(false) }}
    {% endif %}
    {% set query %}
        select count(*) from built.content where relation = '{{ built_name(model) | trim }}' and inputs = '{{ inputs }}'
    {% endset %}
    {{ return(run_query(query).columns[0].values()[0] == 1) }}
{% endmacro %}

{#- What a table holds: its columns, its number of rows, and a sum over its rows that does not depend on their order. -#}
{% macro content_of_table(relation) -%}
    (
        select md5(string_agg(column_name || ' ' || data_type, ',' order by column_index))
        from duckdb_columns()
        where
            database_name = '{{ relation.database }}'
            and schema_name = '{{ relation.schema }}'
            and table_name = '{{ relation.identifier }}'
    )
    || ':' || (select count(*) || ':' || coalesce(sum(hash(held)), 0) from {{ relation }} as held)
{%- endmacro %}

{% macro forget_content() -%}
    delete from built.content where relation = '{{ built_name(model) | trim }}'
{%- endmacro %}

{% macro note_content(content, inputs) -%}
    {{ forget_content() }};
    insert into built.content
    select
        '{{ built_name(model) | trim }}',
        {{ content }},
        {% if inputs is none %}null{% else %}'{{ inputs }}'{% endif %}
{%- endmacro %}

{% macro note_seed() -%}
    {% if execute %}{{ note_content(content_of_table(this), none) }}{% endif %}
{%- endmacro %}
