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

{#- Why no figure of the municipality or the country stands beside that of a wijk: from the row of the same period and
    that of the same year, as joined. -#}
{% macro no_figure_beside(same_period, same_year, whose) -%}
    case
        when {{ same_period }}.value is not null then null
        when {{ same_period }}.indicator_id is not null
            then 'Over deze periode is het cijfer van {{ whose }} niet bekend of niet te publiceren.'
        when {{ same_year }}.indicator_id is not null
            then 'De cijfers van {{ whose }} over dit jaar gaan over een andere periode, zoals een halfjaar.'
        else 'Van {{ whose }} is over dit jaar geen cijfer geladen.'
    end
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
