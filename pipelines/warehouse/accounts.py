"""What the accounts of all sources say together.

What belongs here: sums over `raw.delivery` and the tables beside it. What does not: making the accounts of one source
(`deliveries.accounts`), and writing them (`load`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def rows_refused(connection: duckdb.DuckDBPyConnection, source_ids: Collection[str] | None = None) -> int:
    """How many rows of the deliveries that are there now were quarantined, over all sources or those that are given.

    `raw.quarantine` cannot be counted for this: a row may have several problems there, and one problem may stand for
    thousands of rows. It does tell which deliveries are there now: problems of earlier vintages are not in it. A file
    that could not be opened has no vintage, and counts as one row: how many it has nobody knows.
    """
    (refused,) = connection.execute(
        "with asked as (from raw.quarantine where $ids is null or list_contains($ids::varchar[], source_id)) "
        "select coalesce((select sum(rows_quarantined) from raw.delivery semi join asked using (vintage_id)), 0) "
        "+ (select count(distinct vintage_id) from asked anti join raw.delivery using (vintage_id))",
        {"ids": None if source_ids is None else list(source_ids)},
    ).fetchall()[0]
    return int(refused)
