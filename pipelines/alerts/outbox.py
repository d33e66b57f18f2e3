"""What is open, and which messages still have to go out: the memory of the alerts between runs.

A SQLite file of its own, so that a message survives a crash, a channel that is down and the loss of the
warehouse. What belongs here: the state, and the rules by which a run changes it. What does not: wording
(`message`) and sending (`channels`). Addresses of channels never enter this file, only their names.

The rules. A failing key that is not open opens. An open key is resolved by a run whose check ran to its end
and no longer names it; a check that did not run resolves nothing. A run counts once, whoever reports it and
however often. What a run says about a check is ignored once a later run has reported on that check.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.alerts.findings import RUN_CHECK, AlertError, Finding, RunFindings
from pipelines.alerts.message import Message, compose

SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0

_SCHEMA = """
create table if not exists processed_run (
    run_id text primary key,
    status text not null,
    finished_at text not null,
    processed_at text not null,
    message_id text
);
create table if not exists check_report (
    check_name text primary key,
    run_id text not null,
    finished_at text not null
);
create table if not exists open_finding (
    full_key text primary key,
    check_name text not null,
    first_run text not null,
    opened_at text not null,
    last_run text not null,
    finding text not null
);
create table if not exists message (
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
create table if not exists delivery (
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
create index if not exists delivery_waiting on delivery (channel) where state = 'pending';
"""

_MESSAGE_COLUMNS = "message_id, run_id, kind, subject, body_text, body_html, payload, created_at"


@dataclass(frozen=True)
class Delivery:
    """One message that one channel has not taken yet. `taken_by` are the receivers that already have it."""

    message: Message
    channel: str
    attempts: int
    taken_by: frozenset[str]
    next_try_at: dt.datetime


class Outbox:
    """The outbox in the file `path`, made when it is not there.

    Every method is one transaction and safe beside other processes. Raises AlertError when the file is not an
    outbox of this release.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise AlertError(f"{path.parent}: the folder of the outbox cannot be made ({error})") from None
        with self._transaction() as db:
            version = db.execute("pragma user_version").fetchone()[0]
            if version not in (0, SCHEMA_VERSION):
                raise AlertError(
                    f"{path}: outbox of schema version {version}, expected {SCHEMA_VERSION}; "
                    "use the release of Nulmeting that wrote it"
                )
            if version == 0:
                for statement in _SCHEMA.split(";\n"):
                    db.execute(statement)
                db.execute(f"pragma user_version = {SCHEMA_VERSION}")

    def record_run(self, run: RunFindings, *, channels: Sequence[str], link: str, now: dt.datetime) -> Message | None:
        """Open and resolve what `run` found, and put its message out for `channels`, all or nothing.

        Returns the message; None when nothing is new or resolved, or when the run was recorded before.
        """
        with self._transaction() as db:
            if db.execute("select 1 from processed_run where run_id = ?", [run.run_id]).fetchone():
                return None
            speaks = self._speaks_for(db, run, now)
            failing = {key: f for key, f in run.failing().items() if f.check in speaks}
            # Only a run that reached its end resolves the failure of an earlier one.
            resolves = speaks & (run.evaluated_checks | ({RUN_CHECK} if run.status == "published" else set()))
            stored = db.execute("select full_key, check_name, finding from open_finding order by full_key")
            open_before = {key: (check, finding) for key, check, finding in stored}
            new = [finding for key, finding in failing.items() if key not in open_before]
            gone = [key for key, (check, _) in open_before.items() if check in resolves and key not in failing]
            resolved = [Finding.from_json(json.loads(open_before[key][1])) for key in gone]

            message = None
            if new or resolved:
                still_open = len(open_before) - len(gone)
                message = compose(run, new, resolved, still_open=still_open, link=link, created_at=now)
                self._put_out(db, message, channels, now)
            db.executemany("delete from open_finding where full_key = ?", [(key,) for key in gone])
            db.executemany(
                """
                insert into open_finding values (?, ?, ?, ?, ?, ?)
                on conflict (full_key) do update set last_run = excluded.last_run, finding = excluded.finding
                """,
                [
                    (key, f.check, run.run_id, now.isoformat(), run.run_id, json.dumps(f.to_json()))
                    for key, f in failing.items()
                ],
            )
            db.executemany(
                "insert or replace into check_report values (?, ?, ?)",
                [(check, run.run_id, run.finished_at.isoformat()) for check in speaks],
            )
            db.execute(
                "insert into processed_run values (?, ?, ?, ?, ?)",
                [
                    run.run_id,
                    run.status,
                    run.finished_at.isoformat(),
                    now.isoformat(),
                    message.message_id if message else None,
                ],
            )
            return message

    def message_of_run(self, run_id: str) -> Message | None:
        """The message that `run_id` brought, whoever recorded that run; None where it brought none."""
        with self._transaction() as db:
            row = db.execute(f"select {_MESSAGE_COLUMNS} from message where run_id = ?", [run_id]).fetchone()
        return _message(row) if row else None

    def open_keys(self) -> frozenset[str]:
        """The full keys that are open now."""
        with self._transaction() as db:
            return frozenset(key for (key,) in db.execute("select full_key from open_finding"))

    def waiting(self) -> list[Delivery]:
        """What no channel took yet, oldest message first."""
        columns = ", ".join(f"message.{name.strip()}" for name in _MESSAGE_COLUMNS.split(","))
        with self._transaction() as db:
            rows = db.execute(
                f"""
                select {columns}, channel, attempts, taken_by, next_try_at
                from delivery join message using (message_id)
                where state = 'pending' order by position, channel
                """
            ).fetchall()
        return [
            Delivery(
                message=_message(row[:8]),
                channel=row[8],
                attempts=row[9],
                taken_by=frozenset(json.loads(row[10])),
                next_try_at=dt.datetime.fromisoformat(row[11]),
            )
            for row in rows
        ]

    def note_taken(self, message_id: str, channel: str, receiver: str) -> None:
        """One of several receivers of `channel` has the message; a repeat leaves that one out."""
        with self._transaction() as db:
            where = "where message_id = ? and channel = ?"
            found = db.execute(f"select taken_by from delivery {where}", [message_id, channel]).fetchone()
            taken = sorted({*json.loads(found[0]), receiver})
            db.execute(f"update delivery set taken_by = ? {where}", [json.dumps(taken), message_id, channel])

    def mark_sent(self, message_id: str, channel: str, now: dt.datetime) -> None:
        """`channel` accepted the message: it is never sent there again."""
        with self._transaction() as db:
            db.execute(
                """
                update delivery set state = 'sent', attempts = attempts + 1, last_error = null, sent_at = ?
                where message_id = ? and channel = ?
                """,
                [now.isoformat(), message_id, channel],
            )

    def mark_failed(self, message_id: str, channel: str, error: str, next_try_at: dt.datetime) -> None:
        """`channel` did not accept the message, which waits. `error` holds no address and no secret."""
        with self._transaction() as db:
            db.execute(
                """
                update delivery set attempts = attempts + 1, last_error = ?, next_try_at = ?
                where message_id = ? and channel = ? and state = 'pending'
                """,
                [error, next_try_at.isoformat(), message_id, channel],
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection in a write transaction: committed to disk at the end, undone by any exception."""
        try:
            db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        except sqlite3.Error as error:
            raise AlertError(f"{self.path}: the outbox cannot be opened ({error})") from None
        with contextlib.closing(db):
            try:
                db.execute("pragma synchronous = full")
                db.execute("pragma foreign_keys = on")
                db.execute("begin immediate")
                yield db
                db.execute("commit")
            except sqlite3.Error as error:
                # Closing the connection undoes what was not committed.
                raise AlertError(f"{self.path}: the outbox cannot be used ({error})") from error

    @staticmethod
    def _speaks_for(db: sqlite3.Connection, run: RunFindings, now: dt.datetime) -> set[str]:
        """The checks for which no later run has spoken yet.

        A clock that was set back makes earlier runs look later than now; those do not count, else everything
        after the correction would be ignored.
        """
        checks = {*run.evaluated_checks, *(finding.check for finding in run.findings), RUN_CHECK}
        overtaken = {
            check
            for check, finished_at in db.execute("select check_name, finished_at from check_report")
            if run.finished_at < dt.datetime.fromisoformat(finished_at) <= now
        }
        return checks - overtaken

    @staticmethod
    def _put_out(db: sqlite3.Connection, message: Message, channels: Sequence[str], now: dt.datetime) -> None:
        db.execute(
            f"insert into message ({_MESSAGE_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                message.message_id,
                message.run_id,
                message.kind,
                message.subject,
                message.text,
                message.html,
                json.dumps(message.payload),
                message.created_at.isoformat(),
            ],
        )
        db.executemany(
            "insert into delivery values (?, ?, 'pending', 0, null, '[]', null, ?)",
            [(message.message_id, channel, now.isoformat()) for channel in dict.fromkeys(channels)],
        )


def _message(row: Sequence[str]) -> Message:
    message_id, run_id, kind, subject, text, html, payload, created_at = row
    return Message(
        message_id=message_id,
        run_id=run_id,
        kind=kind,  # type: ignore[arg-type]
        subject=subject,
        text=text,
        html=html,
        payload=json.loads(payload),
        created_at=dt.datetime.fromisoformat(created_at),
    )
