{#- How a difference is read out. From .5 to .9 is lower, to 1.1 alike, to 1.5 higher, the upper bound
    included; the last digits of a double do not decide. -#}
{% macro reading_nl(ratio) -%}
    case
        when round({{ ratio }}, 9) < 0.5 then 'veel lager'
        when round({{ ratio }}, 9) <= 0.9 then 'lager'
        when round({{ ratio }}, 9) <= 1.1 then 'vergelijkbaar'
        when round({{ ratio }}, 9) <= 1.5 then 'hoger'
        when {{ ratio }} is not null then 'veel hoger'
    end
{%- endmacro %}
