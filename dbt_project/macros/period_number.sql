{#- Periods as numbers, to tell how far apart two are: 1, 2, 4 or 12 a year, counted from the year 0. -#}

{% macro periods_per_year(code) -%}
    case substr({{ code }}, 5, 1) when 'H' then 2 when 'Q' then 4 when 'M' then 12 else 1 end
{%- endmacro %}

{% macro period_number(code) -%}
    (
        left({{ code }}, 4)::integer * {{ periods_per_year(code) }}
        + coalesce(nullif(substr({{ code }}, 6), '')::integer, 1) - 1
    )
{%- endmacro %}

{#- The code of the period so many periods later; earlier where `by` is negative. -#}
{% macro period_moved(code, by) -%}
    (
        (({{ period_number(code) }} + {{ by }}) // {{ periods_per_year(code) }})::varchar
        || case substr({{ code }}, 5, 1)
            when '' then ''
            when 'M' then 'M' || lpad((({{ period_number(code) }} + {{ by }}) % 12 + 1)::varchar, 2, '0')
            else
                substr({{ code }}, 5, 1)
                || (({{ period_number(code) }} + {{ by }}) % {{ periods_per_year(code) }} + 1)::varchar
        end
    )
{%- endmacro %}
