"""How long every step of every run took and how many rows it made, kept over runs: `state/run_steps.jsonl`.

What belongs here: gathering that from Dagster's events, keeping it outside the warehouse so that a rebuild does not
lose it, and reading it back as the table `runs.step`. What does not: what a run says while it is on (`run_log`).

A line of the file is one step of one run that came to its end. A run whose process was killed leaves none. How many
rows a step makes is told by what Dagster was told: of deliveries about persons nothing, of the tables of schema core
nothing either, for some of these are about persons.
"""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import AwareDatetime, TypeAdapter

from pipelines.durable import write_atomically
from pipelines.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from dagster import EventLogEntry

KEPT_DAYS = 730
LAUNCHED_BY = "nulmeting/launched_by"
REUSED = "nulmeting/reused"
"""Metadata of what stood already, made of the same, and was not made anew."""

_SLACK = dt.timedelta(days=30)
"""The file is written anew when its first line is this much too old: once a month at most."""

_NOT_COUNTED = ("core", "staging")
_NEVER_TOLD = ("costliest_case",)

Status = Literal["succeeded", "failed", "reused"]


@dataclass(frozen=True)
class StepRun:
    """One step of one run. `started_at` has a time zone, `seconds` is its length, `rows` None where not told."""

    run_id: str
    started_at: AwareDatetime
    step: str
    title_nl: str
    seconds: float
    rows: int | None
    status: Status
    launched_by: str


class StepCollector:
    """Gathers the steps of one run from its events, in the order in which they end."""

    def __init__(self, run_id: str, launched_by: str = "cli") -> None:
        self.run_id = run_id
        self.launched_by = launched_by
        self.titles: dict[str, str] = {}
        self.done: list[StepRun] = []
        self._started: dict[str, float] = {}
        self._rows: dict[str, int | None] = {}
        self._reused: dict[str, bool] = {}

    def observe(self, entry: EventLogEntry) -> None:
        """One entry of Dagster's event log."""
        event, step = entry.dagster_event, entry.step_key
        if event is None or step is None:
            return
        kind = event.event_type_value
        if kind == "STEP_START":
            self._started[step] = entry.timestamp
        elif kind == "ASSET_MATERIALIZATION":
            self._materialised(step, event.step_materialization_data.materialization)
        elif kind in ("STEP_SUCCESS", "STEP_FAILURE", "STEP_SKIPPED"):
            self._end(step, kind, entry.timestamp)

    def seconds(self, step: str | None, until: float) -> float | None:
        """How long a step has been on at that moment; None where it has not begun."""
        begun = self._started.get(step) if step else None
        # A clock that is set back gives no negative time.
        return None if begun is None else round(max(until - begun, 0.0), 3)

    def _materialised(self, step: str, made: Any) -> None:
        rows = rows_of(made)
        if (
            rows is not None
            and made.asset_key.path[0] not in _NOT_COUNTED
            and made.asset_key.path[-1] not in _NEVER_TOLD
        ):
            self._rows[step] = (self._rows.get(step) or 0) + rows
        reused = getattr(made.metadata.get(REUSED), "value", False) is True
        self._reused[step] = self._reused.get(step, True) and reused

    def _end(self, step: str, kind: str, moment: float) -> None:
        status: Status = "failed" if kind == "STEP_FAILURE" else "succeeded"
        if kind == "STEP_SKIPPED" or (status == "succeeded" and self._reused.get(step, False)):
            status = "reused"
        begun = self._started.get(step, moment)
        self.done.append(
            StepRun(
                run_id=self.run_id,
                started_at=dt.datetime.fromtimestamp(begun, dt.UTC),
                step=step,
                title_nl=self.titles.get(step, step),
                seconds=self.seconds(step, moment) or 0.0,
                rows=self._rows.get(step),
                status=status,
                launched_by=self.launched_by,
            )
        )


def rows_of(made: Any) -> int | None:
    """How many rows a materialisation says that its table has."""
    value = getattr(made.metadata.get("dagster/row_count"), "value", None)
    return value if isinstance(value, int) else None


def steps_path(settings: Settings) -> Path:
    """Where the steps of all runs are kept."""
    return settings.state_dir / "state" / "run_steps.jsonl"


def record_steps(settings: Settings, steps: Sequence[StepRun], now: dt.datetime) -> None:
    """Add the steps of a run that has ended; a run that stands there already is not added again.

    Lines older than KEPT_DAYS are left out now and then. Raises OSError where the file cannot be written: the lines
    that stood there stay as they were, and a line that a full disk cut off is passed over by whoever reads.
    """
    from filelock import FileLock

    if not steps:
        return
    path = steps_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=30):
        known = list(_read(path))
        if any(step.run_id == steps[0].run_id for step in known):
            return
        oldest = now - dt.timedelta(days=KEPT_DAYS)
        if known and known[0].started_at < oldest - _SLACK:
            write_atomically(path, _text([*(step for step in known if step.started_at >= oldest), *steps]))
            return
        _append(path, _text(steps))


def record_run(settings: Settings, instance: Any, run_id: str) -> None:
    """Add the steps of a run that was not started by the command line, from what the Dagster instance kept of it."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return
    collector = StepCollector(run_id, _launched_by(run.tags))
    for entry in instance.all_logs(run_id):
        collector.observe(entry)
    record_steps(settings, collector.done, dt.datetime.now(dt.UTC))


def read_steps(settings: Settings) -> list[StepRun]:
    """The steps of all runs that are kept, oldest first; lines that are no such step are left out."""
    return list(_read(steps_path(settings)))


def step_schema() -> pa.Schema:
    """The columns of `runs.step`; times are UTC."""
    import pyarrow as pa

    return pa.schema(
        [
            ("run_id", pa.string()),
            ("started_at", pa.timestamp("us")),
            ("step", pa.string()),
            ("title_nl", pa.string()),
            ("seconds", pa.float64()),
            ("rows", pa.int64()),
            ("status", pa.string()),
            ("launched_by", pa.string()),
        ]
    )


def write_run_steps(connection: duckdb.DuckDBPyConnection, settings: Settings) -> int:
    """Replace the table `runs.step` by the steps that are kept, and return their number.

    Of the run that calls this nothing is kept yet: it has not ended.
    """
    import pyarrow as pa

    from pipelines.warehouse.load import replace_tables

    rows = [
        asdict(step) | {"started_at": step.started_at.astimezone(dt.UTC).replace(tzinfo=None)}
        for step in read_steps(settings)
    ]
    replace_tables(connection, "runs", {"step": pa.Table.from_pylist(rows, schema=step_schema())})
    return len(rows)


def _launched_by(tags: dict[str, str]) -> str:
    if known := tags.get(LAUNCHED_BY):
        return known
    if "dagster/schedule_name" in tags:
        return "schedule"
    return "sensor" if "dagster/sensor_name" in tags else "interface"


_STEP = TypeAdapter(StepRun)


def _read(path: Path) -> Iterator[StepRun]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            found = _STEP.validate_json(line)
        except ValueError:
            # Cut off by a full disk or a crash: that step is not known, the others are.
            continue
        yield found


def _text(steps: Sequence[StepRun]) -> str:
    return "".join(json.dumps(_STEP.dump_python(step, mode="json"), ensure_ascii=False) + "\n" for step in steps)


def _append(path: Path, text: str) -> None:
    """All lines, or the file as it was."""
    with path.open("a+b", buffering=0) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(length - 1, 0))
        data = (b"" if file.read(1) in (b"", b"\n") else b"\n") + text.encode("utf-8")
        try:
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        except OSError:
            file.truncate(length)
            raise
