"""From a declared source to rows and an account: fetch or find, keep the exact bytes, read, decide what is current.

Plain functions that know nothing of Dagster or of the warehouse. What is fetched comes from `connectors`, what
the bytes mean from `readers`; here it is decided which vintage of a delivery counts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

import pyarrow as pa

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import CbsV4Connector, FolderConnector, Source
from pipelines.delivery_privacy import read_screened, shown_name
from pipelines.geography.regions import RegionLookup
from pipelines.readers.account import Problem, ReadResult
from pipelines.settings import Settings
from pipelines.warehouse.raw_tables import DELIVERY, NO_DATA_ROW, QUARANTINE, raw_schema


@dataclass(frozen=True)
class Delivery:
    """One vintage of one delivery, read: its snapshot, what the reader made of it, and whether it counts."""

    snapshot: Snapshot
    file: str
    result: ReadResult
    is_current: bool
    is_present: bool


@dataclass(frozen=True)
class SourceLoad:
    """All that one source gives the warehouse: its raw table and its part of the accounts."""

    source_id: str
    rows: pa.Table
    accounts: Mapping[str, pa.Table]
    deliveries: tuple[Delivery, ...]
    problems: tuple[Problem, ...]

    @property
    def rows_loaded(self) -> int:
        return sum(delivery.result.rows_loaded for delivery in self.deliveries if delivery.is_current)

    @property
    def rows_quarantined(self) -> int:
        return sum(delivery.result.rows_quarantined for delivery in self.deliveries if delivery.is_present)


def load_folder_source(source: Source, settings: Settings, store: SnapshotStore, lookup: RegionLookup) -> SourceLoad:
    """Read every delivery of a source that comes as files.

    A file that is there counts with its newest vintage that could be read; one that is refused leaves the
    vintage before it in place. A file that has gone is withdrawn: its vintages stay in the snapshots, and none
    of them counts.
    """

    from pipelines.connectors.folder import DeliveryError, find_deliveries, read_bytes

    connector = source.connector
    assert isinstance(connector, FolderConnector)  # noqa: S101 - for the type checker
    deliveries: list[Delivery] = []
    unreadable: list[Problem] = []
    for path in find_deliveries(settings.deliveries_dir, connector):
        name = shown_name(path.name)
        try:
            data = read_bytes(path)
        except DeliveryError as error:
            found, _, expected = str(error).removeprefix(f"{path.name}: found ").partition(", expected ")
        except OSError as error:
            found, expected = f"a file that cannot be opened ({error.strerror})", "a file that the run may read"
        else:
            deliveries += _delivered(source, path, data, settings, store, lookup)
            continue
        unreadable.append(Problem(name, None, None, None, "unfinished_file", found, expected))
        deliveries += _kept(source, name, store, lookup)
    return _collect(source, deliveries, extra_problems=tuple(unreadable))


def _delivered(
    source: Source, path: Path, data: bytes, settings: Settings, store: SnapshotStore, lookup: RegionLookup
) -> list[Delivery]:
    """The vintages of a file that is there: these bytes, kept, and those before them."""
    # Read in memory first, because only a reader can tell whether the bytes hold persons and may not be kept;
    # nothing that was read goes anywhere before the bytes, or their checksum, are safe.
    screened = read_screened(path.name, data, source, lookup)
    name = screened.name
    label, published = _vintage_of(source, name)
    keep = store.put_files if screened.may_keep_bytes else store.put_checksum_only
    present = keep(
        source.source_id,
        name,
        {name: data},
        origin=shown_name(path.relative_to(settings.deliveries_dir).as_posix()),
        fetched_at=dt.datetime.now(dt.UTC),
        vintage_date=published or settings.today,
        vintage_label=label or Path(name).stem,
    )
    earlier = [pair for pair in _earlier(source, name, store, lookup) if pair[0].vintage_id != present.vintage_id]
    return _judge(name, (_as_declared(source, present), screened.result), earlier)


def _kept(source: Source, name: str, store: SnapshotStore, lookup: RegionLookup) -> list[Delivery]:
    """The vintages of a file whose present bytes cannot be had: what was delivered before keeps counting."""
    kept = _earlier(source, name, store, lookup)
    return _judge(name, kept[-1], kept[:-1]) if kept else []


def _earlier(
    source: Source, name: str, store: SnapshotStore, lookup: RegionLookup
) -> list[tuple[Snapshot, ReadResult]]:
    """Every vintage of a file of which the bytes are kept, read anew: the declaration may have changed since.

    Bytes in which persons are recognised only now are removed.
    """
    pairs = []
    for snapshot in store.list(source.source_id, name):
        if not snapshot.has_bytes:
            continue
        files = snapshot.read_files()
        screened = read_screened(name, files[name], source, lookup)
        if screened.may_keep_bytes:
            pairs.append((_as_declared(source, snapshot), screened.result))
        else:
            store.put_checksum_only(
                source.source_id,
                name,
                files,
                origin=snapshot.origin,
                fetched_at=snapshot.fetched_at,
                vintage_date=snapshot.vintage_date,
                vintage_label=snapshot.vintage_label,
            )
    return pairs


def _as_declared(source: Source, snapshot: Snapshot) -> Snapshot:
    """A snapshot with the date and label that are declared today; it keeps those of the day it came."""
    label, published = _vintage_of(source, snapshot.name)
    return replace(
        snapshot,
        vintage_label=label or snapshot.vintage_label,
        vintage_date=published or snapshot.vintage_date,
    )


def load_cbs_source(
    source: Source, settings: Settings, store: SnapshotStore, scratch: Path
) -> tuple[SourceLoad, pa.Table | None]:
    """Fetch and read one CBS table; also its region codes with their descriptions, where it has regions.

    A table that the publisher does not know leaves the earlier vintages in place and is a problem of its own;
    any other failure to fetch raises SourceError.
    """
    from pipelines.connectors.cbs_v4 import fetch_table
    from pipelines.connectors.http import TableNotFound, open_client
    from pipelines.connectors.sample import sample_transport
    from pipelines.readers.cbs_v4 import read_observations, read_region_codes

    connector = source.connector
    assert isinstance(connector, CbsV4Connector)  # noqa: S101 - for the type checker
    table = connector.table
    transport = (
        sample_transport(settings.sources_dir / "sample" / "voorbeeldland" / "cbs_v4")
        if settings.profile == "sample"
        else None
    )
    deliveries: list[Delivery] = []
    regions: pa.Table | None = None
    present: Snapshot | None = None
    missing: tuple[Problem, ...] = ()
    with open_client(settings.cbs_v4_url, transport=transport) as client:
        try:
            fetched = fetch_table(client, connector, scratch / source.source_id)
        except TableNotFound as error:
            missing = (Problem(table, None, None, None, "not_delivered", str(error), "a table with this id"),)
        else:
            present = store.put_files(
                source.source_id,
                table,
                fetched.read_files(),
                origin=f"{settings.cbs_v4_url}/{table}",
                fetched_at=dt.datetime.now(dt.UTC),
                vintage_date=fetched.modified or settings.today,
                vintage_label=fetched.version,
            )
    snapshots = store.list(source.source_id, table)
    if present is None and snapshots:
        present = snapshots[-1]
    if present is not None:
        files = present.read_files()
        result = read_observations(files, source)
        result = replace(result, problems=result.problems + missing)
        earlier = [
            (snapshot, read_observations(snapshot.read_files(), source))
            for snapshot in snapshots
            if snapshot.vintage_id != present.vintage_id
        ]
        deliveries = _judge(table, (present, result), earlier)
        regions = read_region_codes(files, source)
    return _collect(source, deliveries, extra_problems=missing if present is None else ()), regions


def _judge(
    file: str, present: tuple[Snapshot, ReadResult], earlier: Iterable[tuple[Snapshot, ReadResult]]
) -> list[Delivery]:
    """The vintages of one delivery, with the one that counts marked."""
    readable = [pair for pair in earlier if not pair[1].refused]
    if present[1].refused and readable:
        current = max(readable, key=lambda pair: (pair[0].vintage_date, pair[0].fetched_at))[0]
    else:
        current = present[0]
    pairs = [(present, True), *((pair, False) for pair in readable)]
    return [
        Delivery(
            snapshot=snapshot,
            file=file,
            result=result,
            is_current=snapshot.vintage_id == current.vintage_id and not result.refused,
            is_present=is_present,
        )
        for (snapshot, result), is_present in pairs
    ]


def _collect(source: Source, deliveries: list[Delivery], extra_problems: tuple[Problem, ...] = ()) -> SourceLoad:
    schema = raw_schema(source)
    tables = [
        delivery.result.rows.append_column(
            "vintage_id", pa.repeat(pa.scalar(delivery.snapshot.vintage_id), delivery.result.rows.num_rows)
        ).select(schema.names)
        for delivery in deliveries
        if not delivery.result.refused
    ]
    rows = pa.concat_tables([table.cast(schema) for table in tables]) if tables else schema.empty_table()
    problems = tuple(
        (delivery.snapshot.vintage_id, problem)
        for delivery in deliveries
        if delivery.is_present
        for problem in delivery.result.problems
    ) + tuple((f"{source.source_id}/{problem.file}", problem) for problem in extra_problems)
    return SourceLoad(
        source_id=source.source_id,
        rows=rows,
        accounts={
            "delivery": _delivery_table(source, deliveries),
            "quarantine": _quarantine_table(source, problems),
            "no_data_row": _no_data_table(source, deliveries),
        },
        deliveries=tuple(deliveries),
        problems=tuple(problem for _, problem in problems),
    )


def _delivery_table(source: Source, deliveries: list[Delivery]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "vintage_id": delivery.snapshot.vintage_id,
                "source_id": source.source_id,
                "file": delivery.file,
                "checksum_sha256": delivery.snapshot.checksum,
                "origin": delivery.snapshot.origin,
                "fetched_at": delivery.snapshot.fetched_at.astimezone(dt.UTC).replace(tzinfo=None),
                "vintage_date": delivery.snapshot.vintage_date,
                "vintage_label": delivery.snapshot.vintage_label,
                "vintage_order": _vintage_order(source, delivery.snapshot.name),
                "is_current": delivery.is_current,
                "status": "refused" if delivery.result.refused else "loaded",
                "rows_in": delivery.result.rows_in,
                "rows_loaded": delivery.result.rows_loaded,
                "rows_no_data": delivery.result.rows_no_data,
                "rows_quarantined": delivery.result.rows_quarantined,
                "notice": "; ".join(delivery.result.notices) or None,
            }
            for delivery in deliveries
        ],
        schema=DELIVERY,
    )


def _quarantine_table(source: Source, problems: tuple[tuple[str, Problem], ...]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "vintage_id": vintage_id,
                "source_id": source.source_id,
                "file": problem.file,
                "line": problem.line,
                "column": problem.column,
                "column_name": problem.column_name,
                "reason": problem.reason,
                "found": problem.found,
                "expected": problem.expected,
                "raw_text": problem.raw_text,
            }
            for vintage_id, problem in problems
        ],
        schema=QUARANTINE,
    )


def _no_data_table(source: Source, deliveries: list[Delivery]) -> pa.Table:
    tables = [
        delivery.result.no_data.append_column(
            "vintage_id", pa.repeat(pa.scalar(delivery.snapshot.vintage_id), delivery.result.no_data.num_rows)
        ).append_column("source_id", pa.repeat(pa.scalar(source.source_id), delivery.result.no_data.num_rows))
        for delivery in deliveries
        if delivery.is_current
    ]
    if not tables:
        return NO_DATA_ROW.empty_table()
    return pa.concat_tables([table.select(NO_DATA_ROW.names).cast(NO_DATA_ROW) for table in tables])


def _vintage_order(source: Source, name: str) -> int | None:
    """The place of a file among the declared vintages, which stand in the order in which they appeared."""
    places = [place for place, vintage in enumerate(source.vintages) if fnmatch(name, vintage.pattern)]
    return places[0] if places else None


def _vintage_of(source: Source, name: str) -> tuple[str | None, dt.date | None]:
    for vintage in source.vintages:
        if fnmatch(name, vintage.pattern):
            return vintage.label, vintage.published
    return None, None
