"""Random sequences of everything that can happen to alerts, against what each channel may and must hear.

Runs find, keep and lose findings; channels go down and refuse; the process dies before a channel took a message, after
it did and in the middle of recording; findings are muted and acknowledged; time passes and the clock jumps. The test
keeps a book of its own of what each channel is owed, and looks at nothing of the outbox but what waits to be sent.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from pipelines.alerts import dispatch
from pipelines.alerts.channels import DeliveryError
from pipelines.alerts.declared import Channel
from pipelines.alerts.findings import Finding, RunFindings
from pipelines.alerts.message import Message
from pipelines.alerts.outbox import Outbox
from pipelines.settings import Settings

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
START = dt.datetime(2026, 3, 27, 12, tzinfo=dt.UTC)  # two days before summer time begins


def _channel(name: str, **rules: Any) -> Channel:
    return Channel(name=name, kind="console", **rules)


CHANNELS = (
    # At once by day; at night what blocks; what nobody acknowledges in a day goes to the head of the team.
    _channel(
        "team",
        only={"law": ["wmo"]},
        quiet={"from": "22:00", "to": "07:00", "through": ["blocking"]},
        escalate={"to": "hoofd", "after_hours": 24},
    ),
    # Warnings once a day.
    _channel("beleid", only={"region": ["VB0001"]}, digest={"at": "08:00"}, quiet={"from": "18:00", "to": "07:30"}),
    _channel("fouten", only={"severity": ["error", "blocking"], "owner": ["Team Wmo"]}),
    _channel("overig", gets="rest"),
    _channel("hoofd", gets="escalations"),
)
QUIET = {"team": (22, 7, {"blocking"}), "beleid": (18, 7.5, set())}


def _finding(key: str, severity: str, law: str, region: str | None, owner: str | None) -> Finding:
    return Finding(
        check="c1" if key in "abc" else "c2",
        severity=severity,  # type: ignore[arg-type]
        key=key,
        title_nl=f"Bevinding {key}",
        cause_nl="?",
        next_step_nl="?",
        region_code=region,
        laws=(law,),
        owner=owner,
    )


FINDINGS = {
    one.full_key: one
    for one in (
        _finding("a", "blocking", "wmo", "VB0001", "Team Wmo"),
        _finding("b", "error", "wmo", None, None),
        _finding("c", "warning", "wmo", "VB0001", None),
        _finding("d", "warning", "jeugd", "VB0001", "Team Wmo"),
        _finding("e", "error", "jeugd", "VB0002", "Team Wmo"),
        _finding("f", "warning", "jeugd", "VB0002", None),
    )
}
HEARS = {
    "c1|a": {"team", "beleid", "fouten"},
    "c1|b": {"team"},
    "c1|c": {"team", "beleid"},
    "c2|d": {"beleid"},
    "c2|e": {"fouten"},
    "c2|f": {"overig"},
}
Owed = tuple[str, str, str]
"""A run, a change and the full key of a finding."""


class PowerCut(BaseException):
    """The process ends here, whatever it was doing."""


@dataclass
class Mailbox:
    """What one channel accepted, in order, with how often; and what was tried in the call that is on."""

    first: list[Message] = field(default_factory=list)
    times: Counter[str] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class BookMute:
    until: dt.datetime
    mute_id: int
    covers: frozenset[str]
    made_before: frozenset[tuple[str, str]]
    lifted: bool = False

    def is_on(self, now: dt.datetime) -> bool:
        return not self.lifted and now < self.until


class Alerts(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        base = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - synced to disk, it would be slow
        self.folder = Path(tempfile.mkdtemp(dir=base))
        self.settings = Settings(data_dir=self.folder, channels=CHANNELS, link_base="https://monitor.example.nl")
        self.outbox = Outbox(dispatch.outbox_path(self.settings))
        self.now = START
        self.runs = 0
        self.failing: set[str] = set()
        self.open: set[str] = set()
        self.condition = {channel.name: "up" for channel in CHANNELS}
        self.crash: str | None = None
        self.crashes_after_acceptance: Counter[tuple[str, str]] = Counter()
        self.boxes = {channel.name: Mailbox() for channel in CHANNELS}
        self.tried: list[tuple[str, Message]] = []
        self.owed: dict[str, list[Owed]] = {channel.name: [] for channel in CHANNELS}
        self.excused: set[tuple[str, Owed]] = set()
        self.mutes: list[BookMute] = []
        self.escalated: set[str] = set()
        self.escalations_made: set[str] = set()
        self.openings: Counter[str] = Counter()
        self.acknowledged: set[str] = set()
        self.withdrawn: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            shutil.rmtree(self.folder)

    # What happens.

    @rule(
        now_failing=st.frozensets(st.sampled_from(sorted(FINDINGS))),
        crash=st.sampled_from([None, None, "hold", "put_out"]),
        second_check=st.sampled_from(["runs", "runs", "does not run", "is not reached", "is taken away"]),
    )
    def run(self, now_failing: frozenset[str], crash: str | None, second_check: str) -> None:
        """A run; a process that dies as it records is followed by another that reports the same run."""
        self.runs += 1
        run_id = f"run-{self.runs}"
        path = self.folder / f"{run_id}.json"
        second = {key for key in FINDINGS if key.startswith("c2|")}
        found = set(now_failing) if second_check == "runs" else set(now_failing) - second
        RunFindings(
            run_id=run_id,
            finished_at=self.now,
            evaluated_checks=frozenset({"c1", "c2"} if second_check == "runs" else {"c1"}),
            known_checks={"is not reached": None, "is taken away": frozenset({"c1"})}.get(
                second_check, frozenset({"c1", "c2"})
            ),
            findings=tuple(FINDINGS[key] for key in sorted(found)),
        ).write(path)
        if second_check == "is taken away":
            self.withdrawn |= {(run_id, key) for key in self.open & second}
        elif second_check != "runs":
            found |= self.open & second
        if crash:
            target = {"hold": "_hold", "put_out": "_put_out"}[crash]
            with (
                mock.patch.object(Outbox, target, side_effect=PowerCut),
                mock.patch.object(dispatch, "send", self._send),
                contextlib.suppress(PowerCut),
            ):
                dispatch.process_run(self.settings, path, self.now)
        self._book(run_id, found)
        self._call(lambda: dispatch.process_run(self.settings, path, self.now))

    @rule(only_due=st.booleans())
    def come_by(self, only_due: bool) -> None:
        self._call(lambda: dispatch.deliver_pending(self.settings, self.now, only_due=only_due))

    @rule(minutes=st.sampled_from([1, 40, 60 * 5, 60 * 11, 60 * 24, 60 * 24 * 3]))
    def time_passes(self, minutes: int) -> None:
        self.now += dt.timedelta(minutes=minutes)

    @rule(days=st.sampled_from([-200, -2, -0.3, 0.3, 30, 200]))
    def the_clock_jumps(self, days: float) -> None:
        self.now += dt.timedelta(days=days)

    @rule(
        name=st.sampled_from([channel.name for channel in CHANNELS]),
        condition=st.sampled_from(["up", "down", "refuses"]),
    )
    def a_channel_changes(self, name: str, condition: str) -> None:
        self.condition[name] = condition

    @rule(at=st.sampled_from(["before", "after", "mark"]))
    def the_next_sending_dies(self, at: str) -> None:
        self.crash = at

    @rule(
        what=st.sampled_from(
            [{"check": "c1"}, {"region": "VB0001"}, {"finding": "c1|b"}, {"check": "c1", "region": "VB0001"}]
        ),
        days=st.sampled_from([1, 10]),
    )
    def mute(self, what: dict[str, str], days: int) -> None:
        made_before = frozenset((one.channel, one.message.message_id) for one in self.outbox.waiting())
        until = self.now + dt.timedelta(days=days)
        made = self.outbox.mute(**what, until=until, reason="verbouwing", now=self.now)
        covers = frozenset(
            key
            for key, one in FINDINGS.items()
            if what.get("check", one.check) == one.check
            and what.get("region", one.region_code) == one.region_code
            and what.get("finding", key) == key
        )
        self.mutes.append(BookMute(until, made.mute_id, covers, made_before))
        self._excuse()

    @precondition(lambda self: any(mute.is_on(self.now) for mute in self.mutes))
    @rule()
    def unmute(self) -> None:
        mute = next(mute for mute in self.mutes if mute.is_on(self.now))
        assert self.outbox.unmute(mute.mute_id, self.now)
        mute.lifted = True

    @precondition(lambda self: self.open)
    @rule(chance=st.randoms(use_true_random=False))
    def acknowledge(self, chance: Any) -> None:
        key = chance.choice(sorted(self.open))
        assert self.outbox.acknowledge(key, self.now) == (key not in self.acknowledged)
        self.acknowledged.add(key)

    # The book.

    def _book(self, run_id: str, now_failing: set[str]) -> None:
        for key in sorted(now_failing - self.open):
            self.openings[key] += 1
            for name in HEARS[key]:
                self.owed[name].append((run_id, "opened", key))
        for key in sorted(self.open - now_failing):
            for name in HEARS[key] | ({"hoofd"} if key in self.escalated else set()):
                self.owed[name].append((run_id, "resolved", key))
            self.escalated.discard(key)
            self.acknowledged.discard(key)
        self.open = now_failing
        self._excuse()

    def _muted(self) -> set[str]:
        return {key for mute in self.mutes if mute.is_on(self.now) for key in mute.covers}

    def _excuse(self) -> None:
        """What no message was made of yet need not be told, once a mute lies over it."""
        muted = self._muted()
        if not muted:
            return
        for name, owed in self.owed.items():
            made = {change for message in self._messages(name) for change in _changes(message)}
            self.excused |= {(name, one) for one in owed if one[2] in muted and one not in made}

    def _messages(self, name: str) -> list[Message]:
        return [*(one.message for one in self.outbox.waiting() if one.channel == name), *self.boxes[name].first]

    # The outside world.

    def _call(self, action: Any) -> None:
        self.tried = []
        self._excuse()
        mark = Outbox.mark_sent

        def marked(outbox: Outbox, message_id: str, name: str, now: dt.datetime) -> None:
            if self.crash == "mark":
                self.crash = None
                self.crashes_after_acceptance[(name, message_id)] += 1
                raise PowerCut
            mark(outbox, message_id, name, now)

        sent, kept = mock.patch.object(dispatch, "send", self._send), mock.patch.object(Outbox, "mark_sent", marked)
        with sent, kept, contextlib.suppress(PowerCut):
            action()
        self._nothing_but_what_breaks_through_in_quiet_hours()
        for message in self._messages("hoofd"):
            if message.payload["occasion"] == "escalation" and message.message_id not in self.escalations_made:
                self.escalations_made.add(message.message_id)
                for key in _keys(message):
                    assert key in self.open and key not in self.acknowledged and key not in self._muted()
                    self.escalated.add(key)

    def _send(self, channel: Channel, message: Message, **_: Any) -> None:
        name, box = channel.name, self.boxes[channel.name]
        self.tried.append((name, message))
        if self.crash == "before":
            self.crash = None
            raise PowerCut
        if self.condition[name] != "up":
            raise DeliveryError(f"channel '{name}': no", reached=self.condition[name] == "refuses")
        box.times[message.message_id] += 1
        assert box.texts.setdefault(message.message_id, message.text) == message.text
        if box.times[message.message_id] == 1:
            self._accept(name, message)
        if self.crash == "after":
            self.crash = None
            self.crashes_after_acceptance[(name, message.message_id)] += 1
            raise PowerCut

    def _accept(self, name: str, message: Message) -> None:
        before = [change for one in self.boxes[name].first for change in _changes(one)]
        told = _changes(message)
        # Owed, never told under another id, and of one finding in the order in which it happened.
        assert set(told) <= set(self.owed[name])
        assert not set(told) & set(before)
        ended_by = {key: run_id for run_id, change, key in told if change == "resolved"}
        for one in (*message.payload["resolved"], *message.payload["passed"]):
            key = one["full_key"]
            assert one["is_withdrawn"] == ((ended_by[key], key) in self.withdrawn)
        for key in _keys(message):
            heard = [change for change in (*before, *told) if change[2] == key]
            assert heard == sorted(heard, key=self.owed[name].index)
        for mute in self.mutes:
            if mute.is_on(self.now) and (name, message.message_id) not in mute.made_before:
                assert not mute.covers & _keys(message)
        for _, change, key in told:
            if change == "resolved" and name == "hoofd":
                assert any(key in _keys(one) for one in self.boxes[name].first)
        self.boxes[name].first.append(message)

    def _nothing_but_what_breaks_through_in_quiet_hours(self) -> None:
        clock = self.now.astimezone(AMSTERDAM)
        hour = clock.hour + clock.minute / 60
        for name, (since, to, through) in QUIET.items():
            if not (hour >= since or hour < to):
                continue
            tried = [message for channel, message in self.tried if channel == name]
            meant = [*tried, *(one.message for one in self.outbox.waiting() if one.channel == name)]
            loud = {key for message in meant if _severities(message) & through for key in _keys(message)}
            # What goes before it about the same finding goes along, else the last word would be the older one.
            for message in reversed(tried):
                assert loud & _keys(message)
                loud |= _keys(message)

    # What must hold.

    @invariant()
    def a_message_comes_twice_only_after_a_crash_in_between(self) -> None:
        for name, box in self.boxes.items():
            for message_id, times in box.times.items():
                assert times <= 1 + self.crashes_after_acceptance[(name, message_id)]

    @invariant()
    def what_is_open_is_known(self) -> None:
        assert self.outbox.open_keys() == self.open

    def settle(self) -> None:
        """Every channel is up again, nothing is muted and time passes: now everybody has heard everything."""
        self.crash = None
        self.condition = dict.fromkeys(self.condition, "up")
        for mute in self.mutes:
            if mute.is_on(self.now):
                self.outbox.unmute(mute.mute_id, self.now)
                mute.lifted = True
        for _ in range(4):
            noon = self.now.astimezone(AMSTERDAM).replace(hour=12, minute=0)
            self.now = (noon + dt.timedelta(days=1)).astimezone(dt.UTC)
            self._call(lambda: dispatch.deliver_pending(self.settings, self.now, only_due=True))
        assert self.outbox.waiting() == [] and self.outbox.held() == {}
        for name, owed in self.owed.items():
            told = {change for message in self.boxes[name].first for change in _changes(message)}
            missing = [one for one in owed if one not in told]
            assert all((name, one) in self.excused for one in missing)
            last = {key: change for _, change, key in owed if (_, change, key) in told}
            for key in FINDINGS:
                if name != "hoofd":
                    assert (last.get(key) == "opened") == (key in self.open and name in HEARS[key])
        grave = {key for key in self.open & {"c1|a", "c1|b"} if key not in self.acknowledged}
        assert self.escalated >= grave
        escalations = [m for m in self.boxes["hoofd"].first if m.payload["occasion"] == "escalation"]
        counted = Counter(key for message in escalations for key in _keys(message))
        assert all(number <= self.openings[key] for key, number in counted.items())


def _changes(message: Message) -> list[Owed]:
    return [(one["run_id"], one["change"], one["full_key"]) for one in message.payload["changes"]]


def _keys(message: Message) -> frozenset[str]:
    return frozenset(one["full_key"] for part in ("new", "resolved", "passed") for one in message.payload[part])


def _severities(message: Message) -> set[str]:
    return {one["severity"] for one in message.payload["new"]}


def test_whatever_happens_every_channel_hears_what_it_must_and_nothing_else() -> None:
    run_state_machine_as_test(
        Alerts,
        settings=settings(
            max_examples=80,
            stateful_step_count=30,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
