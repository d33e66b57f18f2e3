"""Delimited text as records: which bytes belong to which row, on which physical line it begins, and its fields.

What belongs here: quotes, line breaks and separators. What does not: encodings (`encoding`), and what a header or
a cell means.

Nearly all text is split by Arrow, some megabytes at a time, after it was made sure that Arrow and Python's csv
module cannot differ over it: quotation marks stand around whole fields only, no field is too long, and every row
is as wide as the header. What is not so, rows or whole pieces, is split by the csv module, which decides.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.values import trim

LONGEST_FIELD: Final = 131072
"""In characters; what Python's csv module takes."""

# A quoted field that is still open after so many bytes was probably never meant to be one.
_LONGEST_RECORD: Final = 1024**2
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_BYTES_LINE: Final = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_QUOTE, _LF, _CR = 0x22, 0x0A, 0x0D
_BYTE_ORDER_MARK: Final = "\ufeff".encode()

_Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Records:
    """Rows of a file, taken apart.

    `lines` are the physical lines they begin on, `widths` how many fields they really have (a blank line none);
    `columns` are as many as were asked for, so that surplus fields are gone and missing ones empty; `spilled` tells of
    which rows text is gone with them.
    """

    lines: _Places
    widths: _Places
    columns: tuple[pa.Array, ...]
    spilled: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Chunk:
    """Whole records that follow each other: as UTF-8 (`data`), or where that needed care, split already (`rows`)."""

    file: str
    delimiter: str
    first_line: int
    data: bytes = b""
    rows: tuple[tuple[list[str], int], ...] | None = None

    def split(self, width: int) -> Records:
        """The records in `width` columns. Raises RefusedFileError for a field that is too long."""
        if self.rows is not None:
            return _records(self.rows, width)
        found = _split_fast(self, width)
        return _records(tuple(self.parsed()), width) if found is None else found

    def parsed(self) -> Iterator[tuple[list[str], int]]:
        """Every record with its first physical line, one by one."""
        if self.rows is not None:
            yield from self.rows
        else:
            yield from _Parser(self.file, self.delimiter, self.first_line, self.data, iter(())).records()

    def after_header(self) -> tuple[tuple[list[str], int] | None, tuple[int, ...], Chunk]:
        """The first record that is not blank (None where all are), the lines of those before it, and the rest."""
        blank: list[int] = []
        parser = _Parser(self.file, self.delimiter, self.first_line, self.data, iter(()))
        for place, (record, line) in enumerate(parser.records() if self.rows is None else self.rows, start=1):
            if any(map(str.strip, record)):
                if self.rows is not None:
                    rest = Chunk(self.file, self.delimiter, 0, rows=self.rows[place:])
                else:
                    past = islice(_BYTES_LINE.finditer(self.data), parser.next_line - self.first_line - 1, None)
                    rest = Chunk(self.file, self.delimiter, parser.next_line, self.data[next(past).end() :])
                return (record, line), tuple(blank), rest
            blank.append(line)
        return None, tuple(blank), Chunk(self.file, self.delimiter, 0, rows=())


def chunks(file: str, pieces: Iterable[bytes], delimiter: str) -> Iterator[Chunk]:
    """Pieces of UTF-8 text that end where lines end, as chunks that end where records end.

    Raises RefusedFileError for a quotation mark without its pair and for a field that is too long, when it is
    come to.
    """
    pieces = iter(pieces)
    line, rest = 1, b""
    for piece in pieces:
        data = rest + piece if rest else piece
        rest = b""
        cut = _end_of_records(data, delimiter) if data.find(b'"') >= 0 else len(data)
        if cut is None or len(data) - cut > _LONGEST_RECORD:
            parser = _Parser(file, delimiter, line, data, pieces)
            rows = tuple(parser.records(until_piece_ends=True))
            line = parser.next_line
            yield Chunk(file, delimiter, line, rows=rows)
            continue
        data, rest = data[:cut], data[cut:]
        yield Chunk(file, delimiter, line, data)
        line += len(_line_breaks(data, np.frombuffer(data, np.uint8)))
    if rest:
        yield Chunk(file, delimiter, line, rows=tuple(_Parser(file, delimiter, line, rest, iter(())).records()))


def first_record(pieces: Iterable[bytes], delimiter: str) -> list[str]:
    """The first record that is not blank, read without being strict; empty where there is none to be had."""
    lines = (line for piece in pieces for line in _lines(piece.decode()))
    try:
        return next((record for record in csv.reader(lines, delimiter=delimiter) if any(map(str.strip, record))), [])
    except csv.Error:
        return []


class _Parser:
    """Records by the csv module, with the physical line that comes after each."""

    def __init__(self, file: str, delimiter: str, first_line: int, piece: bytes, pieces: Iterator[bytes]) -> None:
        self._file, self._delimiter, self._first_line = file, delimiter, first_line
        self._piece, self._pieces = piece, pieces
        self._piece_done = False
        self.next_line = first_line

    def records(self, *, until_piece_ends: bool = False) -> Iterator[tuple[list[str], int]]:
        """Records with their first lines; or those until a record and a piece end together."""
        reader = csv.reader(self._fed(), delimiter=self._delimiter, strict=True)
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _refusal(self._file, self.next_line, str(error)) from None
            line, self.next_line = self.next_line, self._first_line + reader.line_num
            yield record, line
            if until_piece_ends and self._piece_done:
                return

    def _fed(self) -> Iterator[str]:
        """One line at a time, so that what was fed is what was read."""
        piece: bytes | None = self._piece
        while piece is not None:
            text = piece.decode()
            for line in _LINE.finditer(text):
                self._piece_done = line.end() == len(text)
                yield line[0]
            del text
            piece = next(self._pieces, None)


def _lines(text: str) -> Iterator[str]:
    return (line[0] for line in _LINE.finditer(text))


def _refusal(file: str, line: int, error: str) -> RefusedFileError:
    too_long = "field limit" in error
    found = f"a field of more than {LONGEST_FIELD} characters" if too_long else "a quotation mark without its pair"
    expected = "quotation marks around whole fields, doubled within them"
    return RefusedFileError(Problem(file, line, None, None, "unknown_format", found, expected))


def _line_breaks(data: bytes, characters: npt.NDArray[np.uint8]) -> _Places:
    """Where physical lines end; at the second byte where a break has two."""
    # Counting with numpy takes a third of the time that `bytes.count` takes, and lets other threads work.
    breaks = np.flatnonzero(characters == _LF)
    if data.find(b"\r") < 0:
        return breaks
    returns = characters == _CR
    if np.count_nonzero(returns) == np.count_nonzero(characters[breaks[breaks > 0] - 1] == _CR):
        return breaks
    returns[:-1] &= characters[1:] != _LF
    return np.flatnonzero((characters == _LF) | returns)


def _quotes(data: bytes, characters: npt.NDArray[np.uint8], delimiter: str) -> _Places:
    """The quotation marks; none where no field begins with one, because then they are characters like others."""
    if data.find(b'"') < 0:
        return np.zeros(0, np.int64)
    quotes = np.flatnonzero(characters == _QUOTE)
    begins_field = quotes[0] == 0 or _marked(delimiter)[characters[quotes[quotes > 0] - 1]].any()
    return quotes if begins_field else quotes[:0]


def _marked(*more: str) -> npt.NDArray[np.bool_]:
    """Of every character (a byte) whether it ends a line or is one of these."""
    marked = np.zeros(256, dtype=bool)
    marked[[_LF, _CR, *map(ord, more)]] = True
    return marked


def _outside(places: _Places, quotes: _Places) -> _Places:
    """Those of some places that stand outside quotation marks."""
    return places[np.searchsorted(quotes, places) % 2 == 0]


def _end_of_records(data: bytes, delimiter: str) -> int | None:
    """Where the last whole record ends; None where the quotation marks are not simply around whole fields."""
    characters = np.frombuffer(data, np.uint8)
    quotes = _quotes(data, characters, delimiter)
    opening, closing = quotes[0::2], quotes[1::2]
    around = _marked(delimiter, '"')
    before = characters[opening[opening > 0] - 1]
    after = characters[closing[closing < len(data) - 1] + 1]
    if not (around[before].all() and around[after].all()):
        return None
    if len(opening) == len(closing):
        return len(data)
    breaks = _outside(_line_breaks(data, characters), quotes)
    return int(breaks[-1]) + 1 if len(breaks) else 0


def _split_fast(chunk: Chunk, width: int) -> Records | None:
    """The records of a chunk with simple quotation marks; None where only the csv module should decide."""
    data = chunk.data
    characters = np.frombuffer(data, np.uint8)
    breaks = _line_breaks(data, characters)
    quotes = _quotes(data, characters, chunk.delimiter)
    ends = _outside(breaks, quotes) if len(quotes) else breaks
    if data and (not len(ends) or ends[-1] != len(data) - 1):
        ends = np.append(ends, len(data))
    starts = np.concatenate((np.zeros(min(len(ends), 1), np.int64), ends[:-1] + 1))
    if len(ends) and int((ends - starts).max()) > LONGEST_FIELD:
        return None
    widths = _widths(characters, chunk.delimiter, quotes, starts, ends, width)
    lines = (
        chunk.first_line + np.searchsorted(breaks, starts) if len(quotes) else chunk.first_line + np.arange(len(ends))
    )
    if not (widths == width).all():
        return _split_uneven(chunk, lines, widths, starts, ends, width, quoted=bool(len(quotes)))
    columns = _columns(data, chunk.delimiter, width, len(ends), quoted=bool(len(quotes)))
    return None if columns is None else Records(lines, widths, columns, np.zeros(len(ends), dtype=bool))


def _widths(
    characters: npt.NDArray[np.uint8], delimiter: str, quotes: _Places, starts: _Places, ends: _Places, width: int
) -> _Places:
    """How many fields every record has; a blank line has none."""
    marks = np.flatnonzero(characters == ord(delimiter))
    if len(quotes):
        marks = _outside(marks, quotes)
    if width > 1 and len(marks) == len(ends) * (width - 1):
        rows = marks.reshape(len(ends), width - 1)
        if (rows[:, 0] >= starts).all() and (rows[:, -1] < ends).all():
            return np.full(len(ends), width, dtype=np.int64)
    widths = np.searchsorted(marks, ends) - np.searchsorted(marks, starts) + 1
    short = np.flatnonzero(ends - starts <= 1)
    blank = (ends[short] == starts[short]) | (
        (characters[starts[short]] == _CR) & (characters[np.minimum(ends[short], len(characters) - 1)] == _LF)
    )
    widths[short[blank]] = 0
    return widths.astype(np.int64)


def _columns(data: bytes, delimiter: str, width: int, count: int, *, quoted: bool) -> tuple[pa.Array, ...] | None:
    """The columns of `count` records that are all as wide as the header."""
    if not count:
        return tuple(pa.array([], pa.string()) for _ in range(width))
    if data.startswith(_BYTE_ORDER_MARK):
        return None  # Arrow would drop it, wherever in the file this is
    names = [str(place) for place in range(width)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(data),
            pa_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pa_csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
            ),
            pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != count:
        return None
    return tuple(column.combine_chunks() for column in table.columns)


def _split_uneven(
    chunk: Chunk, lines: _Places, widths: _Places, starts: _Places, ends: _Places, width: int, *, quoted: bool
) -> Records | None:
    """`_split_fast` where some records are wider or narrower than the header."""
    regular = widths == width
    odd = ~regular & (widths > 0)
    even_ones = _columns(
        _bytes_of(chunk.data, regular, starts, ends), chunk.delimiter, width, int(regular.sum()), quoted=quoted
    )
    parser = _Parser(chunk.file, chunk.delimiter, 1, _bytes_of(chunk.data, odd, starts, ends), iter(()))
    odd_ones = [record for record, _ in parser.records()]
    if even_ones is None or len(odd_ones) != int(odd.sum()):
        return None
    order = np.full(len(widths), len(regular), dtype=np.int64)
    order[regular] = np.arange(int(regular.sum()))
    order[odd] = int(regular.sum()) + np.arange(len(odd_ones))
    order[widths == 0] = int(regular.sum()) + len(odd_ones)
    places = pa.array(order)
    nothing = pa.array([""], pa.string())
    columns = tuple(
        pa.concat_arrays([column, pa.array(fields, pa.string()), nothing]).take(places)
        for column, fields in zip(even_ones, _fitted(odd_ones, width), strict=True)
    )
    spilled = np.zeros(len(widths), dtype=bool)
    spilled[odd] = _spilled(odd_ones, width)
    return Records(lines, widths, columns, spilled)


def _bytes_of(data: bytes, chosen: npt.NDArray[np.bool_], starts: _Places, ends: _Places) -> bytes:
    """The bytes of some records, line breaks included."""
    changes = np.flatnonzero(np.diff(chosen.astype(np.int8), prepend=0, append=0))
    view = memoryview(data)
    runs = zip(starts[changes[0::2]].tolist(), ends[changes[1::2] - 1].tolist(), strict=True)
    return b"".join(view[start : end + 1] for start, end in runs)


def _records(rows: Sequence[tuple[list[str], int]], width: int) -> Records:
    widths = np.fromiter((len(record) for record, _ in rows), dtype=np.int64, count=len(rows))
    records = [record for record, _ in rows]
    return Records(
        np.fromiter((line for _, line in rows), dtype=np.int64, count=len(rows)),
        widths,
        tuple(pa.array(fields, pa.string()) for fields in _fitted(records, width)),
        _spilled(records, width),
    )


def _spilled(records: Sequence[list[str]], width: int) -> npt.NDArray[np.bool_]:
    """Which records have text in fields beyond `width`."""
    spilled = np.fromiter((len(record) > width for record in records), dtype=bool, count=len(records))
    if spilled.any():
        beyond = pa.array(["".join(records[place][width:]) for place in np.flatnonzero(spilled).tolist()], pa.string())
        spilled[spilled] = pc.not_equal(trim(beyond), "").to_numpy(zero_copy_only=False)
    return spilled


def _fitted(records: Sequence[list[str]], width: int) -> Iterable[Sequence[str]]:
    """Records turned into `width` columns, surplus fields gone and missing ones empty."""
    if not records:
        return repeat((), width)
    return zip(*([*record, *repeat("", width - len(record))][:width] for record in records), strict=True)
