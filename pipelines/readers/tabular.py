"""From a grid of cells to the typed rows of a declared table, with every row accounted for.

What belongs here: what holds for a whole row or a whole file, whatever format it came in: the header,
totals and notes, the number of fields, the key. What does not: formats (`delimited`, `spreadsheet`) and
single columns (`columns`).

A file may come in parts, so that millions of rows need not be in memory as texts at once. Nothing of what is told
or loaded depends on where the parts begin.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Source
from pipelines.privacy import passes_eleven_test, redact
from pipelines.privacy.identifiers import BsnCensus
from pipelines.privacy.screening import large_numbers
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.columns import FIGURES, REGIONS, TabularReader, TypedColumn, type_column
from pipelines.readers.faults import MOST_TOLD, Faults, Kind, kind_of_wrong_widths, tell
from pipelines.readers.grid import (
    Cells,
    Grid,
    Mask,
    census_of,
    no_data_kinds,
    place_headers,
    refuse_persons_in_parts,
    tidy_header,
)
from pipelines.readers.in_order import in_order
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.pseudonyms import PERSONS, ends_before
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.remembering_lookup import RememberingLookup
from pipelines.readers.repeated_keys import RefusedKeys, RepeatedKeys, Repeats, repeated_keys
from pipelines.readers.values import plain_numbers, trim
from pipelines.warehouse.raw_tables import reader_schema

if TYPE_CHECKING:
    from pipelines.privacy.pseudonym import PseudonymKey

GridParts = Callable[[], Iterable[Callable[[], Grid]]]
"""The parts of a file, each worked out when it is called, as often as they are asked for."""

_REPEATED: Final = "duplicate_key"


def read_table(
    grid: Grid, reader: TabularReader, source: Source, lookup: RegionLookup, key: PseudonymKey | None = None
) -> ReadResult:
    """Type the declared columns of a grid and say where every row went.

    Quarantined are rows with the wrong number of fields, with a cell that cannot be read, and all rows that
    share one key. Raises RefusedFileError when the file as a whole cannot be read: personal data, a missing
    or repeated header, no row with data.
    """
    return read_parts(lambda: [lambda: grid], reader, source, lookup, key)


def read_parts(
    parts: GridParts, reader: TabularReader, source: Source, lookup: RegionLookup, key: PseudonymKey | None = None
) -> ReadResult:
    """`read_table` of a file that comes in parts, at least one, which all have its header."""
    table = _Table(parts, reader, source, lookup, key)
    read = list(in_order(lambda part: table.read_part(part()), parts()))
    table.refuse(read)
    return table.result(read)


@dataclass(frozen=True)
class _Body:
    """The rows of a part by what they are: with data, without, or of another width."""

    rows: Grid
    no_data: Mask
    shifted: Mask
    kinds: pa.Array


@dataclass(frozen=True)
class _Part:
    """What became of a part of the file: its good rows, what is left of the others, and what is to be told of them.

    `good_places` says where the good rows stand in the body of the part; None where all of it is good.
    """

    header: Grid
    census: tuple[BsnCensus, ...]
    row_count: int
    has_data: bool
    rows: pa.Table
    notes: pa.Table
    refused: int = 0
    kinds: tuple[Kind, ...] = ()
    good_places: npt.NDArray[np.int64] | None = None
    refused_keys: RefusedKeys | None = None
    large_figures: tuple[int, ...] = ()


class _Table:
    """One file on its way through: what its declaration makes of its header, of each part, and of all parts."""

    def __init__(
        self,
        parts: GridParts,
        reader: TabularReader,
        source: Source,
        lookup: RegionLookup,
        pseudonyms: PseudonymKey | None,
    ) -> None:
        self._parts, self._reader, self._source, self._pseudonyms = parts, reader, source, pseudonyms
        self._about_persons = reader.withholds
        self._lookup = RememberingLookup(lookup)
        self._headers = {column.name: tidy_header(column.header) for column in reader.columns}
        self._columns = {column.name: column for column in reader.columns}

    def read_part(self, grid: Grid) -> _Part:
        """Everything about a part that can be known without the others."""
        census = census_of(grid)
        header = grid.filter(np.zeros(len(grid.lines), dtype=bool))
        try:
            places, _ = self._places(grid, rows=0)
        except RefusedFileError:
            # Told when all parts were seen: persons in any of them go before a header that is wrong.
            nothing = reader_schema(self._source).empty_table()
            return _Part(header, census, len(grid.lines), False, nothing, NO_DATA_SCHEMA.empty_table())
        body = self._body(grid)
        faults = Faults(body.rows, sorted(places.values()), withheld=self._about_persons)
        typed = {
            name: type_column(
                self._columns[name],
                body.rows.cells[place],
                position=place,
                reader=self._reader,
                lookup=self._lookup,
                faults=faults,
                key=self._pseudonyms,
            )
            for name, place in places.items()
        }
        if self._about_persons and {"start_date", "end_date"} <= places.keys():
            turned = ends_before(typed["start_date"].values, typed["end_date"].values)
            faults.add(turned, places["end_date"], "out_of_range", "a day before the start", "the start or later")
        rows, is_refused = _rows(body.rows, typed, self._source, self._pseudonyms), faults.rows
        return _Part(
            header,
            census,
            len(grid.lines),
            has_data=not body.no_data.all(),
            rows=rows.filter(pa.array(~is_refused)) if is_refused.any() else rows,
            notes=_no_data(grid.filter(body.no_data), body.kinds.filter(pa.array(body.no_data)), self._reader, places),
            refused=int(body.shifted.sum()) + int(is_refused.sum()),
            kinds=(*kind_of_wrong_widths(grid, body.shifted), *faults.kinds),
            refused_keys=self._refused_keys(rows, faults, places),
            large_figures=_large_figures(rows.filter(pa.array(is_refused))) if is_refused.any() else (),
            good_places=np.flatnonzero(~is_refused) if is_refused.any() else None,
        )

    def _refused_keys(self, rows: pa.Table, faults: Faults, places: Mapping[str, int]) -> RefusedKeys | None:
        key = self._key(places)
        if not key or not faults.rows.any():
            return None
        at = np.flatnonzero(faults.rows)
        kept = rows.select(["line", *key.values()]).take(pa.array(at))
        whole = np.ones(len(at), dtype=bool)
        for name, column in key.items():
            if self._columns[name].required and not self._columns[name].nullable:
                whole &= kept[column].is_valid().to_numpy()
        return RefusedKeys(kept, at, whole, faults.faulty(self._place_of_key(places))[at])

    def _key(self, places: Mapping[str, int]) -> dict[str, str]:
        """The columns of the key that are there, and the column of the rows that each is compared by.

        A region counts as what it was resolved to: two spellings of one municipality are one key.
        """
        key = [name for name in self._reader.key if name in places]
        return {name: "region_code" if self._columns[name].type in REGIONS else name for name in key}

    def refuse(self, parts: Sequence[_Part]) -> None:
        """Raise RefusedFileError where the file as a whole cannot be read."""
        header, count = parts[0].header, _rows_in(parts)
        refuse_persons_in_parts(
            header,
            [part.census for part in parts],
            lambda: (part() for part in self._parts()),
            {*self._headers.values(), *self._ignored},
            [self._headers[column.name] for column in self._reader.columns if column.type in FIGURES],
            rows=count,
            pseudonymised=[self._headers[column.name] for column in self._reader.columns if column.type in PERSONS],
        )
        self._places(header, rows=count)
        if not any(part.has_data for part in parts):
            below = sum(part.row_count for part in parts)
            found = "no row with data below the header" if below else "no row below the header"
            problem = Problem(header.file, header.header_line, None, None, "empty_file", found, "rows with data")
            raise RefusedFileError(problem, rows=count)

    def result(self, parts: Sequence[_Part]) -> ReadResult:
        """The rows and the account of a file that was not refused."""
        header, count = parts[0].header, _rows_in(parts)
        places, notices = self._places(header, rows=count)
        rows = [part.rows for part in parts]
        kinds = [kind for part in parts for kind in part.kinds]
        refused = sum(part.refused for part in parts)
        if key := self._key(places):
            again = repeated_keys(
                list(key.values()), rows, [part.good_places for part in parts], [part.refused_keys for part in parts]
            )
            if again is not None:
                rows = [
                    table.filter(pa.array(~part.good)) if part.good.any() else table
                    for table, part in zip(rows, again.parts, strict=True)
                ]
                refused += sum(int(part.good.sum()) for part in again.parts)
                kinds += self._kinds_of_repeated(header, again, places)
        notes = _with_header(header, [part.notes for part in parts], places)
        table = pa.concat_tables(rows)
        return ReadResult(
            rows=table,
            no_data=notes,
            rows_in=count,
            rows_loaded=table.num_rows,
            rows_no_data=notes.num_rows,
            rows_quarantined=refused,
            problems=tell(kinds),
            notices=notices,
            large_figures=frozenset(figure for part in parts for figure in part.large_figures),
        )

    @property
    def _ignored(self) -> list[str]:
        return [tidy_header(header) for header in self._reader.ignore_headers]

    def _places(self, header: Grid, *, rows: int) -> tuple[dict[str, int], tuple[str, ...]]:
        """The position of every declared column that is there, by its name, and the notices."""
        needed = [
            column.name
            for column in self._reader.columns
            if column.required or column.name in self._reader.item_columns
        ]
        required = [self._headers[name] for name in needed]
        optional = [header for name, header in self._headers.items() if name not in needed]
        found, notices = place_headers(header, required, optional, self._ignored, rows=rows)
        return {name: found[header] for name, header in self._headers.items() if header in found}, notices

    def _body(self, grid: Grid) -> _Body:
        kinds = no_data_kinds(grid, self._reader.no_data_rows)
        uneven = grid.widths != len(grid.header)
        # A total that is shifted cannot be checked against; a footer or a note may be as long as it likes.
        no_data = pc.is_valid(kinds).to_numpy(zero_copy_only=False)
        no_data &= ~(uneven & pc.fill_null(pc.equal(kinds, "total"), False).to_numpy(zero_copy_only=False))
        return _Body(grid.filter(~no_data & ~uneven), no_data, uneven & ~no_data, kinds)

    def _kinds_of_repeated(self, header: Grid, again: RepeatedKeys, places: Mapping[str, int]) -> list[Kind]:
        """What is told of keys that occur more than once: nobody can say which of their rows is the right one."""
        kinds: list[Kind] = []
        # Their cells are read once more: they were let go when nobody knew that they would be needed.
        for some in in_order(partial(self._kinds_of_part, header, again, places), self._to_tell(again)):
            kinds += some
        return kinds

    def _to_tell(self, again: RepeatedKeys) -> Iterator[tuple[Callable[[], Grid] | None, Repeats]]:
        """The parts with repeated keys, and None in place of those of which none will be told one by one."""
        told = 0
        for repeats, part in zip(again.parts, self._parts(), strict=True):
            if len(repeats.places):
                yield (part if told < MOST_TOLD else None), repeats
                told += len(repeats.places)

    def _kinds_of_part(
        self,
        header: Grid,
        again: RepeatedKeys,
        places: Mapping[str, int],
        to_tell: tuple[Callable[[], Grid] | None, Repeats],
    ) -> list[Kind]:
        part, repeats = to_tell
        if part is None:
            count, last = len(repeats.places), int(repeats.lines[-1])
            return [Kind(self._place_of_key(places), _REPEATED, count, last, ())]
        body = self._body(part()).rows
        mask = np.zeros(len(body.lines), dtype=bool)
        mask[repeats.places] = True
        # What is told of a repeated key are lines, whatever the table is about.
        faults = Faults(body, () if self._about_persons else sorted(places.values()))
        expected = f"one row for every {', '.join(header.header[places[name]] for name in self._key(places))}"
        faults.add(mask, self._place_of_key(places), _REPEATED, partial(_told, again, repeats), expected)
        return faults.kinds

    def _place_of_key(self, places: Mapping[str, int]) -> int:
        """The column that stands for the key where it is told of."""
        return places[next(iter(self._key(places)))]


def _told(again: RepeatedKeys, repeats: Repeats, rows: pa.Array) -> pa.Array:
    keys = repeats.keys[np.searchsorted(repeats.places, rows.to_numpy())]
    return pa.array([again.told(key) for key in keys.tolist()], pa.string())


def _large_figures(rows: pa.Table) -> tuple[int, ...]:
    found = np.concatenate([large_numbers(column) for column in rows.drop_columns("line").columns])
    return tuple(found[passes_eleven_test(found)].tolist())


def _rows_in(parts: Sequence[_Part]) -> int:
    return parts[0].header.rows_in + sum(part.row_count for part in parts)


def _rows(body: Grid, typed: Mapping[str, TypedColumn], source: Source, pseudonyms: PseudonymKey | None) -> pa.Table:
    schema = reader_schema(source)
    count = len(body.lines)
    arrays: dict[str, pa.Array] = {"line": pa.array(body.lines)}
    for name, column in typed.items():
        arrays[name] = column.values
        if column.region_codes is not None:
            arrays["region_code"] = column.region_codes
    if source.constant_region is not None:
        arrays["region_code"] = pa.repeat(source.constant_region, count)
    if pseudonyms is not None:
        arrays["person_key"] = pa.repeat(pseudonyms.fingerprint, count)
    return pa.table([arrays.get(field.name, pa.nulls(count, field.type)) for field in schema], schema=schema)


def _no_data(chosen: Grid, kinds: pa.Array, reader: TabularReader, places: Mapping[str, int]) -> pa.Table:
    """The rows without data, with what stands in their declared columns."""
    if reader.withholds:
        # Nobody knows what stands in a footer of a table about persons.
        return pa.table([pa.array(chosen.lines), kinds, pa.repeat("{}", len(kinds))], schema=NO_DATA_SCHEMA)
    uneven = pa.array(chosen.widths != len(chosen.header))
    totals = pc.equal(kinds, "total")
    shown = {
        column.name: _shown(column.type in FIGURES, chosen.cells[places[column.name]], reader, totals)
        for column in reader.columns
        if column.name in places
    }
    # Where a row has another number of fields, only its first cell stands under its own header.
    shown = {name: texts if places[name] == 0 else pc.if_else(uneven, "", texts) for name, texts in shown.items()}
    return pa.table([pa.array(chosen.lines), kinds, _as_objects(pa.table(shown))], schema=NO_DATA_SCHEMA)


def _as_objects(shown: pa.Table) -> pa.Array:
    """Every row as a JSON object. Rows that are the same, as a million blank lines are, are written once."""
    numbered = shown.append_column("_row", pa.array(np.arange(shown.num_rows)))
    rows = numbered.group_by(shown.column_names).aggregate([("_row", "list")]).combine_chunks()
    texts = [json.dumps(row, ensure_ascii=False) for row in rows.select(shown.column_names).to_pylist()]
    same = rows["_row_list"].combine_chunks()
    which = np.empty(shown.num_rows, dtype=np.int64)
    which[pc.list_flatten(same).to_numpy()] = pc.list_parent_indices(same).to_numpy()
    return pa.array(texts, pa.string()).take(pa.array(which))


def _with_header(header: Grid, notes: Sequence[pa.Table], places: Mapping[str, int]) -> pa.Table:
    """All rows without data: the lines above the header, the header, and those below it."""
    names = {name: redact(pa.array([header.header[position]]))[0].as_py() for name, position in places.items()}
    above = len(header.leading)
    top = pa.table(
        [
            pa.array([*header.leading, header.header_line], pa.int64()),
            pa.array([*["note"] * above, "header"], pa.string()),
            pa.array([*["{}"] * above, json.dumps(names, ensure_ascii=False)], pa.string()),
        ],
        schema=NO_DATA_SCHEMA,
    )
    return pa.concat_tables([top, *notes])


def _shown(figures: bool, cells: Cells, reader: TabularReader, totals: pa.Array) -> pa.Array:
    """Texts as found, without what could identify a person; a total keeps its figures, however long."""
    text = trim(cells.text)
    safe = redact(text)
    if not figures:
        return safe
    is_number = pc.is_valid(plain_numbers(text, reader.decimal, reader.thousands, percent=True))
    return pc.if_else(pc.and_(totals, is_number), text, safe)
