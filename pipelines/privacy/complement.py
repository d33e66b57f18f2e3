"""Hiding more counts, so that no sum gives away the ones that are hidden: what can be seen within each sum by itself.

What belongs here: the quick rounds over all sums at once. What does not: whether several sums together give a count
away, which takes linear programming (`room`).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pipelines.privacy.counts import Bools, Counts, Ints

_NOTHING: Final = np.iinfo(np.int64).max


def hidden_within_sums(counts: Counts, hidden: Bools) -> Bools:
    """The hidden counts, and those that must go with them so that each sum by itself leaves every one its room.

    A sum in which a hidden total stands against a hidden part leaves both free to rise together. Where all that is
    hidden stands on one side, it adds up to a known number: that must be two counts or more, and so much of them that
    each can move by its k. Each round takes from every sum that lacks something the count that costs least: one that
    breaks no other sum open, then the smallest, then the first.
    """
    sums = counts.sums.tocoo()
    row, column, sign = sums.row, sums.col, sums.data
    hidden = hidden.copy()
    while True:
        moving = hidden | ~counts.published
        short, empty = _short(counts, row, column, sign, hidden, moving)
        may_go = short[row] & ~moving[column] & (counts.persons[column] > 0)
        if not may_go.any():
            return hidden
        opened = np.bincount(column, weights=empty[row], minlength=moving.size).astype(np.int64)
        rows, columns = row[may_go], column[may_go]
        order = np.lexsort((columns, counts.persons[columns], opened[columns], rows))
        _, first = np.unique(rows[order], return_index=True)
        hidden[columns[order][first]] = True


def _short(counts: Counts, row: Ints, column: Ints, sign: Any, hidden: Bools, moving: Bools) -> tuple[Bools, Bools]:
    """Per sum whether it lacks something, and whether nothing in it is hidden."""
    size = counts.sums.shape[0]
    moves = moving[column]
    up, down = (np.bincount(row[moves & side], minlength=size) for side in (sign > 0, sign < 0))
    room = (counts.persons - counts.lowest)[column] * moves
    together = np.bincount(row, weights=room, minlength=size)
    needed = np.zeros(size, dtype=np.int64)
    protects = hidden[column]
    np.maximum.at(needed, row[protects], counts.k[column[protects]])
    one_sided = (up == 0) | (down == 0)
    return (needed > 0) & one_sided & ((up + down < 2) | (together < needed)), up + down == 0
