"""One sheet of an XLSX workbook as a grid of cells.

What belongs here: what a workbook can do to figures (formulas, percentages, merged and hidden cells) and to
the machine that opens it. What does not: what the cells mean.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from pipelines.declarations.source import Source, SpreadsheetReader
from pipelines.privacy import redact_text
from pipelines.readers.account import Problem, ReadResult
from pipelines.readers.grid import Cells, Grid, refuse_persons, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.tabular import read_table

# A workbook takes some fifty times its unpacked size in memory; a table of municipalities takes one megabyte.
_MOST_UNPACKED: Final = 32 * 1024**2
_MOST_PER_PACKED_BYTE: Final = 200
_RATIO_COUNTS_FROM: Final = 1024**2
_MOST_CELLS: Final = 2_000_000

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_PERCENT_FORMAT: Final = re.compile(r'^(?:[^"%\\]|"[^"]*"|\\.)*%')


def read_spreadsheet(
    file: str, data: bytes, source: Source, reader: SpreadsheetReader, lookup: RegionLookup
) -> ReadResult:
    """Read the declared sheet of an XLSX file. Raises RefusedFileError when it cannot be read as a whole.

    Lines are sheet rows and columns sheet columns, both from 1. A cell shown as a percentage holds a
    fraction (0.83 is 83); a cell with a formula counts with the result that was stored with it. A merged
    cell stands for all cells it covers where it is part of the key, and is refused elsewhere: one figure
    must not become two. Hidden rows and columns are read like others.
    """
    _refuse_unsafe(file, data)
    sheets = _open(file, data)
    if reader.sheet not in sheets:
        names = ", ".join(f'"{redact_text(name)}"' for name in sheets)
        expected = f'a sheet "{reader.sheet}"'
        raise _refusal(file, "unknown_format", f"the sheets {names}", expected)
    for name, sheet in sheets.items():
        if name != reader.sheet:
            refuse_persons(_grid(file, sheet, _first_row(sheet), reader, ()), ())
    sheet = sheets[reader.sheet]
    grid = _grid(file, sheet, reader.header_row, reader, reader.key)
    result = read_table(grid, reader, source, lookup)
    return replace(result, notices=(*_notices(sheets, reader), *result.notices))


def _refuse_unsafe(file: str, data: bytes) -> None:
    """Refuse what is no workbook, and what would unpack to more than a table of figures can be."""
    if not data:
        raise _refusal(file, "empty_file", "a file of 0 bytes", "a workbook with rows")
    if not data.startswith(_ZIP):
        old = data.startswith(_OLE)
        found = "an old XLS workbook or one with a password" if old else "no XLSX workbook"
        raise _refusal(file, "unknown_format", found, "an XLSX workbook without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            large = [member for member in members if member.file_size > _RATIO_COUNTS_FROM]
            if sum(member.file_size for member in members) > _MOST_UNPACKED or any(
                m.file_size > _MOST_PER_PACKED_BYTE * max(m.compress_size, 1) for m in large
            ):
                limit = f"at most {_MOST_UNPACKED // 1024**2} MiB unpacked"
                raise _refusal(file, "unknown_format", "a workbook that unpacks to far more than a table", limit)
            # Excel writes no document types; entities are how a small file is made to fill the memory.
            if any(b"<!DOCTYPE" in archive.read(m) for m in members if m.filename.endswith((".xml", ".rels"))):
                found = "a workbook with a document type declaration"
                raise _refusal(file, "unknown_format", found, "a workbook as Excel or LibreOffice writes it")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        raise _refusal(file, "unknown_format", "a damaged workbook", "a workbook that opens") from None


def _open(file: str, data: bytes) -> dict[str, _Sheet]:
    """The sheets of a workbook by name, chart sheets left out."""
    import openpyxl
    from openpyxl.worksheet.worksheet import Worksheet

    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and extensions that it leaves out; figures are not among them.
            warnings.simplefilter("ignore")
            stored = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
            written = openpyxl.load_workbook(io.BytesIO(data), keep_links=False)
    except Exception as error:
        # A damaged workbook raises anything from KeyError to a parser's own errors. The text of the error
        # can hold cells, so that only its kind is told.
        kind = type(error).__name__
        raise _refusal(file, "unknown_format", f"a damaged workbook ({kind})", "a workbook that opens") from None
    sheets = {
        sheet.title: _Sheet(sheet, written[sheet.title]) for sheet in stored.worksheets if isinstance(sheet, Worksheet)
    }
    if sum(sheet.stored.max_row * sheet.stored.max_column for sheet in sheets.values()) > _MOST_CELLS:
        raise _refusal(
            file,
            "unknown_format",
            f"sheets of more than {_MOST_CELLS} cells",
            "a table without stray cells far below or beside it",
        )
    return sheets


@dataclass(frozen=True)
class _Sheet:
    """A worksheet as its results were stored, and as its formulas are written."""

    stored: Any
    written: Any


@dataclass(frozen=True)
class _Cell:
    text: str = ""
    number: float | None = None
    percent: bool = False
    fault: str | None = None


def _grid(file: str, sheet: _Sheet, header_row: int, reader: SpreadsheetReader, key: Collection[str]) -> Grid:
    rows = [
        [_cell(stored, written, reader.decimal) for stored, written in zip(*pair, strict=True)]
        for pair in zip(sheet.stored.iter_rows(), sheet.written.iter_rows(), strict=True)
    ]
    filled = [number for number, row in enumerate(rows, start=1) if any(cell.text or cell.fault for cell in row)]
    if not filled:
        raise _refusal(file, "empty_file", "a sheet without cells", "a header and rows with data")
    header_cells = rows[header_row - 1] if header_row <= len(rows) else []
    header = tuple(tidy_header(cell.text) for cell in header_cells)
    key_headers = {tidy_header(column.header) for column in reader.columns if column.name in key}
    _spread_merged(sheet.stored, rows, header_row, [h in key_headers for h in header])
    lines = np.arange(header_row + 1, max(filled[-1], header_row) + 1, dtype=np.int64)
    body = rows[header_row : header_row + len(lines)]
    return Grid(
        file,
        header,
        header_row,
        lines,
        np.full(len(lines), len(header), dtype=np.int64),
        tuple(_cells([row[position] for row in body]) for position in range(len(header))),
        leading=tuple(line for line in filled if line < header_row),
    )


def _cells(column: Sequence[_Cell]) -> Cells:
    return Cells(
        pa.array([cell.text for cell in column], pa.string()),
        pa.array([cell.number for cell in column], pa.float64()),
        pa.array([cell.percent for cell in column], pa.bool_()),
        pa.array([cell.fault for cell in column], pa.string()),
    )


def _cell(stored: Any, written: Any, decimal: str) -> _Cell:
    value = stored.value
    if stored.data_type == "e":
        return _Cell(str(value), fault=f"the error {value}")
    if value is None:
        no_result = written.data_type == "f"
        return _Cell(fault="a formula without a stored result" if no_result else None)
    if isinstance(value, bool):
        return _Cell("WAAR" if value else "ONWAAR")
    if isinstance(value, int | float):
        percent = bool(_PERCENT_FORMAT.match(stored.number_format))
        shown = round(value * 100, 10) if percent else value
        text = f"{shown:.0f}" if shown == int(shown) else f"{shown:.15g}"
        return _Cell(text.replace(".", decimal) + ("%" if percent else ""), float(value), percent)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return _Cell(value.date().isoformat())
    return _Cell(str(value))


def _spread_merged(stored: Any, rows: list[list[_Cell]], header_row: int, is_key: Sequence[bool]) -> None:
    """Repeat a merged cell of the key downwards; make every other cell of a merge unreadable."""
    for merged in stored.merged_cells.ranges:
        for row in range(max(merged.min_row, header_row + 1), merged.max_row + 1):
            for column in range(merged.min_col, min(merged.max_col, len(is_key)) + 1):
                if column == merged.min_col and is_key[column - 1]:
                    rows[row - 1][column - 1] = rows[merged.min_row - 1][column - 1]
                else:
                    text = rows[row - 1][column - 1].text
                    rows[row - 1][column - 1] = _Cell(text, fault="a merged cell")


def _first_row(sheet: _Sheet) -> int:
    rows = sheet.stored.iter_rows(values_only=True)
    return next((number for number, row in enumerate(rows, start=1) if any(v is not None for v in row)), 1)


def _notices(sheets: Mapping[str, _Sheet], reader: SpreadsheetReader) -> tuple[str, ...]:
    sheet = sheets[reader.sheet].stored
    notices = []
    if sheet.sheet_state != "visible":
        notices.append("the declared sheet is hidden, and read")
    hidden = sum(dimension.hidden and number > reader.header_row for number, dimension in sheet.row_dimensions.items())
    if hidden:
        notices.append(f"{hidden} hidden rows are read like others")
    if others := [f'"{redact_text(name)}"' for name in sheets if name != reader.sheet]:
        notices.append(f"sheets not declared, and not read: {', '.join(others)}")
    return tuple(notices)


def _refusal(file: str, reason: str, found: str, expected: str) -> RefusedFileError:
    return RefusedFileError(Problem(file, None, None, None, reason, found, expected), rows=1)
