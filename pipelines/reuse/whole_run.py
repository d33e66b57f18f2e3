"""Whether a run would change anything at all, decided before anything heavy is imported.

What belongs here: what a run as a whole is made of, and the record of the last one that published. What does not: what
a single step is made of (`made_of`, `steps`).

A run that starts takes the record away, and one that published everything writes it: whatever breaks off in between
leaves none, and the next run does the work. The day on which lateness is judged is part of what a run is made of only
as far as it matters: up to the next date that any declaration or expected delivery names, a later day changes nothing.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.durable import write_atomically
from pipelines.reuse import made_of
from pipelines.settings import EARLIER_PSEUDONYM_KEYS_FILE, PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, Settings

if TYPE_CHECKING:
    import duckdb

_SETTINGS = (
    "profile",
    "as_of",
    "reference_year",
    "price_year",
    "publish_costliest_cases",
    "false_alarms_per_1000",
    "cbs_v4_url",
    "cbs_csv_url",
    "cbs_v3_url",
    "cbs_v3_third_url",
    "swing_url",
)
"""What of the settings changes a figure; where messages go, and how long things are kept, does not."""


@dataclass(frozen=True)
class LastRun:
    """The last run that published everything: from which inputs, and for which days it holds."""

    run_id: str
    publication_id: str
    delivered: str
    kept: str
    judged_on: dt.date
    holds_before: dt.date

    def holds_on(self, day: dt.date) -> bool:
        """Whether the verdicts of that run are those of this day as well."""
        return day == self.judged_on or self.judged_on < day < self.holds_before


def delivered(settings: Settings) -> str:
    """Program, settings, declarations and all files that lie there to be read, in one digest."""
    found = [path for path in settings.sources_dir.rglob("*") if path.is_file()]
    dropped = _below(settings.deliveries_dir) if settings.profile != "sample" else []
    return made_of.digest(
        made_of.program(),
        {name: getattr(settings, name) for name in _SETTINGS},
        made_of.files(found, settings.sources_dir),
        made_of.files(dropped, settings.deliveries_dir),
    )


def kept(settings: Settings) -> str:
    """What is kept of earlier deliveries, and the secrets that persons are pseudonymised with, in one digest."""
    from pipelines.connectors.snapshot import SnapshotStore

    SnapshotStore(settings.snapshots_dir).key()
    root = settings.snapshots_dir
    records = [
        path
        for path in root.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and (path.suffix == ".json" or path.parent == root)
    ]
    return made_of.digest(made_of.files(records, root), _secrets())


def begin(settings: Settings) -> str:
    """A run begins: the record of the last one is taken away. Returns what lies there to be read, in one digest."""
    forget_last_run(settings.state_dir)
    return delivered(settings)


def forget_last_run(state_dir: Path) -> None:
    """Take the record of the last run away: the next one does its work."""
    _path(state_dir).unlink(missing_ok=True)


def finish(settings: Settings, run_id: str, publication_id: str, begun_with: str) -> None:
    """A run of everything published: remember what it was made of.

    `begun_with` is what `begin` returned: what was delivered meanwhile is for the next run.
    """
    from pipelines.warehouse.connection import connect

    with connect(settings.warehouse_path) as connection:
        holds_before = _next_date(connection, settings.today)
    record = {
        "run_id": run_id,
        "publication_id": publication_id,
        "delivered": begun_with,
        "kept": kept(settings),
        "judged_on": settings.today.isoformat(),
        "holds_before": holds_before.isoformat(),
    }
    write_atomically(_path(settings.state_dir), json.dumps(record, indent=1) + "\n", mode=0o600)


def unchanged(settings: Settings) -> LastRun | None:
    """The last run, where doing it again would give what it published; else None.

    Publishers are not asked here. What is published is held against its checksums. An earlier publication that somebody
    went back to stays until something changes. What is damaged is for the run itself to tell.
    """
    from pipelines.connectors.snapshot import SnapshotError

    last = _read(_path(settings.state_dir))
    if last is None or not last.holds_on(settings.today) or not settings.warehouse_path.is_file():
        return None
    try:
        if last.delivered != delivered(settings) or last.kept != kept(settings):
            return None
    except SnapshotError:
        return None
    return last if _stands(settings, last.publication_id) else None


def _stands(settings: Settings, publication_id: str) -> bool:
    from pipelines.publish.standing import standing

    found = standing(settings)
    if found is None or found.damaged:
        return False
    return (found.restored.newest if found.restored else found.publication_id) == publication_id


def _next_date(connection: duckdb.DuckDBPyConnection, day: dt.date) -> dt.date:
    """The first date from this day on that a declaration or an expected delivery names."""
    columns = connection.execute(
        """
        select schema_name, table_name, column_name
        from duckdb_columns()
        where
            data_type = 'DATE'
            and column_name != 'today'
            and (schema_name = 'declared' or (schema_name = 'core' and table_name = 'expected'))
        """
    ).fetchall()
    dates = " union all ".join(f'select min("{c}") filter ("{c}" >= $day) as d from {s}."{t}"' for s, t, c in columns)
    ((found,),) = connection.execute(f"select coalesce(min(d), $day) from ({dates})", {"day": day}).fetchall()
    return dt.date.fromisoformat(str(found)[:10])


def _secrets() -> list[str]:
    """Digests of the secrets in the environment, and of the files that are named there, beside what they protect."""
    import os

    named = (PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, EARLIER_PSEUDONYM_KEYS_FILE)
    values = [os.environ.get(name, "") for name in named]
    paths = [Path(value).expanduser() for value in values[1:] if value]
    return [made_of.digest(values), *(text for path in paths for _, text in made_of.files([path], path.parent))]


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _path(state_dir: Path) -> Path:
    return state_dir / "state" / "last_run.json"


def _read(path: Path) -> LastRun | None:
    """None where there is no record, or one that cannot be read: then the run does its work."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return LastRun(
            **{
                **record,
                "judged_on": dt.date.fromisoformat(record["judged_on"]),
                "holds_before": dt.date.fromisoformat(record["holds_before"]),
            }
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
