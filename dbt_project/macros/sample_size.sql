{#- What a sample of people says of all of them, with 95 % confidence: z is 1.959964. -#}

{#- How many answers are enough: n0 = z^2 / 4 e^2 for a share of one half and a margin e, and fewer in a small
    population N: n0 / (1 + (n0 - 1) / N). Without a population that is known, the number for a boundless one. -#}
{% macro response_norm(population, margin_pct) -%}
    ceil(round(
        {{ unbounded_norm(margin_pct) }}
        / (1 + coalesce(({{ unbounded_norm(margin_pct) }} - 1) / nullif({{ population }}, 0), 0)),
        9
    ))::bigint
{%- endmacro %}

{#- How many people could have been asked: as the delivery says, or all inhabitants of that year where the survey may ask
    everybody. No other number of people stands in for a target group. -#}
{% macro survey_population(told, survey, inhabitants) -%}
    coalesce({{ told }}, case when {{ survey }}.all_inhabitants then {{ inhabitants }}.inhabitants::bigint end)
{%- endmacro %}

{% macro survey_population_from_nl(told, survey, inhabitants) -%}
    case
        when {{ told }} is not null then 'Zoals bij het onderzoek opgegeven'
        when {{ survey_population('null', survey, inhabitants) }} is not null then 'Alle inwoners op 1 januari van dat jaar'
        else 'Niet bekend: de norm is die voor een onbegrensd aantal mensen'
    end
{%- endmacro %}

{% macro unbounded_norm(margin_pct) -%}
    (0.25 * pow(1.959964, 2) / pow({{ margin_pct }} / 100.0, 2))
{%- endmacro %}

{#- Wilson's interval of a share of 0 to 100 among n answers; null without a number of answers. -#}
{% macro wilson_low(share_pct, answers) -%}
    {{ within(0, 100, wilson_middle(share_pct, answers) ~ ' - ' ~ wilson_half(share_pct, answers)) }}
{%- endmacro %}

{% macro wilson_high(share_pct, answers) -%}
    {{ within(0, 100, wilson_middle(share_pct, answers) ~ ' + ' ~ wilson_half(share_pct, answers)) }}
{%- endmacro %}

{% macro wilson_middle(share_pct, answers) -%}
    (
        ({{ share_pct }} + 50.0 * pow(1.959964, 2) / nullif({{ answers }}, 0))
        / (1 + pow(1.959964, 2) / nullif({{ answers }}, 0))
    )
{%- endmacro %}

{% macro wilson_half(share_pct, answers) -%}
    (
        100.0 * 1.959964 / (1 + pow(1.959964, 2) / nullif({{ answers }}, 0))
        * sqrt(
            {{ share_pct }} / 100.0 * (1 - {{ share_pct }} / 100.0) / nullif({{ answers }}, 0)
            + pow(1.959964 / (2.0 * nullif({{ answers }}, 0)), 2)
        )
    )
{%- endmacro %}

{#- Half the interval of a mean, from n values with this sum and sum of squares: Student's t with n - 1 degrees of freedom,
    by its expansion around z (within .5 % from 6 values on), times the standard error. -#}
{% macro mean_half(total, squares, answers) -%}
    (
        (
            1.959964
            + (pow(1.959964, 3) + 1.959964) / (4.0 * ({{ answers }} - 1))
            + (5 * pow(1.959964, 5) + 16 * pow(1.959964, 3) + 3 * 1.959964) / (96.0 * pow({{ answers }} - 1, 2))
        )
        -- below 0 only by the last digits of a double
        * sqrt(abs({{ squares }} - pow({{ total }}, 2) / {{ answers }}) / ({{ answers }} - 1) / {{ answers }})
    )
{%- endmacro %}

{#- An end of an interval, kept within what the figure can be; null where it is not known, which DuckDB's own greatest and
    least pass over. -#}
{% macro within(lowest, highest, value) -%}
    case when {{ value }} is not null then round(least({{ highest }}.0, greatest({{ lowest }}.0, {{ value }})), 9) end
{%- endmacro %}

{#- How far a figure of a survey may be built on, by whether enough people answered. -#}
{% macro reliability(norm_met) -%}
    case ({{ norm_met }}) when true then 'betrouwbaar' when false then 'indicatief' else 'onbekend' end
{%- endmacro %}
