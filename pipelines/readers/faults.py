"""Cells and rows that are refused while the rest of the file is read, gathered for whole columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import redact
from pipelines.readers.account import Problem
from pipelines.readers.grid import Grid, Mask

_SHOWN_PER_CELL: Final = 80
_SHOWN_PER_ROW: Final = 400


class Faults:
    """What is wrong with the rows of a grid. A cell has one fault, the first that was added.

    `shown` are the positions (from 0) of the columns that may be shown: the declared ones.
    """

    def __init__(self, grid: Grid, shown: Sequence[int]) -> None:
        self.rows: Mask = np.zeros(len(grid.lines), dtype=bool)
        self._grid = grid
        self._shown = tuple(shown)
        self._cells: dict[int, Mask] = {}
        self._problems: list[tuple[int, int, Problem]] = []

    def add(
        self, mask: Mask, position: int, reason: str, found: pa.Array | str, expected: pa.Array | str
    ) -> Mask:
        """Mark cells of the column at `position` (from 0) as faulty; returns those that were not yet.

        `found` and `expected` are one text for all, or as long as the grid. What was found is shown without
        anything that could identify a person.
        """
        seen = self._cells.setdefault(position, np.zeros(len(self.rows), dtype=bool))
        new: Mask = mask & ~seen
        if not new.any():
            return new
        seen |= new
        self.rows |= new
        at = np.flatnonzero(new)
        founds = _texts(found, at, shorten=True)
        expecteds = _texts(expected, at)
        name = self._grid.header[position] or None
        for row, found_text, expected_text, raw in zip(
            at.tolist(), founds, expecteds, self._raw_texts(at), strict=True
        ):
            problem = Problem(
                self._grid.file,
                int(self._grid.lines[row]),
                position + 1,
                name,
                reason,
                found_text,
                expected_text,
                raw,
            )
            self._problems.append((problem.line or 0, position, problem))
        return new

    def problems(self) -> tuple[Problem, ...]:
        """All problems in the order of the file."""
        return tuple(problem for _, _, problem in sorted(self._problems, key=lambda entry: entry[:2]))

    def _raw_texts(self, at: np.ndarray) -> list[str]:
        """The declared cells of rows, as `header=cell` with what could identify a person withheld."""
        indices = pa.array(at)
        cells = [
            pc.binary_join_element_wise(
                f"{self._grid.header[position]}=", _clean(self._grid.cells[position].text.take(indices)), ""
            )
            for position in self._shown
        ]
        if not cells:
            return [""] * len(at)
        joined = pc.binary_join_element_wise(*cells, "; ")
        texts: list[str] = pc.utf8_slice_codeunits(joined, 0, _SHOWN_PER_ROW).to_pylist()
        return texts


def wrong_widths(grid: Grid, wrong: Mask) -> tuple[Problem, ...]:
    """A problem for every row with too few or too many fields.

    Nothing of such a row is shown: its cells do not stand under their own headers, so that anything could be
    in a declared column.
    """
    expected = f"{len(grid.header)} fields, as in the header"
    return tuple(
        Problem(grid.file, line, None, None, "wrong_column_count", f"{width} fields", expected)
        for line, width in zip(grid.lines[wrong].tolist(), grid.widths[wrong].tolist(), strict=True)
    )


def quoted(texts: pa.Array) -> pa.Array:
    """Texts in quotation marks, as they stand in messages."""
    return pc.binary_join_element_wise('"', texts, '"', "")


def _texts(texts: pa.Array | str, at: np.ndarray, *, shorten: bool = False) -> list[str]:
    if isinstance(texts, str):
        return [texts] * len(at)
    taken = texts.take(pa.array(at))
    plain: list[str] = (_clean(taken) if shorten else taken).to_pylist()
    return plain


def _clean(texts: pa.Array) -> pa.Array:
    shown = redact(pc.replace_substring_regex(texts, r"[\p{Cc}]+", " "))
    return pc.utf8_slice_codeunits(shown, 0, _SHOWN_PER_CELL)
