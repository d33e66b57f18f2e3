"""Says of every declared source whether its publisher still has it, and whether it changed since the last fetch.

What belongs here: the declared tables against the publishers' catalogues and the snapshots. What does not: the rest of
the installation (`doctor`), and fetching anything but catalogues.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, FolderConnector, Source
from pipelines.settings import Settings, SetupError

if TYPE_CHECKING:
    from pipelines.connectors.cbs_catalogue import Catalogue
    from pipelines.connectors.snapshot import SnapshotStore
    from pipelines.declarations.load import Declarations

_PATIENCE_SECONDS = 20.0
_EVIDENCE = {
    "secondhand": "declared after other people's use of it, not seen by us",
    "unconfirmed": "declared without having been seen anywhere: not confirmed",
}


@dataclass(frozen=True)
class SourceFinding:
    """One declared source, or one publisher that cannot be asked."""

    ok: bool
    subject: str
    text: str


def examine_sources(
    settings: Settings, declarations: Declarations, silent: Collection[str] = ()
) -> Iterator[SourceFinding]:
    """One line per catalogue, and one per declared source of the live profile, switched-off ones included.

    Of every service that a source needs the catalogue is asked for, and no table. The sources of a publisher that
    cannot be asked are counted in its line, and have none of their own; `silent` are the settings of the services that
    are known not to answer, of which nothing more is said.
    """
    from pipelines.connectors.snapshot import SnapshotCorrupt, SnapshotStore

    store = SnapshotStore(settings.snapshots_dir)
    needed: dict[str, list[Source]] = {}
    elsewhere: list[Source] = []
    for source in (*declarations.sources, *declarations.disabled):
        if isinstance(source.connector, CbsV4Connector | CbsV3Connector):
            needed.setdefault(_setting(source.connector), []).append(source)
        else:
            elsewhere.append(source)
    for setting, sources in needed.items():
        if setting in silent:
            continue
        catalogue = _catalogue(setting, settings)
        address = getattr(settings, setting)
        if isinstance(catalogue, str):
            text = f"{address}: {catalogue}; see the network, or {setting}; {_count(sources)} not looked up"
            yield SourceFinding(False, "catalogue", text)
            continue
        yield SourceFinding(True, "catalogue", f"{address}: {len(catalogue.entries)} tables")
        for source in sources:
            try:
                yield _held_against(source, catalogue, store)
            except SnapshotCorrupt as error:
                yield SourceFinding(False, f"source {source.source_id}", str(error))
    for source in elsewhere:
        yield _elsewhere(source, settings)


def _setting(connector: CbsV4Connector | CbsV3Connector) -> str:
    """The setting that says where its catalogue stands."""
    if isinstance(connector, CbsV4Connector):
        return "cbs_v4_url"
    return "cbs_v3_third_url" if connector.host == "third_party" else "cbs_v3_url"


def _catalogue(setting: str, settings: Settings) -> Catalogue | str:
    """A service's catalogue, or why it cannot be had."""
    from pipelines.connectors.cbs_catalogue import fetch_v3_catalogue, fetch_v4_catalogue
    from pipelines.connectors.http import RetryPolicy, SourceError

    fetch = fetch_v4_catalogue if setting == "cbs_v4_url" else fetch_v3_catalogue
    try:
        # Somebody is waiting for the answer: once is enough.
        return fetch(getattr(settings, setting), retry=RetryPolicy(attempts=1), timeout_seconds=_PATIENCE_SECONDS)
    except SourceError as error:
        return f"no catalogue ({error.cause})"
    except SetupError as error:
        return str(error)


def _held_against(source: Source, catalogue: Catalogue, store: SnapshotStore) -> SourceFinding:
    connector = source.connector
    assert isinstance(connector, CbsV4Connector | CbsV3Connector)  # noqa: S101 - for the type checker
    tables = [table for table, _ in connector.tables]
    entries = {table: entry for table in tables if (entry := catalogue.find(table))}
    said = [tables[0] if len(tables) == 1 else f"{len(tables)} tables"]
    said += [_unknown(table, catalogue) for table in tables if table not in entries]
    if ended := [table for table, entry in entries.items() if entry.is_discontinued]:
        said.append(_of("discontinued", ended, tables))
    fetched = {table: _latest(store, source, table) for table in entries}
    if never := [table for table, day in fetched.items() if day is None]:
        said.append(_of("not fetched yet", never, tables))
    changed = [
        table
        for table, entry in entries.items()
        if entry.modified and (day := fetched[table]) and entry.modified.date() > day
    ]
    if changed:
        newest = max(modified.date() for table in changed if (modified := entries[table].modified))
        said.append(_of(f"changed on {newest} since the last fetch", changed, tables))
    if source.evidence in _EVIDENCE:
        said.append(_EVIDENCE[source.evidence])
    if not source.enabled:
        said.append("switched off")
    return SourceFinding(
        len(entries) == len(tables) or not source.enabled, f"source {source.source_id}", "; ".join(said)
    )


def _unknown(table: str, catalogue: Catalogue) -> str:
    near = catalogue.near(table)
    return f"unknown id {table}" + (f" (did you mean {' or '.join(near)}?)" if near else "")


def _of(what: str, some: list[str], tables: list[str]) -> str:
    """`discontinued` of the only table, or of which of several."""
    if len(tables) == 1:
        return what
    return f"{what}: {'all' if len(some) == len(tables) else ', '.join(some)}"


def _latest(store: SnapshotStore, source: Source, table: str) -> dt.date | None:
    """The publisher's date of the newest vintage that is kept."""
    days = [kept.vintage_date or kept.fetched_at.date() for kept in store.list(source.source_id, table)]
    return max(days, default=None)


def _elsewhere(source: Source, settings: Settings) -> SourceFinding:
    """A source that no catalogue knows."""
    off = "" if source.enabled else "; switched off"
    if isinstance(source.connector, FolderConnector):
        from pipelines.connectors.folder import find_deliveries

        try:
            found = len(find_deliveries(settings.deliveries_dir, source.connector))
        except SetupError as error:
            return SourceFinding(False, f"source {source.source_id}", str(error))
        text = f"{found} {'delivery' if found == 1 else 'deliveries'} in the folder{off}"
        return SourceFinding(True, f"source {source.source_id}", text)
    has_address = settings.swing_url is not None
    text = "its databank is asked in a run" if has_address else "no databank is named; set swing_url, or switch it off"
    return SourceFinding(has_address or not source.enabled, f"source {source.source_id}", f"{text}{off}")


def _count(sources: Sequence[Source]) -> str:
    return "1 source" if len(sources) == 1 else f"{len(sources)} sources"
