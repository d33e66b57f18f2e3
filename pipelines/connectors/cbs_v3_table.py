"""What CBS OData v3 offers of one table, found out before its figures are asked for.

What belongs here: on which of its two services a table stands, whether its figures come typed, and what must be known
to ask for a part of them. What does not: bringing all of it onto the disk (`cbs_v3`, `pull`), and what the columns
mean (`readers.cbs_wide`).

The road is ODataFeed, with pages of 10,000 rows. ODataApi is taken for a table that stands there alone.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote

from pipelines.connectors.http import (
    SPELLING,
    CbsClient,
    ResourceNotFound,
    SourceError,
    TableNotFound,
    UnexpectedAnswerError,
)
from pipelines.connectors.odata_json import check_table, list_in
from pipelines.connectors.paging import PageTrail
from pipelines.readers.cbs_wide import TYPED, UNTYPED, WideTable, described, seen
from pipelines.readers.odata_rows import first_row

FEED, API = "ODataFeed/odata", "ODataApi/odata"
AS_JSON: Final = "$format=json"
ROOT: Final = ""
"""The list of what the service offers of a table stands under the table's own address."""
_MOST_ROWS: Final = 10_000
_log = logging.getLogger(__name__)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TERM: Final = re.compile(
    r"(?P<name>[A-Za-z_]\w*)(?P<between>\s+(?:eq|ne|ge|gt|le|lt)\s+)'(?P<text>(?:[^']|'')*)'", re.IGNORECASE
)

Keep = Callable[[str, int, bytes], None]
"""What is done with the exact bytes of an answer: its resource, the number of its page, and the bytes."""


@dataclass(frozen=True)
class TableInfo:
    """What a table says of itself; poll this before fetching the table again."""

    title: str
    modified_at: dt.datetime | None
    status: str | None

    @property
    def version(self) -> str | None:
        """A name of this vintage, such as `202606230000`: v3 knows the moment of the last change and no other name."""
        return None if self.modified_at is None else self.modified_at.strftime("%Y%m%d%H%M")


@dataclass(frozen=True)
class OfferedTable:
    """A table, the service on which it stands, and the columns of its figures.

    `data_set` is TypedDataSet, or UntypedDataSet where the first is not offered. `lists` holds the entries of the
    code lists that were asked for.
    """

    client: CbsClient
    table: str
    info: TableInfo
    columns: WideTable
    data_set: str
    is_feed: bool
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def is_untyped(self) -> bool:
        return self.data_set == UNTYPED

    def code_list(self, dimension: str, keep: Keep) -> list[dict[str, Any]]:
        """The codes of a dimension; empty where the service offers no such list."""
        if dimension not in self.lists:
            try:
                self.lists[dimension] = list_entries(self.client, self.table, dimension, keep)
            except ResourceNotFound:
                self.lists[dimension] = []
        return self.lists[dimension]

    def padded(self, declared: str, keep: Keep) -> tuple[str, tuple[str, ...]]:
        """A filter with its codes written as the table writes them, and the terms whose code the table has not.

        The keys of a table are padded to a width of its own: `Gemeenten eq 'GM0373'` lets nothing through where the
        key is `GM0373   `.
        """
        unknown: list[str] = []

        def written(term: re.Match[str]) -> str:
            name, text = term["name"], term["text"].replace("''", "'")
            if name not in self.columns.dimensions:
                return term[0]
            keys = [str(entry.get("Key")) for entry in self.code_list(name, keep)]
            exact = next((key for key in keys if key.strip() == text.strip()), None)
            if exact is None:
                if keys:
                    unknown.append(term[0])
                return term[0]
            return f"{name}{term['between']}{_quoted(exact)}"

        return _TERM.sub(written, declared), tuple(unknown)

    def parts(self, declared: str | None, keep: Keep) -> tuple[str | None, ...]:
        """The filters, one after the other, that together let through what `declared` does, or all.

        ODataFeed gives the whole in pages. ODataApi fails above 10,000 rows a query, and refuses `$skip` for some
        tables: it is asked code by code of as few dimensions as leave room for all combinations of the others.
        """
        if self.is_feed:
            return (declared,)
        keys = {
            name: [str(entry.get("Key")) for entry in self.code_list(name, keep)] for name in self.columns.dimensions
        }
        if not all(keys.values()):
            return (declared,)
        choices = (
            chosen
            for size in range(len(keys) + 1)
            for chosen in itertools.combinations(keys, size)
            if math.prod(len(keys[name]) for name in keys if name not in chosen) <= _MOST_ROWS
        )
        chosen = min(choices, key=lambda names: math.prod(len(keys[name]) for name in names))
        before = [f"({declared})"] if declared else []
        return tuple(
            " and ".join(
                [*before, *(f"{name} eq {_quoted(key)}" for name, key in zip(chosen, combination, strict=True))]
            )
            or None
            for combination in itertools.product(*(keys[name] for name in chosen))
        )

    def query(self, declared: str | None = None, select: WideTable | None = None) -> str:
        """With what to ask for the figures, percent-encoded."""
        options = [AS_JSON]
        if declared:
            options.append(f"$filter={quote(declared, safe='')}")
        if select is not None:
            options.append(f"$select={','.join(('ID', *select.columns))}")
        return "&".join(options)


def fetch_table_info(client: CbsClient, table: str) -> tuple[bytes, TableInfo]:
    """The exact answer and its meaning, from a client for the host. Raises TableNotFound, else SourceError."""
    for road in (FEED, API):
        try:
            return client.below(road).get(table, "TableInfos", lambda payload: info_in(payload, table), AS_JSON)
        except ResourceNotFound:
            continue
    raise _unknown(table)


def find_table(client: CbsClient, table: str, keep: Keep) -> Iterator[OfferedTable]:
    """Where a table may give its figures, looked for on both services of the host that `client` is for.

    The first that does not answer 404 when it is asked for figures is the table; each is looked into when the one
    before it was not. What a table says of itself may be missing, as long as it gives figures. Raises TableNotFound
    where neither service knows the table, and SourceError for all else.
    """
    known = False
    for road in (FEED, API):
        if (offered := _found(client.below(road), table, keep, is_feed=road == FEED)) is None:
            continue
        known = True
        yield offered
        if not offered.is_untyped:
            yield replace(offered, data_set=UNTYPED)
    if not known:
        raise _unknown(table)


def _unknown(table: str) -> TableNotFound:
    return TableNotFound(table, "TableInfos", f"not found (404); {SPELLING}")


def _found(client: CbsClient, table: str, keep: Keep, *, is_feed: bool) -> OfferedTable | None:
    is_known = False
    info, columns = TableInfo(table, None, None), WideTable((), None, (), {})
    try:
        payload, info = client.get(table, "TableInfos", lambda payload: info_in(payload, table), AS_JSON)
        keep("TableInfos", 1, payload)
        is_known = True
    except ResourceNotFound:
        _log.info("CBS table %s: no TableInfos at %s", table, client.base_url)
    try:
        columns = described(list_entries(client, table, "DataProperties", keep))
        is_known = True
    except ResourceNotFound:
        _log.info("CBS table %s: no DataProperties at %s", table, client.base_url)
    offered = OfferedTable(client, table, info, columns, TYPED, is_feed)
    if not columns.topics or not columns.dimensions:
        data_set, row = _first_row(client, table)
        if data_set is None:
            return offered if is_known else None
        columns = seen(row or {}, _offered_lists(client, table, keep), untyped=data_set == UNTYPED)
        offered = replace(offered, columns=columns, data_set=data_set)
    _check_names(table, columns)
    return offered


def list_entries(client: CbsClient, table: str, resource: str, keep: Keep) -> list[dict[str, Any]]:
    """All entries of a list of a table. Raises ResourceNotFound where it has none, else SourceError."""
    entries: list[dict[str, Any]] = []
    for page, payload, values in list_pages(client, table, resource):
        keep(resource, page, payload)
        entries += values
    return entries


def list_pages(client: CbsClient, table: str, resource: str) -> Iterator[tuple[int, bytes, list[dict[str, Any]]]]:
    """Every page of a list: its number, its exact bytes, its entries."""
    query, page = AS_JSON, 1
    trail = PageTrail(table, resource, query, AS_JSON)
    while True:
        payload, (values, link) = client.get(table, resource, list_in, query, page)
        trail.saw(page, json.dumps(values[:1] + values[-1:], sort_keys=True))
        yield page, payload, values
        if link is None:
            return
        query, page = trail.next_query(page, link), page + 1


def _first_row(client: CbsClient, table: str) -> tuple[str | None, dict[str, Any] | None]:
    """Which data set gives figures, and its first row."""
    for data_set in (TYPED, UNTYPED):
        try:
            _, row = client.get(table, data_set, _row_in, f"{AS_JSON}&$top=1")
        except ResourceNotFound:
            continue
        return data_set, row
    return None, None


def _offered_lists(client: CbsClient, table: str, keep: Keep) -> tuple[str, ...]:
    """The names of all lists of a table; none where the service does not tell."""
    try:
        payload, (values, _) = client.get(table, ROOT, list_in, AS_JSON)
    except ResourceNotFound:
        return ()
    keep("Root", 1, payload)
    return tuple(str(value.get("name")) for value in values)


def _quoted(key: str) -> str:
    doubled = key.replace("'", "''")
    return f"'{doubled}'"


def _check_names(table: str, columns: WideTable) -> None:
    for name in columns.columns:
        # A name becomes part of an address and of a file name.
        if not _NAME.fullmatch(name):
            raise SourceError(table, "DataProperties", f"found a column {name!r}, expected letters and digits")


def _row_in(payload: bytes) -> dict[str, Any] | None:
    list_in(payload)
    return first_row(payload)


def info_in(payload: bytes, table: str) -> TableInfo:
    """What the bytes of TableInfos say. Raises ValueError for other bytes, and for those of another table."""
    values, _ = list_in(payload)
    info: Mapping[str, Any] = values[0] if values else {}
    check_table(info.get("Identifier") or None, table)
    modified = info.get("Modified")
    try:
        modified_at = None if modified is None else dt.datetime.fromisoformat(str(modified))
    except ValueError:
        raise UnexpectedAnswerError(f"found Modified {modified!r}, expected a date and time") from None
    return TableInfo(str(info.get("Title") or table).strip(), modified_at, info.get("OutputStatus"))
