"""Delimited text: bytes to a grid of cells, with encoding and separator confirmed.

What belongs here: physical lines, quotes and separators. What does not: what the cells mean. A separator that
does not fit is told from a header that does not, because the remedy is another one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator
from itertools import repeat
from typing import Final

import numpy as np
import pyarrow as pa

from pipelines.declarations.source import DelimitedReader, Source
from pipelines.readers.account import Problem, ReadResult
from pipelines.readers.encoding import Encoding, decode
from pipelines.readers.grid import Cells, Grid, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.tabular import read_table

_SEPARATORS: Final = {";": "semicolon", ",": "comma", "\t": "tab", "|": "vertical bar"}


def read_delimited(file: str, data: bytes, source: Source, reader: DelimitedReader, lookup: RegionLookup) -> ReadResult:
    """Read one delimited file as declared. Raises RefusedFileError when it cannot be read as a whole."""
    required = {tidy_header(column.header) for column in reader.columns if column.required}
    grid = text_grid(file, data, reader.encoding, reader.delimiter, required)
    return read_table(grid, reader, source, lookup)


def text_grid(file: str, data: bytes, encoding: Encoding, delimiter: str, required: Collection[str]) -> Grid:
    """Take a delimited file apart. `required` are the headers by which the separator is confirmed.

    The first line that is not blank is the header. Raises RefusedFileError for an empty file, a wrong
    encoding, another separator than declared, and quotation marks that do not pair.
    """
    text = decode(file, data, encoding)
    _confirm_separator(file, text, delimiter, required)
    records, ends = _records(file, text, delimiter)
    first = next((number for number, record in enumerate(records) if any(map(str.strip, record))), None)
    if first is None:
        found = "a file without text" if data else "a file of 0 bytes"
        raise RefusedFileError(Problem(file, None, None, None, "empty_file", found, "rows with data"))
    starts = np.concatenate(([1], np.array(ends[:-1], dtype=np.int64) + 1)).astype(np.int64)
    header = tuple(tidy_header(field) for field in records[first])
    rows = records[first + 1 :]
    widths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    for number in np.flatnonzero(widths != len(header)).tolist():
        rows[number] = [*rows[number], *repeat("", len(header))][: len(header)]
    # A blank line has one empty field for the eye and none for the parser; it is as wide as it needs to be.
    columns = zip(*rows, strict=True) if rows else repeat((), len(header))
    return Grid(
        file,
        header,
        int(starts[first]),
        starts[first + 1 :],
        widths,
        tuple(Cells(pa.array(column, pa.string())) for column in columns),
        leading=tuple(int(line) for line in starts[:first]),
    )


def _confirm_separator(file: str, text: str, delimiter: str, required: Collection[str]) -> None:
    """Refuse a file whose headers appear only when its first line is split at another separator."""
    if not required or set(required) <= _headers(text, delimiter):
        return
    for separator, name in _SEPARATORS.items():
        if separator != delimiter and set(required) <= _headers(text, separator):
            found = f"fields separated by a {name}"
            expected = f"fields separated by a {_SEPARATORS[delimiter]}, as declared"
            problem = Problem(file, 1, None, None, "unknown_format", found, expected)
            raise RefusedFileError(problem)


def _headers(text: str, delimiter: str) -> set[str]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        first = next(record for record in reader if any(map(str.strip, record)))
    except (csv.Error, StopIteration):
        return set()
    return {tidy_header(field) for field in first}


def _records(file: str, text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The records of a file, and the physical line each ends on (a quoted field may hold line breaks)."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    records: list[list[str]] = []
    ends: list[int] = []
    pairs: Iterator[tuple[list[str], int]] = ((record, reader.line_num) for record in reader)
    try:
        for record, end in pairs:
            records.append(record)
            ends.append(end)
    except csv.Error as error:
        line = (ends[-1] if ends else 0) + 1
        too_long = "field limit" in str(error)
        found = "a field of more than 131072 characters" if too_long else "a quotation mark without its pair"
        expected = "quotation marks around whole fields, doubled within them"
        problem = Problem(file, line, None, None, "unknown_format", found, expected)
        raise RefusedFileError(problem) from None
    return records, ends
