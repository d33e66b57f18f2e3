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

{#- What is to be kept in mind of two figures that are compared though one may still change; null where none may. -#}
{% macro caution_of_provisional(because, status, previous_status) -%}
    case
        when {{ because }} is not null then null
        when {{ status }} = 'P' and {{ previous_status }} = 'P'
            then 'Beide cijfers zijn voorlopig en kunnen nog veranderen.'
        when {{ status }} = 'P' then 'Het cijfer is voorlopig en kan nog veranderen.'
        when {{ previous_status }} = 'P' then 'Het cijfer van de periode ervoor is voorlopig en kan nog veranderen.'
    end
{%- endmacro %}

{#- The reasons of `reasons_in_order` as Dutch sentences. One code ends as another does: it goes first. -#}
{% macro reasons_nl(because) -%}
    {%- set sentences = [
        ('boundary_change', 'De grenzen of de indeling veranderden.'),
        ('administrative_merger', 'De organisaties van gemeenten gingen samen (ambtelijke fusie).'),
        ('system_harmonisation', 'Registraties werden gelijkgetrokken.'),
        ('definition_change', 'Er wordt iets anders geteld dan ervoor.'),
        ('unexplained_break', 'Er ligt een trendbreuk tussen waarvan de oorzaak niet bekend is.'),
        ('explained_break', 'Er ligt een trendbreuk tussen die verklaard of aanvaard is.'),
        ('provisional', 'Een van de cijfers is voorlopig; het verschil kan een bijstelling zijn.'),
        ('low_response', 'Te weinig mensen antwoordden.'),
        ('missing_previous', 'Het cijfer van de periode ervoor is er niet.'),
        ('missing_value', 'Een van de cijfers ontbreekt of wordt niet getoond.')
    ] -%}
    {%- for code, sentence in sentences %}replace({% endfor -%}
    replace({{ because }}, '|', ' ')
    {%- for code, sentence in sentences %}, '{{ code }}', '{{ sentence }}'){% endfor -%}
{%- endmacro %}
