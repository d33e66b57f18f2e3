"""Sources of CBS for tests, and the way of their answers from a fetch to the files that a reader is given.

What belongs here: what tests of both versions of the service need alike. What does not: the tables themselves
(`servers`, `cbs_v3_server`, `live_tables`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.connectors.cbs_v4 import FetchedTable
from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import (
    CbsV3Connector,
    CbsV3Reader,
    CbsV4Connector,
    CbsV4Reader,
    Origin,
    Source,
)


def source_of(connector: CbsV4Connector | CbsV3Connector, reader: CbsV4Reader | CbsV3Reader, **more: Any) -> Source:
    """A source of the profile `live`, called `cbs_klein` unless `more` says otherwise."""
    told: dict[str, Any] = {
        "source_id": "cbs_klein",
        "title": "Een kleine tabel",
        "publisher": "CBS",
        "licence": "CC BY 4.0",
        "cadence": "yearly",
        "profiles": ("live",),
        "origin": Origin(producer="CBS", citation="CBS"),
    }
    return Source(connector=connector, reader=reader, **(told | more))


def files_of(table: Mapping[str, bytes], figures: str) -> dict[str, bytes]:
    """A table by the names that its files have in a snapshot; the pages of `figures` are numbered in their order."""
    pages = [key for key in table if key.startswith(figures)]
    names = {key: f"{figures}-{number:04d}" for number, key in enumerate(pages, start=1)} | {figures: figures}
    return {f"{names.get(key, key)}.json": content for key, content in table.items()}


def kept(fetched: FetchedTable, source_id: str, root: Path) -> Snapshot:
    """What was fetched, as a run keeps it."""
    return SnapshotStore(root).put_files(
        source_id,
        fetched.table,
        {file.name: file.path for file in fetched.files},
        origin=fetched.url,
        fetched_at=fetched.fetched_at,
        vintage_date=fetched.modified,
        vintage_label=fetched.version,
    )
