"""One sheet of a workbook as a grid of cells.

What belongs here: what a workbook can do to figures (formulas, percentages, dates, merged and hidden cells). What
does not: the parts of the workbook (`workbook`), and what the cells mean.

While they are found, cells are kept in a few bytes each, so that a sheet of millions of them fits in memory.
"""

from __future__ import annotations

import datetime as dt
import math
from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.grid import Cells, Grid, refuse_too_wide, tidy_header
from pipelines.readers.workbook import MOST_CELLS, SheetPlace, TextPile, Workbook, damaged, refusal, whole_text

_MOST_MERGES: Final = 100_000
_ROWS_OF_A_SHEET: Final = 1_048_576
_COLUMNS_OF_A_SHEET: Final = 16_384

_SHOWN: Final = {"number": 0, "percent": 1, "date": 2, "duration": 3}
_NUMBER, _SHARED, _OWN, _TRUTH, _ERROR, _NO_RESULT = range(6)
_KINDS: Final = {"n": _NUMBER, "s": _SHARED, "str": _OWN, "inlineStr": _OWN, "d": _OWN, "b": _TRUTH, "e": _ERROR}
_MERGED: Final = "a merged cell"
_WITHOUT_RESULT: Final = "a formula without a stored result"
_NO_DAY: Final = "#VALUE!"

_Places = npt.NDArray[np.int64]
_Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Merge:
    """A rectangle of cells that was made one, rows and columns from 1."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


@dataclass(frozen=True)
class SheetCells:
    """What is in some cells: always a text, and as `grid.Cells` says a number, a percentage or a fault."""

    text: pa.Array
    number: pa.Array
    percent: pa.Array
    fault: pa.Array

    def take(self, places: pa.Array) -> SheetCells:
        """Some of the cells; null where a place is null."""
        parts = (self.text, self.number, self.percent, self.fault)
        return SheetCells(*(part.take(places) for part in parts))


@dataclass(frozen=True)
class Sheet:
    """The cells of a sheet that have anything in them, by row and then by column.

    `rows` and `columns`, from 1, say where each of the `cells` stands.
    `hidden_rows` are the rows that nobody sees.
    """

    file: str
    name: str
    is_hidden: bool
    rows: _Numbers
    columns: _Numbers
    cells: SheetCells
    hidden_rows: _Numbers
    merges: tuple[Merge, ...]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not len(self.rows)

    @property
    def first_row(self) -> int:
        """The first row with anything in it; 1 where there is none."""
        return int(self.rows[0]) if len(self.rows) else 1

    def grid(self, header_row: int, spread: Collection[str] = ()) -> Grid:
        """The rows below `header_row`. Raises RefusedFileError for a sheet without cells, or one too large.

        A merged cell stands for all rows it covers in the columns whose headers are in `spread`; any other cell of a
        merge is unreadable: one figure must not become two.
        """
        if self.is_empty:
            raise refusal(self.file, "empty_file", "a sheet without cells", "a header and rows with data")
        width, last = int(self.columns.max()), max(int(self.rows[-1]), header_row)
        if width * (last - header_row) > MOST_CELLS:
            found = f"a sheet of more than {MOST_CELLS} cells, the empty ones between others included"
            raise refusal(self.file, "unknown_format", found, "a table without stray cells far below or beside it")
        refuse_too_wide(self.file, header_row, width)
        header = self._header(header_row, width)
        places, merged = self._laid_out(header_row, last, [name in spread for name in header])
        lines = np.arange(header_row + 1, last + 1, dtype=np.int64)
        return Grid(
            self.file,
            header,
            header_row,
            lines,
            np.full(len(lines), width, dtype=np.int64),
            tuple(self._column(of, merged.get(position)) for position, of in enumerate(places)),
            leading=tuple(np.unique(self.rows[self.rows < header_row]).tolist()),
        )

    def _header(self, header_row: int, width: int) -> tuple[str, ...]:
        header = [""] * width
        at = np.flatnonzero(self.rows == header_row)
        for column, text in zip(self.columns[at].tolist(), self.cells.text.take(pa.array(at)).to_pylist(), strict=True):
            header[column - 1] = tidy_header(text)
        return tuple(header)

    def _laid_out(
        self, header_row: int, last: int, is_spread: list[bool]
    ) -> tuple[list[_Places], dict[int, npt.NDArray[np.bool_]]]:
        """Which cell every row of every column holds (-1: none), and which cells are made unreadable by a merge."""
        order = np.argsort(self.columns, kind="stable")
        bounds = np.searchsorted(self.columns[order], np.arange(1, len(is_spread) + 2))
        places = []
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            of = np.full(last - header_row, -1, dtype=np.int64)
            cells = order[start:end]
            below = cells[self.rows[cells] > header_row]
            of[self.rows[below] - header_row - 1] = below
            places.append(of)
        merged: dict[int, npt.NDArray[np.bool_]] = {}
        for merge in self.merges:
            rows = slice(max(merge.first_row, header_row + 1) - header_row - 1, max(merge.last_row - header_row, 0))
            for column in range(merge.first_column, min(merge.last_column, len(places)) + 1):
                if column == merge.first_column and is_spread[column - 1]:
                    places[column - 1][rows] = self._cell_at(merge.first_row, column)
                else:
                    merged.setdefault(column - 1, np.zeros(last - header_row, dtype=bool))[rows] = True
        return places, merged

    def _cell_at(self, row: int, column: int) -> int:
        start, end = np.searchsorted(self.rows, (row, row + 1)).tolist()
        found = np.flatnonzero(self.columns[start:end] == column)
        return start + int(found[-1]) if len(found) else -1

    def _column(self, of: _Places, merged: npt.NDArray[np.bool_] | None) -> Cells:
        cells = self.cells.take(pa.array(of, mask=of < 0))
        fault = cells.fault
        if merged is not None:
            fault = pc.if_else(pa.array(merged), pa.scalar(_MERGED, pa.string()), fault)
        return Cells(pc.fill_null(cells.text, ""), cells.number, pc.fill_null(cells.percent, False), fault)


def read_sheet(workbook: Workbook, place: SheetPlace, decimal: str) -> Sheet:
    """Read a sheet; its numbers are shown with the mark `decimal`.

    Raises RefusedFileError for one that is damaged or has too many cells.
    """
    found = _Found(workbook)
    found.read(place)
    rows, columns = np.frombuffer(found.rows, np.int32), np.frombuffer(found.columns, np.int32)
    cells = _cells(workbook, found, decimal)
    filled = pc.or_(pc.not_equal(cells.text, ""), pc.is_valid(cells.fault)).to_numpy(zero_copy_only=False)
    order = np.lexsort((columns, rows))
    order = order[filled[order]]
    return Sheet(
        workbook.file,
        place.name,
        place.is_hidden,
        rows[order],
        columns[order],
        cells.take(pa.array(order)),
        np.frombuffer(found.hidden_rows, np.int32),
        tuple(found.merges),
    )


def read_header(workbook: Workbook, place: SheetPlace, row: int | None) -> tuple[str, ...]:
    """The texts of one row, the first one with anything in it where none is named; without reading what is below."""
    found = _Found(workbook)
    found.read_above(place, row)
    cells = _cells(workbook, found, ",")
    rows = np.frombuffer(found.rows, np.int32)
    texts = cells.text.filter(
        pc.and_(pa.array(rows == (row or (rows.min() if len(rows) else 1))), pc.not_equal(cells.text, ""))
    )
    return tuple(map(tidy_header, texts.to_pylist()))


def _cells(workbook: Workbook, found: _Found, decimal: str) -> SheetCells:
    """What was found in the cells, as text and where it is one as a number."""
    kinds, numbers = np.frombuffer(found.kinds, np.uint8), np.frombuffer(found.numbers, np.float64)
    # A style below nought is taken for a very large one: neither is there.
    styles = np.minimum(np.frombuffer(found.styles, np.uint32), len(workbook.shown))
    shown = np.array([_SHOWN[how] for how in (*workbook.shown, "number")], dtype=np.uint8)[styles]
    is_number = kinds == _NUMBER
    is_percent = is_number & (shown == _SHOWN["percent"])
    is_figure = is_percent | (is_number & (shown == _SHOWN["number"]))
    epoch = dt.datetime(1904, 1, 1) if workbook.counts_from_1904 else dt.datetime(1899, 12, 30)  # noqa: DTZ001
    writers: list[tuple[npt.NDArray[np.bool_], Callable[[float], str]]] = [
        (is_figure & ~is_percent, lambda value: _plain(value, decimal)),
        (is_percent, lambda value: f"{_plain(round(value * 100, 10), decimal)}%"),
        (is_number & (shown == _SHOWN["date"]), lambda value: _day(value, epoch, is_duration=False)),
        (is_number & (shown == _SHOWN["duration"]), lambda value: _day(value, epoch, is_duration=True)),
        (kinds == _TRUTH, lambda value: "WAAR" if value else "ONWAAR"),
    ]
    # Every cell as a place among all texts that there are; the first of them is that of a cell without any.
    texts = [pa.array([""], pa.string()), workbook.texts, found.own_texts.as_array()]
    places = np.zeros(len(kinds), dtype=np.int64)
    start = 1
    for chosen, count in ((kinds == _SHARED, len(texts[1])), ((kinds == _OWN) | (kinds == _ERROR), len(texts[2]))):
        places[chosen] = start + numbers[chosen].astype(np.int64)
        start += count
    for chosen, text_of in writers:
        distinct, of_distinct = np.unique(numbers[chosen], return_inverse=True)
        texts.append(pa.array([text_of(value) for value in distinct.tolist()], pa.string()))
        places[chosen] = start + of_distinct
        start += len(distinct)
    text = pa.concat_arrays(texts).take(pa.array(places))
    no_day = is_number & ~is_figure
    no_day[no_day] = pc.equal(text.filter(pa.array(no_day)), _NO_DAY).to_numpy(zero_copy_only=False)
    return SheetCells(
        text,
        pa.array(numbers, mask=~is_figure),
        pa.array(is_percent),
        _faults(text, (kinds == _ERROR) | no_day, kinds == _NO_RESULT),
    )


def _faults(text: pa.Array, is_error: npt.NDArray[np.bool_], has_no_result: npt.NDArray[np.bool_]) -> pa.Array:
    nothing = pa.scalar(None, pa.string())
    faults = pc.if_else(pa.array(has_no_result), pa.scalar(_WITHOUT_RESULT), nothing)
    if not is_error.any():
        return faults
    errors = pa.array(is_error)
    return pc.replace_with_mask(faults, errors, pc.binary_join_element_wise("the error", text.filter(errors), " "))


def _plain(value: float, decimal: str) -> str:
    text = f"{value:.0f}" if value == int(value) else f"{value:.15g}"
    return text.replace(".", decimal)


def _day(value: float, epoch: dt.datetime, *, is_duration: bool) -> str:
    """A day, a moment or a duration as text; `_NO_DAY` for a number that is none."""
    from openpyxl.utils.datetime import from_excel

    try:
        moment = from_excel(value, epoch, timedelta=is_duration)
    except (OverflowError, ValueError):
        return _NO_DAY
    if isinstance(moment, dt.datetime) and moment.time() == dt.time():
        return moment.date().isoformat()
    return str(moment)


class _Found:
    """Gathers the cells of a sheet as they come: where they stand, of which kind they are, and eight bytes each."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self.rows, self.columns = array("i"), array("i")
        self.kinds, self.numbers, self.styles = array("B"), array("d"), array("i")
        self.own_texts = TextPile()
        self.hidden_rows = array("i")
        self.merges: list[Merge] = []
        self._row = 0

    def read(self, place: SheetPlace) -> None:
        """All cells, and which of them are merged."""
        for name, element in self._workbook.elements(place, "row", "mergeCell"):
            if name == "row":
                self._add_row(element)
            elif ":" in (cells := element.get("ref", "")):
                self._add_merge(cells)

    def read_above(self, place: SheetPlace, last: int | None) -> None:
        """The cells down to a row, or down to the first row with any."""
        for _, element in self._workbook.elements(place, "row"):
            self._add_row(element)
            if len(self.rows) if last is None else self._row >= last:
                return

    def _add_row(self, row: Element) -> None:
        from openpyxl.utils.cell import coordinate_to_tuple

        # One of two namespaces, for the standard has two forms.
        namespace = row.tag[: -len("row")]
        of_value, of_formula, of_text = namespace + "v", namespace + "f", namespace + "is"
        try:
            self._row = int(row.get("r", self._row + 1))
            if row.get("hidden") in ("1", "true"):
                self.hidden_rows.append(self._row)
            column = 0
            for cell in row:
                place = cell.get("r")
                if place is None:
                    column += 1
                elif place:
                    self._row, column = coordinate_to_tuple(place)
                else:
                    raise self._refused("a cell whose place is no place")
                value = cell.findtext(of_value)
                if not value and (text := cell.find(of_text)) is not None:
                    value = whole_text(text)
                if value or cell.find(of_formula) is not None:
                    self._add(column, cell.get("t", "n"), value, int(cell.get("s", 0)))
        except (ValueError, OverflowError) as error:
            raise damaged(self._workbook.file, error) from None

    def _add(self, column: int, kind_of_value: str, value: str | None, style: int) -> None:
        kind = _KINDS.get(kind_of_value, _OWN)
        number = 0.0
        if value and kind not in (_OWN, _ERROR):
            number = float(value)
            if kind == _SHARED and not 0 <= number < len(self._workbook.texts):
                raise self._refused("a cell with a text that is not in the workbook")
            if not math.isfinite(number) or "_" in value:
                kind, value = _ERROR, "#NUM!"
        if value and kind in (_OWN, _ERROR):
            number = float(self.own_texts.count)
            self.own_texts.append(_moment(value) if kind_of_value == "d" else value)
        elif not value:
            if kind_of_value == "str":
                return
            kind = _NO_RESULT
        if len(self.rows) >= MOST_CELLS:
            raise self._refused(f"a sheet of more than {MOST_CELLS} cells")
        if not 0 < self._row <= _ROWS_OF_A_SHEET:
            raise self._refused("a cell below the last row that a sheet can have")
        self.rows.append(self._row)
        self.columns.append(column)
        self.kinds.append(kind)
        self.numbers.append(number)
        self.styles.append(style)

    def _add_merge(self, cells: str) -> None:
        from openpyxl.utils.cell import range_boundaries

        if len(self.merges) >= _MOST_MERGES:
            raise self._refused(f"a sheet with more than {_MOST_MERGES} merged cells")
        try:
            left, top, right, bottom = range_boundaries(cells)
        except ValueError as error:
            raise damaged(self._workbook.file, error) from None
        # Of whole columns or rows, only those are named.
        self.merges.append(Merge(top or 1, bottom or _ROWS_OF_A_SHEET, left or 1, right or _COLUMNS_OF_A_SHEET))

    def _refused(self, found: str) -> Exception:
        return refusal(self._workbook.file, "unknown_format", found, "a table that a spreadsheet program can open")


def _moment(text: str) -> str:
    """A moment as XML writes it, as other moments are shown."""
    return text.replace("T00:00:00", "").replace("T", " ")
