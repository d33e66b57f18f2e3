"""Which declaration a delivered file is meant for: by its name, else by what is in it.

What belongs here: telling declarations apart. What does not: whether the file is in order (`delivery_check`), and
guessing where no declaration fits (`readers.detection`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from typing import Final

from pipelines.declarations.source import (
    DelimitedReader,
    FolderConnector,
    IstandaardReader,
    Iv3Reader,
    Source,
    SpreadsheetReader,
    SwingReader,
)
from pipelines.readers.grid import tidy_header
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.sheet import read_header
from pipelines.readers.workbook import Workbook, open_workbook

# Every way in which a declaration may say that a text file is written; a header read wrongly fits nothing.
_ENCODINGS: Final = ("utf-8-sig", "utf-16", "utf-16-le", "windows-1252")
_SEPARATORS: Final = (";", ",", "\t", "|")
_HEADER_BYTES: Final = 64 * 1024
_SWING_LEADING: Final = frozenset({"period", "geolevel", "geoitem"})
_IV3_KEYS: Final = (b'"metadata"', b'"overheidsnummer"', b'"data"')
_ZIP: Final = b"PK\x03\x04"

_Header = frozenset[str]


def fitting(name: str, data: bytes, candidates: Iterable[Source]) -> list[Source]:
    """The sources that the name of a file fits; where that is not one, those that its contents fit.

    Contents are the root of XML, the keys of JSON, the headers of a table, the sheets of a workbook.
    """
    sources = list(candidates)
    by_name = [
        source
        for source in sources
        if isinstance(source.connector, FolderConnector) and fnmatch(name, source.connector.pattern)
    ]
    if len(by_name) == 1:
        return by_name
    contents = _Contents(data)
    found = [source for source in by_name or sources if contents.fit(source)] or by_name
    # A message whose root cannot be read was still meant to be one: its reader says best what is wrong with it.
    meant = [] if len(found) == 1 else [one for one in found or sources if _speaks_of_messages(name, data, one)]
    return meant or found


class _Contents:
    """What is in a file, looked at once for all sources."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._workbook = _workbook(data)
        self._headers = [] if self._workbook is not None else _headers(data)

    def fit(self, source: Source) -> bool:
        """Whether the file could be a delivery of this source."""
        reader = source.reader
        if isinstance(reader, IstandaardReader):
            return self._data.lstrip()[:1] == b"<" and _names_standard(self._data, reader)
        if isinstance(reader, Iv3Reader):
            return self._is_iv3(reader)
        if isinstance(reader, SpreadsheetReader):
            return self._sheet_has(reader, _required(reader))
        if isinstance(reader, SwingReader):
            items = {tidy_header(item) for item in reader.items}
            return any(_is_swing(header, items) for header in (*self._headers, *self._first_rows()))
        if isinstance(reader, DelimitedReader):
            required = _required(reader)
            return bool(required) and any(required <= header for header in self._headers)
        return False

    def _is_iv3(self, reader: Iv3Reader) -> bool:
        from pipelines.readers.iv3 import is_json

        if is_json(self._data):
            return all(key in self._data for key in _IV3_KEYS)
        headers = {tidy_header(header) for header in reader.headers.model_dump().values()}
        return any(headers <= header for header in self._headers)

    def _sheet_has(self, reader: SpreadsheetReader, required: Collection[str]) -> bool:
        if self._workbook is None or not required:
            return False
        places = [place for place in self._workbook.sheets if place.name == reader.sheet]
        return any(set(required) <= self._row(place.name, reader.header_row) for place in places)

    def _first_rows(self) -> list[_Header]:
        return [] if self._workbook is None else [self._row(place.name, None) for place in self._workbook.sheets]

    def _row(self, sheet: str, row: int | None) -> _Header:
        assert self._workbook is not None  # noqa: S101 - for the type checker: asked of workbooks only
        place = next(place for place in self._workbook.sheets if place.name == sheet)
        try:
            return frozenset(read_header(self._workbook, place, row))
        except RefusedFileError:
            return frozenset()


def _workbook(data: bytes) -> Workbook | None:
    if not data.startswith(_ZIP):
        return None
    try:
        return open_workbook("", data)
    except RefusedFileError:
        return None


def _names_standard(data: bytes, reader: IstandaardReader) -> bool:
    from pipelines.readers.istandaard import names_standard

    return names_standard(data, reader)


def _speaks_of_messages(name: str, data: bytes, source: Source) -> bool:
    from pipelines.readers.istandaard import looks_like

    return isinstance(source.reader, IstandaardReader) and looks_like(name, data, source.reader)


def _required(reader: DelimitedReader | SpreadsheetReader) -> _Header:
    return frozenset(tidy_header(column.header) for column in reader.columns if column.required)


def _is_swing(header: _Header, items: Collection[str]) -> bool:
    leading = {field.lower() for field in header} & _SWING_LEADING
    return leading == _SWING_LEADING and not header.isdisjoint(items)


def _headers(data: bytes) -> list[_Header]:
    """The first line that is not blank, read in every encoding and split at every separator."""
    headers = []
    for encoding in _ENCODINGS:
        try:
            # The end of the piece may be half a character, and is no part of the first line.
            text = data[:_HEADER_BYTES].decode(encoding, errors="ignore" if len(data) > _HEADER_BYTES else "strict")
        except UnicodeDecodeError:
            continue
        for separator in _SEPARATORS:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            try:
                first = next((row for row in rows if any(map(str.strip, row))), [])
            except csv.Error:
                continue
            headers.append(frozenset(tidy_header(field) for field in first))
    return headers
