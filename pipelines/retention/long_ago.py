"""Who was last heard of before a day: the persons of a source of whom nothing needs to be kept for later periods.

What belongs here: telling from rows when a person was last heard of. What does not: removing them (`by_rule`).

A person stays whole or goes whole. Of somebody who still has a provision the start of years ago is needed: without it
the person would be missing from the figures of today.
"""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

# A start that nobody ended, and that no allocation with a last day belongs to, goes on.
_OF_MESSAGES = """
    with event as (select *, coalesce(allocation_id, category || '|' || product_code) as matter from counting)
    select person, max(greatest(message_date, allocated_on, start_date, end_date)) as last_day
    from event
    where person is not null
    group by person
    having last_day < $day and not bool_or(
        event = 'start'
        and not exists (
            select 1 from event as stop
            where stop.event = 'stop' and stop.person = event.person
                and stop.matter is not distinct from event.matter and stop.start_date = event.start_date
        )
        and not exists (
            select 1 from event as allocation
            where allocation.event = 'allocation' and allocation.person = event.person
                and allocation.allocation_id = event.allocation_id and allocation.end_date is not null
        )
    )
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
