"""The log of one run: `logs/<run id>.log` for people, and `logs/<run id>.jsonl` with the same events for programs.

What belongs here: which of Dagster's events are told, and how a failure is written down with its trace. What does
not: the shape of a JSON line (`structured_log`), how long steps take over runs (`step_timings`), and what a person
reads at the terminal (`summary`). Whatever could identify a person is withheld, as everywhere.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipelines import structured_log
from pipelines.settings import Settings
from pipelines.step_timings import StepCollector, record_steps, rows_of

if TYPE_CHECKING:
    from dagster import EventLogEntry

# What Dagster tells of its own housekeeping: resources, inputs and outputs held in memory, plans.
_NOT_TOLD = frozenset(
    {
        "ASSET_MATERIALIZATION_PLANNED",
        "ASSET_CHECK_EVALUATION_PLANNED",
        "ENGINE_EVENT",
        "HANDLED_OUTPUT",
        "LOADED_INPUT",
        "LOGS_CAPTURED",
        "RESOURCE_INIT_STARTED",
        "RESOURCE_INIT_SUCCESS",
        "STEP_INPUT",
        "STEP_OUTPUT",
    }
)
_LONGEST_MESSAGE = 20_000


class RunLog:
    """The open log of one run; a context manager. `titles` has what the steps are called, by step key.

    Neither a disk that is full nor one that cannot be written stops a run for its log's sake: what could not be
    written is lost from the log, and what comes after it is tried again. On leaving, the steps of the run are added to
    those of earlier runs.
    """

    def __init__(self, settings: Settings, run_id: str, launched_by: str = "cli") -> None:
        self.path: Path = settings.logs_dir / f"{run_id}.log"
        self.lines_path: Path = self.path.with_suffix(".jsonl")
        self._settings = settings
        self._run_id = run_id
        self._steps = StepCollector(run_id, launched_by)
        self.titles: dict[str, str] = self._steps.titles
        self._step: str | None = None
        self._has_failed_step = False
        self._text = _Appended(self.path)
        self._lines = _Appended(self.lines_path)

    def __enter__(self) -> Self:
        self._text.open()
        self._lines.open()
        structured_log.of_run(self._run_id)
        return self

    def __exit__(self, *_: object) -> None:
        now = dt.datetime.now(dt.UTC)
        try:
            record_steps(self._settings, self._steps.done, now)
        except (OSError, TimeoutError) as error:
            said = f"how long the steps took was not kept: {error.strerror or type(error).__name__}"
            self._write(now.timestamp(), logging.WARNING, None, said, "timings_not_kept")
        self._text.close()
        self._lines.close()

    def begin(self, title: str) -> None:
        """A step says what it is called; a listener of `progress`."""
        if self._step is not None:
            self.titles.setdefault(self._step, title)

    def event(self, entry: EventLogEntry) -> None:
        """One entry of Dagster's event log; a listener of the instance."""
        self._steps.observe(entry)
        event = entry.dagster_event
        level = entry.level if isinstance(entry.level, int) else logging.getLevelName(entry.level)
        kind = event.event_type_value if event else ""
        if kind == "STEP_START":
            self._step = entry.step_key
        if kind in _NOT_TOLD or (event is None and level < logging.INFO):
            return
        # Dagster marks its own events as debugging; here they are the story of the run.
        self._write(
            entry.timestamp,
            max(level, logging.INFO),
            entry.step_key,
            (event or entry).message or kind,
            _named(kind),
            seconds=self._steps.seconds(entry.step_key, entry.timestamp) if kind in _ENDS else None,
            rows=rows_of(event.step_materialization_data.materialization)
            if event and kind == "ASSET_MATERIALIZATION"
            else None,
        )
        error = getattr(event.event_specific_data, "error", None) if event else entry.error_info
        # The failure of the run repeats that of its step.
        if error is not None and (entry.step_key or not self._has_failed_step):
            self._has_failed_step = entry.step_key is not None
            self._write(entry.timestamp, logging.ERROR, entry.step_key, error.to_string(), "error")

    def failure(self, error: BaseException) -> None:
        """An exception outside the steps, with its trace."""
        text = "".join(traceback.format_exception(error))
        self._write(dt.datetime.now(dt.UTC).timestamp(), logging.ERROR, None, text, "error")

    def _write(self, timestamp: float, level: int, step: str | None, message: str, event: str, **sizes: Any) -> None:
        moment = dt.datetime.fromtimestamp(timestamp, dt.UTC).isoformat(sep=" ", timespec="milliseconds")
        name = logging.getLevelName(level)
        lines = structured_log.withheld(message.strip().splitlines())
        self._text.write("".join(f"{moment} {name:<7} {step or 'run'}: {line}\n" for line in lines))
        said = "\n".join(lines)[:_LONGEST_MESSAGE]
        line = structured_log.record(timestamp, name, event, said, run_id=self._run_id, step=step, **sizes)
        self._lines.write(line + "\n")
        structured_log.tell(line)


_ENDS = ("STEP_SUCCESS", "STEP_FAILURE")


def _named(kind: str) -> str:
    """The event as programs know it: `step_start`, `run_success`, `asset_materialization`, `log`."""
    return kind.lower().replace("pipeline_", "run_") or "log"


class _Appended:
    """A file that is written at its end, as far as its disk allows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._is_cut_off = False

    def open(self) -> None:
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    def write(self, text: str) -> None:
        if self._descriptor is None:
            self.open()
        if self._descriptor is None:
            return
        # Unbuffered, so that what a full disk refuses is not kept to fail again when the file is closed.
        data = ("\n" if self._is_cut_off else "").encode() + text.encode("utf-8", "replace")
        try:
            self._is_cut_off = os.write(self._descriptor, data) < len(data)
        except OSError:
            return

    def close(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
