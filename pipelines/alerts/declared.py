"""What `nulmeting.toml` may say of a channel: where it is, what it gets, and when.

What belongs here: the shape of those declarations, and what each of them means for one finding or one moment. What
does not: the state of the alerts (`outbox`), and sending (`channels`).

Hours are those of clocks in the Netherlands. A moment that the clock skips in spring is told by what it shows next,
and one that it shows twice in autumn counts once.
"""

from __future__ import annotations

import datetime as dt
import os
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipelines.alerts.findings import Finding, Severity

AMSTERDAM = ZoneInfo("Europe/Amsterdam")

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DAYS: tuple[Day, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] | None
_Severities = Annotated[tuple[Severity, ...], Field(min_length=1)]


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Only(_Declared):
    """Which findings a channel is for. Everything that is named must fit; of one list, one is enough.

    `owner` is that of the source's declaration, `region` a code (`GM0373`), `law` `jeugd`, `wmo`, `participatie` or
    `algemeen`. A finding that has no owner, region or law does not fit a channel that asks for one.
    """

    owner: _Names = None
    region: _Names = None
    law: _Names = None
    severity: _Severities | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Only:
        if not any((self.owner, self.region, self.law, self.severity)):
            raise ValueError("found nothing in it, expected owner, region, law or severity")
        return self

    def fits(self, finding: Finding) -> bool:
        """Whether the finding is one of those meant."""
        return (
            (self.owner is None or finding.owner in self.owner)
            and (self.region is None or finding.region_code in self.region)
            and (self.law is None or not set(self.law).isdisjoint(finding.laws))
            and (self.severity is None or finding.severity in self.severity)
        )


class Quiet(_Declared):
    """From when till when nothing goes out but findings of a severity in `through`; may cross midnight."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: Annotated[dt.time, Field(alias="from")]
    to: dt.time
    through: tuple[Severity, ...] = ()

    @model_validator(mode="after")
    def _is_a_stretch(self) -> Quiet:
        if self.since == self.to:
            raise ValueError("found the same time for from and to, expected two that differ")
        _without_zone(self.since, self.to)
        return self

    def holds_at(self, now: dt.datetime) -> bool:
        """Whether a clock in the Netherlands is in the quiet hours at `now`, which has a time zone."""
        clock = now.astimezone(AMSTERDAM).time()
        if self.since < self.to:
            return self.since <= clock < self.to
        return clock >= self.since or clock < self.to


class Digest(_Declared):
    """When warnings go out, collected into one message: at a time of every day, or of the named days."""

    at: dt.time
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = _DAYS

    @model_validator(mode="after")
    def _is_of_a_clock_here(self) -> Digest:
        _without_zone(self.at)
        return self

    def latest(self, now: dt.datetime) -> dt.datetime:
        """The last moment of sending at or before `now`, which has a time zone."""
        today = now.astimezone(AMSTERDAM).date()
        moments = (
            dt.datetime.combine(day, self.at, AMSTERDAM).astimezone(dt.UTC)
            for back in range(9)
            if _DAYS[(day := today - dt.timedelta(days=back)).weekday()] in self.days
        )
        return next(moment for moment in moments if moment <= now)


class Escalate(_Declared):
    """Where findings go that nobody acknowledged within `after_hours`, once."""

    to: str
    after_hours: Annotated[float, Field(gt=0, le=8760)]
    severity: _Severities = ("blocking", "error")


class Channel(BaseModel):
    """One place alerts go to. `url` is an apprise address; `url_env` names the variable that holds it.

    `gets` is `findings` (those that `only` lets through, or all), `rest` (those that no other channel gets) or
    `escalations` (what other channels escalate to it, and nothing else).
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    kind: Literal["console", "file", "apprise", "webhook"]
    url: str | None = None
    url_env: str | None = None
    gets: Literal["findings", "rest", "escalations"] = "findings"
    only: Only | None = None
    digest: Digest | None = None
    quiet: Quiet | None = None
    escalate: Escalate | None = None

    @model_validator(mode="after")
    def _only_is_for_findings(self) -> Channel:
        if self.only and self.gets != "findings":
            raise ValueError(f"found only beside gets = '{self.gets}', expected it with gets = 'findings'")
        return self

    def resolved_url(self) -> str | None:
        """The address to send to, from the environment where it is a secret; None where none is set."""
        if self.url_env:
            return os.environ.get(self.url_env)
        return self.url

    def lets_through(self, severity: str | None, now: dt.datetime) -> bool:
        """Whether something as grave as `severity` (None: nothing in it is new) may go out at `now`."""
        return self.quiet is None or not self.quiet.holds_at(now) or severity in self.quiet.through


def checked_together(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """`channels` as they are.

    Raises ValueError where a finding would reach nobody, an escalation nowhere, or two channels have one name.
    """
    named = [channel.name for channel in channels]
    if twice := [name for name in named if named.count(name) > 1]:
        raise ValueError(f"two channels have the name '{twice[0]}', expected names of their own")
    takes_all = any(channel.gets == "findings" and channel.only is None for channel in channels)
    takes_rest = any(channel.gets == "rest" for channel in channels)
    if channels and not takes_all and not takes_rest:
        raise ValueError(
            "found no channel for what fits none of them, expected one without only, or one with gets = 'rest'"
        )
    names = {channel.name for channel in channels}
    for channel in channels:
        if channel.escalate and channel.escalate.to not in names - {channel.name}:
            raise ValueError(
                f"channel '{channel.name}' escalates to '{channel.escalate.to}', expected the name of another channel"
            )
    return channels


def receivers_of(finding: Finding, channels: tuple[Channel, ...]) -> tuple[str, ...]:
    """The names of the channels that hear of a finding."""
    meant = [
        channel
        for channel in channels
        if channel.gets == "findings" and (not channel.only or channel.only.fits(finding))
    ]
    return tuple(channel.name for channel in meant or [one for one in channels if one.gets == "rest"])


def _without_zone(*times: dt.time) -> None:
    if any(time.tzinfo is not None for time in times):
        raise ValueError("found a time with a time zone, expected one of clocks in the Netherlands, like 08:00")
