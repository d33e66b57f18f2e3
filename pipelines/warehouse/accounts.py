"""What the accounts of all sources say together.

What belongs here: sums over `raw.delivery` and the tables beside it. What does not: making the accounts of one source
(`deliveries.accounts`), and writing them (`load`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def rows_refused(connection: duckdb.DuckDBPyConnection) -> int:
    """How many rows of the deliveries that are there now were quarantined, over all sources.

    `raw.quarantine` cannot be counted for this: a row may have several problems there, and one problem may stand for
    thousands of rows. It does tell which deliveries are there now: problems of earlier vintages are not in it.
    """
    (refused,) = connection.execute(
        "select coalesce(sum(rows_quarantined), 0) from raw.delivery semi join raw.quarantine using (vintage_id)"
    ).fetchall()[0]
    return int(refused)
