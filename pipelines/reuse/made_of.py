"""What a step is made of, in digests: the program, a declaration, the files of a source, what is kept of it.

What belongs here: everything outside the warehouse on which a step depends. What does not: what tables hold
(`contents`). No digest tells a secret: of keys only their fingerprints go in, and a digest is never shown.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from pipelines.declarations.source import Source

_PROGRAM = ("pipelines", "expectations", "dbt_project")
_SUFFIXES = frozenset({".py", ".sql", ".yml", ".csv", ".md"})
_NOT_THE_PROGRAM = frozenset({"target", "logs", "__pycache__"})
_PIECE = 1024 * 1024


def digest(*parts: Any) -> str:
    """One text for all of these values, which are plain or say what they are (`str`)."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


@cache
def program() -> str:
    """The program: its files, the packages it is locked to, and the Python that runs it."""
    said = hashlib.sha256(sys.version.encode())
    lock = PROJECT_ROOT / "requirements.lock"
    for path in (*_program_files(), *([lock] if lock.is_file() else [])):
        said.update(f"{path.relative_to(PROJECT_ROOT)}\0".encode())
        said.update(path.read_bytes())
    return said.hexdigest()


def _program_files() -> list[Path]:
    return sorted(
        path
        for folder in _PROGRAM
        for path in (PROJECT_ROOT / folder).rglob("*")
        if path.suffix in _SUFFIXES and not _NOT_THE_PROGRAM.intersection(path.relative_to(PROJECT_ROOT).parts)
    )


def files(paths: Iterable[Path], root: Path) -> list[tuple[str, str]]:
    """Name below `root` and checksum of every file; one that cannot be read counts by what kept it from being read."""
    return [(path.relative_to(root).as_posix(), _checksum(path)) for path in sorted(paths)]


def _checksum(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"{type(error).__name__} {error.errno}"


def kept(settings: Settings, source_id: str) -> list[tuple[str, str]]:
    """What is kept of a source: the record of every vintage, each of which has the checksums of its files.

    With it goes the key of this installation, which nobody knows who cannot read the deliveries: without it a guess
    at what stands in a delivery about persons could be tried by a digest of its bytes.
    """
    from pipelines.connectors.snapshot import SnapshotStore

    SnapshotStore(settings.snapshots_dir).key()
    root = settings.snapshots_dir
    records = [
        path
        for path in (root / source_id).rglob("*.json")
        if not any(part.startswith(".") for part in path.relative_to(root).parts)
    ]
    about_all = [path for path in root.glob("*") if path.is_file() and not path.name.startswith(".")]
    return files([*records, *about_all], root)


def delivered(settings: Settings, source: Source) -> list[tuple[str, str]]:
    """The files that lie there for a source that comes as files, those that may describe them too."""
    from pipelines.connectors.folder import find_deliveries
    from pipelines.declarations.source import FolderConnector, SwingReader

    assert isinstance(source.connector, FolderConnector)  # noqa: S101 - for the type checker
    if settings.as_of is not None:
        return []
    found = set(find_deliveries(settings.deliveries_dir, source.connector))
    if isinstance(source.reader, SwingReader) and source.reader.metadata is not None:
        found |= {beside for path in found for beside in path.parent.iterdir() if beside.is_file()}
    return files(found, settings.deliveries_dir)


def key_of(settings: Settings, source: Source) -> str:
    """The fingerprint of the key that persons in the source are pseudonymised with, or why there is none."""
    from pipelines.privacy.pseudonym import PseudonymKeyError, key_for

    try:
        key = key_for(source, settings)
    except PseudonymKeyError as error:
        return error.found
    return key.fingerprint if key else ""
