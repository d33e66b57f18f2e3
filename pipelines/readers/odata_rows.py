"""The rows of one page of an OData answer as columns.

What belongs here: taking a page apart, and whether its rows have the fields they should have. What does not: which
fields those are, and what they mean (`cbs_wide`, `cbs_v3`, `pull`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.json

from pipelines.readers.odata_cells import cells_of

_LINK: Final = re.compile(rb'"@?odata\.nextLink"\s*:\s*(?=["n])')
_FIRST_ROW: Final = re.compile(r'"value"\s*:\s*\[\s*(?=\{)')
_FIRST_ROW_WITHIN: Final = 64 * 1024
_NO_LIST: Final = "found no list named 'value', expected one of rows"
_TIRED: Final = 3
"""So many pages that are not of the plainest form, and no more of the table are tried as such."""
_BOM: Final = b"\xef\xbb\xbf"
_OF_ANOTHER_TYPE: Final = re.compile(r"Column\(/value/\[\]/.+\) changed from|Failed to convert JSON")
_UNFORESEEN: Final = "unexpected field"
_DOCUMENT: Final = [
    (name, pa.string()) for name in ("odata.metadata", "odata.nextLink", "@odata.context", "@odata.nextLink")
]


class RowTypeError(ValueError):
    """A field of some row is of another type than the rest of its column, or than was expected."""


def next_link(payload: bytes) -> str | None:
    """The next-page link of a page, found without parsing the page; None where it is the last.

    Text within the rows is never taken for it: a quotation mark in a text is written with a backslash before it.
    Raises ValueError for a link that is broken off.
    """
    found = None
    for place in (payload[:2048], payload[-4096:]):
        found = found or _LINK.search(place)
    found = found or (_LINK.search(payload) if b'odata.nextLink"' in payload else None)
    if found is None:
        return None
    link: str | None = json.JSONDecoder().raw_decode(found.string[found.end() :].decode("utf-8", "replace"))[0]
    return link


class RowReader:
    """Reads pages whose rows have these fields, first those that are named first; one for all pages of a table.

    Several threads may use it.
    """

    def __init__(self, fields: Mapping[str, pa.DataType]) -> None:
        self.fields = dict(fields)
        self._unforeseen = "error"
        self._not_plain = 0

    def read(self, payload: bytes) -> dict[str, pa.Array]:
        """The columns of a page, null where a row has no such field; texts may be dictionary-encoded.

        Raises RowTypeError where something is of another type, and ValueError for bytes that are no page, and for a
        page with a row that has other fields than these.
        """
        if self._not_plain < _TIRED:
            if (columns := cells_of(payload, self.fields)) is not None:
                return columns
            self._not_plain += 1
        rows = self._rows(payload.removeprefix(_BOM))
        return {name: rows.field(name) for name in self.fields}

    def _rows(self, payload: bytes) -> pa.StructArray:
        payload.decode("utf-8")
        try:
            return _parsed(payload, self.fields, self._unforeseen)
        except pa.ArrowInvalid as error:
            if _OF_ANOTHER_TYPE.search(str(error)):
                raise RowTypeError(str(error)) from error
            if _UNFORESEEN not in str(error):
                raise
        # Once a table at most, so that time does not count: is it a row, or the document around the rows?
        for row in _values(payload):
            if problem := changed_fields(list(row or ()), (), self.fields):
                raise ValueError(problem)
        self._unforeseen = "ignore"
        return _parsed(payload, self.fields, self._unforeseen)


def texts_of(payload: bytes, names: Iterable[str]) -> dict[str, pa.Array]:
    """The columns of a page with every field as text, whatever its type; for pages in which types change.

    Raises ValueError for bytes that are no page.
    """
    import polars as pl

    fields = dict.fromkeys(names, pl.String)
    shape = {"value": pl.List(pl.Struct(fields))}
    try:
        rows = pl.read_json(io.BytesIO(payload.removeprefix(_BOM)), schema=shape)["value"].explode()
    except pl.exceptions.PolarsError as error:
        raise ValueError(str(error)) from error
    table = rows.drop_nulls().struct.unnest().to_arrow()
    return {name: table[name].cast(pa.string()).combine_chunks() for name in fields}


def as_texts(column: pa.Array) -> pa.Array:
    """A column of texts, plain."""
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def as_codes(column: pa.Array) -> pa.DictionaryArray:
    """A column of texts, dictionary-encoded."""
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def first_row(payload: bytes) -> dict[str, Any] | None:
    """The first row of a page; None where it has none, or where its beginning is broken."""
    for within in (_FIRST_ROW_WITHIN, len(payload)):
        text = payload[:within].decode("utf-8", "ignore")
        start = _FIRST_ROW.search(text)
        try:
            row = json.JSONDecoder().raw_decode(text, start.end())[0] if start else None
        except json.JSONDecodeError:
            continue
        return row if isinstance(row, dict) else None
    return None


def changed_fields(found: Sequence[str], needed: Collection[str], allowed: Collection[str]) -> str | None:
    """What is wrong with the fields of a row; None if nothing. Annotations (`odata.type`) are nobody's concern."""
    missing = [name for name in needed if name not in found]
    unknown = [name for name in found if name not in allowed and name not in needed and "odata." not in name]
    if not missing and not unknown:
        return None
    return (
        f"the columns changed: found {', '.join(found)} "
        f"(missing: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'})"
    )


def _values(payload: bytes) -> list[Any]:
    document = json.loads(payload)
    values = document.get("value") if isinstance(document, dict) else None
    if not isinstance(values, list):
        raise ValueError(_NO_LIST)
    return values


def _parsed(payload: bytes, fields: Mapping[str, pa.DataType], unforeseen: str) -> pa.StructArray:
    document = pyarrow.json.read_json(
        pa.BufferReader(payload),
        # One block for the whole page: the reader must not cut the document into pieces.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(payload) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=pa.schema([*_DOCUMENT, ("value", pa.list_(pa.struct(list(fields.items()))))]),
            newlines_in_values=True,
            unexpected_field_behavior=unforeseen,
        ),
    )
    value = document["value"].combine_chunks()
    if document.num_rows != 1 or value.null_count:
        raise ValueError(_NO_LIST)
    return value.flatten()
