{#- Whether two rounded counts, or either of them, are too small to tell a change from: the one rule for every table
    with a change in percent. -#}
{% macro too_few_to_change(now, before) -%}
    least({{ now }}, {{ before }}) < {{ least_to_divide_by() }}
{%- endmacro %}

{% macro too_few_to_change_nl() -%}
    'De afgeronde aantallen zijn te klein om er een verandering uit af te leiden.'
{%- endmacro %}

{#- Why a count of persons is not shown. -#}
{% macro hidden_nl() -%}
    'Het aantal is klein, of een klein aantal zou eruit te herleiden zijn.'
{%- endmacro %}

{#- Why a number or an amount has no place among those of others. -#}
{% macro goes_by_size_nl(area='een gemeente') -%}
    'Een aantal of bedrag hangt af van de omvang van {{ area }}; vergelijk het cijfer per inwoner.'
{%- endmacro %}
