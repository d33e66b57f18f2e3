{#-
A table, made anew in one transaction with the note of what it holds; left as it is where nothing that it is made of has
changed since. Takes the place of the adapter's own materialization, which always makes it anew.
-#}
{% materialization table, adapter="duckdb" %}
    {% set standing = load_cached_relation(this) %}
    {% set target = this.incorporate(type='table') %}
    {% set inputs = inputs_of_model() %}

    {% if stands_as_built(standing, 'table', inputs) %}
        {% call noop_statement('main', 'REUSED', 'REUSED') %}{% endcall %}
        {{ return({'relations': [target]}) }}
    {% endif %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {% if standing is not none %}drop {{ standing.type }} if exists {{ standing }};{% endif %}
        {{ create_table_as(False, target, compiled_code) }}
    {% endcall %}
    {% do persist_docs(target, model) %}
    {% call statement('noted') %}
        {{ note_content(content_of_table(target), inputs) }}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
