"""Says what earlier runs left behind: the clock, the lock, the last run, waiting alerts, the publication, schedules.

What belongs here: reading that without changing anything and without Dagster, which may be what is broken. What does
not: what the installation is made of (`doctor`).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.doctor import Finding

_AHEAD = dt.timedelta(minutes=5)
"""A clock that is corrected by seconds is none that is wrong."""

_LOOKED_AT = 5000
_OLD = dt.timedelta(days=7)


def clock(settings: Settings) -> Iterator[Finding]:
    """Whether anything here was written later than now."""
    from pipelines.doctor import Finding

    now = dt.datetime.now(dt.UTC)
    newest, when = None, now + _AHEAD
    for path in _written(settings):
        written = dt.datetime.fromtimestamp(path.lstat().st_mtime, dt.UTC)
        if written > when:
            newest, when = path, written
    if newest is not None:
        text = f"{newest} was written at {when:%Y-%m-%d %H:%M} UTC and it is {now:%Y-%m-%d %H:%M}; set the clock right"
        yield Finding(False, "clock", text)
    else:
        yield Finding(True, "clock", f"{now:%Y-%m-%d %H:%M} UTC, nothing here is of later")


def _written(settings: Settings) -> Iterator[Path]:
    """What runs write, a few thousand at most: the newest snapshots, logs and publications are among them."""
    folders = [settings.data_dir, settings.logs_dir, settings.runs_dir, settings.published_path.parent / "versions"]
    count = 0
    for place in [*folders, *_vintages(settings.snapshots_dir)]:
        if not place.is_dir():
            continue
        for entry in os.scandir(place):
            yield Path(entry.path)
            count += 1
            if count > _LOOKED_AT:
                return


def _vintages(raw: Path) -> Iterator[Path]:
    """The folders of deliveries, each with a folder per vintage."""
    for source in raw.iterdir() if raw.is_dir() else ():
        yield from (entry for entry in source.iterdir() if entry.is_dir()) if source.is_dir() else ()


def lock(settings: Settings) -> Iterator[Finding]:
    """Whether a run is on, or one was killed."""
    from filelock import FileLock, Timeout

    from pipelines.doctor import Finding

    place, holder = settings.data_dir / ".run.lock", settings.data_dir / ".run.holder"
    run = holder.read_text(encoding="utf-8")[:36] if holder.is_file() else "unknown"
    if place.is_file() and os.access(place, os.W_OK):
        try:
            with FileLock(place, timeout=0):
                pass
        except Timeout:
            yield Finding(True, "lock", f"a run is on: {run}")
            return
    killed = f"run {run} was killed; the next run clears up after it" if holder.is_file() else "no run is on"
    yield Finding(True, "lock", killed)


def last_run(settings: Settings) -> Iterator[Finding]:
    """When the last run was and whether a step of it failed; wrong where the last one failed."""
    from pipelines.doctor import Finding
    from pipelines.step_timings import read_steps

    steps = read_steps(settings)
    if not steps:
        yield Finding(True, "last run", "none yet; run `nulmeting run`")
        return
    last = [step for step in steps if step.run_id == steps[-1].run_id]
    age = _age(max(step.started_at for step in last))
    failed = [step.title_nl for step in last if step.status == "failed"]
    log = settings.logs_dir / f"{last[0].run_id}.log"
    if failed:
        yield Finding(False, "last run", f"{age}, stopped at {failed[0]}; see {log}, then run `nulmeting run`")
    else:
        yield Finding(True, "last run", f"{age}, {len(last)} steps in {sum(step.seconds for step in last):.0f} s")


def alerts(settings: Settings) -> Iterator[Finding]:
    """Messages that no channel has taken yet; wrong where one was tried in vain."""
    from pipelines.doctor import Finding

    path = settings.alerts_dir / "outbox.sqlite"
    if not path.is_file():
        yield Finding(True, "alerts", "none yet")
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as outbox:
            rows = outbox.execute(
                "select channel, count(*), max(attempts) from delivery where state = 'pending' group by channel"
            ).fetchall()
    except sqlite3.Error as error:
        text = (
            f"{path} cannot be read ({type(error).__name__}); put it back from a backup, or move it away to begin anew"
        )
        yield Finding(False, "alerts", text)
        return
    for channel, count, attempts in rows:
        tried = f"tried {attempts} times" if attempts != 1 else "tried once"
        yield Finding(
            attempts == 0, "alerts", f"{count} waiting for channel {channel}, {tried}; the next run tries again"
        )
    if not rows:
        yield Finding(True, "alerts", "none waits")


def publication_age(settings: Settings) -> Iterator[Finding]:
    """How old what analysts read is; what is wrong with the files is told elsewhere."""
    from pipelines.doctor import Finding
    from pipelines.publish.versions import current

    manifest = current(settings)
    if manifest is None:
        return
    moment = dt.datetime.fromisoformat(manifest["published_at"])
    old = dt.datetime.now(dt.UTC) - moment > _OLD
    yield Finding(True, "publication", _age(moment) + ("; `nulmeting run` makes a new one" if old else ""))


def schedules(settings: Settings) -> Iterator[Finding]:
    """Which schedules and sensors were switched on in the interface, as Dagster's own file says."""
    from pipelines.doctor import Finding

    elsewhere = "cron and systemd are not seen from here"
    path = settings.state_dir / "dagster" / "schedules" / "schedules.db"
    if os.environ.get("NULMETING_DAGSTER_POSTGRES_URL") or not path.is_file():
        yield Finding(True, "schedules", f"see `nulmeting dev`; {elsewhere}")
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5)) as records:
            bodies = records.execute(
                "select instigator_body from instigators where instigator_type = 'SCHEDULE' and status = 'RUNNING'"
            ).fetchall()
        names = sorted(_name_in(json.loads(body)) for (body,) in bodies)
    except (sqlite3.Error, ValueError):
        yield Finding(True, "schedules", f"not known; see `nulmeting dev`; {elsewhere}")
        return
    yield Finding(True, "schedules", f"on: {', '.join(names)}" if names else f"none is on in Dagster; {elsewhere}")


def _name_in(body: dict[str, dict[str, str]]) -> str:
    origin = body.get("origin", {})
    return str(origin.get("job_name") or origin.get("instigator_name") or "one without a name")


def _age(moment: dt.datetime) -> str:
    passed = dt.datetime.now(dt.UTC) - moment
    hours = passed / dt.timedelta(hours=1)
    span = (
        f"{passed.days} days"
        if hours >= 48
        else f"{hours:.0f} hours"
        if hours >= 2
        else f"{max(hours, 0) * 60:.0f} minutes"
    )
    return f"{moment:%Y-%m-%d %H:%M} UTC, {span} ago"
