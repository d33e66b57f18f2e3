"""Cells and rows that are refused while the rest of the file is read, gathered for whole columns at once.

What belongs here: what is told of a fault, and how much. What does not: what a fault is (`columns`, `tabular`).

A file can have a million faults of one kind. All are counted, and their rows stay out; one by one are told the
first MOST_TOLD of a kind (a reason in a column), and of the rest how many there are and where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import redact
from pipelines.readers.account import Problem
from pipelines.readers.grid import Grid, Mask

MOST_TOLD: Final = 1000

NOT_SHOWN: Final = "a value that is not shown, in a table about persons"

_SHOWN_PER_CELL: Final = 80
_SHOWN_PER_ROW: Final = 400

Texts: TypeAlias = "pa.Array | str | Callable[[pa.Array], pa.Array]"
"""One text for all rows; as many as the grid has rows; or worked out for the rows (their places) that are told."""


@dataclass(frozen=True)
class Hints:
    """What was expected instead of a text, where working that out takes so long that it is done for a few.

    `of` are the texts, `explain` gives for each of some distinct ones what was expected.
    """

    of: Callable[[pa.Array], pa.Array]
    explain: Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Kind:
    """The faults of one kind in a part of a file: how many, where the last one is, and the first of them in full."""

    position: int
    reason: str
    count: int
    last_line: int
    told: tuple[Problem, ...]
    texts: tuple[str, ...] = ()
    explain: Callable[[Sequence[str]], Sequence[str]] | None = None


class Faults:
    """What is wrong with the rows of a grid. A cell has one fault, the first that was added.

    `shown` are the positions (from 0) of the columns that may be shown: the declared ones. With `withheld`, of a table
    about persons, nothing is shown of any cell: somebody may stand in any of them.
    """

    def __init__(self, grid: Grid, shown: Sequence[int], *, withheld: bool = False) -> None:
        self.rows: Mask = np.zeros(len(grid.lines), dtype=bool)
        self.kinds: list[Kind] = []
        self._grid = grid
        self._shown = () if withheld else tuple(shown)
        self._withheld = withheld
        self._cells: dict[int, Mask] = {}

    def add(self, mask: Mask, position: int, reason: str, found: Texts, expected: Texts | Hints) -> Mask:
        """Mark cells of the column at `position` (from 0) as faulty; returns those that were not yet.

        What was found is shown without anything that could identify a person.
        """
        if not mask.any():
            return mask
        seen = self._cells.setdefault(position, np.zeros(len(self.rows), dtype=bool))
        new: Mask = mask & ~seen
        if not new.any():
            return new
        seen |= new
        self.rows |= new
        at = np.flatnonzero(new)
        told = pa.array(at[:MOST_TOLD])
        if self._withheld and not isinstance(found, str):
            found = NOT_SHOWN
        founds, raws = self._shown_texts(told, _texts(found, told))
        texts: list[str] = []
        if isinstance(expected, Hints):
            texts = expected.of(told).to_pylist()
            expecteds = [""] * len(told)
        else:
            expecteds = _texts(expected, told).to_pylist()
        name = self._grid.header[position] or None
        lines = self._grid.lines[at[:MOST_TOLD]].tolist()
        problems = tuple(
            Problem(self._grid.file, line, position + 1, name, reason, *shown)
            for line, *shown in zip(lines, founds, expecteds, raws, strict=True)
        )
        last = int(self._grid.lines[at[-1]])
        explain = expected.explain if isinstance(expected, Hints) else None
        self.kinds.append(Kind(position, reason, len(at), last, problems, tuple(texts), explain))
        return new

    def faulty(self, position: int) -> Mask:
        """The rows with a fault in the column at `position`."""
        return self._cells.get(position, np.zeros(len(self.rows), dtype=bool))

    def problems(self) -> tuple[Problem, ...]:
        """What is told of all faults, in the order of the file."""
        return tell(self.kinds)

    def _shown_texts(self, rows: pa.Array, found: pa.Array) -> tuple[list[str], list[str]]:
        """What was found, and the declared cells of its row as `header=cell`; persons withheld in both."""
        parts = [*(self._grid.cells[position].text.take(rows) for position in self._shown), found]
        one_line = pc.replace_substring_regex(pa.concat_arrays(parts), r"[\p{Cc}]+", " ")
        shown = pc.utf8_slice_codeunits(redact(one_line), 0, _SHOWN_PER_CELL)
        *cells, founds = (shown.slice(start, len(rows)) for start in range(0, len(shown), len(rows)))
        labelled = [
            pc.binary_join_element_wise(f"{self._grid.header[position]}=", texts, "")
            for position, texts in zip(self._shown, cells, strict=True)
        ]
        joined = pc.binary_join_element_wise(*labelled, "; ") if labelled else pa.repeat("", len(rows))
        return founds.to_pylist(), pc.utf8_slice_codeunits(joined, 0, _SHOWN_PER_ROW).to_pylist()


def tell(kinds: Iterable[Kind]) -> tuple[Problem, ...]:
    """The problems of all kinds in the order of the file; of what is not told one by one, a problem each at the end."""
    told: list[Problem] = []
    rest: list[Problem] = []
    for kind in _united(kinds):
        first = _explained(kind)
        told += first
        if kind.count > len(first):
            found = f"{kind.count - len(first)} more of these ({kind.reason}), the last on line {kind.last_line}"
            expected = f"none; the first {len(first)} are told one by one"
            rest.append(replace(first[-1], line=None, column=None, found=found, expected=expected, raw_text=""))
    return (*sorted(told, key=lambda problem: (problem.line or 0, problem.column or 0)), *rest)


def kind_of_wrong_widths(grid: Grid, wrong: Mask) -> tuple[Kind, ...]:
    """The rows of a part of a file with too few or too many fields, told as every kind is; empty where there are none.

    Nothing of such a row is shown: its cells do not stand under their own headers, so that anything could be
    in a declared column.
    """
    at = np.flatnonzero(wrong)
    if not len(at):
        return ()
    first = at[:MOST_TOLD]
    reason, expected = "wrong_column_count", f"{len(grid.header)} fields, as in the header"
    told = tuple(
        Problem(grid.file, line, None, None, reason, f"{width} fields", expected)
        for line, width in zip(grid.lines[first].tolist(), grid.widths[first].tolist(), strict=True)
    )
    return (Kind(-1, reason, len(at), int(grid.lines[at[-1]]), told),)


def quoted(texts: pa.Array) -> pa.Array:
    """Texts in quotation marks, as they stand in messages."""
    return pc.binary_join_element_wise('"', texts, '"', "")


def _united(kinds: Iterable[Kind]) -> list[Kind]:
    by_kind: dict[tuple[int, str], list[Kind]] = {}
    for kind in kinds:
        by_kind.setdefault((kind.position, kind.reason), []).append(kind)
    united = []
    for (position, reason), parts in by_kind.items():
        pairs = (zip(part.told, part.texts or ("",) * len(part.told), strict=True) for part in parts)
        told = sorted((pair for part in pairs for pair in part), key=lambda pair: pair[0].line or 0)
        first = told[:MOST_TOLD]
        united.append(
            Kind(
                position,
                reason,
                sum(part.count for part in parts),
                max(part.last_line for part in parts),
                tuple(problem for problem, _ in first),
                tuple(text for _, text in first),
                parts[0].explain,
            )
        )
    return united


def _explained(kind: Kind) -> tuple[Problem, ...]:
    if kind.explain is None:
        return kind.told
    texts = list(dict.fromkeys(kind.texts))
    hints = dict(zip(texts, kind.explain(texts), strict=True))
    return tuple(replace(problem, expected=hints[text]) for problem, text in zip(kind.told, kind.texts, strict=True))


def _texts(texts: Texts, rows: pa.Array) -> pa.Array:
    """The texts of some rows."""
    if isinstance(texts, str):
        return pa.repeat(texts, len(rows))
    return texts.take(rows) if isinstance(texts, pa.Array) else texts(rows)
