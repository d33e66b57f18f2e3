"""Tables of CBS: fetched where they changed, kept as vintages, read.

What belongs here: what becomes of a table that is there, and of one that the publisher no longer knows. What does not:
whether it changed (`cbs_vintages`), the requests (`connectors`), what the answers mean (`readers`), and which vintage
counts (`accounts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, Source
from pipelines.deliveries.accounts import Delivery, SourceLoad, collect
from pipelines.deliveries.cbs_vintages import fetch_changed
from pipelines.deliveries.fetched import Arrived, read_vintages, undelivered
from pipelines.readers.account import ReadResult
from pipelines.settings import Settings


def fetch_cbs_source(source: Source, settings: Settings, store: SnapshotStore, scratch: Path) -> Arrived:
    """Fetch what changed of a source's tables; the rest of each is what is kept.

    A table that the publisher does not know is a problem of its own, and the others go on; any other failure to fetch
    raises SourceError, with nothing kept of that table. With `settings.as_of` nothing is fetched.
    """
    return fetch_changed(source, settings, store, scratch) if settings.as_of is None else Arrived()


def load_cbs_source(
    source: Source, settings: Settings, store: SnapshotStore, arrived: Arrived
) -> tuple[SourceLoad, pa.Table | None]:
    """Read every vintage of a source's tables, each a delivery of its own; also the region codes of those that count.

    A table that is missing leaves its earlier vintages in place. With `settings.as_of` what counts is what was known on
    that day. The region codes are None for a source of which nothing was ever fetched.
    """
    connector = source.connector
    assert isinstance(connector, CbsV4Connector | CbsV3Connector)  # noqa: S101 - for the type checker
    deliveries: list[Delivery] = []
    regions: list[pa.Table] = []
    for table, period in connector.tables:
        read = partial(_read, source=source, period=period)
        vintages = read_vintages(table, source, store, arrived, settings.as_of, read)
        if vintages:
            counting = next((vintage for vintage in vintages if vintage.is_current), vintages[0])
            regions.append(_region_codes(counting.snapshot.open_files(), source, period))
            deliveries += vintages
    load = collect(source, deliveries, store, extra_problems=undelivered(arrived, deliveries))
    return load, pa.concat_tables(regions) if regions else None


def _read(snapshot: Snapshot, source: Source, period: str | None) -> ReadResult:
    files = snapshot.open_files()
    if isinstance(source.connector, CbsV3Connector):
        from pipelines.readers.cbs_v3 import read_observations_v3

        return read_observations_v3(files, source, period)
    from pipelines.readers.cbs_v4 import read_observations

    return read_observations(files, source, period)


def _region_codes(files: Mapping[str, bytes], source: Source, period: str | None) -> pa.Table:
    if isinstance(source.connector, CbsV3Connector):
        from pipelines.readers.cbs_v3 import read_region_codes_v3

        return read_region_codes_v3(files, source, period)
    from pipelines.readers.cbs_v4 import read_region_codes

    return read_region_codes(files, source, period)
