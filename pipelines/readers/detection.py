"""How a file that nobody declared seems to be written: encoding, separator, header, marks in numbers, kinds of columns.

What belongs here: looking at the first part of a file and saying what there is evidence for. What does not: reading it
by that (a reader goes by its declaration, never by a guess), and what a declaration looks like (`delivery_draft`).
Nothing of a cell comes out of here, and of a header only what announces no person.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import personal_header
from pipelines.readers.encoding import Encoding, detect_encoding, utf8_pieces
from pipelines.readers.grid import Grid, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import normalise_periods
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.sheet import read_sheet
from pipelines.readers.values import NUMBER_MARKS, Marks, as_integers, as_numbers, as_years, plain_numbers, trim
from pipelines.readers.workbook import open_workbook

ColumnType = Literal["text", "region_name", "region_code", "integer", "number", "percentage", "year", "period"]
_OTHER_KINDS: Final = (b"%PDF", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"\x89PNG", b"<", b"{", b"[")
_SEPARATORS: Final = (";", "\t", "|", ",")
_LOOKED_AT: Final = 512 * 1024
_RECORDS: Final = 2000
_MISSING: Final = pa.array(["", ".", "-"])
# Of the cells of a column so many must be of one kind; the others are what a declaration will refuse.
_MOST: Final = 0.8
_MARKED: Final = "[0-9][.,\\p{Zs}][0-9]"
_NO_DATA: Final = {
    "total": r"(?i)(?:totaal|total|nederland)\b.*",
    "footer": r"(?i)bron\b.*",
    "note": r"\*.*",
}
_DATES: Final = {
    "dd-mm-jjjj": r"^[0-3]?[0-9]-[01]?[0-9]-(?:19|20)[0-9]{2}$",
    "dd/mm/jjjj": r"^[0-3]?[0-9]/[01]?[0-9]/(?:19|20)[0-9]{2}$",
    "dd.mm.jjjj": r"^[0-3]?[0-9]\.[01]?[0-9]\.(?:19|20)[0-9]{2}$",
    "jjjj-mm-dd": r"^(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]$",
}
_CODE_WORD: Final = re.compile(r"(?i)code|\bcbs\b|nummer")
_HEADER_WORD: Final = re.compile(
    r"(?i)gemeente|regio|jaar|periode|kwartaal|maand|code|aantal|bedrag|lasten|baten|budget|wijk|post|soort|totaal"
)


@dataclass(frozen=True)
class DetectedColumn:
    """A column as its cells seem to be: type, form of the dates, whether any is empty, the largest number."""

    header: str
    type: ColumnType
    date_form: str | None
    has_empty_cells: bool
    largest: float | None
    is_region: bool = False


@dataclass(frozen=True)
class Detected:
    """How a file seems to be written. What there is no evidence for is None, or empty.

    `encoding` and `separator` are of text, `sheet` of a workbook; `header_line` counts from 1. `marks` are the ways of
    writing numbers that read all of them: more than one where nothing tells them apart. `person` says what kind of
    personal data a header announces; nothing else is told then.
    """

    encoding: Encoding | None = None
    separator: str | None = None
    sheet: str | None = None
    header_line: int | None = None
    columns: tuple[DetectedColumn, ...] = ()
    marks: tuple[Marks, ...] = ()
    no_data_kinds: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    person: str | None = None


def detect(data: bytes, lookup: RegionLookup) -> Detected:
    """Look at the beginning of a file. What is no text and no workbook gives a `Detected` with nothing in it."""
    if data.startswith(b"PK\x03\x04"):
        return _workbook(data, lookup)
    encoding = None if data.startswith(_OTHER_KINDS) or not data.strip() else detect_encoding(data)
    if encoding is None:
        return Detected()
    text = next(iter(utf8_pieces(data[: _LOOKED_AT * 2], encoding, _LOOKED_AT)), b"").decode(errors="ignore")
    split = {separator: _records(text, separator) for separator in _SEPARATORS}
    separator = max(_SEPARATORS, key=lambda mark: _evenness(split[mark]))
    if not _evenness(split[separator]):
        return Detected(encoding)
    records = split[separator]
    first = next(place for place, (record, _) in enumerate(records) if any(map(str.strip, record)))
    header, line = records[first]
    below = [record for record, _ in records[first + 1 :]]
    even = [record for record in below if len(record) == len(header)]
    columns = [pa.array(cells, pa.string()) for cells in zip(*even, strict=True)] if even else []
    no_data = _no_data_kinds(pa.array([record[0] if record else "" for record in below], pa.string()))
    return _described(Detected(encoding, separator, no_data_kinds=no_data), header, line, columns, columns, lookup)


def _share_of_numbers(texts: pa.Array, marks: Marks) -> float:
    return float(pc.mean(pc.is_valid(plain_numbers(texts, *marks, percent=True)).cast(pa.int8())).as_py())


def _records(text: str, separator: str) -> list[tuple[list[str], int]]:
    """The first records, with the physical line that each begins on."""
    lines = (found[0] for found in re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text))
    reader = csv.reader(lines, delimiter=separator)
    records = []
    start = 1
    try:
        for record in islice(reader, _RECORDS):
            records.append((record, start))
            start = reader.line_num + 1
    except csv.Error:
        return records
    return records


def _evenness(records: Sequence[tuple[list[str], int]]) -> float:
    """How well a separator fits: the share of records that are as wide as the first, if that is two columns or more."""
    widths = [len(record) for record, _ in records if any(map(str.strip, record))]
    if not widths or widths[0] < 2:
        return 0.0
    # Between separators that fit equally well, the one that makes more columns.
    return widths.count(widths[0]) / len(widths) + min(widths[0], 100) / 1000


def _workbook(data: bytes, lookup: RegionLookup) -> Detected:
    try:
        workbook = open_workbook("", data)
        for place in workbook.sheets:
            sheet = read_sheet(workbook, place, ",")
            if sheet.is_empty or place.is_hidden:
                continue
            # Titles stand alone; the header is the first row that is as filled as most rows are.
            filled = Counter(sheet.rows.tolist())
            usual = Counter(filled.values()).most_common(1)[0][0]
            line = next(row for row, count in sorted(filled.items()) if count >= usual)
            grid: Grid = sheet.grid(line)
            columns = [cells.text.slice(0, _RECORDS) for cells in grid.cells]
            # Only what stands there as text can be written with one mark or another.
            written = [pc.if_else(pc.is_valid(cells.number), "", cells.text).slice(0, _RECORDS) for cells in grid.cells]
            so_far = Detected(sheet=place.name, no_data_kinds=_no_data_kinds(columns[0]))
            return _described(so_far, grid.header, line, columns, written, lookup)
    except RefusedFileError:
        return Detected()
    return Detected()


def _described(
    so_far: Detected,
    record: Sequence[str],
    line: int,
    columns: Sequence[pa.Array],
    written: Sequence[pa.Array],
    lookup: RegionLookup,
) -> Detected:
    """What the header and the columns below it tell; `written` are the columns without what is no text in the file."""
    header = [tidy_header(field) for field in record]
    person = next((kind for kind in map(personal_header, header) if kind), None)
    if person:
        return replace(so_far, person=person)
    texts = [trim(column) for column in columns]
    with_data = [text.filter(pc.invert(_is_no_data(texts))) for text in texts]
    marks = _marks([trim(column).filter(pc.invert(_is_no_data(texts))) for column in written])
    found = tuple(
        _column(name, cells, marks[0] if marks else NUMBER_MARKS[0], lookup)
        for name, cells in zip(header, with_data, strict=bool(with_data))
    )
    if not _is_header(header, found):
        return replace(so_far, no_data_kinds=())
    return replace(so_far, header_line=line, columns=found, marks=marks, key=_key(found, with_data))


def _is_header(header: Sequence[str], columns: Sequence[DetectedColumn]) -> bool:
    """Whether the first row names columns; what cannot be told from a row with data is not shown."""
    if len(columns) != len(header) or len(set(header)) != len(header) or not all(header):
        return False
    cells = pa.array(list(header), pa.string())
    if _any(pc.match_substring_regex(cells, r"^[^\p{L}]*$")):
        return False
    unlike = sum(column.type != "text" for column in columns)
    return any(map(_HEADER_WORD.search, header)) or unlike >= max(2, len(columns) / 2)


def _is_no_data(texts: Sequence[pa.Array]) -> pa.Array:
    first = texts[0] if texts else pa.array([], pa.string())
    blank = pc.equal(first, "")
    for text in texts[1:]:
        blank = pc.and_(blank, pc.equal(text, ""))
    for form in _NO_DATA.values():
        blank = pc.or_(blank, pc.match_substring_regex(first, f"^(?:{form})$"))
    return blank


def _no_data_kinds(first_cells: pa.Array) -> tuple[str, ...]:
    text = trim(first_cells)
    return tuple(kind for kind, form in _NO_DATA.items() if _any(pc.match_substring_regex(text, f"^(?:{form})$")))


def _filled(texts: pa.Array) -> pa.Array:
    return texts.filter(pc.invert(pc.is_in(texts, value_set=_MISSING)))


def _marks(columns: Sequence[pa.Array]) -> tuple[Marks, ...]:
    """The ways of writing numbers that read the columns of numbers which have marks in them."""
    counts: Counter[Marks] = Counter()
    for cells in map(_filled, columns):
        if _any(pc.match_substring_regex(cells, _MARKED)):
            shares = {marks: _share_of_numbers(cells, marks) for marks in NUMBER_MARKS}
            if max(shares.values()) >= _MOST:
                counts.update(marks for marks, share in shares.items() if share == max(shares.values()))
    most = max(counts.values(), default=0)
    best = [marks for marks in NUMBER_MARKS if counts[marks] == most] if most else []
    # With a thousands mark that is nowhere in the file it is the same once more.
    return tuple(marks for marks in best if not marks[1] or (marks[0], "") not in best)


def _column(name: str, texts: pa.Array, marks: Marks, lookup: RegionLookup) -> DetectedColumn:
    cells = _filled(texts)
    has_empty = len(cells) < len(texts)
    kind: ColumnType = "text"
    date_form: str | None = None
    largest: float | None = None
    if len(cells):
        date_form = next((form for form, dates in _DATES.items() if _all(pc.match_substring_regex(cells, dates))), None)
        kind = _kind(name, cells, date_form, lookup)
    if kind == "text" and date_form is None and len(cells):
        plain = plain_numbers(cells, *marks, percent=True)
        if _mostly(pc.is_valid(plain)):
            kind, largest = _kind_of_numbers(cells, plain), pc.max(pc.abs(as_numbers(plain))).as_py()
    return DetectedColumn(name, kind, date_form, has_empty, largest, kind in ("region_name", "region_code"))


def _kind(name: str, cells: pa.Array, date_form: str | None, lookup: RegionLookup) -> ColumnType:
    """The kind of a column of anything but numbers, which are texts to it."""
    if date_form is None and _all(pc.is_valid(as_years(cells))):
        return "year"
    if _all(pc.is_valid(normalise_periods(cells))):
        return "period"
    if date_form is None and _mostly(pc.is_valid(lookup.resolve_names(cells))):
        return "region_name"
    says_code = _CODE_WORD.search(name) is not None or _any(pc.match_substring_regex(cells, "^[A-Z]{2}[0-9]{4}$"))
    return "region_code" if says_code and _mostly(pc.is_valid(lookup.resolve_codes(cells))) else "text"


def _kind_of_numbers(cells: pa.Array, plain: pa.Array) -> ColumnType:
    if _any(pc.match_substring(cells, "%")):
        return "percentage"
    return "integer" if _all(pc.equal(pc.is_valid(as_integers(plain)), pc.is_valid(plain))) else "number"


def _all(flags: pa.Array) -> bool:
    return pc.all(pc.fill_null(flags, False), min_count=0).as_py() is True


def _any(flags: pa.Array) -> bool:
    return pc.any(pc.fill_null(flags, False), min_count=0).as_py() is True


def _mostly(flags: pa.Array) -> bool:
    return float(pc.mean(pc.fill_null(flags, False).cast(pa.int8())).as_py()) >= _MOST


def _key(columns: Sequence[DetectedColumn], cells: Sequence[pa.Array]) -> tuple[str, ...]:
    """The headers that tell one row from another: region and period, and as many texts as it takes."""
    chosen = [place for place, column in enumerate(columns) if column.is_region or column.type in ("year", "period")]
    for place, column in enumerate(columns):
        if chosen and _is_unique([cells[at] for at in chosen]):
            break
        if column.type == "text":
            chosen.append(place)
    return tuple(columns[place].header for place in sorted(chosen))


def _is_unique(columns: Sequence[pa.Array]) -> bool:
    table = pa.table(list(columns), names=[str(place) for place in range(len(columns))])
    return table.group_by(table.column_names).aggregate([]).num_rows == table.num_rows
