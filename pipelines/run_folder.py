"""What the steps of one run tell each other and whoever asks afterwards: small JSON files in a folder per run."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

from pipelines.durable import write_atomically
from pipelines.settings import Settings

KEPT_RUNS = 200
LOGS_OF_A_RUN = 2


class RunFolder:
    """The folder of one run. Files are written whole, or not at all."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self.path = settings.runs_dir / run_id

    def write(self, name: str, values: Any) -> None:
        """Write `values` as `<name>.json`."""
        write_atomically(self.path / f"{name}.json", json.dumps(values, ensure_ascii=False, default=str))

    def read(self, name: str) -> Any | None:
        """What was written under `name`, or None where the run did not come that far."""
        path = self.path / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def lock_of(settings: Settings) -> Path:
    """The file that a run holds locked while it writes: one for a data directory, whatever day is looked back at."""
    return settings.data_dir / ".run.lock"


def note_of_holder(settings: Settings) -> Path:
    """Holds the id of the run that has the lock; one that outlives the lock belongs to a killed process.

    Beside the Dagster instance that knows the run: a look back at an earlier day has one of its own.
    """
    return settings.state_dir / ".run.holder"


def forget_old_runs(settings: Settings) -> None:
    """Keep the folders and the logs of the latest runs only, and none that `[retention] runs_days` lets go."""
    kept_too_long = runs_too_old(settings, dt.datetime.now(dt.UTC))
    latest = _but_latest(settings.runs_dir, KEPT_RUNS), _but_latest(settings.logs_dir, KEPT_RUNS * LOGS_OF_A_RUN)
    for old in {*latest[0], *latest[1], *kept_too_long}:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)


def runs_too_old(settings: Settings, now: dt.datetime) -> tuple[Path, ...]:
    """The folders and logs of runs of more than `runs_days` days ago; the latest run of all is never one of them."""
    days = settings.retention.runs_days
    if days is None:
        return ()
    before = (now - dt.timedelta(days=days)).timestamp()
    return tuple(
        entry
        for folder, of_a_run in ((settings.runs_dir, 1), (settings.logs_dir, LOGS_OF_A_RUN))
        for entry in _by_age(folder)[:-of_a_run]
        if entry.stat().st_mtime < before
    )


def _but_latest(folder: Path, kept: int) -> list[Path]:
    return _by_age(folder)[:-kept]


def _by_age(folder: Path) -> list[Path]:
    """What lies in a folder, the oldest first."""
    return sorted(folder.iterdir(), key=lambda entry: entry.stat().st_mtime) if folder.is_dir() else []
