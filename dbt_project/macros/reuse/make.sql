{#-
A table or a view, made anew in one transaction with the note of what it holds; left as it is where nothing that it is
made of has changed since. A view holds what its parents hold.
-#}
{% macro make_unless_it_stands(type) %}
    {% set standing = load_cached_relation(this) %}
    {% set target = this.incorporate(type=type) %}
    {% set inputs = inputs_of_model() %}

    {% if stands_as_built(standing, type, inputs) %}
        {% call noop_statement('main', 'REUSED', 'REUSED') %}{% endcall %}
        {{ return({'relations': [target]}) }}
    {% endif %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {% if standing is not none %}drop {{ standing.type }} if exists {{ standing }};{% endif %}
        {% if type == 'table' %}{{ create_table_as(False, target, compiled_code) }}
        {% else %}{{ get_create_view_as_sql(target, compiled_code) }}
        {% endif %}
    {% endcall %}
    {% do persist_docs(target, model) %}
    {% call statement('noted') %}
        {% if type == 'table' %}{{ note_content(content_of_table(target), inputs) }}
        {% elif inputs is none %}{{ forget_content() }}
        {% else %}{{ note_content("'" ~ inputs ~ "'", inputs) }}
        {% endif %}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmacro %}

{#- These take the place of the adapter's own materializations, which always make everything anew. -#}
{% materialization table, adapter="duckdb" %}
    {{ return(make_unless_it_stands('table')) }}
{% endmaterialization %}

{% materialization view, adapter="duckdb" %}
    {{ return(make_unless_it_stands('view')) }}
{% endmaterialization %}
