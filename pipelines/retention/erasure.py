"""Erasing one person: out of every vintage that is kept, the working warehouse, and every delivery to come.

What belongs here: finding a person's rows by the number, under every key there has been, and removing them. What does
not: asking for the number (`cli_retention`), and leaving the person out of what is delivered later (`erased_persons`,
`deliveries.persons`). The number is never written, and nothing that is told holds it or a pseudonym of it.

The order is what makes it safe to break off: first the person is put in the list, from which moment on no run takes the
person up; then the warehouses go; then each vintage is replaced whole. Once more does the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.deliveries.kept_rows import ERASED, ROWS, KeptRows, read_kept_rows, rows_of
from pipelines.delivery_privacy import shown_name
from pipelines.privacy.pseudonym import SAMPLE_ONLY_KEY, PseudonymKey, PseudonymKeyError, configured_key
from pipelines.retention.erased_persons import read_erased, remember_erased
from pipelines.retention.removal import ERASURE, LeftOut, alone, empty_warehouses, note
from pipelines.settings import Settings, SetupError


@dataclass(frozen=True)
class Erasure:
    """What was done, in counts. `not_searched` are vintages whose pseudonyms were made with a key that is not here.

    `still_delivered` are files that lie in the folder of deliveries with erased persons in them, this one or others:
    they are their deliverer's, and are left alone. Of the sample only who is found in it `is_remembered`.
    """

    left_out: tuple[LeftOut, ...]
    not_searched: tuple[str, ...]
    still_delivered: tuple[str, ...]
    warehouses: int
    is_remembered: bool


def erase_person(settings: Settings, bsn: str, *, dry_run: bool = False) -> Erasure:
    """Erase the person with this BSN of nine digits; `dry_run` counts only.

    Raises SetupError without a key or anything kept, RunBusyError where a run is writing, SnapshotCorrupt for a vintage
    that is not what was kept, before anything was removed.
    """
    keys = keys_at_hand(settings)
    with alone(settings):
        store = SnapshotStore(settings.snapshots_dir)
        store.tidy()
        # Before anything is removed: a list that is gone would be begun anew with this person alone.
        read_erased(settings)
        found: list[tuple[Snapshot, KeptRows, LeftOut]] = []
        not_searched: list[str] = []
        marks: set[tuple[str, str]] = set()
        for snapshot, kept in _kept(store):
            key = key_of(kept, keys)
            if key is None or snapshot.tells_checksum:
                not_searched.append(snapshot.vintage_id)
                continue
            mask = rows_of(kept.rows, [key.persons(bsn)[kept.person_key]])
            if rows := pc.sum(mask).as_py() or 0:
                left_out = LeftOut(snapshot.source_id, snapshot.vintage_id, rows)
                found.append((snapshot, kept.without(mask, ERASED), left_out))
                marks.update(_mark(key, bsn))
        warehouses = 0
        if not dry_run:
            # Under the public key a mark would tell the number: only who is in the sample is listed under it.
            marks.update(mark for key in keys if not _is_public(key) for mark in _mark(key, bsn))
            remember_erased(settings, frozenset(marks))
            warehouses = empty_warehouses(settings, ERASURE)
            for snapshot, rest, left_out in found:
                store.put_in_place_of_bytes(snapshot, {ROWS: rest.as_bytes()})
                note(settings, ERASURE, f"{left_out.rows} rows of {left_out.vintage_id}")
        return Erasure(
            left_out=tuple(left_out for _, _, left_out in found),
            not_searched=tuple(not_searched),
            still_delivered=() if dry_run else _still_delivered(settings, store),
            warehouses=warehouses,
            is_remembered=bool(marks),
        )


def keys_at_hand(settings: Settings) -> tuple[PseudonymKey, ...]:
    """The key of this municipality, and that of the sample. Raises SetupError where there is none of its own.

    With the sample alone none is needed.
    """
    public = PseudonymKey(SAMPLE_ONLY_KEY)
    try:
        return configured_key(), public
    except PseudonymKeyError as error:
        if settings.profile == "sample" and error.found == "no key":
            return (public,)
        raise SetupError(f"the key of the pseudonyms: {error}") from None


def key_of(kept: KeptRows, keys: Sequence[PseudonymKey]) -> PseudonymKey | None:
    """The key that these rows were made with, or that follows it."""
    return next((key for key in keys if key.follows(kept.person_key)), None)


def _mark(key: PseudonymKey, bsn: str) -> tuple[tuple[str, str], ...]:
    return key.erasure_marks(key.person(bsn), key.fingerprint)


def _is_public(key: PseudonymKey) -> bool:
    return key.fingerprint == PseudonymKey(SAMPLE_ONLY_KEY).fingerprint


def _kept(store: SnapshotStore) -> Iterator[tuple[Snapshot, KeptRows]]:
    """Every vintage of which rows of persons are kept, of sources that are no longer declared as well."""
    for source_id in store.source_ids():
        for snapshot in store.list(source_id):
            if any(file.name == ROWS for file in snapshot.in_place_of_bytes):
                yield snapshot, read_kept_rows(snapshot.read_in_place_of_bytes()[ROWS])


def _still_delivered(settings: Settings, store: SnapshotStore) -> tuple[str, ...]:
    newest: dict[tuple[str, str], bool] = {}
    for snapshot, kept in _kept(store):
        newest[snapshot.source_id, snapshot.name] = kept.left_out(ERASED) > 0
    names = {name for (_, name), has_erased in newest.items() if has_erased}
    folder = settings.deliveries_dir
    present = (path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else ()
    return tuple(sorted(path.relative_to(folder).as_posix() for path in present if shown_name(path.name) in names))
