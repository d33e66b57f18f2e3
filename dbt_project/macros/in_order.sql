{#-
Sums and means of amounts with fractions, added in one order whatever the threads do. Fractions added in another order
differ in their last digit, and what is made of the same would then not be the same.
-#}
{% macro sum_in_order(amount) -%}
    sum({{ amount }} order by {{ amount }})
{%- endmacro %}

{% macro mean_in_order(amount) -%}
    avg({{ amount }} order by {{ amount }})
{%- endmacro %}
