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
        self._problems: list[Problem] = []

    def add(self, mask: Mask, position: int, reason: str, found: pa.Array | str, expected: pa.Array | str) -> Mask:
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
        rows = pa.array(at)
        founds, raws = self._shown_texts(rows, found)
        expecteds = [expected] * len(at) if isinstance(expected, str) else expected.take(rows).to_pylist()
        name = self._grid.header[position] or None
        lines = self._grid.lines[at].tolist()
        self._problems += [
            Problem(self._grid.file, line, position + 1, name, reason, *texts)
            for line, *texts in zip(lines, founds, expecteds, raws, strict=True)
        ]
        return new

    def problems(self) -> tuple[Problem, ...]:
        """All problems in the order of the file."""
        return tuple(sorted(self._problems, key=lambda problem: (problem.line or 0, problem.column or 0)))

    def _shown_texts(self, rows: pa.Array, found: pa.Array | str) -> tuple[list[str], list[str]]:
        """What was found, and the declared cells of its row as `header=cell`; persons withheld in both."""
        parts = [self._grid.cells[position].text.take(rows) for position in self._shown]
        parts.append(pa.repeat(found, len(rows)) if isinstance(found, str) else found.take(rows))
        one_line = pc.replace_substring_regex(pa.concat_arrays(parts), r"[\p{Cc}]+", " ")
        shown = pc.utf8_slice_codeunits(redact(one_line), 0, _SHOWN_PER_CELL)
        *cells, founds = (shown.slice(start, len(rows)) for start in range(0, len(shown), len(rows)))
        labelled = [
            pc.binary_join_element_wise(f"{self._grid.header[position]}=", texts, "")
            for position, texts in zip(self._shown, cells, strict=True)
        ]
        joined = pc.binary_join_element_wise(*labelled, "; ") if labelled else pa.repeat("", len(rows))
        return founds.to_pylist(), pc.utf8_slice_codeunits(joined, 0, _SHOWN_PER_ROW).to_pylist()


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
