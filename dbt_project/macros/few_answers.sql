{#- What few people answered, so that no figure tells how many they were. -#}

{#- Whether an answer to a question with one answer each is hidden: where one to `smallest` - 1 people gave any of the
    answers, those answers and the smallest others, until two or more and together at least `smallest` people are
    hidden. What is shown says nothing of one of them then. -#}
{% macro hides_answer(given, smallest, answer, question) -%}
    coalesce(
        {{ given }} > 0
        and min(nullif({{ given }}, 0)) over (partition by {{ question }}) < {{ smallest }}
        and (
            {{ given }} < {{ smallest }}
            or count(nullif({{ given }}, 0)) over {{ smaller_answers(given, answer, question) }} < 2
            or coalesce(sum({{ given }}) over {{ smaller_answers(given, answer, question) }}, 0) < {{ smallest }}
        ),
        false
    )
{%- endmacro %}

{% macro smaller_answers(given, answer, question) -%}
    (partition by {{ question }} order by {{ given }} nulls first, {{ answer }} {{ rows_before() }})
{%- endmacro %}

{% macro rows_before() -%}
    rows between unbounded preceding and 1 preceding
{%- endmacro %}

{#- A number of people as it is told beside an answer that is hidden. -#}
{% macro to_fives(people) -%}
    (round({{ people }} / 5.0) * 5)::bigint
{%- endmacro %}
