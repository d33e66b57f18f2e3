"""Removing for good: alone in the data directory, out of the working warehouse, and with a line for everything removed.

What belongs here: what erasure on request and retention by rule have in common. What does not: what is to be removed
(`erasure`, `by_rule`).

    <data directory>/removed.log    one line per thing removed, for its owner to read alone; never about a person
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.reuse.whole_run import forget_last_run
from pipelines.settings import Settings, SetupError
from pipelines.warehouse.connection import empty_warehouse

LOG: Final = "removed.log"
ERASURE: Final = "erasure on request"
_OWNER_ONLY: Final = 0o600
_BUSY_SECONDS: Final = 5.0


@dataclass(frozen=True)
class LeftOut:
    """Rows of persons that are left out of one vintage, by how many they are."""

    source_id: str
    vintage_id: str
    rows: int


@contextlib.contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """With the lock that a run holds. Raises SetupError where no run ever wrote, RunBusyError where one is on."""
    from filelock import FileLock, Timeout

    from pipelines.main_job import RunBusyError

    if not settings.snapshots_dir.is_dir():
        raise SetupError(
            f"{settings.data_dir}: found no deliveries kept, expected those of earlier runs; see --data-dir"
        )
    try:
        lock = FileLock(settings.data_dir / ".run.lock", timeout=_BUSY_SECONDS).acquire()
    except Timeout:
        raise RunBusyError(f"a run is writing {settings.data_dir}; wait until it has ended") from None
    except OSError as error:
        raise SetupError(f"{settings.data_dir}: cannot be written ({error.strerror}); see --data-dir") from None
    with lock:
        yield


def empty_warehouses(settings: Settings, because: str) -> int:
    """Renew the warehouse of now and those of the days that were looked back at; how many there were.

    The next run builds them again, also where nothing else has changed.
    """
    folders = (settings.data_dir, *sorted((settings.data_dir / "as-of").glob("*")))
    name = settings.warehouse_path.name
    for folder in folders:
        forget_last_run(folder)
    removed = [folder / name for folder in folders if empty_warehouse(folder / name)]
    for path in removed:
        note(settings, because, path.relative_to(settings.data_dir).as_posix())
    return len(removed)


def was_noted(settings: Settings, because: str) -> bool:
    """Whether anything was ever removed for this reason."""
    path = settings.data_dir / LOG
    return path.is_file() and f" {because}: " in path.read_text(encoding="utf-8")


def note(settings: Settings, because: str, what: str) -> None:
    """Write down that something is removed. It is on the disk when this returns."""
    now = dt.datetime.now(dt.UTC).isoformat(sep=" ", timespec="seconds")
    path: Path = settings.data_dir / LOG
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _OWNER_ONLY)
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        file.write(f"{now} {because}: {what}\n")
        file.flush()
        os.fsync(file.fileno())
