"""Delimited text: bytes to a grid of cells, with encoding and separator confirmed.

What belongs here: which line is the header, and confirming that a file is written as declared. What does not: what
the cells mean, and how text is split (`records`). A separator that does not fit is told from a header that does not,
because the remedy is another one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from pipelines.declarations.source import DelimitedReader, Source
from pipelines.readers.account import Problem, ReadResult
from pipelines.readers.encoding import PIECE, Encoding, confirm, utf8_pieces
from pipelines.readers.grid import Cells, Grid, Mask, refuse_too_wide, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.records import Chunk, chunks, first_record
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.tabular import read_parts

if TYPE_CHECKING:
    from pipelines.privacy.pseudonym import PseudonymKey

SEPARATORS: Final = {";": "semicolon", ",": "comma", "\t": "tab", "|": "vertical bar"}


def read_delimited(
    file: str,
    data: bytes,
    source: Source,
    reader: DelimitedReader,
    lookup: RegionLookup,
    piece: int = PIECE,
    key: PseudonymKey | None = None,
) -> ReadResult:
    """Read one delimited file as declared. Raises RefusedFileError when it cannot be read as a whole.

    The text is worked through in pieces of about `piece` bytes, so that memory is that of the typed rows.
    """
    required = {tidy_header(column.header) for column in reader.columns if column.required}
    opened = _open(file, data, reader.encoding, reader.delimiter, required, piece)
    return read_parts(opened.parts, reader, source, lookup, key)


def text_grid(file: str, data: bytes, encoding: Encoding, delimiter: str, required: Collection[str]) -> Grid:
    """Take a delimited file apart. `required` are the headers by which the separator is confirmed.

    The first line that is not blank is the header. Raises RefusedFileError for an empty file, a wrong
    encoding, another separator than declared, and quotation marks that do not pair.
    """
    opened = _open(file, data, encoding, delimiter, required, PIECE)
    grids = [part() for part in opened.parts()]
    if len(grids) == 1:
        return grids[0]
    return Grid(
        file,
        opened.header,
        opened.header_line,
        np.concatenate([grid.lines for grid in grids]),
        np.concatenate([grid.widths for grid in grids]),
        tuple(
            Cells(pa.concat_arrays([grid.cells[position].text for grid in grids]))
            for position in range(len(opened.header))
        ),
        opened.leading,
        _spilled(grids),
    )


def _spilled(grids: Sequence[Grid]) -> Mask | None:
    if all(grid.spilled is None for grid in grids):
        return None
    nothing = (np.zeros(len(grid.lines), dtype=bool) if grid.spilled is None else grid.spilled for grid in grids)
    return np.concatenate(list(nothing))


@dataclass(frozen=True)
class _Opened:
    """A file of which the header was read. `below` gives what follows it, from the beginning each time."""

    file: str
    header: tuple[str, ...]
    header_line: int
    leading: tuple[int, ...]
    below: Callable[[], Iterator[Chunk]]

    def parts(self) -> Iterator[Callable[[], Grid]]:
        """The rows below the header in parts, each taken apart when it is called."""
        return (partial(self._grid, chunk) for chunk in self.below())

    def _grid(self, chunk: Chunk) -> Grid:
        # A blank line has one empty field for the eye and none for the parser; it is as wide as it needs to be.
        records = chunk.split(len(self.header))
        cells = tuple(Cells(column) for column in records.columns)
        return Grid(
            self.file,
            self.header,
            self.header_line,
            records.lines,
            records.widths,
            cells,
            self.leading,
            records.spilled if records.spilled.any() else None,
        )


def _open(file: str, data: bytes, encoding: Encoding, delimiter: str, required: Collection[str], piece: int) -> _Opened:
    confirm(file, data, encoding)

    def pieces() -> Iterator[bytes]:
        return utf8_pieces(data, encoding, piece)

    _confirm_separator(file, pieces, delimiter, required)
    leading: list[int] = []
    for chunk in chunks(file, pieces(), delimiter):
        found, blank, _ = chunk.after_header()
        leading += blank
        if found is not None:
            record, line = found
            refuse_too_wide(file, line, len(record))
            below = partial(_below_header, file, pieces, delimiter)
            return _Opened(file, tuple(map(tidy_header, record)), line, tuple(leading), below)
    text = "a file without text" if data else "a file of 0 bytes"
    raise RefusedFileError(Problem(file, None, None, None, "empty_file", text, "rows with data"))


def _below_header(file: str, pieces: Callable[[], Iterator[bytes]], delimiter: str) -> Iterator[Chunk]:
    """What follows the header, at least one chunk."""
    coming = chunks(file, pieces(), delimiter)
    for chunk in coming:
        found, _, rest = chunk.after_header()
        if found is not None:
            yield rest
            yield from coming


def _confirm_separator(
    file: str, pieces: Callable[[], Iterator[bytes]], delimiter: str, required: Collection[str]
) -> None:
    """Refuse a file whose headers appear only when its first line is split at another separator."""
    if not required or set(required) <= _headers(pieces(), delimiter):
        return
    for separator, name in SEPARATORS.items():
        if separator != delimiter and set(required) <= _headers(pieces(), separator):
            found = f"fields separated by a {name}"
            expected = f"fields separated by a {SEPARATORS[delimiter]}, as declared"
            problem = Problem(file, 1, None, None, "unknown_format", found, expected)
            raise RefusedFileError(problem)


def _headers(pieces: Iterator[bytes], delimiter: str) -> set[str]:
    return {tidy_header(field) for field in first_record(pieces, delimiter)}
