{#- What few people answered, so that no figure tells how many they were. -#}

{#- Whether an answer to a question with one answer each is hidden: where one to `smallest` - 1 people gave any of the
    answers, those answers and the smallest others, until there are two or more, and so many people gave them that each
    can be given by `smallest` fewer or more, when the others are given by one person at least. -#}
{% macro hides_answer(given, smallest, answer, question) -%}
    coalesce(
        {{ given }} > 0
        and min(nullif({{ given }}, 0)) over (partition by {{ question }}) < {{ smallest }}
        and (
            {{ given }} < {{ smallest }}
            or count(nullif({{ given }}, 0)) over {{ smaller_answers(given, answer, question) }} < 2
            or coalesce(sum({{ given }}) over {{ smaller_answers(given, answer, question) }}, 0)
            - count(nullif({{ given }}, 0)) over {{ smaller_answers(given, answer, question) }} < {{ smallest }}
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

{#- Whether few people may have given points to an answer: no more are sure than its points are hundreds, or where the
    squares are known than their sum's square is times theirs. -#}
{% macro few_gave_points(points, squares, smallest) -%}
    coalesce(
        {{ points }} > 0
        and coalesce(pow({{ points }}, 2) / nullif({{ squares }}, 0), {{ points }} / 100.0) < {{ smallest }},
        false
    )
{%- endmacro %}

{#- A mean mark that is told beside marks that are hidden: to one decimal, and only where every mark can still have been
    given by `smallest` people or by nobody. -#}
{% macro mean_beside_hidden(marks, answered, smallest) -%}
    case
        when least(10 * {{ answered }} - {{ marks }}, {{ marks }} - {{ answered }}) >= 9 * {{ smallest }}
            then round({{ marks }} / nullif({{ answered }}, 0), 1)
    end
{%- endmacro %}

{#- Half the interval of such a mean: to one decimal upwards, and only where the spread leaves room for `smallest`
    people at the mark that is furthest off; an exact one would tell how many there were and what they gave. -#}
{% macro half_beside_hidden(marks, squares, answered, smallest) -%}
    case
        when
            ({{ squares }} - pow({{ marks }}, 2) / {{ answered }}) * ({{ answered }} - {{ smallest }})
            >= {{ smallest }} * {{ answered }}
            * pow(greatest({{ marks }} / {{ answered }} - 1, 10 - {{ marks }} / {{ answered }}), 2)
            then ceil({{ mean_half(marks, squares, answered) }} * 10) / 10
    end
{%- endmacro %}
