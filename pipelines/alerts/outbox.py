"""What is open, and which messages still have to go out: the memory of the alerts between runs.

A SQLite file of its own, so that a message survives a crash, a channel that is down and the loss of the
warehouse. What belongs here: the state, and the rules by which a run changes it. What does not: the tables
(`outbox_schema`), when something may be told (`release`), wording (`message`) and sending (`channels`). Addresses of
channels never enter this file, only their names.

The rules. A failing key that is not open opens. An open key is resolved by a run whose check ran to its end
and no longer names it; a check that did not run resolves nothing. One whose check or source exists no more,
because a declaration was taken away, is withdrawn, and told as that. A run counts once, whoever reports it and
however often. What a run says about a check is ignored once a later run has reported on that check.

Every change is written down for each channel that hears of it, in the transaction of the run, and stays held until a
message about it is made, in the transaction that makes it. A message, once made, keeps its text and its id.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from pipelines.alerts.declared import Channel, Escalate, receivers_of
from pipelines.alerts.findings import RUN_CHECK, AlertError, Finding, RunFindings, clean_text
from pipelines.alerts.message import Message, compose, compose_collected, compose_escalation
from pipelines.alerts.outbox_schema import SCHEMA_VERSION, bring_up
from pipelines.alerts.release import Change, Mute, is_muted, judge, net, waiting_since

BUSY_SECONDS = 30.0

_MESSAGE_COLUMNS = "message_id, run_id, kind, subject, body_text, body_html, payload, created_at"
_MUTE_COLUMNS = "mute_id, check_name, region_code, indicator_id, full_key, until, reason, created_at, lifted_at"


@dataclass(frozen=True)
class OpenFinding:
    """A finding that is open. `muted` and `acknowledged` say who hears no more of it."""

    finding: Finding
    opened_at: dt.datetime
    muted: bool
    acknowledged: bool


@dataclass(frozen=True)
class Delivery:
    """One message that one channel has not taken yet.

    `taken_by` are the receivers that already have it, `keys` the findings that it names.
    """

    message: Message
    channel: str
    attempts: int
    taken_by: frozenset[str]
    next_try_at: dt.datetime
    last_error: str | None
    keys: frozenset[str]


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
            if version not in range(SCHEMA_VERSION + 1):
                raise AlertError(
                    f"{path}: outbox of schema version {version}, expected {SCHEMA_VERSION}; "
                    "use the release of Nulmeting that wrote it"
                )
            if version < SCHEMA_VERSION:
                bring_up(db, version)

    def record_run(
        self, run: RunFindings, *, channels: Sequence[Channel], link: str, now: dt.datetime
    ) -> Message | None:
        """Open and resolve what `run` found, and put out for `channels` what they are told at once, all or nothing.

        Returns the message of all that the run changed, which a channel without rules of its own gets; None when
        nothing is new or resolved that may be told, or when the run was recorded before.
        """
        with self._transaction() as db:
            if db.execute("select 1 from processed_run where run_id = ?", [run.run_id]).fetchone():
                return None
            stored = db.execute("select full_key, check_name, finding from open_finding order by full_key")
            open_before = {key: (check, finding) for key, check, finding in stored}
            none_left = set()
            if run.known_checks is not None:
                none_left = {check for check, _ in open_before.values()} - run.known_checks - {RUN_CHECK}
            speaks = self._speaks_for(db, run, none_left, now)
            failing = {key: f for key, f in run.failing().items() if f.check in speaks}
            # Only a run that reached its end resolves the failure of an earlier one.
            reached_its_end = {RUN_CHECK} if run.status == "published" else set()
            resolves = speaks & (run.evaluated_checks | none_left | reached_its_end)
            new = [finding for key, finding in failing.items() if key not in open_before]
            gone = [key for key, (check, _) in open_before.items() if check in resolves and key not in failing]
            resolved = [_ended(_finding(open_before[key][1]), none_left, run.known_sources) for key in gone]

            mutes = self._mutes(db)
            for finding in new:
                for name in receivers_of(finding, tuple(channels)):
                    self._hold(db, name, "opened", finding, run.run_id, mutes, now)
            for finding in resolved:
                hears = "delete from audience where full_key = ? returning channel"
                for (name,) in db.execute(hears, [finding.full_key]).fetchall():
                    self._hold(db, name, "resolved", finding, run.run_id, mutes, now)
            db.executemany("delete from open_finding where full_key = ?", [(key,) for key in gone])
            db.executemany(
                """
                insert into open_finding (full_key, check_name, first_run, opened_at, last_run, finding)
                values (?, ?, ?, ?, ?, ?)
                on conflict (full_key) do update set last_run = excluded.last_run, finding = excluded.finding
                """,
                [
                    (key, f.check, run.run_id, now.isoformat(), run.run_id, json.dumps(f.to_json()))
                    for key, f in failing.items()
                ],
            )
            told = [finding for finding in new if not is_muted(finding, mutes, now)]
            over = [finding for finding in resolved if not is_muted(finding, mutes, now)]
            message = None
            if told or over:
                still = [one for key, (_, one) in open_before.items() if key not in gone]
                muted = self._count_muted(db, mutes, now)
                message = compose(
                    run,
                    told,
                    over,
                    still_open=len(still) - muted + sum(is_muted(f, mutes, now) for f in new) if muted else len(still),
                    muted=muted,
                    link=link,
                    created_at=now,
                    to_confirm=any(channel.escalate for channel in channels),
                )
                opened_by = {**{f.full_key: None for f in over}, **{f.full_key: run.run_id for f in told}}
                self._put_out(db, message, [], now, opened_by)
            self._release(db, channels, link, now, (run, message) if message else None)
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

    def release(self, *, channels: Sequence[Channel], link: str, now: dt.datetime) -> None:
        """Put out what `channels` may be told by `now`: digests, what quiet hours or a mute held, escalations."""
        with self._transaction() as db:
            self._release(db, channels, link, now, None)

    def held(self) -> dict[str, int]:
        """How many changes wait for their moment, per channel."""
        with self._transaction() as db:
            counts = "select channel, count(*) from change where state = 'held' group by channel order by channel"
            return dict(db.execute(counts).fetchall())

    def message_of_run(self, run_id: str) -> Message | None:
        """The message of all that `run_id` changed, whoever recorded that run; None where there was nothing to tell."""
        with self._transaction() as db:
            row = db.execute(
                f"""
                select {_MESSAGE_COLUMNS} from message
                where message_id = (select message_id from processed_run where run_id = ?)
                """,
                [run_id],
            ).fetchone()
        return _message(row) if row else None

    def processed_runs(self, now: dt.datetime) -> tuple[frozenset[str], dt.datetime | None]:
        """Which runs were recorded, and when the last of them ended; not by a clock that was ahead of now."""
        with self._transaction() as db:
            rows = db.execute("select run_id, finished_at from processed_run").fetchall()
        moments = [dt.datetime.fromisoformat(finished_at) for _, finished_at in rows]
        return frozenset(run_id for run_id, _ in rows), max((one for one in moments if one <= now), default=None)

    def open_keys(self) -> frozenset[str]:
        """The full keys that are open now."""
        with self._transaction() as db:
            return frozenset(key for (key,) in db.execute("select full_key from open_finding"))

    def open_findings(self, now: dt.datetime) -> list[OpenFinding]:
        """Everything that is open, by key."""
        with self._transaction() as db:
            mutes = self._mutes(db)
            rows = db.execute(
                "select finding, opened_at, acknowledged_at from open_finding order by full_key"
            ).fetchall()
        found = [(_finding(text), dt.datetime.fromisoformat(opened), seen) for text, opened, seen in rows]
        return [OpenFinding(one, opened, is_muted(one, mutes, now), seen is not None) for one, opened, seen in found]

    def mute(
        self,
        *,
        check: str | None = None,
        region: str | None = None,
        indicator: str | None = None,
        finding: str | None = None,
        until: dt.datetime,
        reason: str,
        now: dt.datetime,
    ) -> Mute:
        """Tell nobody about findings that fit all that is given, until then; raises ValueError where nothing is given.

        A message that was made before goes out all the same.
        """
        if not any((check, region, indicator, finding)):
            raise ValueError("found nothing to mute, expected a check, region, indicator or finding")
        if until <= now:
            raise ValueError(f"found an end at {until.isoformat()}, expected a moment to come")
        with self._transaction() as db:
            columns = _MUTE_COLUMNS.partition(", ")[2]
            values = [check, region, indicator, finding, until.isoformat(), clean_text(reason), now.isoformat(), None]
            cursor = db.execute(f"insert into mute ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?)", values)
            (made,) = (mute for mute in self._mutes(db) if mute.mute_id == cursor.lastrowid)
            for position, text in db.execute("select position, finding from change where state = 'held'").fetchall():
                if made.covers(_finding(text)):
                    db.execute("update change set muted = 1 where position = ?", [position])
            return made

    def unmute(self, mute_id: int, now: dt.datetime) -> bool:
        """End a mute; what is open of it is told at the next call. False where no such mute is on."""
        with self._transaction() as db:
            if not any(mute.mute_id == mute_id and mute.is_on(now) for mute in self._mutes(db)):
                return False
            db.execute("update mute set lifted_at = ? where mute_id = ?", [now.isoformat(), mute_id])
            return True

    def mutes(self, now: dt.datetime) -> list[Mute]:
        """The mutes that are on."""
        with self._transaction() as db:
            return [mute for mute in self._mutes(db) if mute.is_on(now)]

    def acknowledge(self, reference: str, now: dt.datetime) -> int:
        """Mark as seen what is open of a message (its id or tag) or one finding (its full key); returns how many.

        Raises KeyError where `reference` is neither, or the start of more than one message.
        """
        tag = reference.strip().strip("[]").lower().removeprefix("nm-")
        with self._transaction() as db:
            found = "select full_key, first_run from open_finding where full_key = ?"
            keys = db.execute(found, [reference]).fetchall()
            if not keys:
                known = (
                    "select message_id from message where length(?1) >= 8 and substr(message_id, 1, length(?1)) = ?1"
                )
                if len(messages := db.execute(known, [tag]).fetchall()) != 1:
                    raise KeyError(reference)
                named = "select full_key, opened_by from message_finding where message_id = ? order by full_key"
                keys = db.execute(named, messages[0]).fetchall()
            # What was resolved and opened again since is something else, that nobody has seen yet.
            seen = """
                update open_finding set acknowledged_at = ?
                where full_key = ? and first_run = ? and acknowledged_at is null
            """
            return sum(db.execute(seen, [now.isoformat(), *key]).rowcount for key in keys)

    def waiting(self) -> list[Delivery]:
        """What no channel took yet, oldest message first."""
        columns = ", ".join(f"message.{name.strip()}" for name in _MESSAGE_COLUMNS.split(","))
        with self._transaction() as db:
            rows = db.execute(
                f"""
                select {columns}, channel, attempts, taken_by, next_try_at, last_error
                from delivery join message using (message_id)
                where state = 'pending' order by position, channel
                """
            ).fetchall()
            keys: dict[str, set[str]] = {}
            for message_id, key in db.execute(
                """
                select message_id, full_key from message_finding
                where message_id in (select message_id from delivery where state = 'pending')
                """
            ):
                keys.setdefault(message_id, set()).add(key)
        return [
            Delivery(
                message=_message(row[:8]),
                channel=row[8],
                attempts=row[9],
                taken_by=frozenset(json.loads(row[10])),
                next_try_at=dt.datetime.fromisoformat(row[11]),
                last_error=row[12],
                keys=frozenset(keys.get(row[0], ())),
            )
            for row in rows
        ]

    def forget_channel(self, channel: str, to: str | None) -> int:
        """Hand what waits for a channel, and what it is told of later, to another; to nobody where that is None.

        Returns how many messages and changes that were.
        """
        with self._transaction() as db:
            waiting = ("delivery", "pending"), ("change", "held")
            counts = "select count(*) from {} where channel = ? and state = ?"
            number = sum(db.execute(counts.format(table), [channel, state]).fetchone()[0] for table, state in waiting)
            if to is None:
                db.execute("update change set state = 'dropped' where channel = ? and state = 'held'", [channel])
            else:
                db.execute("update change set channel = ? where channel = ? and state = 'held'", [to, channel])
                for table in ("delivery", "audience"):
                    # What the other one has already it does not get twice.
                    only = " and state = 'pending'" if table == "delivery" else ""
                    db.execute(f"update or ignore {table} set channel = ? where channel = ?{only}", [to, channel])
            db.execute("delete from delivery where channel = ? and state = 'pending'", [channel])
            db.execute("delete from audience where channel = ?", [channel])
        return number

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
    def _speaks_for(db: sqlite3.Connection, run: RunFindings, none_left: set[str], now: dt.datetime) -> set[str]:
        """The checks for which no later run has spoken yet.

        A clock that was set back makes earlier runs look later than now; those do not count, else everything
        after the correction would be ignored.
        """
        checks = {*run.evaluated_checks, *(finding.check for finding in run.findings), *none_left, RUN_CHECK}
        overtaken = {
            check
            for check, finished_at in db.execute("select check_name, finished_at from check_report")
            if run.finished_at < dt.datetime.fromisoformat(finished_at) <= now
        }
        return checks - overtaken

    def _release(
        self,
        db: sqlite3.Connection,
        channels: Sequence[Channel],
        link: str,
        now: dt.datetime,
        of_run: tuple[RunFindings, Message] | None,
    ) -> None:
        # A clock that was set back: the wait begins anew, instead of lasting until the old time comes round again.
        db.execute("update change set held_since = ?1 where state = 'held' and held_since > ?1", [_utc(now)])
        db.execute("update audience set told_at = ?1 where told_at > ?1", [_utc(now)])
        mutes = self._mutes(db)
        for channel in channels:
            verdict = judge(channel, self._held_for(db, channel.name), mutes, now)
            db.executemany(
                "update change set state = 'dropped' where position = ?", [(one.position,) for one in verdict.dropped]
            )
            if verdict.told:
                self._tell(db, channel, verdict.told, mutes, link, now, of_run)
        for channel in channels:
            # Undeclared since: it stays due until there is somebody to tell.
            if channel.escalate and any(other.name == channel.escalate.to for other in channels):
                self._escalate(db, channel, channel.escalate, mutes, link, now)

    def _tell(
        self,
        db: sqlite3.Connection,
        channel: Channel,
        changes: Sequence[Change],
        mutes: Sequence[Mute],
        link: str,
        now: dt.datetime,
        of_run: tuple[RunFindings, Message] | None,
    ) -> None:
        """Make the message about `changes`, and hand it to `channel` alone or, where it is that of the run, as well."""
        told = net(changes)
        opened = {finding.full_key for finding in told.new}
        known = db.execute(
            "select full_key, finding, told_at from audience join open_finding using (full_key) where channel = ?",
            [channel.name],
        ).fetchall()
        hushed = {key for key, text, _ in known if is_muted(_finding(text), mutes, now)} if mutes else set()
        still_open = sum(at is not None and key not in opened | hushed for key, _, at in known)
        counts = {"still_open": still_open, "muted": len(hushed)}
        whole = of_run[1] if of_run else None
        only_of_run = of_run is not None and not told.passed and all(one.run_id == of_run[0].run_id for one in changes)
        if whole and only_of_run and _is_about(whole, told.new, told.resolved, counts):
            message = whole
        elif of_run and only_of_run:
            message = compose(
                of_run[0],
                told.new,
                told.resolved,
                **counts,
                link=link,
                created_at=now,
                scope=channel.name,
                to_confirm=channel.escalate is not None,
            )
        else:
            message = compose_collected(
                changes,
                channel=channel.name,
                **counts,
                link=link,
                created_at=now,
                to_confirm=channel.escalate is not None,
            )
        # Of a finding that opened twice, the last run that opened it.
        opened_by: dict[str, str | None] = {one.finding.full_key: None for one in changes}
        opened_by |= {one.finding.full_key: one.run_id for one in changes if one.finding.full_key in opened}
        self._put_out(db, message, [channel.name], now, opened_by)
        db.executemany(
            "update change set state = 'told', message_id = ? where position = ?",
            [(message.message_id, one.position) for one in changes],
        )
        db.executemany(
            "update audience set told_at = ? where channel = ? and full_key = ?",
            [(_utc(now), channel.name, key) for key in opened],
        )

    def _escalate(
        self,
        db: sqlite3.Connection,
        channel: Channel,
        rule: Escalate,
        mutes: Sequence[Mute],
        link: str,
        now: dt.datetime,
    ) -> None:
        """Tell another channel, once, what stayed open and unacknowledged too long at this one."""
        rows = db.execute(
            """
            select full_key, finding, told_at, first_run
            from audience join open_finding using (full_key)
            where channel = ? and told_at is not null and escalated_at is null and acknowledged_at is null
            order by full_key
            """,
            [channel.name],
        ).fetchall()
        due: list[tuple[Finding, dt.datetime, str]] = []
        for _, text, told_at, first_run in rows:
            finding, since = _finding(text), dt.datetime.fromisoformat(told_at)
            waits_from = waiting_since(since, finding, mutes, now)
            late = waits_from + dt.timedelta(hours=rule.after_hours) <= now
            if late and finding.severity in rule.severity and not is_muted(finding, mutes, now):
                due.append((finding, since, first_run))
        if not due:
            return
        message = compose_escalation(
            [finding for finding, _, _ in due],
            channel=channel.name,
            run_id=due[0][2],
            told_at=min(since for _, since, _ in due),
            hours=rule.after_hours,
            has_arrived=not any(
                db.execute(
                    """
                    select 1 from delivery join message_finding using (message_id)
                    where channel = ? and full_key = ? and state = 'pending'
                    """,
                    [channel.name, finding.full_key],
                ).fetchone()
                for finding, _, _ in due
            ),
            link=link,
            created_at=now,
        )
        keys = {finding.full_key: first_run for finding, _, first_run in due}
        self._put_out(db, message, [rule.to], now, keys)
        for key in sorted(keys):
            db.execute(
                "update audience set escalated_at = ? where channel = ? and full_key = ?",
                [_utc(now), channel.name, key],
            )
            # Who heard that it is open hears of its end.
            db.execute("insert or ignore into audience values (?, ?, ?, null)", [rule.to, key, _utc(now)])

    @staticmethod
    def _hold(
        db: sqlite3.Connection,
        channel: str,
        change: str,
        finding: Finding,
        run_id: str,
        mutes: Sequence[Mute],
        now: dt.datetime,
    ) -> None:
        db.execute(
            """
            insert into change (channel, full_key, run_id, change, finding, held_since, muted, state)
            values (?, ?, ?, ?, ?, ?, ?, 'held')
            """,
            [
                channel,
                finding.full_key,
                run_id,
                change,
                json.dumps(finding.to_json()),
                _utc(now),
                is_muted(finding, mutes, now),
            ],
        )
        if change == "opened":
            db.execute("insert or replace into audience values (?, ?, null, null)", [channel, finding.full_key])

    @staticmethod
    def _held_for(db: sqlite3.Connection, channel: str) -> list[Change]:
        rows = db.execute(
            """
            select position, run_id, change, finding, held_since, muted
            from change where channel = ? and state = 'held' order by position
            """,
            [channel],
        )
        return [
            Change(position, run_id, change, _finding(text), dt.datetime.fromisoformat(since), bool(muted))
            for position, run_id, change, text, since, muted in rows
        ]

    @staticmethod
    def _mutes(db: sqlite3.Connection) -> list[Mute]:
        return [
            Mute(
                mute_id=mute_id,
                check=check,
                region=region,
                indicator=indicator,
                finding=finding,
                until=dt.datetime.fromisoformat(until),
                reason=reason,
                created_at=dt.datetime.fromisoformat(created_at),
                lifted_at=dt.datetime.fromisoformat(lifted_at) if lifted_at else None,
            )
            for mute_id, check, region, indicator, finding, until, reason, created_at, lifted_at in db.execute(
                f"select {_MUTE_COLUMNS} from mute order by mute_id"
            )
        ]

    @staticmethod
    def _count_muted(db: sqlite3.Connection, mutes: Sequence[Mute], now: dt.datetime) -> int:
        if not any(mute.is_on(now) for mute in mutes):
            return 0
        return sum(is_muted(_finding(text), mutes, now) for (text,) in db.execute("select finding from open_finding"))

    @staticmethod
    def _put_out(
        db: sqlite3.Connection,
        message: Message,
        channels: Sequence[str],
        now: dt.datetime,
        opened_by: Mapping[str, str | None],
    ) -> None:
        """Keep `message`, which several channels may share, and let it wait for `channels`.

        `opened_by` are the keys of all that it names, with the run that opened what it calls open.
        """
        db.execute(
            f"insert or ignore into message ({_MESSAGE_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?)",
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
            "insert or ignore into message_finding values (?, ?, ?)",
            [(message.message_id, key, run_id) for key, run_id in sorted(opened_by.items())],
        )
        db.executemany(
            "insert into delivery values (?, ?, 'pending', 0, null, '[]', null, ?)",
            [(message.message_id, channel, now.isoformat()) for channel in channels],
        )


def _ended(finding: Finding, none_left: set[str], sources: frozenset[str] | None) -> Finding:
    """A finding that is over: withdrawn where nothing is left of its check, or its source is not declared any more."""
    without_source = sources is not None and finding.source_id is not None and finding.source_id not in sources
    return replace(finding, is_withdrawn=finding.check in none_left or without_source)


def _is_about(message: Message, new: Sequence[Finding], resolved: Sequence[Finding], counts: dict[str, int]) -> bool:
    """Whether a message of a run tells exactly this."""
    payload = message.payload
    if any(payload[name] != value for name, value in counts.items()):
        return False
    # Of a run there is one message, so that a part of what it changed is shorter.
    return (payload["new_count"], payload["resolved_count"]) == (len(new), len(resolved))


def _finding(text: str) -> Finding:
    return Finding.from_json(cast("dict[str, object]", json.loads(text)))


def _utc(moment: dt.datetime) -> str:
    """A moment as text that sorts by time."""
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


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
