{#- A law by its Dutch name. -#}
{% macro law_nl(law) -%}
    case {{ law }}
        when 'wmo' then 'Wmo 2015'
        when 'jeugd' then 'Jeugdwet'
        when 'participatie' then 'Participatiewet'
        when 'algemeen' then 'Algemeen'
        when 'totaal' then 'Alle wetten samen'
    end
{%- endmacro %}

{#- A provision by its Dutch name, or all of a law together; where nobody declared one, its id in words. -#}
{% macro provision_nl(label, provision) -%}
    case {{ provision }}
        when 'totaal' then 'Alle voorzieningen van de wet'
        else coalesce({{ label }}, upper({{ provision }}[1]) || replace({{ provision }}[2:], '_', ' '))
    end
{%- endmacro %}
