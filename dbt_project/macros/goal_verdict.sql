{#- Whether a goal is met. All but the kind are true or false:

    moved: the figure has moved to the side that the rule asks for, beyond what chance explains
    reached: the figure is where the rule wants it
    on_line: it is no worse than the straight line from the baseline to there is on that day
    is_before: the day on which the goal is to be met is still to come; false where no day was set
    has_date: a day was set.

    Before that day nothing is achieved yet. A level for which no day was set is being worked towards. -#}
{% macro goal_verdict(kind, moved, reached, on_line, is_before, has_date) -%}
    case
        when {{ kind }} = 'none' then 'qualitative'
        when {{ is_before }} and {{ on_line }} and ({{ moved }} or {{ kind }} in ('not_above', 'not_below')) then 'on_track'
        when {{ is_before }} then 'off_track'
        when {{ reached }} then 'achieved'
        when {{ kind }} in ('by_percent', 'to_value') and {{ moved }} and not {{ has_date }} then 'on_track'
        else 'off_track'
    end
{%- endmacro %}

{#- A figure as it is written in Dutch. -#}
{% macro number_nl(value) -%}
    replace(printf('%.10g', round({{ value }}, 2)), '.', ',')
{%- endmacro %}
