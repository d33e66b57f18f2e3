"""Which tables of CBS changed since they were fetched, and keeping what came of those as new vintages.

What belongs here: asking first, fetching where it is worth it, and remembering what was asked for. What does not: the
requests (`connectors`), and what becomes of the vintages (`cbs`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, Source
from pipelines.deliveries.fetched import Arrived
from pipelines.readers.account import Problem
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.connectors.cbs_v4 import FetchedTable, TableProperties
    from pipelines.connectors.http import CbsClient


def fetch_changed(source: Source, settings: Settings, store: SnapshotStore, scratch: Path) -> Arrived:
    """The present vintage of every table of a source, fetched where the publisher or the declaration changed it.

    A table is kept as soon as it is whole, so that one that fails after it does not cost it again. What the publisher
    does not know, or describes without its figures, is missing; any other failure raises SourceError.
    """
    from pipelines.connectors.http import open_client
    from pipelines.connectors.sample import sample_transport

    connector = source.connector
    assert isinstance(connector, CbsV4Connector | CbsV3Connector)  # noqa: S101 - for the type checker
    bundled = settings.sources_dir / "sample" / "voorbeeldland" / "cbs_v4"
    transport = sample_transport(bundled) if settings.profile == "sample" else None
    present: dict[str, Snapshot] = {}
    missing: dict[str, Problem] = {}
    with open_client(address_of(connector, settings), transport=transport) as client:
        for table, _ in connector.tables:
            folder = scratch / source.source_id / table
            try:
                found = _present(table, source, settings, store, client, folder)
            finally:
                # What did not come whole is of no use, and what did is kept.
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(found, Problem):
                missing[table] = found
            else:
                present[table] = found
    return Arrived(present, missing)


def changed_tables(source: Source, store: SnapshotStore, client: CbsClient) -> Iterator[tuple[str, str]]:
    """The tables of a source that `fetch_changed` would fetch, with what the publisher now calls their version.

    A table that the publisher does not know is none of them. Raises SourceError where he gives no answer.
    """
    from pipelines.connectors.cbs_slices import slice_record
    from pipelines.connectors.http import TableNotFound

    connector = source.connector
    assert isinstance(connector, CbsV4Connector | CbsV3Connector)  # noqa: S101 - for the type checker
    asked = slice_record(connector)
    for table, _ in connector.tables:
        try:
            properties = _poll(client, connector, table)[1]
        except TableNotFound:
            continue
        if _kept(properties, asked, store, source.source_id, table) is None:
            yield table, str(properties.modified_at or properties.version or "unknown")


def _present(
    table: str, source: Source, settings: Settings, store: SnapshotStore, client: CbsClient, folder: Path
) -> Snapshot | Problem:
    """The vintage that the publisher has now: one that is kept already, or a new one."""
    from pipelines.connectors.cbs_bulk import NoBulkFile
    from pipelines.connectors.cbs_slices import SLICE_FILE, slice_record
    from pipelines.connectors.cbs_v4 import NoObservations
    from pipelines.connectors.http import NotAsDeclared, SourceError, TableNotFound

    connector = source.connector
    assert isinstance(connector, CbsV4Connector | CbsV3Connector)  # noqa: S101 - for the type checker
    asked = slice_record(connector)
    try:
        polled = _poll(client, connector, table)
        # The sample has no publisher who dates what is changed in it.
        if settings.profile != "sample" and (kept := _kept(polled[1], asked, store, source.source_id, table)):
            return kept
        fetched = _fetch(client, connector, table, polled, settings, folder)
    except (TableNotFound, NoObservations, NoBulkFile) as error:
        return Problem(table, None, None, None, "not_delivered", str(error), "a table with this id, and its figures")
    except SourceError as error:
        # A declaration that does not fit its table is no reason to withhold all the others.
        if not isinstance(error, NotAsDeclared) and error.status != HTTPStatus.BAD_REQUEST:
            raise
        return Problem(table, None, None, None, "not_delivered", str(error), "a table as its source declares it")
    files: dict[str, bytes | Path] = {file.name: file.path for file in fetched.files}
    return store.put_files(
        source.source_id,
        table,
        files | ({SLICE_FILE: asked} if asked else {}),
        origin=f"{client.base_url}/{table}",
        fetched_at=dt.datetime.now(dt.UTC),
        vintage_date=fetched.modified or settings.today,
        vintage_label=fetched.version,
    )


def _kept(
    properties: TableProperties, asked: bytes | None, store: SnapshotStore, source_id: str, table: str
) -> Snapshot | None:
    """The newest vintage of what the publisher has now and the declaration asks for, where one is kept."""
    from pipelines.connectors.cbs_slices import SLICE_FILE

    if properties.version is None and properties.modified_at is None:
        return None
    asked_checksum = None if asked is None else hashlib.sha256(asked).hexdigest()
    for snapshot in reversed(store.list(source_id, table)):
        checksums = {file.name: file.sha256 for file in snapshot.files}
        if checksums.get(SLICE_FILE) == asked_checksum and _is_of(snapshot, table, properties):
            return snapshot
    return None


def _is_of(snapshot: Snapshot, table: str, properties: TableProperties) -> bool:
    """Whether a vintage is what the table now says that it is."""
    from pipelines.connectors.cbs_v4 import table_properties

    files = snapshot.open_files()
    if f"{table}.zip" in files:
        from pipelines.readers.cbs_bulk import open_archive, properties_of

        with open_archive(files[f"{table}.zip"], table) as archive:
            then = table_properties(table, properties_of(archive, table))
    elif "Properties.json" in files:
        then = table_properties(table, json.loads(files["Properties.json"].decode("utf-8-sig")))
    else:
        # What v3 calls its version is the moment of the last change.
        return snapshot.vintage_label == properties.version
    return (then.version, then.modified_at) == (properties.version, properties.modified_at)


def _poll(client: CbsClient, connector: CbsV4Connector | CbsV3Connector, table: str) -> tuple[bytes, TableProperties]:
    """What the table says of itself now. Raises TableNotFound."""
    if isinstance(connector, CbsV3Connector):
        from pipelines.connectors.cbs_v3 import fetch_properties_v3

        return fetch_properties_v3(client, table)
    from pipelines.connectors.cbs_v4 import fetch_properties

    return fetch_properties(client, table)


def _fetch(
    client: CbsClient,
    connector: CbsV4Connector | CbsV3Connector,
    table: str,
    polled: tuple[bytes, TableProperties],
    settings: Settings,
    folder: Path,
) -> FetchedTable:
    if isinstance(connector, CbsV3Connector):
        from pipelines.connectors.cbs_v3 import fetch_table_v3

        return fetch_table_v3(client, connector, table, folder)
    # The sample has the answers of OData alone, and asks nobody.
    if connector.bulk and settings.profile != "sample":
        from pipelines.connectors.cbs_bulk import bulk_url, fetch_bulk
        from pipelines.connectors.http import open_client

        with open_client(settings.cbs_csv_url or bulk_url(settings.cbs_v4_url)) as bulk:
            return fetch_bulk(bulk, table, folder)
    from pipelines.connectors.cbs_v4 import fetch_table

    return fetch_table(client, connector, folder, table=table, polled=polled)


def address_of(connector: CbsV4Connector | CbsV3Connector, settings: Settings) -> str:
    """The service that a table is asked of."""
    if isinstance(connector, CbsV4Connector):
        return settings.cbs_v4_url
    return settings.cbs_v3_third_url if connector.host == "third_party" else settings.cbs_v3_url
