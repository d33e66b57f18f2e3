{#- How a claim counts in what is paid; null of what is no claim. A credit bears its own minus, and what a municipality
    returned was claimed before. -#}
{% macro claim_sign(event) -%}
    case when {{ event }} in ('claim', 'claim_credited') then 1 when {{ event }} = 'claim_rejected' then -1 end
{%- endmacro %}

{#- Whether a sum of amounts may be shown, of one row per person: of so many at least, no one of them more than half. -#}
{% macro is_safe_sum(amount, persons) -%}
    count(*) filter (where {{ amount }} > 0) >= {{ persons }} and max({{ amount }}) <= sum({{ amount }}) / 2
{%- endmacro %}
