"""What runs found and nobody heard: of a run that was killed, or one whose findings could not be recorded.

What belongs here: finding such runs, without Dagster and whoever started them, and recording what they found. What does
not: gathering what one run found (`findings`), and sending (`alerts`).

A killed run cannot tell that it was; whoever comes next does, be it a run, `nulmeting alerts send` or the sensor that
comes by every minute.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.alerts.findings import ITSELF
from pipelines.findings import write_findings
from pipelines.run_folder import RunFolder, lock_of, note_of_holder
from pipelines.settings import Settings

_KILLED = "Het proces van de run is beëindigd voordat zij klaar was: geheugen vol, machine herstart, of met de hand."


def was_killed(settings: Settings) -> bool:
    """Whether a run may have been killed: there is a note of it, which the next run takes away."""
    return note_of_holder(settings).is_file()


def record_untold(settings: Settings, now: dt.datetime) -> None:
    """Record the findings that no outbox knows, oldest run first: they are sent with what waits.

    Only of runs that ended after the last one that was recorded, so that an outbox that was lost brings back what is
    open now and not the past. Raises AlertError and OSError as recording does.
    """
    from pipelines.alerts.dispatch import record_runs

    if not settings.runs_dir.is_dir():
        return
    try:
        with FileLock(lock_of(settings), timeout=0):
            write_down(settings)
    except Timeout:
        # A run is on, and its findings are its own affair.
        pass
    record_runs(settings, sorted(settings.runs_dir.glob("*/findings.json")), now)


def write_down(settings: Settings) -> None:
    """Write the findings of runs that came to no word themselves. The lock of runs is held."""
    for published in settings.runs_dir.glob("*/publication.json"):
        if not (published.parent / "findings.json").is_file():
            write_findings(settings, published.parent.name, None, ended_at=_last_change(published.parent))
    if not was_killed(settings):
        return
    run_id = note_of_holder(settings).read_text(encoding="utf-8").strip()
    folder = RunFolder(settings, run_id).path
    if run_id and folder.is_dir() and not (folder / "findings.json").is_file():
        write_findings(settings, run_id, ITSELF, cause=_KILLED, ended_at=_last_change(folder))


def _last_change(folder: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(max(path.stat().st_mtime for path in (folder, *folder.iterdir())), dt.UTC)
