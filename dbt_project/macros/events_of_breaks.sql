{#- The events that each break of `breaks` is put down to, one per row with its share, and the largest share of that
    break. An event carries a break where its share is more than half the largest. -#}
{% macro events_of_breaks(breaks) -%}
    select
        break_id,
        cause,
        unnest(string_split(event_ids, '|')) as event_id,
        unnest(string_split(event_shares, '|'))::double as share,
        split_part(event_shares, '|', 1)::double as largest_share
    from {{ breaks }}
{%- endmacro %}

{% macro carries(attributed) -%}
    (2 * {{ attributed }}.share > {{ attributed }}.largest_share)
{%- endmacro %}
