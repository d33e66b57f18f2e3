"""Going back to an earlier publication: checked first, swapped in one step, and written down with who, when and why.

What belongs here: the act and its record, `published/restored.json`. What does not: which publications stand
(`versions`), and how one comes to count (`place`). The record is a list, oldest first, and nothing is ever removed from
it; its last entry tells of the present only while the publication that it names counts.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from pipelines.durable import write_atomically
from pipelines.publish.place import standing_folder, swap
from pipelines.publish.versions import FORMAT, PublicationDamaged, published_root, verify, versions_of
from pipelines.settings import Settings, SetupError

RECORD = "restored.json"

_BUSY_SECONDS = 1.0


class RestoreError(Exception):
    """A publication cannot be gone back to; what was published stands. The message says what to do."""


@dataclass(frozen=True)
class Restoration:
    """One going back: to `publication_id`, `instead_of` the one that counted, while `newest` was the last one made."""

    publication_id: str
    instead_of: str
    newest: str
    restored_at: str
    by: str
    because: str


def restore(settings: Settings, publication_id: str, because: str, by: str) -> tuple[Restoration, tuple[str, ...]]:
    """Make an earlier publication the one that counts; returns what was written down, and what did not come along.

    Raises SetupError for one that does not stand here or counts already, an empty reason or name, and one of a later
    release; RestoreError for one whose bytes are not those it was made with, and while a run is writing.
    """
    root = published_root(settings)
    because, by = " ".join(because.split()), " ".join(by.split())
    if not because:
        raise SetupError("--because: found no reason, expected a sentence that a later reader understands")
    if not by:
        raise SetupError("--by: found no name, and none in git, expected who decides")
    if not root.is_dir():
        raise SetupError(f"{root}: found nothing published, expected the publication {publication_id}")
    try:
        with FileLock(settings.data_dir / ".run.lock", timeout=_BUSY_SECONDS):
            return _restore(root, publication_id, because, by)
    except Timeout:
        raise RestoreError(
            f"{settings.data_dir}: another run is writing, and would publish after this; wait until it has ended"
        ) from None
    except OSError as error:
        raise RestoreError(f"{root}: cannot be written ({error.strerror}); what was published stands") from None


def _restore(root: Path, publication_id: str, because: str, by: str) -> tuple[Restoration, tuple[str, ...]]:
    versions = versions_of(root)
    chosen = next((version for version in versions if version.publication_id == publication_id), None)
    standing = standing_folder(root)
    if chosen is None:
        there = ", ".join(version.publication_id for version in versions) or "none"
        raise SetupError(f"{publication_id}: found no such publication in {root}, expected one of: {there}")
    if standing is not None and standing.name == publication_id and standing.is_dir():
        raise SetupError(f"{publication_id}: counts already, expected an earlier one")
    if chosen.manifest is not None and chosen.manifest.get("format", 1) > FORMAT:
        raise SetupError(
            f"{publication_id}: found format {chosen.manifest['format']}, expected {FORMAT} at most; it was made by "
            f"release {chosen.manifest.get('release')}: go back to it with that release"
        )
    try:
        differing = verify(chosen.folder)
    except PublicationDamaged as error:
        raise RestoreError(f"{error}; it is not restored, and what was published stands") from None
    if differing:
        raise RestoreError(
            f"{chosen.folder}: found other bytes than were published in {', '.join(differing)}; it is not restored, "
            "and what was published stands; choose another, or put the folder back from a backup"
        )
    entry = Restoration(
        publication_id=publication_id,
        instead_of=standing.name if standing is not None else "",
        newest=versions[-1].publication_id,
        restored_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        by=by,
        because=because,
    )
    # Written first: an entry about a swap that did not come is told apart by what counts, a swap without an entry
    # would look like a run's.
    entries = [asdict(one) for one in (*restorations(root), entry)]
    write_atomically(root / RECORD, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
    return entry, swap(root, chosen.folder)


def restorations(root: Path) -> tuple[Restoration, ...]:
    """Every going back so far, oldest first. Raises SetupError for a record that cannot be read."""
    path = root / RECORD
    if not path.is_file():
        return ()
    try:
        return tuple(Restoration(**entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise SetupError(f"{path}: cannot be read, expected a list as it was written; move it away") from None


def standing_restoration(root: Path) -> Restoration | None:
    """The going back that counts now; None where what counts was the newest that was made, or came after it."""
    folder = standing_folder(root)
    last = next(reversed(restorations(root)), None)
    if folder is None or last is None or last.publication_id != folder.name or last.publication_id == last.newest:
        return None
    return last


def is_gone_back(root: Path) -> bool:
    """Whether a later publication may have counted before the one that does; a record nobody can read says so."""
    try:
        return standing_restoration(root) is not None
    except SetupError:
        return True
