"""Swing's import and export files: one line per period and area, one column per item, made into one row per figure.

What belongs here: the three leading columns, and which of the other columns are items. What does not: how Swing writes
a value or an area (`swing_notation`), workbooks (`swing_workbook`), units (`swing_metadata`), which item is which
indicator (the declaration), and what a missing figure means (coverage).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Source, SwingReader
from pipelines.privacy import redact_text
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.delimited import text_grid
from pipelines.readers.faults import Faults, kind_of_wrong_widths, quoted, tell
from pipelines.readers.grid import Grid, Mask, no_data_kinds, place_headers, refuse_persons, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import PERIOD_FORMS
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.swing_metadata import (
    UNEXPECTED,
    DescribedSwingReader,
    Units,
    merged,
    unconfirmed,
    unexpected,
    units_in,
)
from pipelines.readers.swing_notation import (
    SPECIAL_VALUES_TEXT,
    as_mask,
    repeated_keys,
    swing_areas,
    swing_figures,
    swing_periods,
)
from pipelines.readers.swing_workbook import is_workbook, read_workbook
from pipelines.readers.values import trim
from pipelines.warehouse.raw_tables import SWING

LEADING: Final = ("period", "geolevel", "geoitem")
# What a program calls the numbers of its rows, when it writes them in front of the others.
_INDEX_HEADERS: Final = ("", "index", "unnamed: 0")
# What a workbook makes of a period, or of a figure, when somebody opens it.
_DATE: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}( |$)"


def read_swing(file: str, data: bytes, source: Source, reader: SwingReader, lookup: RegionLookup) -> ReadResult:
    """Read one Swing file, CSV or XLSX as its bytes tell.

    A row of `raw_tables.SWING` for every declared item of every line. `special` says why there is no figure (`empty`,
    `hidden`, `not_applicable`, `unknown`); the value is then null. A line is quarantined whole when its period, area or
    any figure cannot be read, or when another line of the file is about the same period and area; a column, when it
    comes in another unit than declared. Raises RefusedFileError when the file as a whole cannot be read: among other
    things when it holds an item that is neither declared nor to be ignored.
    """
    units: Units = {}
    if isinstance(reader, DescribedSwingReader):
        units = reader.units
        if reader.unreadable:
            raise RefusedFileError(*reader.unreadable)
    if not is_workbook(data):
        grid = text_grid(file, data, reader.encoding, reader.delimiter, LEADING)
        return _read_grid(grid, source, reader, lookup, units)
    book = read_workbook(file, data, reader)
    for other in book.others:
        units = merged(units, units_in(other) or {})
    result = _read_grid(book.data, source, reader, lookup, units)
    return replace(result, notices=(*book.notices, *result.notices))


def _read_grid(grid: Grid, source: Source, reader: SwingReader, lookup: RegionLookup, units: Units) -> ReadResult:
    grid = _leading_in_lower_case(grid)
    ignored = [tidy_header(header) for header in reader.ignore_headers]
    refuse_persons(grid, {*LEADING, *ignored, *reader.items}, reader.items)
    unread = _columns_without_meaning(grid, ignored)
    ignored += [grid.header[place] for place in unread]
    places, notices = place_headers(grid, LEADING, reader.items, ignored)
    items = {header: place for header, place in places.items() if header not in LEADING}
    _refuse_unknown_items(grid, {*LEADING, *ignored, *reader.items}, reader, items)
    notices = (*(_told(grid, place, what) for place, what in unread.items()), *notices)
    if units or reader.metadata is not None:
        notices += unconfirmed(items, units, source.series)
    of_other_unit = _in_another_unit(grid, items, units, source)
    items = {item: place for item, place in items.items() if item not in of_other_unit}
    if not items:
        raise RefusedFileError(*of_other_unit.values(), rows=grid.rows_in)

    uneven = grid.widths != len(grid.header)
    blank = pc.is_valid(no_data_kinds(grid, ())).to_numpy(zero_copy_only=False)
    if blank.all():
        found = "no row below the header"
        problem = Problem(grid.file, grid.header_line, None, None, "empty_file", found, "rows with data")
        raise RefusedFileError(problem, rows=grid.rows_in)
    body = grid.filter(~blank & ~uneven)
    faults = Faults(body, sorted(places.values()))
    leading = _read_leading(body, places, lookup, faults)
    figures = [_read_item(body, place, reader, faults) for place in items.values()]
    good = ~faults.rows

    shifted = uneven & ~blank
    notes = [*grid.leading, grid.header_line, *grid.lines[blank].tolist()]
    kinds = [*["note"] * len(grid.leading), "header", *["note"] * int(blank.sum())]
    return ReadResult(
        rows=_long(body, good, leading, items, figures),
        no_data=pa.table([notes, kinds, ["{}"] * len(notes)], schema=NO_DATA_SCHEMA),
        rows_in=grid.rows_in,
        rows_loaded=int(good.sum()),
        rows_no_data=len(notes),
        rows_quarantined=int(shifted.sum()) + int(faults.rows.sum()),
        problems=(*of_other_unit.values(), *tell([*kind_of_wrong_widths(grid, shifted), *faults.kinds])),
        notices=notices,
    )


def _leading_in_lower_case(grid: Grid) -> Grid:
    """Publishers write `Period` as well as `period`; item codes are compared as they stand."""
    return replace(
        grid,
        header=tuple(header.lower() if header.lower() in LEADING else header for header in grid.header),
    )


def _columns_without_meaning(grid: Grid, ignored: Sequence[str]) -> dict[int, str]:
    """Columns that nobody need declare: the numbers of the rows in front, and what has neither header nor cells."""
    found: dict[int, str] = {}
    for place, header in enumerate(grid.header):
        if header in ignored or header.lower() not in _INDEX_HEADERS:
            continue
        text = trim(grid.cells[place].text)
        if not header and pc.all(pc.equal(text, ""), min_count=0).as_py():
            found[place] = "an empty column without a header"
        elif place == 0 and pc.all(pc.match_substring_regex(text, "^[0-9]*$"), min_count=0).as_py():
            found[place] = "a column with the numbers of the rows"
    return found


def _told(grid: Grid, place: int, what: str) -> str:
    name = f' "{grid.header[place]}"' if grid.header[place] else ""
    return f"column {place + 1}{name}: {what}, not read"


def _in_another_unit(grid: Grid, items: Mapping[str, int], units: Units, source: Source) -> dict[str, Problem]:
    """A problem for every item that comes in another unit than declared; its column is not read."""
    return {
        item: Problem(grid.file, grid.header_line, items[item] + 1, item, UNEXPECTED, found, expected)
        for item, (found, expected) in unexpected(items, units, source.series).items()
    }


def _refuse_unknown_items(grid: Grid, known: set[str], reader: SwingReader, items: Mapping[str, int]) -> None:
    unknown = [(place, header) for place, header in enumerate(grid.header) if header not in known]
    if unknown:
        place, header = unknown[0]
        problem = Problem(
            grid.file,
            grid.header_line,
            place + 1,
            redact_text(header)[:60] or None,
            "unknown_item",
            f'the item "{redact_text(header)[:60]}"' if header else "a column without a header",
            f"one of the declared items: {', '.join(reader.items)}",
        )
        raise RefusedFileError(problem, rows=grid.rows_in)
    if not items:
        problem = Problem(
            grid.file,
            grid.header_line,
            None,
            None,
            "missing_column",
            "no column with figures",
            f"at least one of the declared items: {', '.join(reader.items)}",
        )
        raise RefusedFileError(problem, rows=grid.rows_in)


def _read_leading(body: Grid, places: Mapping[str, int], lookup: RegionLookup, faults: Faults) -> dict[str, pa.Array]:
    """Period and area of every line, by the names of the raw table."""
    for name in LEADING:
        _add_unreadable(body, places[name], faults)
    period, level, item = (trim(body.cells[places[name]].text) for name in LEADING)
    codes = swing_periods(period)
    faults.add(as_mask(pc.is_null(codes)), places["period"], "unknown_period", _shown(period), PERIOD_FORMS)
    areas = swing_areas(level, item, lookup)
    regions = areas.region_codes
    expected = "the level gemeente, nederland or land"
    faults.add(~areas.has_known_level, places["geolevel"], "unknown_region", quoted(level), expected)
    faults.add(
        as_mask(pc.is_null(regions)) & areas.has_known_level,
        places["geoitem"],
        "unknown_region",
        quoted(item),
        pc.if_else(areas.is_country, "1, the country", "the number of a municipality, such as 373"),
    )
    found = pc.binary_join_element_wise(codes, regions, " for ")
    expected = "one line for every period and area"
    faults.add(repeated_keys(codes, regions), places["geoitem"], "duplicate_key", found, expected)
    return {"period_code": codes, "geolevel": level, "geoitem": item, "region_code": regions}


def _add_unreadable(body: Grid, place: int, faults: Faults) -> None:
    """Cells of a workbook with an error, or merged with others, or with a formula that was never worked out."""
    fault = body.cells[place].fault
    if fault is not None:
        faults.add(as_mask(pc.is_valid(fault)), place, "unreadable_cell", fault, "a cell with a value of its own")


def _read_item(body: Grid, place: int, reader: SwingReader, faults: Faults) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Text, value and special value of one column of figures."""
    _add_unreadable(body, place, faults)
    cells = body.cells[place]
    text = trim(cells.text)
    numbers = cells.number
    if numbers is not None and cells.percent is not None:
        # A cell that shows 8% holds 0.08: nobody can say which of the two is meant.
        numbers = pc.if_else(cells.percent, pa.scalar(None, pa.float64()), numbers)
    figures = swing_figures(text, reader.decimal, numbers)
    expected = f"a number like 12{reader.decimal}5"
    faults.add(figures.is_no_number, place, "not_a_number", _shown(text), expected)
    expected = f"a figure, or one of {SPECIAL_VALUES_TEXT}"
    faults.add(figures.is_too_low, place, "out_of_range", quoted(text), expected)
    found = "a number that could be a BSN"
    faults.add(figures.could_be_bsn, place, "personal_data", found, "a figure of an area")
    return text, figures.values, figures.special


def _shown(texts: pa.Array) -> pa.Array:
    """Texts as they stand in messages; of a date only that it is one, because it could be somebody's."""
    return pc.if_else(pc.match_substring_regex(texts, _DATE), "a date", quoted(texts))


def _long(
    body: Grid,
    good: Mask,
    leading: Mapping[str, pa.Array],
    items: Mapping[str, int],
    figures: Sequence[tuple[pa.Array, pa.Array, pa.Array]],
) -> pa.Table:
    """One row for every item of every good line, in the order of the file."""
    count, width = int(good.sum()), len(items)
    chosen = pa.array(good)
    # Item after item; `order` then puts the items of one line together.
    order = pa.array(np.arange(count * width).reshape(width, count).T.ravel())
    lines = pa.array(np.repeat(body.lines[good], width))
    by_line = pa.array(np.repeat(np.arange(count), width))
    columns: dict[str, pa.Array] = {name: column.filter(chosen).take(by_line) for name, column in leading.items()}
    names = ("value_text", "value", "special")
    for name, parts in zip(names, zip(*figures, strict=True), strict=True):
        columns[name] = pa.concat_arrays([part.filter(chosen) for part in parts]).take(order)
    columns["line"] = lines
    columns["column"] = pa.array(np.tile(np.array([*items.values()], dtype=np.int64) + 1, count))
    columns["item"] = pa.array(list(items), pa.string()).take(pa.array(np.tile(np.arange(width), count)))
    return pa.table([columns[field.name] for field in SWING], schema=SWING)
