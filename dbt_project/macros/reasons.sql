{#- Reasons why two figures do not compare, each once and in this order, as one text; null where there is none. -#}
{% macro reasons_in_order(reasons) -%}
    nullif(
        array_to_string(
            list_filter(
                [
                    'boundary_change',
                    'administrative_merger',
                    'system_harmonisation',
                    'definition_change',
                    'explained_break',
                    'unexplained_break',
                    'provisional',
                    'low_response',
                    'missing_previous',
                    'missing_value'
                ],
                lambda reason: list_contains({{ reasons }}, reason)
            ),
            '|'
        ),
        ''
    )
{%- endmacro %}

{#- What an event of this kind says about figures on either side of it. -#}
{% macro reason_of_event(kind) -%}
    case
        when {{ kind }} = 'ambtelijke_fusie' then 'administrative_merger'
        when {{ kind }} = 'system_harmonisation' then 'system_harmonisation'
        when {{ kind }} in ('definition_change', 'publication_change') then 'definition_change'
        else 'explained_break'
    end
{%- endmacro %}
