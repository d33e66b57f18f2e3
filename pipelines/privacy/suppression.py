"""Counts of persons as they may be published: small ones hidden, others with them, the rest rounded.

What belongs here: the rule, as one function over two tables. What does not: where the counts come from and go to
(`tables`), and how further counts are chosen (`complement`, `room`). What is promised, why it holds, and what is not
covered: docs/decisions/011-small-counts.md.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from pipelines.privacy.complement import hidden_within_sums
from pipelines.privacy.counts import Bools, Counts, Ints, read_counts
from pipelines.privacy.room import Room, hidden_with_room

SHOWN, HIDDEN = "A", "Q"
SHOWN_SCHEMA: Final = pa.schema([("cell_id", pa.string()), ("shown", pa.int64()), ("obs_status", pa.string())])


def shown_counts(cells: pa.Table, sums: pa.Table) -> pa.Table:
    """What may be shown of each published count, as SHOWN_SCHEMA, in the order of cell_id.

    `cells`: cell_id, persons (exact), and where they are not 10, 5 and true: k, round_to, is_published. `sums`:
    total_cell_id, part_cell_id and where it is needed sign and sum_id, as `read_counts` has them. `shown` is null and
    `obs_status` Q where the count is hidden; else it is the count, rounded to a multiple of `round_to`, half upwards.

    For every hidden count there are two ways to fill in what is hidden that agree with all that is shown and with all
    sums, and in which that count differs by its k or more. Raises CountsError for tables that contradict themselves.
    """
    counts = read_counts(cells, sums)
    hidden = hidden_counts(counts)
    shown = rounded(counts.persons, counts.round_to)
    table = pa.table(
        [counts.ids, pa.array(shown, pa.int64(), mask=hidden), pa.array(np.where(hidden, HIDDEN, SHOWN), pa.string())],
        schema=SHOWN_SCHEMA,
    )
    return table.filter(pa.array(counts.published))


def rounded(persons: Ints, round_to: Ints) -> Ints:
    """The nearest multiples, half upwards."""
    return np.asarray((persons + round_to // 2) // round_to * round_to)


def hidden_counts(counts: Counts) -> Bools:
    """Which counts are hidden: those of 1 up to k, and as many others as it takes.

    A zero is shown: it says that there is nobody. No zero is ever hidden, so that a hidden count is at least one.
    """
    hidden = small_counts(counts)
    room = Room(counts)
    while room.lacks(hidden).any():
        hidden = hidden_within_sums(counts, hidden)
        hidden = hidden_with_room(counts, hidden, room)
    return hidden


def small_counts(counts: Counts) -> Bools:
    """Which counts are hidden for their own sake."""
    return np.asarray(counts.published & (counts.persons > 0) & (counts.persons < counts.k))
