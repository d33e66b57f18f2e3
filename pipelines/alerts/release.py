"""Which changes may be told now, by the rules of a channel and the mutes; plain values in, plain values out.

What belongs here: those rules. What does not: where changes are kept (`outbox`), and how they are worded (`message`).

A change waits from the moment it was found, or from the end of the last mute on it. A clock that was set back would
make that moment lie ahead: the outbox then starts the wait anew, so that it takes one round longer and never years.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.alerts.declared import Channel
from pipelines.alerts.findings import Finding


@dataclass(frozen=True, kw_only=True)
class Mute:
    """Findings that nobody is told about until `until`; what is not None must fit. `reason` is what a person wrote."""

    mute_id: int
    check: str | None
    region: str | None
    indicator: str | None
    finding: str | None
    until: dt.datetime
    reason: str
    created_at: dt.datetime
    lifted_at: dt.datetime | None

    @property
    def ends_at(self) -> dt.datetime:
        return min(self.until, self.lifted_at) if self.lifted_at else self.until

    def is_on(self, now: dt.datetime) -> bool:
        """Whether it holds: a lifted one never again, whatever the clock says."""
        return self.lifted_at is None and now < self.until

    def covers(self, finding: Finding) -> bool:
        return (
            self.check in (None, finding.check)
            and self.region in (None, finding.region_code)
            and self.indicator in (None, finding.indicator_id)
            and self.finding in (None, finding.full_key)
        )


@dataclass(frozen=True)
class Change:
    """One finding that opened or was resolved, as one channel has to hear of it. `muted`: at any time as it waited."""

    position: int
    run_id: str
    change: Literal["opened", "resolved"]
    finding: Finding
    held_since: dt.datetime
    muted: bool


@dataclass(frozen=True)
class Verdict:
    """What becomes of the changes that a channel waits for; those in neither stay held."""

    told: tuple[Change, ...]
    dropped: tuple[Change, ...]


@dataclass(frozen=True)
class Net:
    """Changes as a reader hears of them: every finding stands in one of the three.

    `passed` opened and were resolved since the last message, `reopened` are keys of `new` that were resolved meanwhile.
    """

    new: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    passed: tuple[Finding, ...]
    reopened: frozenset[str]


def is_muted(finding: Finding, mutes: Iterable[Mute], now: dt.datetime) -> bool:
    return any(mute.is_on(now) and mute.covers(finding) for mute in mutes)


def waiting_since(since: dt.datetime, finding: Finding, mutes: Iterable[Mute], now: dt.datetime) -> dt.datetime:
    """`since`, or the end of the last mute on `finding` where that was later."""
    ends = (mute.ends_at for mute in mutes if not mute.is_on(now) and mute.covers(finding))
    return max([since, *(end for end in ends if end <= now)])


def judge(channel: Channel, held: Sequence[Change], mutes: Sequence[Mute], now: dt.datetime) -> Verdict:
    """What of `held`, in order, `channel` is told at `now`.

    The changes of one finding keep their order: what goes out takes the earlier ones with it. A finding that nobody was
    told of and that was resolved under a mute is dropped, since nothing of it is open when the mute ends.
    """
    told: list[Change] = []
    dropped: list[Change] = []
    for queue in _by_finding(held):
        if is_muted(queue[-1].finding, mutes, now):
            continue
        if queue[-1].muted and queue[0].change == "opened" and queue[-1].change == "resolved":
            dropped += queue
            continue
        ready = [at for at, one in enumerate(queue) if _may_go(channel, one, mutes, now)]
        told += queue[: ready[-1] + 1] if ready else []
    told.sort(key=lambda one: one.position)
    return Verdict(tuple(told), tuple(dropped))


def net(changes: Sequence[Change]) -> Net:
    """What `changes` come to, finding by finding."""
    new: list[Finding] = []
    resolved: list[Finding] = []
    passed: list[Finding] = []
    reopened: set[str] = set()
    for queue in _by_finding(changes):
        last = queue[-1]
        if last.change == "opened":
            new.append(last.finding)
            if queue[0].change == "resolved":
                reopened.add(last.finding.full_key)
        else:
            (resolved if queue[0].change == "resolved" else passed).append(last.finding)
    return Net(tuple(new), tuple(resolved), tuple(passed), frozenset(reopened))


def _by_finding(changes: Sequence[Change]) -> list[list[Change]]:
    queues: dict[str, list[Change]] = {}
    for change in changes:
        queues.setdefault(change.finding.full_key, []).append(change)
    return list(queues.values())


def _may_go(channel: Channel, change: Change, mutes: Sequence[Mute], now: dt.datetime) -> bool:
    severity = change.finding.severity
    if channel.digest and severity == "warning":
        since = waiting_since(change.held_since, change.finding, mutes if change.muted else (), now)
        if channel.digest.latest(now) <= since:
            return False
    # What is resolved wakes nobody.
    return channel.lets_through(severity if change.change == "opened" else None, now)
