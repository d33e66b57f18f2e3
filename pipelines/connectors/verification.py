"""Every snapshot held against its checksums at once: which are damaged, and how each can be had again.

What belongs here: going through all of them. What does not: what makes a snapshot whole (`snapshot`), and refusing one
that is not when a run reads it, which happens there whatever was verified here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pipelines.connectors.snapshot import Snapshot, SnapshotCorrupt, SnapshotStore
from pipelines.declarations.source import FolderConnector, Source

_MOST_AT_ONCE = 8


@dataclass(frozen=True)
class DamagedSnapshot:
    """A snapshot that is not what was put there: its folder, what was found and expected, and what to do."""

    folder: Path
    found: str
    remedy: str


@dataclass(frozen=True)
class Verified:
    """What came of it: how many snapshots and files were held against their checksums, and which failed."""

    snapshots: int
    files: int
    damaged: tuple[DamagedSnapshot, ...]


def verify_snapshots(root: Path, sources: Iterable[Source] = ()) -> Verified:
    """Compute every checksum under `root` again. `sources` tell where a damaged delivery came from.

    Several are read at a time: the disk and the computing of checksums wait for each other otherwise.
    """
    store = SnapshotStore(root)
    declared = {source.source_id: source for source in sources}

    def held(folder: Path) -> Snapshot | SnapshotCorrupt | None:
        try:
            return store.verify_folder(folder)
        except SnapshotCorrupt as error:
            return error

    with ThreadPoolExecutor(min(_MOST_AT_ONCE, os.cpu_count() or 1)) as pool:
        found = list(pool.map(held, store.folders()))
    whole = [one for one in found if isinstance(one, Snapshot)]
    damaged = [one for one in found if isinstance(one, SnapshotCorrupt)]
    return Verified(
        snapshots=len(whole) + len(damaged),
        files=sum(len(one.files if one.has_bytes else one.in_place_of_bytes) for one in whole),
        damaged=tuple(DamagedSnapshot(one.folder, one.found, _remedy(one.folder, declared)) for one in damaged),
    )


def _remedy(folder: Path, declared: dict[str, Source]) -> str:
    source, name = declared.get(folder.parent.parent.name), folder.parent.name
    backup = "put the folder back from a backup"
    if source is None:
        return f"{backup}, or move it away"
    if source.person_level:
        return f"{backup}, or move it away and deliver {name} again: no bytes of it were kept"
    if isinstance(source.connector, FolderConnector):
        return f"{backup}, or move it away and deliver {name} again: the next run keeps it anew"
    return (
        f"{backup}, or move it away: the next run fetches {name} anew from {source.publisher}, as it is published "
        "then; an earlier vintage comes from a backup only"
    )
