"""Which rows of a file share their key with another one, wherever in the file that stands.

What belongs here: comparing the keys of millions of rows. What does not: which columns make up a key, and what is
told of the rows (`tabular`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.grid import Mask

_LINES_TOLD: Final = 6

_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RefusedKeys:
    """What is left of the rows of a part of a file that were refused for something else.

    `rows` has their `line` and the columns of the key; `places` says where they stand in the body of the part; `whole`
    which of the keys count; `taken` which of the cells that stand for the key are faulty already.
    """

    rows: pa.Table
    places: _Numbers
    whole: Mask
    taken: Mask


@dataclass(frozen=True)
class Repeats:
    """The rows of one part of a file of which the key occurs again, in the order of the file.

    `good` is a mask over the good rows; `places` are the places in the body of those and of the refused ones that are
    to be told of, `lines` and `keys` the physical lines and the numbers of the keys that go with them.
    """

    good: Mask
    places: _Numbers
    lines: _Numbers
    keys: _Numbers


@dataclass(frozen=True)
class RepeatedKeys:
    """The rows with a repeated key in every part of a file, and the lines on which each of those keys stands."""

    parts: tuple[Repeats, ...]
    _keys: _Numbers
    _lines: _Numbers

    def told(self, key: int) -> str:
        """Where a key stands."""
        start, end = np.searchsorted(self._keys, (key, key + 1)).tolist()
        lines = ", ".join(map(str, self._lines[start : min(end, start + _LINES_TOLD)].tolist()))
        return f"the same key on lines {lines}{' and more' if end - start > _LINES_TOLD else ''}"


def repeated_keys(
    key: Sequence[str],
    rows: Sequence[pa.Table],
    good_places: Sequence[_Numbers | None],
    refused: Sequence[RefusedKeys | None],
) -> RepeatedKeys | None:
    """Compare the columns `key` over all parts of a file; None where no key occurs twice.

    Per part: `rows` are the good rows, `good_places` where they stand in its body (None: one after the other), and
    `refused` what is left of the other rows.
    """
    both = [
        (table, other.rows if other is not None else table.slice(0, 0))
        for table, other in zip(rows, refused, strict=True)
    ]
    tables = [table for pair in both for table in pair]
    numbers = _numbered([[table[name] for table in tables] for name in key])
    lengths = [table.num_rows for table in tables]
    in_tables = np.split(numbers, np.cumsum(lengths)[:-1])
    for of_refused, other in zip(in_tables[1::2], refused, strict=True):
        if other is not None:
            of_refused[~other.whole] = -1
    in_order = np.sort(numbers)
    same = in_order[1:][in_order[1:] == in_order[:-1]]
    several = np.unique(same[same >= 0])
    if not len(several):
        return None
    again = [np.isin(of_table, several) for of_table in in_tables]
    keys = np.concatenate([part[mask] for part, mask in zip(in_tables, again, strict=True)])
    lines = np.concatenate([_lines(table)[mask] for table, mask in zip(tables, again, strict=True)])
    order = np.lexsort((lines, keys))
    parts = [
        _repeats(pair, places, other, in_tables[2 * n : 2 * n + 2], again[2 * n : 2 * n + 2])
        for n, (pair, places, other) in enumerate(zip(both, good_places, refused, strict=True))
    ]
    return RepeatedKeys(tuple(parts), keys[order], lines[order])


def _repeats(
    tables: tuple[pa.Table, pa.Table],
    good_places: _Numbers | None,
    refused: RefusedKeys | None,
    numbers: Sequence[_Numbers],
    again: Sequence[Mask],
) -> Repeats:
    good = np.flatnonzero(again[0])
    other = np.zeros(0, np.int64) if refused is None else np.flatnonzero(again[1] & ~refused.taken)
    places = [good if good_places is None else good_places[good]]
    places.append(other if refused is None else refused.places[other])
    lines = np.concatenate((_lines(tables[0])[good], _lines(tables[1])[other]))
    order = np.argsort(lines)
    return Repeats(
        again[0],
        np.concatenate(places)[order],
        lines[order],
        np.concatenate((numbers[0][good], numbers[1][other]))[order],
    )


def _lines(table: pa.Table) -> _Numbers:
    lines: _Numbers = table["line"].to_numpy()
    return lines


def _numbered(key: Sequence[Sequence[pa.ChunkedArray]]) -> _Numbers:
    """A number for every row, the same for rows of which all parts of the key are the same."""
    total = np.zeros(0, np.int64)
    size = 0
    for columns in key:
        whole = pa.chunked_array([chunk for column in columns for chunk in column.chunks], columns[0].type)
        encoded = whole.dictionary_encode().unify_dictionaries()
        count = len(encoded.chunk(0).dictionary) if encoded.num_chunks else 0
        numbers = np.concatenate(
            [np.zeros(0, np.int64)]
            + [pc.fill_null(chunk.indices, count).to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
        )
        if not size:
            total, size = numbers, count + 1
            continue
        if size > np.iinfo(np.int64).max // (count + 1):
            # Numbered anew, there are no more of them than rows.
            distinct, total = np.unique(total, return_inverse=True)
            size = len(distinct)
        total, size = total * (count + 1) + numbers, size * (count + 1)
    return total
