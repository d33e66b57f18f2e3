"""Counts of persons and the sums that hold between them, as arrays: what the suppression reasons about.

What belongs here: the shape of both tables, and refusing what is not as it says. What does not: which counts are
hidden (`complement`, `room`, `suppression`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CELL_SCHEMA: Final = pa.schema(
    [
        ("cell_id", pa.string()),
        ("persons", pa.int64()),
        ("k", pa.int64()),
        ("round_to", pa.int64()),
        ("is_published", pa.bool_()),
    ]
)
SUM_SCHEMA: Final = pa.schema(
    [("sum_id", pa.string()), ("total_cell_id", pa.string()), ("part_cell_id", pa.string()), ("sign", pa.int64())]
)
K: Final = 10
ROUND_TO: Final = 5


class CountsError(Exception):
    """The counts are not as their sums say, or are no counts: nothing can be promised about what is published."""


@dataclass(frozen=True)
class Counts:
    """C counts, in the order of their ids, and S sums.

    `sums` is a sparse S x C matrix with +1 and -1, by columns, so that `sums @ persons` is zero: a total stands in it
    with -1. `published` is false for a count that is never shown, and only there to say how others hang together.
    """

    ids: pa.Array
    persons: Ints
    k: Ints
    round_to: Ints
    published: Bools
    sums: Any

    @cached_property
    def by_sum(self) -> Any:
        """The same matrix by rows."""
        return self.sums.tocsr()

    @property
    def lowest(self) -> Ints:
        """The smallest that a reader can take a count for that is not shown: a zero is always shown as a zero."""
        return np.where(self.published, np.minimum(self.persons, 1), 0)


def read_counts(cells: pa.Table, sums: pa.Table) -> Counts:
    """The two tables as arrays; columns beside those of CELL_SCHEMA and SUM_SCHEMA are left alone.

    Of `cells` may lack: `k` (10), `round_to` (5), `is_published` (true); of `sums`: `sum_id` (each total is one sum)
    and `sign` (+1). Raises CountsError for an id that is empty, stands twice or is unknown, for a count below zero,
    and for a sum whose parts do not make its total.
    """
    cells = _shaped(cells, CELL_SCHEMA, {"k": K, "round_to": ROUND_TO, "is_published": True}).sort_by("cell_id")
    if "sum_id" not in sums.column_names:
        sums = sums.append_column("sum_id", sums["total_cell_id"])
    # In an order of their own, so that the result does not hang on that of the rows.
    sums = _shaped(sums, SUM_SCHEMA, {"sign": 1}).sort_by([(name, "ascending") for name in SUM_SCHEMA.names])
    ids = cells["cell_id"].combine_chunks()
    if len(pc.unique(ids)) < len(ids):
        raise CountsError("cells: a cell_id stands there twice")
    persons, k, round_to = (_array(cells[name]) for name in ("persons", "k", "round_to"))
    if (persons < 0).any() or (k < 0).any() or (round_to < 1).any():
        raise CountsError("cells: found a negative count or limit, or counts rounded to less than 1")
    counts = Counts(
        ids=ids,
        persons=persons,
        k=k,
        round_to=round_to,
        published=_array(cells["is_published"]),
        sums=_matrix(ids, sums),
    )
    off = np.flatnonzero(counts.sums @ persons)
    if off.size:
        raise CountsError(f"sums: {off.size} of {counts.sums.shape[0]} totals are not the sum of their parts")
    return counts


def _shaped(table: pa.Table, schema: pa.Schema, otherwise: dict[str, object]) -> pa.Table:
    for name, value in otherwise.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat(pa.scalar(value, schema.field(name).type), table.num_rows))
    table = table.select(schema.names).cast(schema)
    if empty := [name for name in schema.names if table[name].null_count]:
        raise CountsError(f"{empty[0]}: found an empty cell, expected a value in every row")
    return table


def _array(column: pa.ChunkedArray) -> Any:
    return column.combine_chunks().to_numpy(zero_copy_only=False)


def _matrix(ids: pa.Array, sums: pa.Table) -> Any:
    from scipy.sparse import csc_array

    row = sums["sum_id"].combine_chunks().dictionary_encode()
    rows = row.indices.to_numpy()
    totals, parts = (
        pc.index_in(sums[name].combine_chunks(), value_set=ids) for name in ("total_cell_id", "part_cell_id")
    )
    if totals.null_count or parts.null_count:
        raise CountsError("sums: found a cell_id that is not among the cells")
    total = totals.to_numpy()
    # one total per sum, however many rows the sum has
    first = np.full(len(row.dictionary), -1, dtype=np.int64)
    first[rows[::-1]] = total[::-1]
    if (first[rows] != total).any():
        raise CountsError("sums: found two totals under one sum_id")
    entries = np.concatenate([_array(sums["sign"]), np.full(len(first), -1)])
    places = (np.concatenate([rows, np.arange(len(first))]), np.concatenate([parts.to_numpy(), first]))
    matrix = csc_array((entries.astype(np.float64), places), shape=(len(first), len(ids)))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix
