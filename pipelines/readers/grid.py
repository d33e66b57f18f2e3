"""A file as columns of cells, whatever format it came in, and what its header says.

What belongs here: finding the declared columns, refusing what must not come in at all, and telling data from
lines that hold none. What does not: how a format is taken apart, and what a cell means.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import NoDataRow
from pipelines.privacy import personal_header, redact_text
from pipelines.privacy.identifiers import BsnCensus, bsn_census, bsns_prevail
from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.values import by_distinct, distinct, trim

Mask = npt.NDArray[np.bool_]

MOST_COLUMNS: Final = 5000
"""No table of figures about municipalities has more; what has is something else, or broken."""
_HEADERS_TOLD: Final = 50


@dataclass(frozen=True)
class Cells:
    """One column as it stands in the file: as many cells as the grid has rows.

    `text` is never null. Files with types of their own give more: `number` where a cell holds one, `percent`
    where it is shown as a percentage (the number is then the fraction), `fault` where nothing can be read.
    """

    text: pa.Array
    number: pa.Array | None = None
    percent: pa.Array | None = None
    fault: pa.Array | None = None

    @cached_property
    def distinct(self) -> pa.DictionaryArray | None:
        """The distinct texts, and which of them each cell holds; None where that does not help, or is not all."""
        return distinct(self.text) if self.number is None and self.fault is None else None

    def filter(self, mask: pa.Array) -> Cells:
        """The cells of some rows."""
        parts = (self.text, self.number, self.percent, self.fault)
        return Cells(*(None if part is None else part.filter(mask) for part in parts))


@dataclass(frozen=True)
class Grid:
    """The rows below the header of one file. `lines` are physical lines or sheet rows, from 1.

    `widths` is how many fields a row really had; `cells` has one column for every header, so that surplus
    fields are gone and missing ones empty. `leading` are the lines above the header. `spilled` are the rows with text
    in surplus fields; None where there are none.
    """

    file: str
    header: tuple[str, ...]
    header_line: int
    lines: npt.NDArray[np.int64]
    widths: npt.NDArray[np.int64]
    cells: tuple[Cells, ...]
    leading: tuple[int, ...] = ()
    spilled: Mask | None = None

    @property
    def rows_in(self) -> int:
        """Rows of the file: header and lines above it included."""
        return len(self.lines) + 1 + len(self.leading)

    def filter(self, mask: Mask) -> Grid:
        """The grid with some of its rows."""
        if mask.all():
            return self
        chosen = pa.array(mask)
        return replace(
            self,
            lines=self.lines[mask],
            widths=self.widths[mask],
            cells=tuple(cells.filter(chosen) for cells in self.cells),
            spilled=None if self.spilled is None else self.spilled[mask],
        )


def tidy_header(header: str) -> str:
    """A header as it is compared: trimmed, with single spaces (publishers break lines within headers)."""
    return re.sub(r"[\s\u200b\ufeff]+", " ", header).strip()


def refuse_persons(grid: Grid, declared: Collection[str], figures: Collection[str] = ()) -> None:
    """Raise RefusedFileError when a header or the values of any column, declared or not, are about persons.

    `declared` are the headers that somebody declared, `figures` those of them that hold figures. Neither the
    problem nor anything else shows a value.
    """
    refuse_persons_in_parts(grid, [census_of(grid)], lambda: [grid], declared, figures, rows=grid.rows_in)


def census_of(part: Grid) -> tuple[BsnCensus, ...]:
    """What the columns of a part of a file have to say about whether they hold BSNs."""
    return tuple(bsn_census(_texts_once(cells)) for cells in part.cells)


def refuse_persons_in_parts(
    header: Grid,
    parts: Sequence[tuple[BsnCensus, ...]],
    again: Callable[[], Iterable[Grid]],
    declared: Collection[str],
    figures: Collection[str],
    *,
    rows: int,
    pseudonymised: Collection[str] = (),
) -> None:
    """`refuse_persons` of a file of `rows` rows that is read in parts: `parts` has the `census_of` each.

    `pseudonymised` are the headers of columns of which only pseudonyms leave the reader: those are meant to be there.

    `again` gives the parts once more, for the seldom case that a column must be counted to the last value.
    """
    for position, name in enumerate(header.header):
        if name in pseudonymised:
            continue
        kind = personal_header(name, declared=name in declared)
        found = f"a header that announces personal data ({kind})" if kind else None
        is_figure = name in figures
        prevail = found is None and bsns_prevail([part[position] for part in parts], figures=is_figure)
        if prevail is None:
            counted = (bsn_census(_texts_once(part.cells[position]), thorough=True) for part in again())
            prevail = bsns_prevail(list(counted), figures=is_figure)
        if prevail:
            found = "a column of which most values could be a BSN"
        if found:
            expected = "a delivery without columns about persons"
            raise _refusal(header, "personal_data", found, expected, rows=rows, column=position + 1)


def _texts_once(cells: Cells) -> pa.Array:
    return cells.text if cells.distinct is None else cells.distinct.dictionary


def place_headers(
    grid: Grid, required: Sequence[str], optional: Sequence[str], ignored: Sequence[str], *, rows: int | None = None
) -> tuple[Mapping[str, int], tuple[str, ...]]:
    """Where the declared headers stand (from 0), and notices about headers that are not read or not there.

    Raises RefusedFileError for a header that stands there twice and for required headers that do not. `rows` is how
    many rows the file has, where the grid is only a part of it.
    """
    rows = grid.rows_in if rows is None else rows
    places = {header: position for position, header in enumerate(grid.header)}
    missing = [header for header in required if header not in places]
    expected = f"{'headers' if len(missing) > 1 else 'a header'} {_quoted(missing)}"
    if not any(header in places for header in (*required, *optional)):
        # A file without a header row may hold persons in its first row, so that it is not shown.
        found = f"a first row of {len(grid.header)} fields without any declared header"
        raise _refusal(grid, "missing_column", found, expected, rows=rows, name=missing[0] if missing else None)
    repeated = [header for header, count in Counter(grid.header).items() if count > 1 and header]
    if repeated:
        second = [position for position, header in enumerate(grid.header) if header == repeated[0]][1]
        found = f"{_quoted(repeated[:1])} twice"
        raise _refusal(grid, "unknown_format", found, "each header once", rows=rows, column=second + 1)
    if missing:
        found = f"the headers {_quoted(list(filter(None, grid.header)))}"
        raise _refusal(grid, "missing_column", found, expected, rows=rows, name=missing[0])
    notices = []
    unread = [header for header in grid.header if header and header not in (*required, *optional, *ignored)]
    if unread:
        notices.append(f"not declared, and not read: {_quoted(unread)}")
    if absent := [header for header in optional if header not in places]:
        notices.append(f"declared, and not in the file: {_quoted(absent)}")
    return {header: places[header] for header in (*required, *optional) if header in places}, tuple(notices)


def no_data_kinds(grid: Grid, declared: Sequence[NoDataRow]) -> pa.Array:
    """The kind of every row that holds no data, null for the rows that do.

    A blank line is a note; the others are recognised by their first cell that is not empty. A row with nothing but
    text beyond the header is neither: that text is data, and stands in no column.
    """
    first = _first_filled(grid)
    kinds = by_distinct(first, lambda texts: _kinds_of(texts, declared))
    if grid.spilled is None:
        return kinds
    return pc.if_else(pc.and_(pa.array(grid.spilled), pc.equal(first, "")), pa.scalar(None, pa.string()), kinds)


def _first_filled(grid: Grid) -> pa.Array:
    """The first cell of every row that is not empty; an empty text where all are."""
    first = trim(grid.cells[0].text) if grid.cells else pa.array([""] * len(grid.lines), pa.string())
    for cells in grid.cells[1:]:
        empty = pc.equal(first, "")
        if not pc.any(empty, min_count=0).as_py():
            break
        first = pc.replace_with_mask(first, empty, trim(cells.text.filter(empty)))
    return first


def _kinds_of(first: pa.Array, declared: Sequence[NoDataRow]) -> pa.Array:
    kinds = pc.if_else(pc.equal(first, ""), "note", pa.scalar(None, pa.string()))
    for row in declared:
        matches = pc.match_substring_regex(first, rf"^(?:{row.first_cell})$")
        kinds = pc.coalesce(kinds, pc.if_else(matches, row.kind, pa.scalar(None, pa.string())))
    return kinds


def refuse_too_wide(file: str, line: int, width: int) -> None:
    """Raise RefusedFileError for a header of more fields than any table has."""
    if width > MOST_COLUMNS:
        expected = f"a table of at most {MOST_COLUMNS} columns"
        problem = Problem(file, line, None, None, "unknown_format", f"a header of {width} fields", expected)
        raise RefusedFileError(problem)


def _refusal(
    grid: Grid,
    reason: str,
    found: str,
    expected: str,
    *,
    rows: int,
    column: int | None = None,
    name: str | None = None,
) -> RefusedFileError:
    problem = Problem(grid.file, grid.header_line, column, name, reason, found, expected)
    return RefusedFileError(problem, rows=rows)


def _quoted(headers: Sequence[str]) -> str:
    told = ", ".join(f'"{redact_text(header)[:60]}"' for header in headers[:_HEADERS_TOLD])
    more = len(headers) - _HEADERS_TOLD
    return f"{told} and {more} more" if more > 0 else told
