"""From a grid of cells to the typed rows of a declared table, with every row accounted for.

What belongs here: what holds for a whole row or a whole file, whatever format it came in: the header,
totals and notes, the number of fields, the key. What does not: formats (`delimited`, `spreadsheet`) and
single columns (`columns`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Source
from pipelines.privacy import redact
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.columns import FIGURES, TabularReader, TypedColumn, type_column
from pipelines.readers.faults import Faults, wrong_widths
from pipelines.readers.grid import (
    Cells,
    Grid,
    no_data_kinds,
    place_headers,
    refuse_persons,
    tidy_header,
)
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.values import plain_numbers, trim
from pipelines.warehouse.raw_tables import reader_schema


def read_table(grid: Grid, reader: TabularReader, source: Source, lookup: RegionLookup) -> ReadResult:
    """Type the declared columns of a grid and say where every row went.

    Quarantined are rows with the wrong number of fields, with a cell that cannot be read, and all rows that
    share one key. Raises RefusedFileError when the file as a whole cannot be read: personal data, a missing
    or repeated header, no row with data.
    """
    places, notices = _declared_places(grid, reader)
    kinds = no_data_kinds(grid, reader.no_data_rows)
    uneven = grid.widths != len(grid.header)
    # A total that is shifted cannot be checked against; a footer or a note may be as long as it likes.
    no_data = pc.is_valid(kinds).to_numpy(zero_copy_only=False)
    no_data &= ~(uneven & pc.fill_null(pc.equal(kinds, "total"), False).to_numpy(zero_copy_only=False))
    if no_data.all():
        found = "no row below the header" if not len(grid.lines) else "no row with data below the header"
        problem = Problem(grid.file, grid.header_line, None, None, "empty_file", found, "rows with data")
        raise RefusedFileError(problem, rows=grid.rows_in)

    body = grid.filter(~no_data & ~uneven)
    faults = Faults(body, sorted(places.values()))
    typed = {
        column.name: type_column(
            column,
            body.cells[places[column.name]],
            position=places[column.name],
            reader=reader,
            lookup=lookup,
            faults=faults,
        )
        for column in reader.columns
        if column.name in places
    }
    _add_duplicates(body, reader, places, typed, faults)

    shifted = wrong_widths(grid, uneven & ~no_data)
    rows = _rows(body, typed, source).filter(pa.array(~faults.rows))
    notes = _no_data(grid.filter(no_data), kinds.filter(pa.array(no_data)), reader, places)
    return ReadResult(
        rows=rows,
        no_data=notes,
        rows_in=grid.rows_in,
        rows_loaded=rows.num_rows,
        rows_no_data=notes.num_rows,
        rows_quarantined=len(shifted) + int(faults.rows.sum()),
        problems=tuple(sorted((*shifted, *faults.problems()), key=lambda problem: problem.line or 0)),
        notices=notices,
    )


def _declared_places(grid: Grid, reader: TabularReader) -> tuple[dict[str, int], tuple[str, ...]]:
    """The position of every declared column that is there, by its name, and the notices."""
    headers = {column.name: tidy_header(column.header) for column in reader.columns}
    ignored = [tidy_header(header) for header in reader.ignore_headers]
    figures = [headers[column.name] for column in reader.columns if column.type in FIGURES]
    refuse_persons(grid, {*headers.values(), *ignored}, figures)
    required = [headers[column.name] for column in reader.columns if column.required]
    optional = [headers[column.name] for column in reader.columns if not column.required]
    found, notices = place_headers(grid, required, optional, ignored)
    return {name: found[header] for name, header in headers.items() if header in found}, notices


def _add_duplicates(
    body: Grid,
    reader: TabularReader,
    places: Mapping[str, int],
    typed: Mapping[str, TypedColumn],
    faults: Faults,
) -> None:
    """Quarantine all rows of a key that occurs more than once: nobody can say which is the right one."""
    key = [name for name in reader.key if name in places]
    if not key:
        return
    # A region counts as what it was resolved to: two spellings of one municipality are one key.
    parts = [typed[name].values if typed[name].region_codes is None else typed[name].region_codes for name in key]
    columns = {column.name: column for column in reader.columns}
    whole = np.ones(len(body.lines), dtype=bool)
    for name, part in zip(key, parts, strict=True):
        if columns[name].required and not columns[name].nullable:
            whole &= pc.is_valid(part).to_numpy(zero_copy_only=False)
    names = [f"key_{number}" for number in range(len(key))]
    table = pa.table([*parts, pa.array(np.arange(len(body.lines)))], names=[*names, "row"])
    groups = table.filter(pa.array(whole)).group_by(names).aggregate([("row", "list"), ("row", "count")])
    repeated = groups.filter(pc.greater(groups["row_count"], 1))
    found = [""] * len(body.lines)
    again = np.zeros(len(body.lines), dtype=bool)
    for rows in repeated["row_list"].to_pylist():
        lines = [str(line) for line in body.lines[rows].tolist()]
        words = f"the same key on lines {', '.join(lines[:6])}{' and more' if len(lines) > 6 else ''}"
        again[rows] = True
        for row in rows:
            found[row] = words
    expected = f"one row for every {', '.join(body.header[places[name]] for name in key)}"
    faults.add(again, places[key[0]], "duplicate_key", pa.array(found, pa.string()), expected)


def _rows(body: Grid, typed: Mapping[str, TypedColumn], source: Source) -> pa.Table:
    schema = reader_schema(source)
    count = len(body.lines)
    arrays: dict[str, pa.Array] = {"line": pa.array(body.lines)}
    for name, column in typed.items():
        arrays[name] = column.values
        if column.region_codes is not None:
            arrays["region_code"] = column.region_codes
    if source.constant_region is not None:
        arrays["region_code"] = pa.repeat(source.constant_region, count)
    return pa.table([arrays.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema)


def _no_data(chosen: Grid, kinds: pa.Array, reader: TabularReader, places: Mapping[str, int]) -> pa.Table:
    """The rows without data, header included, with what stands in their declared columns."""
    uneven = pa.array(chosen.widths != len(chosen.header))
    totals = pc.equal(kinds, "total")
    shown = {
        column.name: _shown(column.type in FIGURES, chosen.cells[places[column.name]], reader, totals)
        for column in reader.columns
        if column.name in places
    }
    # Where a row has another number of fields, only its first cell stands under its own header.
    shown = {name: texts if places[name] == 0 else pc.if_else(uneven, "", texts) for name, texts in shown.items()}
    below = [json.dumps(row, ensure_ascii=False) for row in pa.table(shown).to_pylist()]
    header = {name: redact(pa.array([chosen.header[position]]))[0].as_py() for name, position in places.items()}
    above = len(chosen.leading)
    return pa.table(
        [
            pa.array([*chosen.leading, chosen.header_line, *chosen.lines.tolist()], pa.int64()),
            pa.array([*["note"] * above, "header", *kinds.to_pylist()], pa.string()),
            pa.array([*["{}"] * above, json.dumps(header, ensure_ascii=False), *below], pa.string()),
        ],
        schema=NO_DATA_SCHEMA,
    )


def _shown(figures: bool, cells: Cells, reader: TabularReader, totals: pa.Array) -> pa.Array:
    """Texts as found, without what could identify a person; a total keeps its figures, however long."""
    text = trim(cells.text)
    safe = redact(text)
    if not figures:
        return safe
    is_number = pc.is_valid(plain_numbers(text, reader.decimal, reader.thousands, percent=True))
    return pc.if_else(pc.and_(totals, is_number), text, safe)
