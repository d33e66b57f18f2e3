"""Who was last heard of before a day: the persons of a source of whom nothing needs to be kept for later periods.

What belongs here: telling from rows when a person was last heard of. What does not: removing them (`by_rule`).

A person stays whole or goes whole. Of somebody who still has a provision the start of years ago is needed: without it
the person would be missing from the figures of today.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

# A start goes on that nobody ended: no stop that still stands, and no allocation whose every word has a last day. In
# doubt it goes on; `core_delivered_spell` reads the same words, and may not know of an open stretch that this does not.
_OF_MESSAGES = """
    with event as (
        select *, concat_ws('|', region_code, coalesce(allocation_id, category || '|' || product_code)) as matter
        from counting
    ),
    stopped as (
        select person, matter, start_date from event
        where event in ('stop', 'stop_removed')
        group by person, matter, start_date
        having bool_and(event = 'stop' and end_date is not null)
    ),
    allocated as (
        select person, matter, min(coalesce(end_date, date '0001-01-01')) as first_end from event
        where event = 'allocation' and allocation_id is not null
        group by person, matter
    ),
    open_start as (
        select begun.person
        from event as begun
        left join stopped
            on begun.person = stopped.person
            and begun.matter = stopped.matter
            and begun.start_date = stopped.start_date
        left join allocated on begun.person = allocated.person and begun.matter = allocated.matter
        where begun.event = 'start'
            and stopped.person is null
            -- an allocation that ended before the start says nothing of its end
            and coalesce(allocated.first_end < begun.start_date, true)
    )
    select event.person
    from event
    anti join open_start on event.person = open_start.person
    where event.person is not null
    group by event.person
    having max(greatest(message_date, allocated_on, start_date, end_date)) < $day
"""
_OF_STRETCHES = """
    select person from counting
    where person is not null
    group by person
    having max(coalesce(end_date, date '9999-12-31')) < $day
"""


def last_heard_of_before(day: dt.date, rows: pa.Table) -> set[str]:
    """The persons of messages or of stretches of use who had nothing on that day or later, by their pseudonyms.

    `rows` are those that count: what was corrected since would tell another end.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.register("counting", rows)
        found = connection.execute(_OF_MESSAGES if is_of_messages(rows) else _OF_STRETCHES, {"day": day}).fetchall()
    return {row[0] for row in found}


def is_of_messages(rows: pa.Table) -> bool:
    """Whether these are events of messages."""
    return "event" in rows.column_names


def is_of_households(rows: pa.Table) -> bool:
    """Whether these say in which household persons are on a day, and nothing of what they use."""
    return not is_of_messages(rows) and "end_date" not in rows.column_names
