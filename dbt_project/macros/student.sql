{#- How many standard errors to either side of the mean of so many values hold 95 %: Student's t, from three on. -#}
{% macro student(values) -%}
    case {{ values }}
        when 3 then 4.303
        when 4 then 3.182
        when 5 then 2.776
        when 6 then 2.571
        when 7 then 2.447
        when 8 then 2.365
        when 9 then 2.306
        else 2.262
    end
{%- endmacro %}
