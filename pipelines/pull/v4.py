"""Tables of CBS OData v4 to be pulled.

What belongs here: what must be known of such a table, and its pages. What does not: the declared sources of the
warehouse, which ask for more and are held to more (`connectors.cbs_v4`, `readers.cbs_v4`).

A server that holds no more than a part of a table, or leaves out what is not needed here, is a good one all the same.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.connectors.http import CbsClient, ResourceNotFound, SourceError
from pipelines.connectors.odata_json import check_table, list_in, object_in
from pipelines.connectors.paging import PageTrail
from pipelines.pull.found import Block, FoundTable, Page, page_sign, published_anew
from pipelines.readers.cbs_wide import NUMBER, PRESENT
from pipelines.readers.odata_rows import (
    RowReader,
    RowTypeError,
    as_codes,
    as_texts,
    changed_fields,
    first_row,
    texts_of,
)

SERVICE: Final = "CBS OData v4"
_OBSERVATIONS: Final = "Observations"
_NEEDED: Final = ("Measure", "Value")
_FIELDS: Final = {
    "Id": pa.int64(),
    "Measure": pa.string(),
    "ValueAttribute": pa.string(),
    "Value": pa.float64(),
    "StringValue": pa.string(),
}
_log = logging.getLogger(__name__)


def find_v4(client: CbsClient, table: str, declared: str | None) -> FoundTable:
    """A table of the service that `client` is for; `declared` is an OData filter.

    Raises TableNotFound for an unknown id, and SourceError for all else.
    """
    _, properties = client.get(table, "Properties", partial(_properties_in, table=table))
    entries = _entries(client, table, "Dimensions")
    dimensions = {str(entry.get("Identifier") or "").strip(): entry for entry in entries}
    dimensions.pop("", None)
    period = next((name for name, entry in dimensions.items() if _is_time(entry)), None)
    period = period or next((name for name in dimensions if name == "Perioden"), None)
    version = str(properties.get("Version") or "").strip() or _moment(table, properties.get("Modified"))
    announced = properties.get("ObservationCount")

    def check_unchanged() -> None:
        _, after = client.get(table, "Properties", partial(_properties_in, table=table))
        told = ("Version", "Modified")
        before, now = ([str(said.get(key)) for key in told] for said in (properties, after))
        if before != now:
            raise published_anew(table, "Properties", f"version {before[0]}", now[0])

    return FoundTable(
        table=table,
        service=SERVICE,
        client=client,
        resource=_OBSERVATIONS,
        queries=(f"$filter={quote(declared, safe='')}" if declared else "",),
        always="",
        dimensions=tuple(dimensions),
        period=period,
        statuses={} if period is None else _statuses(client, table, period),
        vintage=version,
        announced=announced if isinstance(announced, int) and not declared else None,
        notices=(),
        read=_Reader(tuple(dimensions)).read,
        check_unchanged=check_unchanged,
    )


class _Reader:
    """Reads the pages of one table."""

    def __init__(self, dimensions: tuple[str, ...]) -> None:
        self._dimensions = dimensions
        self._readers: dict[tuple[str, ...], RowReader] = {}

    def read(self, payload: bytes) -> Page:
        row = first_row(payload)
        found = tuple(row) if row is not None else (*_FIELDS, *self._dimensions)
        if problem := changed_fields(found, (*_NEEDED, *self._dimensions), _FIELDS):
            raise ValueError(problem)
        reader = self._reader_of(tuple(name for name in found if "odata." not in name))
        wrong = None
        try:
            column = reader.read(payload)
        except RowTypeError:
            column = texts_of(payload, reader.fields)
            column["Value"], wrong = _numbers(column["Value"])
            if "Id" in column:
                column["Id"] = _numbers(column["Id"])[0].cast(pa.int64(), safe=False)
        codes = {name: as_codes(column[name]) for name in ("Measure", *self._dimensions)}
        for name, texts in codes.items():
            if texts.null_count:
                raise ValueError(f"the columns changed: found an observation without {name}")
        count = len(column["Value"])
        told = column.get("StringValue")
        texts = pa.nulls(count, pa.string()) if told is None else as_texts(told)
        values, texts = _finite(column["Value"], texts if wrong is None else pc.coalesce(wrong, texts))
        attributes: str | pa.DictionaryArray = PRESENT
        if "ValueAttribute" in column:
            attributes = pc.fill_null(as_texts(column["ValueAttribute"]), PRESENT).dictionary_encode()
        block = Block(codes.pop("Measure"), values, attributes, _trimmed(texts))
        ids = column.get("Id")
        return Page(codes, (block,), ids, page_sign(ids, count, payload))

    def _reader_of(self, names: tuple[str, ...]) -> RowReader:
        if names not in self._readers:
            self._readers[names] = RowReader({name: _FIELDS.get(name, pa.string()) for name in names})
        return self._readers[names]


def _numbers(cells: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Numbers that came as text, and the texts that are none."""
    cell = pc.utf8_trim_whitespace(cells)
    is_number = pc.fill_null(pc.match_substring_regex(cell, NUMBER), False)
    return pc.if_else(is_number, cell, None).cast(pa.float64()), pc.if_else(is_number, None, cells)


def _finite(values: pa.Array, texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """What no column of numbers should hold stands as a text beside it."""
    is_finite = pc.fill_null(pc.is_finite(values), True)
    if pc.all(is_finite, min_count=0).as_py():
        return values, texts
    return pc.if_else(is_finite, values, None), pc.if_else(is_finite, texts, values.cast(pa.string()))


def _trimmed(texts: pa.Array) -> pa.Array | None:
    if texts.null_count == len(texts):
        return None
    trimmed = pc.utf8_trim_whitespace(texts)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _is_time(entry: Mapping[str, Any]) -> bool:
    return entry.get("Kind") == "TimeDimension" or str(entry.get("@odata.type")).endswith("TimeDimension")


def _statuses(client: CbsClient, table: str, period: str) -> dict[str, str | None]:
    """The status of every period; empty where the service does not list them."""
    try:
        entries = _entries(client, table, f"{period}Codes")
    except ResourceNotFound:
        _log.info("CBS table %s: no %sCodes", table, period)
        return {}
    return {
        str(entry.get("Identifier") or "").strip(): str(entry.get("Status") or "").strip() or None for entry in entries
    }


def _entries(client: CbsClient, table: str, resource: str) -> list[dict[str, Any]]:
    """All entries of a list."""
    entries: list[dict[str, Any]] = []
    trail, query, page = PageTrail(table, resource), "", 1
    while True:
        _, (values, link) = client.get(table, resource, list_in, query, page)
        entries += values
        if link is None:
            return entries
        query, page = trail.next_query(page, link), page + 1


def _properties_in(payload: bytes, table: str) -> dict[str, Any]:
    document = object_in(payload)
    check_table(document.get("Identifier"), table)
    return document


def _moment(table: str, text: object) -> str | None:
    """A moment as v4 names its versions: `202606230000`."""
    if text is None:
        return None
    try:
        return dt.datetime.fromisoformat(re.sub(r"\.\d+", "", str(text))).strftime("%Y%m%d%H%M")
    except ValueError:
        raise SourceError(table, "Properties", f"found Modified {text!r}, expected a date and time") from None
