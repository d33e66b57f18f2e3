"""Deliveries that come as files in a folder: the vintages of each, replaced and withdrawn ones included.

What belongs here: what becomes of a file that is there, that changed, or that has gone. What does not: finding and
reading bytes (`connectors.folder`), and which of the vintages counts (`accounts`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import FolderConnector, Source
from pipelines.deliveries.accounts import Delivery, SourceLoad, collect, judge
from pipelines.deliveries.described import as_described_then, described, is_description, kept_description
from pipelines.deliveries.marks import mark_of, renew_marks
from pipelines.deliveries.persons import (
    is_about_persons,
    kept_vintage,
    screen_persons,
    with_left_out,
    without_repeated_messages,
)
from pipelines.deliveries.withdrawal import read_absences, record_absences, withdrawn_on
from pipelines.delivery_privacy import ScreenedDelivery, read_screened, shown_name
from pipelines.geography.regions import RegionLookup
from pipelines.readers.account import Problem, ReadResult
from pipelines.settings import Settings


def load_folder_source(source: Source, settings: Settings, store: SnapshotStore, lookup: RegionLookup) -> SourceLoad:
    """Read every delivery of a source that comes as files.

    A file that is there counts with its newest vintage that could be read; one that is refused leaves the
    vintage before it in place. A file that has gone is withdrawn: its vintages stay on record, and none of them
    counts. With `settings.as_of` the folder is left alone: what counts is what was known on that day.
    """
    renew_marks(source, settings, store)
    if settings.as_of is not None:
        return _as_known(source, settings, settings.as_of, store, lookup)

    from pipelines.connectors.folder import DeliveryError, find_deliveries, read_bytes

    connector = source.connector
    assert isinstance(connector, FolderConnector)  # noqa: S101 - for the type checker
    deliveries: list[Delivery] = []
    unreadable: list[Problem] = []
    present: set[str] = set()
    for path in find_deliveries(settings.deliveries_dir, connector):
        if is_description(source, path.name):
            continue
        name = shown_name(path.name)
        present.add(name)
        try:
            data = read_bytes(path)
        except DeliveryError as error:
            found, _, expected = str(error).removeprefix(f"{path.name}: found ").partition(", expected ")
        except OSError as error:
            found, expected = f"a file that cannot be opened ({error.strerror})", "a file that the run may read"
        else:
            deliveries += _delivered(described(source, path), path, data, settings, store, lookup)
            continue
        unreadable.append(Problem(name, None, None, None, "unfinished_file", found, expected))
        deliveries += _kept(source, name, settings, store, lookup)
    known = {snapshot.name for snapshot in store.list(source.source_id)}
    absences = record_absences(settings.snapshots_dir, source.source_id, known, present, settings.today)
    for name in sorted(known - present):
        deliveries += _withdrawn(
            _kept(source, name, settings, store, lookup), withdrawn_on(absences, name, settings.today)
        )
    deliveries = without_repeated_messages(source, deliveries)
    return collect(source, deliveries, store, extra_problems=tuple(unreadable))


def _withdrawn(deliveries: list[Delivery], since: dt.date | None) -> list[Delivery]:
    """Vintages of a file that has gone: on record, and none of them counts."""
    return [replace(delivery, is_current=False, is_present=False, withdrawn_on=since) for delivery in deliveries]


def _as_known(
    source: Source, settings: Settings, as_of: dt.date, store: SnapshotStore, lookup: RegionLookup
) -> SourceLoad:
    """The vintages that were there on a day, those withdrawn by then included."""
    absences = read_absences(settings.snapshots_dir, source.source_id)
    deliveries: list[Delivery] = []
    for name in sorted({snapshot.name for snapshot in store.list(source.source_id)}):
        kept = _as_declared(source, _earlier(source, name, settings, store, lookup))
        known = [pair for pair in kept if pair[0].was_known_on(as_of)]
        vintages = judge(name, known[-1], known[:-1]) if known else []
        since = withdrawn_on(absences, name, as_of)
        deliveries += _withdrawn(vintages, since) if since else vintages
    return collect(source, without_repeated_messages(source, deliveries), store)


def _delivered(
    source: Source, path: Path, data: bytes, settings: Settings, store: SnapshotStore, lookup: RegionLookup
) -> list[Delivery]:
    """The vintages of a file that is there: these bytes, kept, and those before them."""
    # Read in memory first, because only a reader can tell whether the bytes hold persons and may not be kept;
    # nothing that was read goes anywhere before the bytes, or what is kept in their place, are safe.
    if is_about_persons(source):
        screened = screen_persons(path.name, data, source, settings, store, lookup)
    else:
        screened = read_screened(path.name, data, source, lookup)
    name = screened.name
    label, published = _vintage_of(source, name)
    is_first = not store.list(source.source_id, name)
    present = _keeping(store, source, settings, data, screened)(
        source.source_id,
        name,
        {name: data, **kept_description(source)},
        origin=shown_name(path.relative_to(settings.deliveries_dir).as_posix()),
        fetched_at=dt.datetime.now(dt.UTC),
        vintage_date=(published if is_first else None) or settings.today,
        vintage_label=label or Path(name).stem,
    )
    earlier = _earlier(source, name, settings, store, lookup, present)
    now, *earlier = _as_declared(source, [(present, with_left_out(screened.result, earlier)), *earlier])
    return judge(name, now, earlier)


def _keeping(
    store: SnapshotStore, source: Source, settings: Settings, data: bytes, screened: ScreenedDelivery
) -> Callable[..., Snapshot]:
    """How a delivery that was read is kept: its bytes, or a mark and what was made of it."""
    if screened.may_keep_bytes:
        return store.put_files
    mark = mark_of(source, settings, data, screened)
    return partial(store.put_without_bytes, mark=mark, in_place_of_bytes=screened.in_place_of_bytes)


def _kept(source: Source, name: str, settings: Settings, store: SnapshotStore, lookup: RegionLookup) -> list[Delivery]:
    """The vintages of a file whose present bytes cannot be had: what was delivered before keeps counting."""
    kept = _as_declared(source, _earlier(source, name, settings, store, lookup))
    return judge(name, kept[-1], kept[:-1]) if kept else []


def _earlier(
    source: Source,
    name: str,
    settings: Settings,
    store: SnapshotStore,
    lookup: RegionLookup,
    besides: Snapshot | None = None,
) -> list[tuple[Snapshot, ReadResult]]:
    """Every vintage of a file of which the bytes are kept, read anew: the declaration may have changed since.

    The vintage `besides` which these stand is none of them. Bytes in which persons are recognised only now are removed.
    Of a delivery about persons the rows are kept, and of one that names somebody in passing a copy without that.
    """
    pairs: list[tuple[Snapshot, ReadResult]] = []
    for snapshot in store.list(source.source_id, name):
        if besides is not None and snapshot.vintage_id == besides.vintage_id:
            continue
        if not snapshot.has_bytes:
            copy = {} if is_about_persons(source) else snapshot.read_in_place_of_bytes()
            if name in copy:
                read = read_screened(name, copy[name], source, lookup)
                pairs.append((snapshot, read.result))
            keep = partial(store.put_in_place_of_bytes, snapshot)
            pairs += kept_vintage(source, snapshot, settings, keep)
            continue
        files = snapshot.read_files()
        screened = read_screened(name, files[name], as_described_then(source, files), lookup)
        if screened.may_keep_bytes:
            pairs.append((snapshot, screened.result))
        else:
            store.put_without_bytes(
                source.source_id,
                name,
                files,
                mark_of(source, settings, files[name], screened),
                origin=snapshot.origin,
                fetched_at=snapshot.fetched_at,
                vintage_date=snapshot.vintage_date,
                vintage_label=snapshot.vintage_label,
            )
    return pairs


def _as_declared(source: Source, vintages: list[tuple[Snapshot, ReadResult]]) -> list[tuple[Snapshot, ReadResult]]:
    """The vintages of one file with the date and label that are declared today; each keeps those of the day it came.

    The declared date is that on which the file came out, so of the first bytes of that name that could be read. Others
    came later, nobody told when: they have the day on which they were fetched.
    """
    readable = [snapshot for snapshot, result in vintages if not result.refused]
    first = min(readable, key=lambda snapshot: (snapshot.fetched_at, snapshot.vintage_id), default=None)

    def declared(snapshot: Snapshot) -> Snapshot:
        label, published = _vintage_of(source, snapshot.name)
        is_first = first is None or snapshot.vintage_id == first.vintage_id
        return replace(
            snapshot,
            vintage_label=label or snapshot.vintage_label,
            vintage_date=(published if is_first else None) or snapshot.vintage_date,
        )

    return [(declared(snapshot), result) for snapshot, result in vintages]


def _vintage_of(source: Source, name: str) -> tuple[str | None, dt.date | None]:
    for vintage in source.vintages:
        if fnmatch(name, vintage.pattern):
            return vintage.label, vintage.published
    return None, None
