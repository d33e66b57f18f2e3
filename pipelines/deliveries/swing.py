"""Variables of a Swing databank: fetched whole, kept as vintages, read. One delivery per variable and level of areas.

What belongs here: what becomes of a variable that is there, that changed, or that the databank no longer has. What does
not: the requests (`connectors.swing_odata`), what the answers mean (`readers.swing_odata`), and which vintage counts
(`accounts`). Exports of Swing come as files (`folder`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import Source, SwingConnector
from pipelines.deliveries.accounts import Delivery, SourceLoad, collect
from pipelines.deliveries.fetched import Arrived, read_vintages, undelivered
from pipelines.geography.regions import RegionLookup
from pipelines.readers.account import Problem, ReadResult
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.connectors.swing_odata import FetchedVariable


def fetch_swing_source(source: Source, settings: Settings, store: SnapshotStore) -> Arrived:
    """Fetch the declared variables of a databank at every declared level of areas.

    Values carry no version: what comes in the same bytes again is the vintage that is there. A variable that the
    databank does not have, at this level or at all, is a problem of its own. Any other failure raises SourceError,
    before anything of this fetch is kept; a missing address or a key that is none, SetupError. With `settings.as_of`
    nothing is fetched.
    """
    connector = source.connector
    assert isinstance(connector, SwingConnector)  # noqa: S101 - for the type checker
    return _fetch(source, connector, settings, store) if settings.as_of is None else Arrived()


def load_swing_source(
    source: Source, settings: Settings, store: SnapshotStore, lookup: RegionLookup, arrived: Arrived
) -> SourceLoad:
    """Read every vintage of the declared variables. One that is missing leaves its earlier vintages in place.

    With `settings.as_of` what counts is what was known on that day.
    """
    connector = source.connector
    assert isinstance(connector, SwingConnector)  # noqa: S101 - for the type checker
    read = partial(_read, source=source, lookup=lookup)
    deliveries: list[Delivery] = []
    for name in _names(connector):
        deliveries += read_vintages(name, source, store, arrived, settings.as_of, read)
    return collect(source, deliveries, store, extra_problems=undelivered(arrived, deliveries))


def _fetch(source: Source, connector: SwingConnector, settings: Settings, store: SnapshotStore) -> Arrived:
    from pipelines.connectors.swing_odata import VariableNotFound, fetch_variable, open_databank, swing_apikey

    came: dict[str, FetchedVariable] = {}
    missing: dict[str, Problem] = {}
    with open_databank(settings.swing_url, swing_apikey()) as client:
        for code, geolevel in _pairs(connector):
            name = _name(code, geolevel)
            try:
                came[name] = fetch_variable(client, connector, code, geolevel)
            except VariableNotFound as error:
                expected = "a variable that the databank publishes"
                missing[name] = Problem(name, None, None, code, "not_delivered", str(error), expected)
    # Only now, so that a databank that fails half-way leaves all of the source as it was.
    return Arrived({name: _keep(name, fetched, source, settings, store) for name, fetched in came.items()}, missing)


def _keep(name: str, fetched: FetchedVariable, source: Source, settings: Settings, store: SnapshotStore) -> Snapshot:
    return store.put_files(
        source.source_id,
        name,
        fetched.files,
        origin=f"{settings.swing_url}/{fetched.resource}",
        fetched_at=dt.datetime.now(dt.UTC),
        vintage_date=fetched.variable.last_update or settings.today,
        vintage_label=fetched.variable.name,
    )


def _read(snapshot: Snapshot, source: Source, lookup: RegionLookup) -> ReadResult:
    from pipelines.readers.swing_odata import read_values

    return read_values(snapshot.read_files(), snapshot.name, source, lookup)


def _names(connector: SwingConnector) -> list[str]:
    return [_name(code, geolevel) for code, geolevel in _pairs(connector)]


def _pairs(connector: SwingConnector) -> Iterator[tuple[str, str]]:
    return ((code, geolevel) for code in dict.fromkeys(connector.variables) for geolevel in connector.geolevels)


def _name(code: str, geolevel: str) -> str:
    """The name of a delivery; a code has no point in it."""
    return f"{code}.{geolevel}"
