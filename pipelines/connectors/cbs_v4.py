"""Fetching one table, or a slice of one, from CBS OData v4 into a folder of exact answers.

What belongs here: which resources make up a table, following their pages to the end, and deciding whether
what came is whole. What does not: HTTP itself (`http`), keeping vintages (`snapshot`), and reading figures
(`readers.cbs_v4`).

The files are called after their resource (`Properties.json`, `RegioSCodes.json`, `Observations.json`), and
further pages by number (`Observations-0002.json`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

from pipelines.connectors.http import (
    CbsClient,
    IncompleteAnswerError,
    SourceError,
    UnexpectedAnswerError,
    next_page_query,
)
from pipelines.declarations.source import CbsV4Connector
from pipelines.readers.cbs_v4 import check_fields, scan_ids

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class TableProperties:
    """What a table says of itself; poll this before fetching the table again."""

    title: str
    modified_at: dt.datetime | None
    version: str | None
    status: str | None
    observation_count: int | None


@dataclass(frozen=True)
class FetchedFile:
    """One answer as it came, on disk."""

    name: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True)
class FetchedTable:
    """All answers that make up one table, whole, in a folder of the caller's. Times are in UTC."""

    table: str
    url: str
    filter: str | None
    properties: TableProperties
    files: tuple[FetchedFile, ...]
    rows: int
    pages: int
    fetched_at: dt.datetime
    notices: tuple[str, ...] = ()

    @property
    def modified(self) -> dt.date | None:
        """The day on which the publisher changed the table, on the publisher's own calendar."""
        return self.properties.modified_at.date() if self.properties.modified_at else None

    @property
    def version(self) -> str | None:
        """The publisher's own name of this vintage, such as `202606230000`."""
        return self.properties.version

    def read_files(self) -> dict[str, bytes]:
        """The exact bytes of every answer, by file name."""
        return {file.name: file.path.read_bytes() for file in self.files}


@dataclass(frozen=True)
class _Page:
    """One page of a list: its number of rows, the first and last to recognise it by, and where it goes on."""

    rows: int
    mark: tuple[object, object]
    next_link: object | None
    values: tuple[dict[str, Any], ...] = ()


def fetch_properties(client: CbsClient, table: str) -> tuple[bytes, TableProperties]:
    """The exact answer and its meaning. Raises TableNotFound for an unknown id, else SourceError."""
    return client.get(table, "Properties", partial(_read_properties, table))


def fetch_table(
    client: CbsClient, connector: CbsV4Connector, into: Path, *, allow_count_mismatch: bool = False
) -> FetchedTable:
    """Fetch the declared slice of a table, all pages of it, into the empty or absent folder `into`.

    The whole fetch counts or none of it: where it raises, the folder holds nothing of value. Raises
    TableNotFound for an unknown id and SourceError for a table that did not come whole: a page that repeats,
    a link that loops or leads elsewhere, columns that are not those of the table's dimensions, another number
    of observations than the table announces, a table published anew in the meantime. `allow_count_mismatch`
    turns the number of observations into a notice, for a server that holds a slice only.
    """
    table = connector.table
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"expected an empty folder to fetch into, found files in {into}")
    fetched_at = dt.datetime.now(dt.UTC)
    files: list[FetchedFile] = []

    payload, properties = fetch_properties(client, table)
    files.append(_keep(into, "Properties", 1, payload))
    dimensions = _fetch_dimensions(client, table, into, files)
    for resource in ("MeasureCodes", *(f"{name}Codes" for name, has_codes in dimensions if has_codes)):
        for page, (payload, _) in enumerate(_pages(client, table, resource, _read_list), start=1):
            files.append(_keep(into, resource, page, payload))

    read = partial(_read_observations, tuple(name for name, _ in dimensions))
    query = f"$filter={quote(connector.filter, safe='')}" if connector.filter else ""
    rows = pages = 0
    for payload, found in _pages(client, table, "Observations", read, query):
        pages += 1
        rows += found.rows
        if not allow_count_mismatch:
            _refuse_surplus(table, rows, properties, pages)
        files.append(_keep(into, "Observations", pages, payload))

    notices = _check_count(connector, rows, properties, allow_count_mismatch)
    _check_unchanged(table, properties, fetch_properties(client, table)[1])
    return FetchedTable(
        table=table,
        url=client.url(table, "Observations", query),
        filter=connector.filter,
        properties=properties,
        files=tuple(files),
        rows=rows,
        pages=pages,
        fetched_at=fetched_at,
        notices=notices,
    )


def _fetch_dimensions(client: CbsClient, table: str, into: Path, files: list[FetchedFile]) -> list[tuple[str, bool]]:
    """The table's dimensions in order, each with whether it has a list of codes."""
    dimensions: list[tuple[str, bool]] = []
    for page, (payload, found) in enumerate(_pages(client, table, "Dimensions", _read_list), start=1):
        files.append(_keep(into, "Dimensions", page, payload))
        for dimension in found.values:
            name = str(dimension.get("Identifier")).strip()
            # The name becomes part of an address and of a file name.
            if not _NAME.fullmatch(name):
                raise SourceError(table, "Dimensions", f"found dimension {name!r}, expected letters and digits", page)
            dimensions.append((name, dimension.get("ContainsCodes") is not False))
    return dimensions


def _pages(
    client: CbsClient, table: str, resource: str, read: Callable[[bytes], _Page], query: str = ""
) -> Iterator[tuple[bytes, _Page]]:
    """Every page of a list, in order, to the one that links no further."""
    asked = {_comparable(query): 1}
    seen: dict[object, int] = {}
    for number in itertools.count(1):
        payload, page = client.get(table, resource, read, query=query, page=number)
        sign = (page.rows, page.mark)
        if sign in seen:
            raise SourceError(table, resource, f"the rows of page {seen[sign]} came again", number)
        seen[sign] = number
        yield payload, page
        if page.next_link is None:
            return
        try:
            query = next_page_query(page.next_link, table, resource)
        except UnexpectedAnswerError as error:
            raise SourceError(table, resource, str(error), number) from error
        if _comparable(query) in asked:
            back = asked[_comparable(query)]
            raise SourceError(table, resource, f"the next-page link loops back to page {back}", number)
        asked[_comparable(query)] = number + 1


def _comparable(query: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(parse_qsl(query, keep_blank_values=True)))


def _keep(into: Path, resource: str, page: int, payload: bytes) -> FetchedFile:
    name = f"{resource}.json" if page == 1 else f"{resource}-{page:04d}.json"
    path = into / name
    path.write_bytes(payload)
    return FetchedFile(name, path, len(payload), hashlib.sha256(payload).hexdigest())


def _read_object(payload: bytes) -> dict[str, Any]:
    try:
        document = json.loads(payload.decode("utf-8-sig"))
    except ValueError as error:
        raise IncompleteAnswerError(str(error)) from error
    if not isinstance(document, dict):
        raise UnexpectedAnswerError(f"found a JSON {type(document).__name__}, expected an object")
    return document


def _read_list(payload: bytes) -> _Page:
    document = _read_object(payload)
    values = document.get("value")
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise UnexpectedAnswerError("found no list named 'value', expected one of objects")
    ends = (values[0].get("Identifier"), values[-1].get("Identifier")) if values else (None, None)
    return _Page(len(values), ends, document.get("@odata.nextLink"), tuple(values))


def _read_properties(table: str, payload: bytes) -> TableProperties:
    document = _read_object(payload)
    identifier = document.get("Identifier")
    if identifier is not None and str(identifier).strip() != table:
        raise UnexpectedAnswerError(f"found the properties of table {identifier!r}, expected those of {table!r}")
    count = document.get("ObservationCount")
    if count is not None and not isinstance(count, int):
        raise UnexpectedAnswerError(f"found ObservationCount {count!r}, expected a whole number")
    version = document.get("Version")
    return TableProperties(
        title=str(document.get("Title") or table).strip(),
        modified_at=_read_moment(document.get("Modified")),
        version=None if version is None else str(version).strip(),
        status=document.get("Status"),
        observation_count=count,
    )


def _read_moment(text: object) -> dt.datetime | None:
    if text is None:
        return None
    try:
        return dt.datetime.fromisoformat(str(text))
    except ValueError:
        raise UnexpectedAnswerError(f"found Modified {text!r}, expected a date and time") from None


def _read_observations(dimensions: tuple[str, ...], payload: bytes) -> _Page:
    try:
        ids, next_link = scan_ids(payload)
    except ValueError as error:
        # Where the document is whole after all, its shape is what is wrong.
        _read_object(payload)
        raise UnexpectedAnswerError(str(error)) from error
    if problem := check_fields(payload, dimensions):
        raise UnexpectedAnswerError(problem)
    ends = (ids[0].as_py(), ids[-1].as_py()) if len(ids) else (None, None)
    return _Page(len(ids), ends, next_link)


def _refuse_surplus(table: str, rows: int, properties: TableProperties, page: int) -> None:
    announced = properties.observation_count
    if announced is not None and rows > announced:
        raise SourceError(
            table,
            "Observations",
            f"found {rows} observations, more than the {announced} that the table has",
            page,
        )


def _check_count(
    connector: CbsV4Connector, rows: int, properties: TableProperties, allow_mismatch: bool
) -> tuple[str, ...]:
    announced = properties.observation_count
    if connector.filter or announced is None or rows == announced:
        return ()
    text = f"found {rows} observations, expected the {announced} that the table announces"
    if not allow_mismatch:
        raise SourceError(connector.table, "Observations", text)
    return (text,)


def _check_unchanged(table: str, before: TableProperties, after: TableProperties) -> None:
    if before != after:
        raise SourceError(
            table,
            "Properties",
            f"the table was published anew while it was being fetched (version {before.version}, then "
            f"{after.version}); fetch it again",
        )
