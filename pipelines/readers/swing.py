"""Swing exports: one line per period and area, one column per item, made into one row per figure.

What belongs here: the three leading columns, levels that carry a year, and the values that stand for no
figure. What does not: which item is which indicator (the declaration), and what a missing figure means
(coverage).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import SwingReader
from pipelines.privacy import passes_eleven_test, redact_text
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.delimited import text_grid
from pipelines.readers.faults import Faults, quoted, wrong_widths
from pipelines.readers.grid import Grid, Mask, no_data_kinds, place_headers, refuse_persons, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import PERIOD_FORMS, normalise_periods
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.values import as_numbers, plain_numbers, trim
from pipelines.warehouse.raw_tables import SWING

_LEADING: Final = ("period", "geolevel", "geoitem")
_COUNTRY_LEVELS: Final = ("nederland", "land")
_COUNTRY_ITEMS: Final = ("1", "nl", "nl01", "nederland", "nederland_1", "land_1")
_COUNTRY: Final = "NL01"

SPECIAL_VALUES: Final = {-99996: "empty", -99997: "hidden", -99998: "not_applicable", -99999: "unknown"}
# Beneath this, Swing has special values and no figures.
_LOWEST_FIGURE: Final = -99990
_NINE_DIGITS: Final = 100_000_000


def read_swing(file: str, data: bytes, reader: SwingReader, lookup: RegionLookup) -> ReadResult:
    """Read one Swing export: a row of `raw_tables.SWING` for every declared item of every line.

    `special` says why there is no figure (`empty`, `hidden`, `not_applicable`, `unknown`); the value is
    then null. A line is quarantined whole when its period, area or any figure cannot be read, or when
    another line of the file is about the same period and area. Raises RefusedFileError when the file as a
    whole cannot be read: among other things when it holds an item that is neither declared nor to be
    ignored.
    """
    grid = text_grid(file, data, reader.encoding, reader.delimiter, _LEADING)
    grid = _leading_in_lower_case(grid)
    ignored = [tidy_header(header) for header in reader.ignore_headers]
    refuse_persons(grid, {*_LEADING, *ignored, *reader.items}, reader.items)
    places, notices = place_headers(grid, _LEADING, reader.items, ignored)
    items = {header: place for header, place in places.items() if header not in _LEADING}
    _refuse_unknown_items(grid, reader, ignored, items)

    uneven = grid.widths != len(grid.header)
    blank = pc.is_valid(no_data_kinds(grid, ())).to_numpy(zero_copy_only=False)
    if blank.all():
        problem = Problem(file, grid.header_line, None, None, "empty_file", "no row below the header", "rows with data")
        raise RefusedFileError(problem, rows=grid.rows_in)
    body = grid.filter(~blank & ~uneven)
    faults = Faults(body, sorted(places.values()))
    leading = _read_leading(body, places, lookup, faults)
    figures = [_read_item(body, place, reader, faults) for place in items.values()]
    good = ~faults.rows

    shifted = wrong_widths(grid, uneven & ~blank)
    notes = [*grid.leading, grid.header_line, *grid.lines[blank].tolist()]
    kinds = [*["note"] * len(grid.leading), "header", *["note"] * int(blank.sum())]
    return ReadResult(
        rows=_long(body, good, leading, items, figures),
        no_data=pa.table([notes, kinds, ["{}"] * len(notes)], schema=NO_DATA_SCHEMA),
        rows_in=grid.rows_in,
        rows_loaded=int(good.sum()),
        rows_no_data=len(notes),
        rows_quarantined=len(shifted) + int(faults.rows.sum()),
        problems=tuple(sorted((*shifted, *faults.problems()), key=lambda problem: problem.line or 0)),
        notices=notices,
    )


def _leading_in_lower_case(grid: Grid) -> Grid:
    """Publishers write `Period` as well as `period`; item codes are compared as they stand."""
    return replace(
        grid,
        header=tuple(header.lower() if header.lower() in _LEADING else header for header in grid.header),
    )


def _refuse_unknown_items(grid: Grid, reader: SwingReader, ignored: Sequence[str], items: Mapping[str, int]) -> None:
    known = {*_LEADING, *ignored, *reader.items}
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
    period, level, item = (trim(body.cells[places[name]].text) for name in _LEADING)
    codes = normalise_periods(period)
    faults.add(_mask(pc.is_null(codes)), places["period"], "unknown_period", quoted(period), PERIOD_FORMS)

    # `gemeente2016` is the level with the borders of a year; the year says nothing about the figure's period.
    plain_level = pc.replace_substring_regex(pc.utf8_lower(level), "(?:19|20)[0-9]{2}$", "")
    is_country = pc.is_in(plain_level, value_set=pa.array(_COUNTRY_LEVELS))
    is_municipality = pc.equal(plain_level, "gemeente")
    no_level = _mask(pc.invert(pc.or_(is_country, is_municipality)))
    faults.add(no_level, places["geolevel"], "unknown_region", quoted(level), "the level gemeente, nederland or land")
    nothing = pa.scalar(None, pa.string())
    country = pc.if_else(
        pc.is_in(pc.utf8_lower(item), value_set=pa.array(_COUNTRY_ITEMS)), pa.scalar(_COUNTRY), nothing
    )
    municipality = lookup.resolve_codes(pc.if_else(is_municipality, item, nothing))
    regions = pc.if_else(is_country, country, municipality)
    faults.add(
        _mask(pc.is_null(regions)) & ~no_level,
        places["geoitem"],
        "unknown_region",
        quoted(item),
        pc.if_else(is_country, "1, the country", "the number of a municipality, such as 373"),
    )
    _add_duplicates(body, places, codes, regions, faults)
    return {"period_code": codes, "geolevel": level, "geoitem": item, "region_code": regions}


def _add_duplicates(
    body: Grid, places: Mapping[str, int], periods: pa.Array, regions: pa.Array, faults: Faults
) -> None:
    key = pc.binary_join_element_wise(periods, regions, "|")
    counts = pc.value_counts(key.drop_null())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    again = _mask(pc.is_in(key, value_set=repeated)) & _mask(pc.is_valid(key))
    found = pc.binary_join_element_wise(periods, regions, " for ")
    expected = "one line for every period and area"
    faults.add(again, places["geoitem"], "duplicate_key", found, expected)


def _read_item(body: Grid, place: int, reader: SwingReader, faults: Faults) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Text, value and special value of one column of figures."""
    text = trim(body.cells[place].text)
    nothing = pa.scalar(None, pa.string())
    special = pc.if_else(pc.equal(text, ""), "empty", pc.if_else(pc.equal(text, "?"), "unknown", nothing))
    numbers = as_numbers(plain_numbers(text, reader.decimal))
    for number, meaning in SPECIAL_VALUES.items():
        stands_for = pc.fill_null(pc.equal(numbers, float(number)), False)
        special = pc.coalesce(special, pc.if_else(stands_for, meaning, nothing))
    figure = _mask(pc.is_null(special))

    no_number = figure & _mask(pc.is_null(numbers))
    faults.add(no_number, place, "not_a_number", quoted(text), f"a number like 12{reader.decimal}5")
    too_low = figure & _mask(pc.less(numbers, _LOWEST_FIGURE))
    known = ", ".join(f"{number} ({meaning})" for number, meaning in SPECIAL_VALUES.items())
    faults.add(too_low, place, "out_of_range", quoted(text), f"a figure, or one of {known}")
    # No area of the country counts a hundred million of anything; eight digits can be its inhabitants.
    whole = pc.fill_null(numbers, 0.0).to_numpy(zero_copy_only=False)
    as_integer = np.where(np.abs(whole) < 1e15, whole, 0.0).astype(np.int64)
    could_be_bsn = passes_eleven_test(as_integer) & (as_integer == whole) & (as_integer >= _NINE_DIGITS)
    faults.add(figure & could_be_bsn, place, "personal_data", "a number that could be a BSN", "a figure of an area")
    values = pc.if_else(pa.array(figure), numbers, pa.scalar(None, pa.float64()))
    return text, values, special


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


def _mask(flags: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask
