"""Immutable snapshots: the exact bytes of every delivery, with checksum, origin and time of fetching.

What belongs here: keeping bytes so that a vintage can never change or be seen half-written. What does not:
fetching them (`cbs_v4`, `folder`), reading them (`readers`), deciding which vintage counts (`deliveries`).

    <root>/<source_id>/<name>/<first 16 digits of the checksum, or of the mark>/   the files, and snapshot.json

A snapshot comes into being by one rename of a complete, synced folder. What a killed writer leaves has a name
that starts with a dot: nobody reads it, and the next writer removes it, or puts it in its place where it is whole.
Of a person-level delivery no byte is kept, and no checksum either, by which a guess at the bytes could be tried: only
snapshot.json with a mark in its place, and what was made of the delivery under pseudonyms, where that is given.

Beside the sources lies `vintages.key`, the key of this installation, for vintages whose checksum may be told nobody.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipelines.durable import sync, write_atomically

_RECORD = "snapshot.json"
_OWN_CHECKSUM = "record_sha256"
_READY = ".ready-"
_KEY = "vintages.key"
_KEY_BYTES = 32
_FORMAT = 1
_FORMAT_OF_MARKED = 2
_CHUNK = 1024 * 1024
_LOCK_SECONDS = 600.0
_SOURCE_ID = re.compile(r"[a-z][a-z0-9_]*")
_WHAT_TO_DO_ABOUT_THE_KEY = "put the file back from a backup, or remove it: vintages are then called otherwise"
_WHAT_TO_DO = (
    "put the folder back from a backup, or move it away and deliver again; `nulmeting verify` finds all that is damaged"
)


class SnapshotError(Exception):
    """A snapshot could not be made."""


class SnapshotCorrupt(Exception):  # noqa: N818 - the name says what it is
    """What lies in a snapshot is not what was put there. Names the folder, what was found and what to do."""

    def __init__(self, folder: Path, found: str) -> None:
        super().__init__(f"{folder}: {found}; {_WHAT_TO_DO}")
        self.folder = folder
        self.found = found


@dataclass(frozen=True)
class SnapshotFile:
    """One file of a snapshot."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Mark:
    """What a delivery is told from others by when its bytes are not kept: 32 hexadecimal digits or more.

    `key` is the fingerprint of the key that they were computed with; None where no key had to be.
    """

    digits: str
    key: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """One vintage of one delivery.

    `checksum` is the file's own SHA-256, or that over the list of several files (as `sha256sum * | sha256sum`
    gives it); `fetched_at` is the time at which these bytes came first, in UTC. Where no byte is kept there are no
    `files`, and the digits of a mark are the `checksum`, made with `mark_key`. `called` takes the place of the checksum
    in the name of the vintage, where that would tell too much; it is never kept.
    """

    source_id: str
    name: str
    checksum: str
    files: tuple[SnapshotFile, ...]
    origin: str
    fetched_at: dt.datetime
    vintage_date: dt.date | None
    vintage_label: str | None
    has_bytes: bool
    folder: Path
    in_place_of_bytes: tuple[SnapshotFile, ...] = ()
    mark_key: str | None = None
    called: Mark | None = field(default=None, compare=False)

    @property
    def tells_checksum(self) -> bool:
        """Whether an earlier release wrote the checksum of bytes that are not kept."""
        return not self.has_bytes and bool(self.files)

    @property
    def vintage_id(self) -> str:
        """The name of this vintage everywhere in the warehouse."""
        digits = self.called.digits if self.called else self.checksum
        return f"{self.source_id}/{self.name}/{digits[:12]}"

    def was_known_on(self, day: dt.date) -> bool:
        """Whether this vintage was there on a day: published by then, or fetched where that is not told."""
        return (self.vintage_date or self.fetched_at.date()) <= day

    def read_files(self) -> dict[str, bytes]:
        """The bytes by file name, each checked. Raises SnapshotCorrupt; SnapshotError where none are kept."""
        return dict(self.open_files())

    def open_files(self) -> Mapping[str, bytes]:
        """The same, each file read and checked when it is taken, and not held: for what is read file by file."""
        if not self.has_bytes:
            raise SnapshotError(f"{self.vintage_id}: only the account of this delivery is kept, not its bytes")
        return _KeptFiles(self)

    def read_in_place_of_bytes(self) -> dict[str, bytes]:
        """What is kept of a delivery whose bytes are not, by file name, each checked. Raises SnapshotCorrupt."""
        return {file.name: _checked_bytes(self.folder, file) for file in self.in_place_of_bytes}


class _KeptFiles(Mapping[str, bytes]):
    """The files of a snapshot by name."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._folder = snapshot.folder
        self._files = {file.name: file for file in snapshot.files}

    def __getitem__(self, name: str) -> bytes:
        return _checked_bytes(self._folder, self._files[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class SnapshotStore:
    """All snapshots under one folder. Several processes may use it; writers wait for one another."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_files(
        self,
        source_id: str,
        name: str,
        files: Mapping[str, bytes | Path],
        *,
        origin: str,
        fetched_at: dt.datetime,
        vintage_date: dt.date | None = None,
        vintage_label: str | None = None,
    ) -> Snapshot:
        """Keep these files, given as bytes or as a path to copy, as one vintage of the delivery `name`.

        The same bytes again give the snapshot that is there, with the time, date and label of the first time.
        Raises ValueError for names that cannot be part of a path and a time without a zone, SnapshotCorrupt
        where something else lies in its place, SnapshotError where a file changes while it is being copied.
        """
        return self._put(
            source_id,
            name,
            files,
            origin=origin,
            fetched_at=fetched_at,
            vintage_date=vintage_date,
            vintage_label=vintage_label,
        )

    def put_without_bytes(
        self,
        source_id: str,
        name: str,
        files: Mapping[str, bytes | Path],
        mark: Mark,
        *,
        origin: str,
        fetched_at: dt.datetime,
        vintage_date: dt.date | None = None,
        vintage_label: str | None = None,
        in_place_of_bytes: Mapping[str, bytes] | None = None,
    ) -> Snapshot:
        """Keep no byte of these files, and of what can be computed of them only a mark (a person-level delivery).

        Where the same bytes or their checksum were kept earlier, those are removed and the time of the first fetch
        stays. `in_place_of_bytes` are files made of them that name no person; others that were kept in place of the
        same bytes make way for them, and stay where none are given. Raises as `put_files` does.
        """
        return self._put(
            source_id,
            name,
            files,
            origin=origin,
            fetched_at=fetched_at,
            vintage_date=vintage_date,
            vintage_label=vintage_label,
            mark=mark,
            in_place_of_bytes=in_place_of_bytes,
        )

    def put_mark(self, snapshot: Snapshot, mark: Mark) -> Snapshot:
        """Give a delivery whose bytes are not kept another mark, in place of the one or the checksum that it has.

        Nothing else of it changes. Where the other mark is known already, what has something in place of its bytes
        stays. Raises ValueError for a snapshot whose bytes are kept.
        """
        if snapshot.has_bytes:
            raise ValueError("expected a delivery of which no byte is kept")
        folder = self._folder(snapshot.source_id, snapshot.name, mark.digits)
        marked = replace(snapshot, checksum=mark.digits, mark_key=mark.key, files=(), folder=folder)
        with self._alone():
            known = self._known(folder, mark.digits)
            if known is None or (snapshot.in_place_of_bytes and not known.in_place_of_bytes):
                self._write(marked, snapshot.read_in_place_of_bytes())
            else:
                marked = known
            if folder != snapshot.folder:
                self._remove(snapshot)
        return marked

    def put_in_place_of_bytes(self, snapshot: Snapshot, made: Mapping[str, bytes]) -> Snapshot:
        """Keep other files in place of the bytes of a delivery that is known; what was kept before is removed.

        Raises ValueError for a snapshot whose bytes are kept, or the checksum of them.
        """
        if snapshot.has_bytes or snapshot.tells_checksum:
            raise ValueError("expected a delivery of which no byte is kept, and a mark in place of its checksum")
        kept = tuple(SnapshotFile(_valid_file_name(file), *_measure(made[file])) for file in sorted(made))
        replaced = replace(snapshot, in_place_of_bytes=kept)
        with self._alone():
            self._write(replaced, made)
        return replaced

    def remove(self, snapshot: Snapshot) -> None:
        """Take a whole snapshot away, in one step; one that has gone already is no error."""
        with self._alone():
            if snapshot.folder.exists():
                self._remove(snapshot)

    def tidy(self) -> None:
        """Finish or remove what killed writers left, so that nothing of what was replaced or removed lies there."""
        if self._root.is_dir():
            with self._alone():
                pass

    @property
    def root(self) -> Path:
        """The folder that all snapshots lie under."""
        return self._root

    def source_ids(self) -> tuple[str, ...]:
        """Every source of which anything was kept, declared or not."""
        names = (path.name for path in _visible_folders(self._root))
        return tuple(sorted(name for name in names if _SOURCE_ID.fullmatch(name)))

    def verify(self, snapshot: Snapshot) -> None:
        """Compute every checksum again; raises SnapshotCorrupt for what is missing, changed or added."""
        folder = snapshot.folder
        if self._load(folder) != snapshot:
            raise SnapshotCorrupt(folder, f"{_RECORD} was changed since it was written")
        kept = snapshot.files if snapshot.has_bytes else snapshot.in_place_of_bytes
        expected = {file.name for file in kept}
        found = {path.name for path in folder.iterdir()} - {_RECORD}
        if found != expected:
            odd = sorted(found ^ expected)
            raise SnapshotCorrupt(folder, f"found files {sorted(found)}, expected {sorted(expected)}: see {odd}")
        for file in kept:
            size, digest = _measure(folder / file.name)
            if (size, digest) != (file.size, file.sha256):
                raise SnapshotCorrupt(folder, _difference(file, size, digest))

    def folders(self) -> tuple[Path, ...]:
        """Where every snapshot lies, of all sources, sorted by path; none of them is opened."""
        sources = (path for path in _visible_folders(self._root) if _SOURCE_ID.fullmatch(path.name))
        deliveries = (delivery for source in sources for delivery in _visible_folders(source))
        return tuple(sorted(folder for delivery in deliveries for folder in _visible_folders(delivery)))

    def verify_folder(self, folder: Path) -> Snapshot | None:
        """The snapshot that lies there, every checksum computed again; None where it has gone since it was listed.

        Raises SnapshotCorrupt, as `verify` does.
        """
        try:
            snapshot = self._load(folder)
            if snapshot is not None:
                self.verify(snapshot)
        except SnapshotCorrupt:
            # A snapshot may be replaced at any moment: what has gone is not damaged.
            if not folder.exists():
                return None
            raise
        except OSError as error:
            raise SnapshotCorrupt(folder, f"{error.filename or folder} cannot be read ({error.strerror})") from None
        return snapshot

    def key(self) -> bytes:
        """The key of this installation, made by chance when it is asked for first: for its owner to read alone.

        Whoever reads it can read the bytes beside it as well. Raises SnapshotError for a file that is no key.
        """
        path = self._root / _KEY
        if not path.exists():
            self._root.mkdir(parents=True, exist_ok=True)
            with self._alone():
                if not path.exists():
                    write_atomically(path, os.urandom(_KEY_BYTES).hex() + "\n", mode=0o600)
                    sync(self._root)
        try:
            key = bytes.fromhex(path.read_text(encoding="ascii"))
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise SnapshotError(f"{path}: found no key of {_KEY_BYTES} bytes; {_WHAT_TO_DO_ABOUT_THE_KEY}")
        return key

    def list(self, source_id: str, name: str | None = None) -> tuple[Snapshot, ...]:
        """The snapshots of a source, or of one delivery of it, by time of first fetch; the newest is last."""
        parent = self._root / _valid_source_id(source_id)
        if any(parent.glob(f"{_READY}*")):
            # A writer was killed, or is at work, between the old folder and the new one: neither may be visible.
            self.tidy()
        deliveries = (parent / _valid_name(name),) if name is not None else _visible_folders(parent)
        found = (self._load(folder) for delivery in deliveries for folder in _visible_folders(delivery))
        snapshots = (snapshot for snapshot in found if snapshot is not None)
        return tuple(sorted(snapshots, key=lambda snapshot: (snapshot.fetched_at, snapshot.vintage_id)))

    def _put(
        self,
        source_id: str,
        name: str,
        files: Mapping[str, bytes | Path],
        *,
        origin: str,
        fetched_at: dt.datetime,
        vintage_date: dt.date | None,
        vintage_label: str | None,
        mark: Mark | None = None,
        in_place_of_bytes: Mapping[str, bytes] | None = None,
    ) -> Snapshot:
        if fetched_at.tzinfo is None:
            raise ValueError("expected a time of fetching with a time zone")
        measured = tuple(SnapshotFile(_valid_file_name(file), *_measure(files[file])) for file in sorted(files))
        checksum = _checksum_over(measured)
        made = in_place_of_bytes or {}
        kept = tuple(SnapshotFile(_valid_file_name(file), *_measure(made[file])) for file in sorted(made))
        has_bytes, called = mark is None, checksum if mark is None else mark.digits
        folder = self._folder(source_id, name, called)
        # Where the checksum, or the bytes, of what has a mark now may lie.
        unmarked = None if has_bytes else self._folder(source_id, name, checksum)

        def stays(known: Snapshot | None) -> bool:
            return known is not None and known.has_bytes == has_bytes and kept in ((), known.in_place_of_bytes)

        # Whatever is visible is complete, so a delivery that is known already needs no lock; but what a killed writer
        # left may be bytes about persons, and is not left to lie until something new is delivered.
        known = self._known(folder, called)
        is_settled = not (unmarked and unmarked.exists()) and not any((self._root / source_id).glob(".*"))
        if known and stays(known) and is_settled:
            return known
        self._root.mkdir(parents=True, exist_ok=True)
        with self._alone():
            known = self._known(folder, called)
            before = self._known(unmarked, checksum) if unmarked else None
            if known is None or not stays(known):
                first = known or before
                known = Snapshot(
                    source_id=source_id,
                    name=name,
                    checksum=called,
                    files=measured if has_bytes else (),
                    origin=origin,
                    fetched_at=first.fetched_at if first else fetched_at.astimezone(dt.UTC),
                    vintage_date=first.vintage_date if first and kept else vintage_date,
                    vintage_label=first.vintage_label if first and kept else vintage_label,
                    has_bytes=has_bytes,
                    folder=folder,
                    in_place_of_bytes=kept,
                    mark_key=mark.key if mark else None,
                )
                self._write(known, files if has_bytes else made)
            # What was made of the same bytes is not given up for less.
            if before is not None and (known.in_place_of_bytes or not before.in_place_of_bytes):
                self._remove(before)
            return known

    def _folder(self, source_id: str, name: str, digits: str) -> Path:
        return self._root / _valid_source_id(source_id) / _valid_name(name) / digits[:16]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else writes meanwhile, and what killed writers left is gone."""
        try:
            lock = FileLock(self._root / ".lock", timeout=_LOCK_SECONDS).acquire()
        except Timeout:
            found = f"another process has been writing snapshots for {_LOCK_SECONDS:.0f} s"
            raise SnapshotError(f"{self._root}: {found}") from None
        with lock:
            self._remove_leftovers()
            yield

    def _remove(self, snapshot: Snapshot) -> None:
        """Take a snapshot away in one step. The lock is held."""
        source = self._root / snapshot.source_id
        removed = source / f".removed-{uuid.uuid4().hex}"
        snapshot.folder.rename(removed)
        for parent in (snapshot.folder.parent, source):
            sync(parent)
        shutil.rmtree(removed, ignore_errors=True)

    def _write(self, snapshot: Snapshot, files: Mapping[str, bytes | Path]) -> None:
        """Build the folder beside its place and rename it there. The lock is held."""
        source = self._root / snapshot.source_id
        snapshot.folder.parent.mkdir(parents=True, exist_ok=True)
        staging = source / f".writing-{uuid.uuid4().hex}"
        staging.mkdir()
        for file in snapshot.files if snapshot.has_bytes else snapshot.in_place_of_bytes:
            _copy(files[file.name], staging / file.name, file)
        _write_synced(staging / _RECORD, [_record_of(snapshot)])
        sync(staging)
        if not snapshot.folder.exists():
            self._swap_in(staging, snapshot.folder)
            return
        # Two renames cannot be one. The new folder is called ready first, so that whoever comes after a kill between
        # them knows that it is whole, and puts it in its place.
        ready = source / f"{_READY}{uuid.uuid4().hex}"
        staging.rename(ready)
        sync(source)
        self._swap_in(ready, snapshot.folder)

    def _swap_in(self, complete: Path, folder: Path) -> None:
        """Put a complete folder in its place; what was there is removed. The lock is held."""
        source = complete.parent
        superseded = source / f".removed-{uuid.uuid4().hex}"
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rename(superseded)
        complete.rename(folder)
        for parent in (folder.parent, source, self._root):
            sync(parent)
        shutil.rmtree(superseded, ignore_errors=True)

    def _remove_leftovers(self) -> None:
        """Finish or remove what killed writers left. The lock is held, so nobody is writing any of it."""
        for ready in self._root.glob(f"*/{_READY}*"):
            made = _read_record(ready)
            self._swap_in(ready, self._folder(made.source_id, made.name, made.checksum))
        for pattern in ("*/.writing-*", "*/.removed-*"):
            for leftover in self._root.glob(pattern):
                shutil.rmtree(leftover)

    def _known(self, folder: Path, checksum: str) -> Snapshot | None:
        known = self._load(folder)
        if known and known.checksum != checksum:
            raise SnapshotCorrupt(folder, f"found a snapshot of {known.checksum}, expected {checksum}")
        return known

    def _load(self, folder: Path) -> Snapshot | None:
        """The snapshot in a folder; None where there is no such folder."""
        if not folder.exists():
            return None
        # A folder that is there is whole, because it comes by one rename: looked at in this order, a record that
        # is missing is no matter of another writer being half-way.
        snapshot = _read_record(folder)
        place = (snapshot.source_id, snapshot.name, snapshot.checksum[:16])
        if place != (folder.parent.parent.name, folder.parent.name, folder.name):
            raise SnapshotCorrupt(folder, f"{_RECORD} belongs to {'/'.join(place)}")
        if (snapshot.has_bytes or snapshot.files) and snapshot.checksum != _checksum_over(snapshot.files):
            raise SnapshotCorrupt(folder, f"{_RECORD} lists files that do not make up its checksum")
        return snapshot


def _read_record(folder: Path) -> Snapshot:
    """What the record in a folder says. Raises SnapshotCorrupt where it is missing or is not what was written."""
    try:
        return _snapshot_of((folder / _RECORD).read_text(encoding="utf-8"), folder)
    except FileNotFoundError:
        raise SnapshotCorrupt(folder, f"found no {_RECORD}") from None
    except UnicodeDecodeError as error:
        raise SnapshotCorrupt(folder, f"{_RECORD} is no text (byte {error.start})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotCorrupt(folder, f"{_RECORD} cannot be read ({error!r})") from error


def _record_of(snapshot: Snapshot) -> bytes:
    called: dict[str, object]
    if snapshot.has_bytes:
        called = {"checksum_sha256": snapshot.checksum, "files": _listed(snapshot.files)}
    else:
        called = {"mark": snapshot.checksum, "mark_key": snapshot.mark_key}
    record: dict[str, object] = {
        "format": _FORMAT if snapshot.has_bytes else _FORMAT_OF_MARKED,
        "source_id": snapshot.source_id,
        "name": snapshot.name,
        **called,
        "origin": snapshot.origin,
        "fetched_at": snapshot.fetched_at.isoformat(),
        "vintage_date": snapshot.vintage_date.isoformat() if snapshot.vintage_date else None,
        "vintage_label": snapshot.vintage_label,
        "has_bytes": snapshot.has_bytes,
    }
    if snapshot.in_place_of_bytes:
        record["in_place_of_bytes"] = _listed(snapshot.in_place_of_bytes)
    signed = {**record, _OWN_CHECKSUM: _own_checksum(record)}
    return (json.dumps(signed, indent=2, ensure_ascii=False) + "\n").encode()


def _own_checksum(record: dict[str, Any]) -> str:
    told = {name: value for name, value in record.items() if name != _OWN_CHECKSUM}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _listed(files: tuple[SnapshotFile, ...]) -> list[dict[str, object]]:
    return [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in files]


def _files_of(listed: list[dict[str, Any]]) -> tuple[SnapshotFile, ...]:
    return tuple(SnapshotFile(file["name"], file["size"], file["sha256"]) for file in listed)


def _snapshot_of(text: str, folder: Path) -> Snapshot:
    record = json.loads(text)
    if not isinstance(record, dict):
        raise TypeError("found no record")
    # Records of earlier releases have no checksum of their own.
    if record.get(_OWN_CHECKSUM) not in (None, _own_checksum(record)):
        raise ValueError("found other values than were written")
    # A record without bytes of an earlier release is as one with bytes, but for what it says of itself.
    is_marked = record["format"] == _FORMAT_OF_MARKED
    if not is_marked and record["format"] != _FORMAT:
        raise ValueError(f"found format {record['format']!r}, expected {_FORMAT} or {_FORMAT_OF_MARKED}")
    if is_marked and record["has_bytes"]:
        raise ValueError("found a mark, expected the checksum of the bytes that are kept")
    return Snapshot(
        source_id=record["source_id"],
        name=record["name"],
        checksum=record["mark" if is_marked else "checksum_sha256"],
        files=() if is_marked else _files_of(record["files"]),
        mark_key=record["mark_key"] if is_marked else None,
        origin=record["origin"],
        fetched_at=dt.datetime.fromisoformat(record["fetched_at"]),
        vintage_date=dt.date.fromisoformat(record["vintage_date"]) if record["vintage_date"] else None,
        vintage_label=record["vintage_label"],
        has_bytes=record["has_bytes"],
        folder=folder,
        in_place_of_bytes=_files_of(record.get("in_place_of_bytes", [])),
    )


def _checksum_over(files: tuple[SnapshotFile, ...]) -> str:
    if not files:
        raise ValueError("expected at least one file")
    if len(files) == 1:
        return files[0].sha256
    lines = "".join(f"{file.sha256}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _measure(content: bytes | Path) -> tuple[int, str]:
    """Size in bytes and SHA-256."""
    size, digest = 0, hashlib.sha256()
    for chunk in _chunks(content):
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()


def _copy(content: bytes | Path, target: Path, expected: SnapshotFile) -> None:
    digest = hashlib.sha256()

    def passing() -> Iterator[bytes]:
        for chunk in _chunks(content):
            digest.update(chunk)
            yield chunk

    _write_synced(target, passing())
    if digest.hexdigest() != expected.sha256:
        raise SnapshotError(f"{expected.name}: the file changed while it was being copied; deliver it again")


def _write_synced(path: Path, chunks: Iterator[bytes] | list[bytes]) -> None:
    """Write a read-only file and wait until it is on the disk."""
    with path.open("xb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        # There a file that may not be written cannot be removed either, and the rights of a folder are its files'.
        if os.name != "nt":
            os.fchmod(file.fileno(), 0o400)
        os.fsync(file.fileno())


def _checked_bytes(folder: Path, file: SnapshotFile) -> bytes:
    try:
        content = (folder / file.name).read_bytes()
    except FileNotFoundError:
        raise SnapshotCorrupt(folder, f"{file.name} is missing") from None
    size, digest = _measure(content)
    if digest != file.sha256:
        raise SnapshotCorrupt(folder, _difference(file, size, digest))
    return content


def _difference(file: SnapshotFile, size: int, digest: str) -> str:
    return (
        f"{file.name}: found {size} bytes with SHA-256 {digest[:12]}, "
        f"expected {file.size} bytes with {file.sha256[:12]}"
    )


def _visible_folders(parent: Path) -> tuple[Path, ...]:
    if not parent.is_dir():
        return ()
    return tuple(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def _valid_source_id(source_id: str) -> str:
    if not _SOURCE_ID.fullmatch(source_id):
        raise ValueError(f"found source id {source_id!r}, expected small letters, digits and _")
    return source_id


def _valid_name(name: str) -> str:
    """A name that is one part of a path, and visible."""
    if not name or name.startswith(".") or any(sign in name for sign in "/\\\0"):
        raise ValueError(f"found {name!r}, expected a name without path separators that starts with no dot")
    return name


def _valid_file_name(name: str) -> str:
    if name == _RECORD:
        raise ValueError(f"found a file called {_RECORD}, which is the name of the snapshot's own record")
    return _valid_name(name)
