"""A drop folder from which everything has gone at once: a share that is not mounted, no deliveries withdrawn.

What belongs here: telling the two apart before anything is read. What does not: one file that has gone (`folder`).
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.declarations.source import FolderConnector, Source
from pipelines.settings import Settings


def why_not_read(settings: Settings, sources: Iterable[Source]) -> str | None:
    """What is wrong with a drop folder in which nothing lies while deliveries from it count; None where it can be read.

    The sample has no such folder, and a look back reads none.
    """
    folder = settings.deliveries_dir
    if settings.profile == "sample" or settings.as_of is not None:
        return None
    if folder.is_dir() and any(path.is_file() for path in folder.rglob("*")):
        return None
    counting = sum(_counting(settings, source) for source in sources if isinstance(source.connector, FolderConnector))
    if not counting:
        return None
    found = "an empty folder" if folder.is_dir() else "no such folder"
    return (
        f"{folder}: found {found}, expected deliveries: {counting} that came from it count. Is the share mounted? "
        "Nothing was withdrawn; to withdraw them all, leave any file in it that is no delivery"
    )


def _counting(settings: Settings, source: Source) -> int:
    """How many deliveries of a source were there when they were last looked for."""
    from pipelines.connectors.snapshot import SnapshotStore
    from pipelines.deliveries.withdrawal import read_absences, withdrawn_on

    absences = read_absences(settings.snapshots_dir, source.source_id)
    known = {snapshot.name for snapshot in SnapshotStore(settings.snapshots_dir).list(source.source_id)}
    return sum(withdrawn_on(absences, name, settings.today) is None for name in known)
