{#- A view, left as it is where its query and what its parents hold are what they were. It holds what they hold. -#}
{% materialization view, adapter="duckdb" %}
    {% set standing = load_cached_relation(this) %}
    {% set target = this.incorporate(type='view') %}
    {% set inputs = inputs_of_model() %}

    {% if stands_as_built(standing, 'view', inputs) %}
        {% call noop_statement('main', 'REUSED', 'REUSED') %}{% endcall %}
        {{ return({'relations': [target]}) }}
    {% endif %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {% if standing is not none %}drop {{ standing.type }} if exists {{ standing }};{% endif %}
        {{ get_create_view_as_sql(target, compiled_code) }}
    {% endcall %}
    {% do persist_docs(target, model) %}
    {% call statement('noted') %}
        {% if inputs is none %}
            {{ forget_content() }}
        {% else %}
            {{ note_content("'" ~ inputs ~ "'", inputs) }}
        {% endif %}
    {% endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
