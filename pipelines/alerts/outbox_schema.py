"""The tables of the outbox, and how a file of an earlier release is brought up to this one.

What belongs here: statements that make and change tables. What does not: what stands in them (`outbox`). A migration is
added and never changed: files of every earlier version are out there.
"""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = 2

_VERSION_1 = """
create table processed_run (
    run_id text primary key,
    status text not null,
    finished_at text not null,
    processed_at text not null,
    message_id text
);
create table check_report (
    check_name text primary key,
    run_id text not null,
    finished_at text not null
);
create table open_finding (
    full_key text primary key,
    check_name text not null,
    first_run text not null,
    opened_at text not null,
    last_run text not null,
    finding text not null
);
create table message (
    position integer primary key autoincrement,
    message_id text not null unique,
    run_id text not null,
    kind text not null check (kind in ('new', 'resolved', 'mixed')),
    subject text not null,
    body_text text not null,
    body_html text not null,
    payload text not null,
    created_at text not null
);
create table delivery (
    message_id text not null references message (message_id),
    channel text not null,
    state text not null check (state in ('pending', 'sent')),
    attempts integer not null,
    last_error text,
    taken_by text not null,
    sent_at text,
    next_try_at text not null,
    primary key (message_id, channel)
);
create index delivery_waiting on delivery (channel) where state = 'pending'
"""

# A change is one finding that opened or was resolved, for one channel: held until its message is made. The audience of
# an open finding are the channels that hear of its end; told_at is when the message about its opening was made.
# A message_finding is a finding that a message names, with the run that opened it where the message says it is open.
# In version 1 every channel got everything, so those of a finding are those of the message of its first run.
_TO_VERSION_2 = """
create table change (
    position integer primary key autoincrement,
    channel text not null,
    full_key text not null,
    run_id text not null,
    change text not null check (change in ('opened', 'resolved')),
    finding text not null,
    held_since text not null,
    muted integer not null,
    state text not null check (state in ('held', 'told', 'dropped')),
    message_id text references message (message_id)
);
create index change_held on change (channel) where state = 'held';
create table audience (
    channel text not null,
    full_key text not null,
    told_at text,
    escalated_at text,
    primary key (channel, full_key)
);
create table message_finding (
    message_id text not null references message (message_id),
    full_key text not null,
    opened_by text,
    primary key (message_id, full_key)
);
create table mute (
    mute_id integer primary key autoincrement,
    check_name text,
    region_code text,
    indicator_id text,
    full_key text,
    until text not null,
    reason text not null,
    created_at text not null,
    lifted_at text
);
alter table open_finding add column acknowledged_at text;
insert into audience
select distinct delivery.channel, open_finding.full_key, open_finding.opened_at, null
from open_finding
inner join message on message.run_id = open_finding.first_run
inner join delivery on delivery.message_id = message.message_id;
insert or ignore into message_finding
select message.message_id, json_extract(finding.value, '$.full_key'), message.run_id
from message, json_each(message.payload, '$.new') as finding;
insert or ignore into message_finding
select message.message_id, json_extract(finding.value, '$.full_key'), null
from message, json_each(message.payload, '$.resolved') as finding
"""


def bring_up(db: sqlite3.Connection, version: int) -> None:
    """From `version` (0: an empty file) to this one, within the transaction that `db` is in."""
    for step in (_VERSION_1, _TO_VERSION_2)[version:]:
        for statement in step.split(";\n"):
            db.execute(statement)
    db.execute(f"pragma user_version = {SCHEMA_VERSION}")
