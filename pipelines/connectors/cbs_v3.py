"""Fetching one table, or a part of one, from CBS OData v3 into a folder of exact answers.

What belongs here: which resources make up a table, which topics a declaration means, and following the pages to the
end. What does not: HTTP itself (`http`), on which service a table stands (`cbs_v3_table`), keeping vintages
(`snapshot`), and reading figures (`readers.cbs_v3`).

The files are called after their resource (`TableInfos.json`, `DataProperties.json`, `Gemeenten.json`,
`TypedDataSet.json`), and further pages by number (`TypedDataSet-0002.json`); the pages of a table that is fetched in
parts by the number of the part and their own (`TypedDataSet-0001-0002.json`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pyarrow as pa

from pipelines.connectors.cbs_slices import LONGEST_ADDRESS, slices
from pipelines.connectors.cbs_v3_table import (
    AS_JSON,
    OfferedTable,
    TableInfo,
    fetch_table_info,
    find_table,
    list_pages,
)
from pipelines.connectors.cbs_v4 import FetchedFile, FetchedTable, NoObservations, TableProperties, keep_answer
from pipelines.connectors.http import (
    CbsClient,
    NotAsDeclared,
    ResourceNotFound,
    SourceError,
    unreadable,
)
from pipelines.connectors.paging import PageTrail
from pipelines.declarations.source import CbsV3Connector
from pipelines.readers.cbs_wide import WideReader, WideTable, topics_meant
from pipelines.readers.odata_rows import next_link

_SHOWN: Final = 8
_AND: Final = " and "


def fetch_properties_v3(client: CbsClient, table: str) -> tuple[bytes, TableProperties]:
    """The exact answer and its meaning, from a client for the host. Raises TableNotFound, else SourceError."""
    payload, info = fetch_table_info(client, table)
    return payload, _properties(info)


def fetch_table_v3(client: CbsClient, connector: CbsV3Connector, table: str, into: Path) -> FetchedTable:
    """Fetch the declared part of a table, all pages of it, into the empty or absent folder `into`.

    `client` is for the host under which ODataFeed and ODataApi stand; `table` is one of the connector's. Codes in the
    declared filter are padded as the table pads them, and only the declared topics are fetched; with `skip_empty` no
    rows without any of these, where the publisher can tell. The whole fetch
    counts or none of it: where it raises, the folder holds nothing of value. Raises TableNotFound for an unknown id,
    NoObservations for a table that is only described, and SourceError for one that did not come whole: a page that
    repeats, a link that loops or leads elsewhere, columns that are not those of the table, a table published anew in
    the meantime; and for one that has none of the declared topics.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"expected an empty folder to fetch into, found files in {into}")
    fetched_at = dt.datetime.now(dt.UTC)
    folder = _Folder(into)
    missing: ResourceNotFound | None = None
    for offered in find_table(client, table, folder.keep):
        try:
            fetched = _fetch(offered, connector, folder)
        except _NoFiguresError as error:
            missing = missing or error.cause
            continue
        _check_unchanged(client, offered)
        return replace(fetched, fetched_at=fetched_at)
    assert missing is not None  # noqa: S101 - a table that is found is tried, and gives figures or a 404
    cause = f"{missing.cause}: the publisher describes the table, but does not give its figures here"
    raise NoObservations(table, missing.resource, cause) from missing


class _NoFiguresError(Exception):
    """The service has no such data set."""

    def __init__(self, cause: ResourceNotFound) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Folder:
    """The exact answers so far; one that comes again replaces the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, FetchedFile] = {}

    @property
    def files(self) -> tuple[FetchedFile, ...]:
        return tuple(self._files.values())

    def keep(self, resource: str, page: int, payload: bytes, part: int | None = None) -> None:
        """Write one answer."""
        file = keep_answer(self._path, resource, payload, *((page,) if part is None else (part, page)))
        self._files[file.name] = file


@dataclass(frozen=True)
class _Plan:
    """What is asked for: the topics, one filter after the other, and what there is to say of them."""

    wanted: WideTable
    filters: tuple[str | None, ...]
    notices: tuple[str, ...]


def _fetch(offered: OfferedTable, connector: CbsV3Connector, folder: _Folder) -> FetchedTable:
    plan = _planned(offered, connector, folder)
    whole = offered.columns
    reader = WideReader(whole, plan.wanted, untyped=offered.is_untyped)
    select = plan.wanted if connector.measures else None
    rows = pages = 0
    try:
        for part, text in enumerate(plan.filters, start=1):
            for page, payload, found in _figures(offered, offered.query(text, select), reader):
                pages += 1
                rows += found
                folder.keep(offered.data_set, page, payload, part if len(plan.filters) > 1 else None)
    except SourceError as error:
        if not connector.skip_empty or error.status != HTTPStatus.BAD_REQUEST:
            raise
        # Skipping spares the publisher and the wait, and nothing else: a table that refuses it comes with all its rows.
        fetched = _fetch(offered, connector.model_copy(update={"skip_empty": False}), folder)
        return replace(fetched, notices=(*fetched.notices, f"{offered.table}: empty rows came along ({error})"))
    for dimension in whole.dimensions:
        offered.code_list(dimension, folder.keep)
    _keep_groups(offered, folder)
    return FetchedTable(
        table=offered.table,
        url=offered.client.url(offered.table, offered.data_set, offered.query(connector.filter, select)),
        filter=connector.filter,
        properties=_properties(offered.info),
        files=folder.files,
        rows=rows,
        pages=pages,
        fetched_at=dt.datetime.now(dt.UTC),
        notices=plan.notices,
    )


def _planned(offered: OfferedTable, connector: CbsV3Connector, folder: _Folder) -> _Plan:
    table, whole = offered.table, offered.columns
    keys, lacking = topics_meant(connector.measures, whole)
    if connector.measures and not keys:
        titles = dict.fromkeys(topic.title for topic in whole.topics)
        shown = ", ".join(map(repr, list(titles)[:_SHOWN])) + (", ..." if len(titles) > _SHOWN else "")
        declared_titles = ", ".join(map(repr, connector.measures))
        cause = f"found none of the declared topics ({declared_titles}); it has {shown}"
        raise NotAsDeclared(table, "DataProperties", cause)
    notices = [f"{table}: no topic is called {title!r}" for title in lacking]
    declared, unknown = (None, ()) if connector.filter is None else offered.padded(connector.filter, folder.keep)
    notices += [f"{table}: no code of the table is meant by {term}" for term in unknown]
    wanted = whole.only(keys) if connector.measures else whole
    options = offered.query("", wanted if connector.measures else None)
    filled = _filled(wanted) if connector.skip_empty else ""
    room = LONGEST_ADDRESS - len(offered.client.url(table, offered.data_set, options)) - len(quote(filled, safe=""))
    filters = [piece.filter for part in offered.parts(declared, folder.keep) for piece in slices(part, (), room)]
    if filled:
        filters = [f"({declared}){filled}" if declared else filled.removeprefix(_AND) for declared in filters]
    return _Plan(wanted, tuple(filters), tuple(notices))


def _filled(wanted: WideTable) -> str:
    """What lets through the rows in which any topic has a figure, or says why it has none, to stand behind a filter."""
    return f"{_AND}({' or '.join(f'{topic.key} ne null' for topic in wanted.topics)})"


def _figures(offered: OfferedTable, query: str, reader: WideReader) -> Iterator[tuple[int, bytes, int]]:
    """Every page of figures: its number, its exact bytes, its number of rows."""
    table, data_set = offered.table, offered.data_set
    trail = PageTrail(table, data_set, query, AS_JSON)
    page = 1

    def read(payload: bytes) -> tuple[int, pa.Array | None, str | None]:
        try:
            found = reader.read(payload)
            return found.rows, found.ids, next_link(payload)
        except ValueError as error:
            raise unreadable(error, payload) from error

    while True:
        try:
            payload, (rows, ids, link) = offered.client.get(table, data_set, read, query, page)
        except ResourceNotFound as error:
            raise _NoFiguresError(error) if page == 1 else error from None
        ends = (ids[0].as_py(), ids[-1].as_py()) if ids is not None and rows else hashlib.sha256(payload).digest()
        trail.saw(page, (rows, ends if rows else None))
        yield page, payload, rows
        if link is None:
            return
        query, page = trail.next_query(page, link), page + 1


def _keep_groups(offered: OfferedTable, folder: _Folder) -> None:
    """The groups of codes: of no use to the reader, and part of what the publisher says of the table."""
    try:
        for page, payload, _ in list_pages(offered.client, offered.table, "CategoryGroups"):
            folder.keep("CategoryGroups", page, payload)
    except ResourceNotFound:
        return


def _properties(info: TableInfo) -> TableProperties:
    return TableProperties(info.title, info.modified_at, info.version, info.status, None)


def _check_unchanged(client: CbsClient, offered: OfferedTable) -> None:
    if offered.info.modified_at is None:
        return
    _, after = fetch_table_info(client, offered.table)
    if after != offered.info:
        raise SourceError(
            offered.table,
            "TableInfos",
            f"the table was published anew while it was being fetched (changed {offered.info.modified_at}, then "
            f"{after.modified_at}); fetch it again",
        )
