"""Detection between files: a panel and a register in, breaks and their attribution out.

What belongs here: reading and writing the files of `nulmeting breaks detect`. What does not: what their columns
mean (`panel`, `events`, `result`), and the tables of the warehouse (`tables`).
"""

from __future__ import annotations

import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from pipelines.breaks.detect import detect
from pipelines.breaks.events import COLUMNS as EVENT_COLUMNS
from pipelines.breaks.panel import PanelError
from pipelines.breaks.result import Detection

GROUP_COLUMNS = ("group_code", "region_code")


def detect_files(
    panel: Path,
    out: Path,
    *,
    events: Path | None = None,
    groups: Path | None = None,
    attribution: Path | None = None,
    mirrors: Path | None = None,
    detectable: Path | None = None,
    false_alarms_per_1000: float = 15.0,
) -> Detection:
    """Detect breaks in the Parquet file `panel` and write them to `out`; the other tables where asked.

    `events` and `groups` are CSV (or Parquet) with the columns of `detect`. Files that are written are there whole,
    or not at all. Raises PanelError for a file that cannot be read or written, or a table that cannot be used.
    """
    found = detect(
        _parquet(panel, "panel"),
        None if events is None else _listed(events, "events", EVENT_COLUMNS),
        None if groups is None else _listed(groups, "groups", GROUP_COLUMNS),
        false_alarms_per_1000=false_alarms_per_1000,
    )
    _write(found.breaks, out)
    if attribution is not None:
        _write(found.attribution, attribution)
    if mirrors is not None:
        _write(found.mirrors, mirrors)
    if detectable is not None:
        _write(found.detectable, detectable)
    return found


def _parquet(path: Path, what: str) -> pa.Table:
    try:
        return pyarrow.parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise PanelError(f"{what}: {path}: {_reason(error)}, expected a Parquet file") from None


def _listed(path: Path, what: str, columns: tuple[str, ...]) -> pa.Table:
    """All columns as text: a year is a code here, and no number."""
    if path.suffix == ".parquet":
        return _parquet(path, what)
    options = pyarrow.csv.ConvertOptions(
        column_types={name: pa.string() for name in columns}, strings_can_be_null=True, null_values=[""]
    )
    try:
        return pyarrow.csv.read_csv(path, convert_options=options)
    except (OSError, pa.ArrowException) as error:
        raise PanelError(f"{what}: {path}: {_reason(error)}, expected a CSV file with a header") from None


def _write(table: pa.Table, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pyarrow.parquet.write_table(table, temporary)
        temporary.replace(path)
    except OSError as error:
        raise PanelError(f"{path}: {_reason(error)}, expected a place that can be written") from None
    finally:
        temporary.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "found no such file"
    if isinstance(error, OSError) and error.strerror:
        return f"found {error.strerror.lower()}"
    return f"found something else ({' '.join(str(error).split())[:120]})"
