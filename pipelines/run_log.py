"""The log of one run: `logs/<run id>.log` in the data directory, for whoever wants to know more than the summary says.

What belongs here: which of Dagster's events are told, and how a failure is written down with its trace. What does
not: what a person reads at the terminal (`summary`). Whatever could identify a person is withheld, as everywhere.
"""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from pipelines.settings import Settings

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


class RunLog:
    """The open log of one run; a context manager. `titles` has what the steps are called, by step key."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self.path: Path = settings.logs_dir / f"{run_id}.log"
        self.titles: dict[str, str] = {}
        self._step: str | None = None
        self._has_failed_step = False
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def begin(self, title: str) -> None:
        """A step says what it is called; a listener of `progress`."""
        if self._step is not None:
            self.titles.setdefault(self._step, title)

    def event(self, entry: EventLogEntry) -> None:
        """One entry of Dagster's event log; a listener of the instance."""
        event = entry.dagster_event
        level = entry.level if isinstance(entry.level, int) else logging.getLevelName(entry.level)
        kind = event.event_type_value if event else ""
        if kind == "STEP_START":
            self._step = entry.step_key
        if kind in _NOT_TOLD or (event is None and level < logging.INFO):
            return
        # Dagster marks its own events as debugging; here they are the story of the run.
        self._write(entry.timestamp, max(level, logging.INFO), entry.step_key, (event or entry).message or kind)
        error = getattr(event.event_specific_data, "error", None) if event else entry.error_info
        # The failure of the run repeats that of its step.
        if error is not None and (entry.step_key or not self._has_failed_step):
            self._has_failed_step = entry.step_key is not None
            self._write(entry.timestamp, logging.ERROR, entry.step_key, error.to_string())

    def failure(self, error: BaseException) -> None:
        """An exception outside the steps, with its trace."""
        text = "".join(traceback.format_exception(error))
        self._write(dt.datetime.now(dt.UTC).timestamp(), logging.ERROR, None, text)

    def _write(self, timestamp: float, level: int, step: str | None, message: str) -> None:
        if self._file is None:
            return
        moment = dt.datetime.fromtimestamp(timestamp, dt.UTC).isoformat(sep=" ", timespec="milliseconds")
        place = f"{moment} {logging.getLevelName(level):<7} {step or 'run'}: "
        try:
            self._file.writelines(f"{place}{line}\n" for line in _withheld(message.strip().splitlines()))
        except OSError:
            # A full disk must not stop the run for its log's sake; the step that needs the disk will say so.
            self._file = None


def _withheld(lines: list[str]) -> list[Any]:
    """The lines without what could identify a person."""
    import pyarrow as pa

    from pipelines.privacy import redact

    kept: list[Any] = redact(pa.array(lines, pa.string())).to_pylist()
    return kept
