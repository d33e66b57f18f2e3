"""Keeping deliveries: bytes, a mark in place of bytes, another mark, and something else in place of the bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from pathlib import Path

from pipelines.connectors.snapshot import Mark, SnapshotStore

_SOURCE = "wmo_berichten"
_FIRST = dt.datetime(2026, 7, 6, 9, 30, tzinfo=dt.UTC)
_LATER = _FIRST + dt.timedelta(days=1)
_KINDS = ("put_files", "put_without_bytes", "put_mark", "put_in_place_of_bytes")


class SnapshotWork:
    """Every round has a delivery of its own; those of earlier rounds must stay what they are."""

    def __init__(self, folder: Path) -> None:
        self._delivered = folder / "delivered.csv"

    def kind(self, number: int) -> str:
        # Three ways of dying come in turn: a step of its own keeps the kinds from falling together with them.
        return _KINDS[(number // 3) % len(_KINDS)]

    def prepare(self, home: Path, number: int) -> None:
        self._delivered.write_bytes(_bytes(f"delivered {number}", 40_000))
        store, kind = SnapshotStore(home / "raw"), self.kind(number)
        if kind == "put_without_bytes":
            # As an earlier release kept it.
            self._keep_bytes(store, number, _FIRST)
        elif kind in ("put_mark", "put_in_place_of_bytes"):
            self._keep_mark(store, number, _FIRST)

    def act(self, home: Path, number: int) -> None:
        store, kind = SnapshotStore(home / "raw"), self.kind(number)
        if kind == "put_files":
            self._keep_bytes(store, number, _LATER)
        elif kind == "put_without_bytes":
            self._keep_mark(store, number, _LATER)
        elif kind == "put_mark":
            # As whoever renews marks: of what stands under the earlier key, which is gone when it was done before.
            for known in store.list(_SOURCE, _name(number)):
                if known.mark_key == "first":
                    store.put_mark(known, _mark("other", number))
        else:
            (known,) = store.list(_SOURCE, _name(number))
            store.put_in_place_of_bytes(known, {"rows": _bytes(f"renewed {number}", 5_000)})

    def describe(self, home: Path) -> Mapping[str, object]:
        store = SnapshotStore(home / "raw")
        found: dict[str, object] = {}
        for snapshot in store.list(_SOURCE):
            store.verify(snapshot)
            kept = snapshot.read_files() if snapshot.has_bytes else snapshot.read_in_place_of_bytes()
            digests = {name: hashlib.sha256(content).hexdigest() for name, content in kept.items()}
            found[snapshot.vintage_id] = (snapshot.fetched_at, snapshot.vintage_label, snapshot.mark_key, digests)
        return found

    def leftovers(self, home: Path) -> list[str]:
        # What is found as it should be is not written again; the next delivery of whatever source is.
        store, anything = SnapshotStore(home / "raw"), {"x": uuid.uuid4().bytes}
        store.put_files("volgende", "levering", anything, origin="x", fetched_at=_LATER)
        return [path.name for path in (home / "raw" / _SOURCE).iterdir() if path.name.startswith(".")]

    def close(self) -> None:
        """Nothing was started."""

    def _keep_bytes(self, store: SnapshotStore, number: int, at: dt.datetime) -> None:
        store.put_files(_SOURCE, _name(number), self._files(number), origin="x", fetched_at=at, vintage_label="juli")

    def _keep_mark(self, store: SnapshotStore, number: int, at: dt.datetime) -> None:
        store.put_without_bytes(
            _SOURCE,
            _name(number),
            self._files(number),
            _mark("first", number),
            origin="x",
            fetched_at=at,
            vintage_label="juli",
            in_place_of_bytes={"rows": _bytes(f"rows {number}", 5_000)},
        )

    def _files(self, number: int) -> dict[str, bytes | Path]:
        return {"a.json": _bytes(f"a {number}", 9_000), "b.json": b"small", "delivered.csv": self._delivered}


def _name(number: int) -> str:
    return f"levering-{number}"


def _bytes(text: str, size: int) -> bytes:
    return (text + "\n").encode() * (size // (len(text) + 1))


def _mark(which: str, number: int) -> Mark:
    return Mark(hashlib.sha256(f"{which} {number}".encode()).hexdigest()[:32], which)
