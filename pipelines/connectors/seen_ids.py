"""The numbers of the observations that came already, so that none is taken twice.

What belongs here: remembering numbers in little memory. What does not: what it means that one came again (`cbs_v4`).
"""

from __future__ import annotations

import numpy as np


class SeenIds:
    """The ids of the pages so far. A page of consecutive ids, which is the rule, is remembered by its ends."""

    def __init__(self) -> None:
        self._pages: list[tuple[int, int, np.ndarray | None]] = []

    def add(self, ids: np.ndarray) -> int | None:
        """Remember the ids of a page; the first of them that came before, or stands there twice, None if none does."""
        if not len(ids):
            return None
        ordered = np.sort(ids)
        twice = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(twice):
            return int(twice[0])
        first, last = int(ordered[0]), int(ordered[-1])
        for low, high, known in self._pages:
            if first > high or last < low:
                continue
            near = ordered[(ordered >= low) & (ordered <= high)]
            again = near if known is None else near[np.isin(near, known, assume_unique=True)]
            if len(again):
                return int(again[0])
        self._pages.append((first, last, None if last - first + 1 == len(ordered) else ordered))
        return None
