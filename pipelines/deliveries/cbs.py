"""Tables of CBS: fetched where they changed, kept as vintages, read.

What belongs here: what becomes of a table that is there, that changed, or that the publisher no longer knows. What
does not: the requests (`connectors`), what the answers mean (`readers`), and which vintage counts (`accounts`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import CbsV4Connector, Source
from pipelines.deliveries.accounts import Delivery, SourceLoad, collect, judge
from pipelines.readers.account import Problem
from pipelines.settings import Settings


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
    table = connector.tables[0][0]
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
            fetched = fetch_table(client, connector, scratch / source.source_id, table=table)
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
        deliveries = judge(table, (present, result), earlier)
        regions = read_region_codes(files, source)
    return collect(source, deliveries, extra_problems=missing if present is None else ()), regions
