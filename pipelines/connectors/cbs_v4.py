"""Fetching one table, or a slice of one, from CBS OData v4 into a folder of exact answers.

What belongs here: which resources make up a table, following their pages to the end, and deciding whether
what came is whole. What does not: HTTP itself (`http`), what to ask for (`cbs_slices`), keeping vintages (`snapshot`),
and reading figures (`readers.cbs_v4`).

The files are called after their resource (`Properties.json`, `RegioSCodes.json`, `Observations.json`), and
further pages by number (`Observations-0002.json`); the pages of a table that is fetched in slices by the number of
the slice and their own (`Observations-0001-0002.json`).
"""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import itertools
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.connectors.cbs_slices import LONGEST_ADDRESS, Slice, slices
from pipelines.connectors.http import (
    CbsClient,
    NotAsDeclared,
    ResourceNotFound,
    SourceError,
    UnexpectedAnswerError,
)
from pipelines.connectors.odata_json import check_table, list_in, object_in
from pipelines.connectors.paging import PageTrail
from pipelines.connectors.seen_ids import SeenIds
from pipelines.declarations.source import CbsV4Connector
from pipelines.readers.cbs_lists import list_of
from pipelines.readers.cbs_measures import measures_meant
from pipelines.readers.cbs_v4_pages import check_fields, scan_page
from pipelines.readers.refusal import RefusedFileError

_log = logging.getLogger(__name__)
# OData writes days as ISO does; what comes as CSV may not.
_DUTCH_DATE = re.compile(r"^([0-9]{2})-([0-9]{2})-([0-9]{4})")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A table larger than this is fetched measure by measure: one long row of pages of all of it crawls, and breaks.
_ONE_BY_ONE_FROM = 1_000_000


class NoObservations(ResourceNotFound):
    """The publisher describes the table, but does not give its observations here."""


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
    """One page of a list: its number of rows, the first and last to recognise it by, and where it goes on.

    `ids` and `measures` are those of observations, `values` the entries of any other list.
    """

    rows: int
    mark: tuple[object, ...]
    next_link: object | None
    values: tuple[dict[str, Any], ...] = ()
    ids: np.ndarray | None = None
    measures: frozenset[str | None] = frozenset()


def fetch_properties(client: CbsClient, table: str) -> tuple[bytes, TableProperties]:
    """The exact answer and its meaning. Raises TableNotFound for an unknown id, else SourceError."""
    return client.get(table, "Properties", partial(_read_properties, table))


def fetch_table(
    client: CbsClient,
    connector: CbsV4Connector,
    into: Path,
    *,
    table: str | None = None,
    polled: tuple[bytes, TableProperties] | None = None,
    allow_count_mismatch: bool = False,
) -> FetchedTable:
    """Fetch the declared slice of a table, all pages of it, into the empty or absent folder `into`.

    `table` is one of the connector's, where it declares editions; `polled` the properties, where they were asked for
    just now. The whole fetch counts or none of it: where it raises, the folder holds nothing of value. Raises
    TableNotFound for an unknown id, NoObservations for a table that is only described, and SourceError for one that
    did not come whole: a page that repeats, a link that loops or leads elsewhere, columns that are not those of the
    table's dimensions, an observation that came twice or was not asked for, another number of observations than the
    table announces, a table published anew in the meantime; and for one that has none of the declared measures.
    `allow_count_mismatch` turns the number of observations into a notice, for a server that holds a slice only.
    """
    table = connector.table if table is None else table
    if table is None:
        raise ValueError("expected the table to fetch: the connector declares editions")
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise ValueError(f"expected an empty folder to fetch into, found files in {into}")
    fetched_at = dt.datetime.now(dt.UTC)
    files: list[FetchedFile] = []

    payload, properties = polled or fetch_properties(client, table)
    files.append(keep_answer(into, "Properties", payload))
    dimensions = _fetch_dimensions(client, table, into, files)
    measures = _fetch_measures(client, table, connector.measures, into, files)
    for name in (name for name, has_codes in dimensions if has_codes):
        _fetch_list(client, table, f"{name}Codes", into, files)

    parts = _slices(client, table, connector, measures, properties)
    names = tuple(name for name, _ in dimensions)
    rows = pages = 0
    for part, page, payload, found in _fetch_observations(client, table, parts, names):
        pages += 1
        rows += found.rows
        if not allow_count_mismatch:
            _refuse_surplus(table, rows, properties, pages)
        numbers = (page,) if len(parts) == 1 else (part, page)
        files.append(keep_answer(into, "Observations", payload, *numbers))

    is_whole = not (connector.filter or connector.measures)
    notices = _check_count(table, rows, properties, allow_count_mismatch) if is_whole else ()
    _check_unchanged(table, properties, fetch_properties(client, table)[1])
    return FetchedTable(
        table=table,
        url=client.url(table, "Observations", Slice(connector.filter).query),
        filter=connector.filter,
        properties=properties,
        files=tuple(files),
        rows=rows,
        pages=pages,
        fetched_at=fetched_at,
        notices=(*(f"{table}: no measure is called {title!r}" for title in measures.lacking), *notices),
    )


def _fetch_list(
    client: CbsClient, table: str, resource: str, into: Path, files: list[FetchedFile]
) -> list[dict[str, Any]]:
    """A list of codes, all pages of it, kept and as entries."""
    entries: list[dict[str, Any]] = []
    for page, (payload, found) in enumerate(_pages(client, table, resource, _read_list), start=1):
        files.append(keep_answer(into, resource, payload, page))
        entries += found.values
    return entries


def _fetch_dimensions(client: CbsClient, table: str, into: Path, files: list[FetchedFile]) -> list[tuple[str, bool]]:
    """The table's dimensions in order, each with whether it has a list of codes."""
    dimensions: list[tuple[str, bool]] = []
    for dimension in _fetch_list(client, table, "Dimensions", into, files):
        name = str(dimension.get("Identifier")).strip()
        # The name becomes part of an address and of a file name.
        if not _NAME.fullmatch(name):
            raise SourceError(table, "Dimensions", f"found dimension {name!r}, expected letters and digits")
        dimensions.append((name, dimension.get("ContainsCodes") is not False))
    return dimensions


@dataclass(frozen=True)
class _Measures:
    """The codes of a table's measures as the publisher writes them: all of them, and those that are declared."""

    all: tuple[str, ...]
    declared: tuple[str, ...]
    lacking: tuple[str, ...]


def _fetch_measures(
    client: CbsClient, table: str, titles: tuple[str, ...], into: Path, files: list[FetchedFile]
) -> _Measures:
    entries = _fetch_list(client, table, "MeasureCodes", into, files)
    groups = None
    # Most tables have no groups, and no such list.
    if any(entry.get("MeasureGroupId") is not None for entry in entries):
        try:
            groups = _listed(table, "MeasureGroups", _fetch_list(client, table, "MeasureGroups", into, files))
        except ResourceNotFound:
            _log.info("CBS table %s: its measures have groups, but it offers no MeasureGroups", table)
    measures = _listed(table, "MeasureCodes", entries)
    meant, lacking = measures_meant(titles, measures, groups)
    if titles and not meant:
        raise NotAsDeclared(table, "MeasureCodes", _none_of(titles, measures))
    written = {str(entry.get("Identifier")).strip(): str(entry.get("Identifier")) for entry in entries}
    return _Measures(tuple(written.values()), tuple(written[code] for code in meant), lacking)


def _listed(table: str, resource: str, entries: list[dict[str, Any]]) -> pa.Table:
    try:
        return list_of(entries, resource)
    except RefusedFileError as error:
        raise SourceError(table, resource, str(error)) from error


def _none_of(titles: tuple[str, ...], measures: pa.Table) -> str:
    """What to say of a table that has none of the declared measures, with those that are called most like them."""
    known = [title for title in measures["Title"].to_pylist() if title]
    near = [match for title in titles for match in difflib.get_close_matches(title, known, n=2)] or known[:5]
    wanted = ", ".join(map(repr, titles))
    return f"found none of the declared measures ({wanted}); it has {', '.join(map(repr, dict.fromkeys(near)))}"


def _slices(
    client: CbsClient, table: str, connector: CbsV4Connector, measures: _Measures, properties: TableProperties
) -> tuple[Slice, ...]:
    if connector.filter or connector.measures or (properties.observation_count or 0) <= _ONE_BY_ONE_FROM:
        room = LONGEST_ADDRESS - len(client.url(table, "Observations", "?"))
        return slices(connector.filter, measures.declared, room)
    return tuple(Slice(f"Measure eq '{code}'", (code,)) for code in measures.all)


def _fetch_observations(
    client: CbsClient, table: str, parts: tuple[Slice, ...], dimensions: tuple[str, ...]
) -> Iterator[tuple[int, int, bytes, _Page]]:
    """Every page of every slice, with the numbers of slice and page; none of the observations twice."""
    seen = SeenIds()
    read = partial(_read_observations, dimensions)
    for number, part in enumerate(parts, start=1):
        try:
            for page, (payload, found) in enumerate(_pages(client, table, "Observations", read, part.query), start=1):
                if cause := _not_as_asked(part, found, seen):
                    raise SourceError(table, "Observations", cause, page)
                yield number, page, payload, found
        except ResourceNotFound as error:
            if error.page == 1:
                cause = f"{error.cause}: the publisher describes the table, but does not give its observations here"
                raise NoObservations(table, "Observations", cause) from error
            raise
        except SourceError as error:
            if len(parts) == 1:
                raise
            cause = f"{error.cause} (slice {number} of {len(parts)})"
            raise SourceError(table, "Observations", cause, error.page, error.status) from error


def _not_as_asked(part: Slice, page: _Page, seen: SeenIds) -> str | None:
    """What of a page was not asked for, or came before; None if nothing."""
    if page.ids is not None and (again := seen.add(page.ids)) is not None:
        return f"observation {again} came a second time"
    asked = {code.strip() for code in part.measures}
    if part.measures and (other := sorted(str(code) for code in page.measures - asked)):
        return f"found measures that were not asked for ({', '.join(other[:5])}): the server did not apply the filter"
    return None


def _pages(
    client: CbsClient, table: str, resource: str, read: Callable[[bytes], _Page], query: str = ""
) -> Iterator[tuple[bytes, _Page]]:
    """Every page of a list, in order, to the one that links no further."""
    trail = PageTrail(table, resource, query)
    for number in itertools.count(1):
        payload, page = client.get(table, resource, read, query=query, page=number)
        trail.saw(number, (page.rows, page.mark))
        yield payload, page
        if page.next_link is None:
            return
        query = trail.next_query(number, page.next_link)


def keep_answer(into: Path, resource: str, payload: bytes, *numbers: int) -> FetchedFile:
    """Write one answer; the first page of a list that is not in slices bears no number."""
    suffix = "" if numbers in ((), (1,)) else "".join(f"-{number:04d}" for number in numbers)
    path = into / f"{resource}{suffix}.json"
    path.write_bytes(payload)
    return FetchedFile(path.name, path, len(payload), hashlib.sha256(payload).hexdigest())


def _read_list(payload: bytes) -> _Page:
    values, link = list_in(payload)
    named = [value.get("Identifier", value.get("Id")) for value in (values[:1] + values[-1:])]
    return _Page(len(values), tuple(named), link, tuple(values))


def _read_properties(table: str, payload: bytes) -> TableProperties:
    return table_properties(table, object_in(payload))


def table_properties(table: str, document: Mapping[str, Any]) -> TableProperties:
    """What the fields of `Properties` mean. Raises UnexpectedAnswerError for those of another table or form."""
    check_table(document.get("Identifier"), table)
    count = document.get("ObservationCount")
    if isinstance(count, str) and count.isdecimal():
        count = int(count)
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
        return dt.datetime.fromisoformat(_DUTCH_DATE.sub(r"\3-\2-\1", str(text).strip()))
    except ValueError:
        raise UnexpectedAnswerError(f"found Modified {text!r}, expected a date and time") from None


def _read_observations(dimensions: tuple[str, ...], payload: bytes) -> _Page:
    try:
        scan = scan_page(payload)
    except ValueError as error:
        # Where the document is whole after all, its shape is what is wrong.
        object_in(payload)
        raise UnexpectedAnswerError(str(error)) from error
    if problem := check_fields(payload, dimensions):
        raise UnexpectedAnswerError(problem)
    ids = scan.ids
    ends = (ids[0].as_py(), ids[-1].as_py()) if len(ids) else ()
    measures = pc.utf8_trim_whitespace(pc.unique(scan.measures)).to_pylist()
    # An observation without an id is for the reader to refuse.
    numbers = ids.drop_null().to_numpy()
    return _Page(len(ids), ends, scan.next_link, ids=numbers, measures=frozenset(measures))


def _refuse_surplus(table: str, rows: int, properties: TableProperties, page: int) -> None:
    announced = properties.observation_count
    if announced is not None and rows > announced:
        raise SourceError(
            table,
            "Observations",
            f"found {rows} observations, more than the {announced} that the table has",
            page,
        )


def _check_count(table: str, rows: int, properties: TableProperties, allow_mismatch: bool) -> tuple[str, ...]:
    announced = properties.observation_count
    if announced is None or rows == announced:
        return ()
    text = f"found {rows} observations, expected the {announced} that the table announces"
    if not allow_mismatch:
        raise SourceError(table, "Observations", text)
    return (text,)


def _check_unchanged(table: str, before: TableProperties, after: TableProperties) -> None:
    if before != after:
        raise SourceError(
            table,
            "Properties",
            f"the table was published anew while it was being fetched (version {before.version}, then "
            f"{after.version}); fetch it again",
        )
