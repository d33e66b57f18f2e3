"""Swing's files as XLSX: which sheet holds the figures, what its columns are, and what the other sheets say.

What belongs here: the sheets of a Swing workbook. What does not: cells (`spreadsheet`), what a column of figures means
(`swing`), and units (`swing_metadata`).

Beside the sheet with figures there may be one that says what its columns are (`Data_def` for `Data`, with `col` and
`type`), and sheets that describe the items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pipelines.declarations.source import SwingReader
from pipelines.privacy import redact_text
from pipelines.readers.account import Problem
from pipelines.readers.grid import Grid, refuse_persons
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.sheet import read_sheet
from pipelines.readers.values import trim
from pipelines.readers.workbook import open_workbook

_ZIP: Final = b"PK\x03\x04"
_LEADING: Final = ("period", "geolevel", "geoitem")
# Headers of the sheets that describe the items, or the levels of a dimension: names of subjects, not of persons.
_OWN_HEADERS: Final = ("naam", "Naam", "name", "Name")


@dataclass(frozen=True)
class Workbook:
    """The sheet with figures, with the leading columns under their usual names; the other sheets; and notices."""

    data: Grid
    others: tuple[Grid, ...]
    notices: tuple[str, ...]


def is_workbook(data: bytes) -> bool:
    """Whether the bytes are those of an XLSX file, whatever it is called."""
    return data.startswith(_ZIP)


def read_workbook(file: str, data: bytes, reader: SwingReader) -> Workbook:
    """Take a workbook apart. The figures are in the declared sheet, else in the one that has the leading columns.

    Raises RefusedFileError for what is no readable workbook, for a workbook of which more than one sheet could be
    meant, for a sheet about persons, and for a cube: figures that are divided by a dimension.
    """
    grids, empty = _grids(file, data, reader)
    name = _data_sheet(file, grids, reader)
    grid = _with_usual_names(grids[name], next((g for n, g in grids.items() if _is_definition_of(n, name)), None))
    others = {other: grid for other, grid in grids.items() if other != name}
    for other in others.values():
        refuse_persons(other, _OWN_HEADERS)
    unread = [f'"{redact_text(other)}"' for other in (*others, *empty)]
    notices = (f"sheets without figures: {', '.join(unread)}",) if unread else ()
    return Workbook(grid, tuple(others.values()), notices)


def sheets_of(file: str, data: bytes, reader: SwingReader) -> tuple[Grid, ...]:
    """Every sheet of a workbook that holds anything. Raises RefusedFileError."""
    grids, _ = _grids(file, data, reader)
    return tuple(grids.values())


def _grids(file: str, data: bytes, reader: SwingReader) -> tuple[dict[str, Grid], list[str]]:
    """The sheets by name, and the names of those without any cell."""
    workbook = open_workbook(file, data)
    grids: dict[str, Grid] = {}
    empty: list[str] = []
    for place in workbook.sheets:
        sheet = read_sheet(workbook, place, reader.decimal)
        if sheet.is_empty:
            empty.append(place.name)
        else:
            grids[place.name] = sheet.grid(sheet.first_row)
    if not grids:
        raise _refusal(file, "empty_file", "a workbook without cells", "a sheet with figures")
    return grids, empty


def _data_sheet(file: str, grids: Mapping[str, Grid], reader: SwingReader) -> str:
    shown = ", ".join(f'"{redact_text(name)}"' for name in grids)
    if reader.sheet is not None:
        if reader.sheet not in grids:
            raise _refusal(file, "unknown_format", f"the sheets {shown}", f'a sheet "{reader.sheet}" with cells')
        return reader.sheet
    defined = [name for name in grids if any(_is_definition_of(other, name) for other in grids)]
    fitting = defined or [name for name, grid in grids.items() if _has_leading(grid)]
    if len(fitting) > 1:
        found = f"several sheets with figures: {', '.join(redact_text(name) for name in fitting)}"
        raise _refusal(file, "unknown_format", found, "one, or a declaration that names the sheet")
    return fitting[0] if fitting else next(iter(grids))


def _is_definition_of(name: str, sheet: str) -> bool:
    return name.casefold() == f"{sheet}_def".casefold()


def _has_leading(grid: Grid) -> bool:
    return {header.lower() for header in grid.header}.issuperset(_LEADING)


def _with_usual_names(grid: Grid, definition: Grid | None) -> Grid:
    """The grid with its leading columns called as they are called elsewhere, where a definition says which they are."""
    if definition is None:
        return grid
    columns = {header.lower(): place for place, header in enumerate(definition.header)}
    if not {"col", "type"} <= columns.keys():
        problem = Problem(
            grid.file,
            definition.header_line,
            None,
            None,
            "missing_column",
            "a sheet with the definition of the columns that has no col and type",
            "the headers col and type",
        )
        raise RefusedFileError(problem, rows=grid.rows_in)
    names, types = (trim(definition.cells[columns[name]].text).to_pylist() for name in ("col", "type"))
    meant = {name.casefold(): kind.lower() for name, kind in zip(names, types, strict=True)}
    for place, header in enumerate(grid.header):
        if meant.get(header.casefold()) == "dim":
            problem = Problem(
                grid.file,
                grid.header_line,
                place + 1,
                redact_text(header)[:60],
                "unknown_format",
                "a cube: figures divided by a dimension",
                "one figure for every period, area and item",
            )
            raise RefusedFileError(problem, rows=grid.rows_in)
    kinds = [meant.get(header.casefold(), "") for header in grid.header]
    usual = (kind if kind in _LEADING else name for name, kind in zip(grid.header, kinds, strict=True))
    return replace(grid, header=tuple(usual))


def _refusal(file: str, reason: str, found: str, expected: str) -> RefusedFileError:
    return RefusedFileError(Problem(file, None, None, None, reason, found, expected), rows=1)
