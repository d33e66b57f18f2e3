"""The publications that stand on disk: which there are, whether their bytes are those they were made with.

What belongs here: reading and checking what was published, and which of it is kept. What does not: making a
publication (`publication`), making one count (`place`), going back to an earlier one (`restore`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.durable import write_atomically
from pipelines.publish.place import MANIFEST, VERSIONS, remove, set_aside, standing_folder
from pipelines.settings import Settings

FORMAT = 2
"""Of the folder and its manifest. 1, which did not say so, had no number, sizes, release and checksum of its own."""

_OWN_CHECKSUM = "manifest_sha256"


class PublicationDamaged(ValueError):  # noqa: N818 - the name says what it is
    """What lies in a publication cannot be read; the message names the folder and what was found."""


@dataclass(frozen=True)
class Version:
    """A publication that stands. `number` counts them as they were made, whatever the clock said; 0 before there
    were numbers. `manifest` is None where it cannot be read.
    """

    publication_id: str
    folder: Path
    number: int
    manifest: dict[str, Any] | None

    @property
    def month(self) -> str | None:
        """The month in which it was made, by the clock of then: `2026-11`."""
        return str(self.manifest["published_at"])[:7] if self.manifest else None


def published_root(settings: Settings) -> Path:
    """The folder `published`."""
    return settings.published_path.parent


def versions_of(root: Path) -> tuple[Version, ...]:
    """Every publication that stands, in the order in which they were made; what cannot be read comes first."""
    folders = sorted(path for path in (root / VERSIONS).glob("[!.]*") if path.is_dir())
    found = (_version(folder) for folder in folders)
    return tuple(sorted(found, key=lambda one: (one.number, one.publication_id)))


def _version(folder: Path) -> Version:
    try:
        manifest = read_manifest(folder)
    except PublicationDamaged:
        return Version(folder.name, folder, -1, None)
    return Version(folder.name, folder, manifest.get("number", 0), manifest)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a publication. Raises PublicationDamaged where it is missing, or is not what was written."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        is_whole = isinstance(manifest["checksums"], dict) and bool(manifest["published_at"])
    except OSError as error:
        raise PublicationDamaged(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole or manifest.get(_OWN_CHECKSUM) not in (None, _checksum_of(manifest)):
        raise PublicationDamaged(f"{path}: found other text than was published")
    return dict(manifest)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a publication, with a checksum of its own."""
    signed = {**manifest, _OWN_CHECKSUM: _checksum_of(manifest)}
    write_atomically(folder / MANIFEST, json.dumps(signed, indent=1, ensure_ascii=False) + "\n")


def _checksum_of(manifest: dict[str, Any]) -> str:
    told = {name: value for name, value in manifest.items() if name != _OWN_CHECKSUM}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def current(settings: Settings) -> dict[str, Any] | None:
    """The manifest of the set that is published now, or None when nothing readable is."""
    folder = standing_folder(published_root(settings))
    try:
        return read_manifest(folder) if folder is not None else None
    except PublicationDamaged:
        return None


def verify(folder: Path) -> list[str]:
    """The files of a publication whose bytes are not those it was made with, those that are missing or were added.

    Raises PublicationDamaged where the manifest itself cannot be read.
    """
    return _differing(folder, read_manifest(folder), by_checksum=True)


def looks_whole(folder: Path) -> bool:
    """Whether a publication has all its files in their sizes: quick, and blind to a changed byte (`verify`)."""
    try:
        return not _differing(folder, read_manifest(folder), by_checksum=False)
    except PublicationDamaged:
        return False


def _differing(folder: Path, manifest: dict[str, Any], *, by_checksum: bool) -> list[str]:
    checksums: dict[str, str] = manifest["checksums"]
    sizes: dict[str, int] = manifest.get("sizes", {})
    wrong = []
    for name, checksum in checksums.items():
        path = folder / name
        try:
            size = path.stat().st_size
            differs = sizes.get(name, size) != size or (by_checksum and sha256_of(path) != checksum)
        except OSError:
            # Missing, or a disk that gives it back no more.
            differs = True
        if differs:
            wrong.append(name)
    # A log of changes beside a database is part of what its readers see.
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return wrong + sorted(there - set(checksums) - {MANIFEST})


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def next_number(versions: Sequence[Version]) -> int:
    """The number of the publication that is made now. It is not the clock that tells which came later."""
    return max(0, *(version.number for version in versions), 0) + 1


def retained(versions: Sequence[Version], keep: int, keep_monthly: int) -> set[str]:
    """Which publications stay: the newest `keep`, and the last of each of the newest `keep_monthly` months."""
    newest_first = list(reversed(versions))
    last_of_month: dict[str, str] = {}
    for version in newest_first:
        if version.month is not None:
            last_of_month.setdefault(version.month, version.publication_id)
    monthly = list(last_of_month.values())[:keep_monthly]
    return {version.publication_id for version in newest_first[:keep]} | set(monthly)


def prune(root: Path, settings: Settings, protected: Collection[str]) -> None:
    """Remove the publications that are not retained, and what earlier removals left behind.

    Never fails: what a reader holds on to stays for the next time.
    """
    for left_over in (root / VERSIONS).glob(".removed-*"):
        remove(left_over)
    versions = versions_of(root)
    stays = retained(versions, settings.keep_publications, settings.keep_monthly_publications) | set(protected)
    for version in versions:
        if version.publication_id not in stays:
            set_aside(version.folder)
