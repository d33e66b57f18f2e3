"""What the accounts of all sources say together.

What belongs here: sums over `raw.delivery` and the tables beside it. What does not: making the accounts of one source
(`deliveries.accounts`), and writing them (`load`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

_TOLD = "source_id, file, status, rows_in, rows_loaded, rows_no_data, rows_quarantined"


def rows_refused(connection: duckdb.DuckDBPyConnection, source_ids: Collection[str] | None = None) -> int:
    """How many rows of the deliveries that are there now were quarantined, over all sources or those that are given."""
    refused = _refused(connection)
    return sum(count for source_id, count in refused.items() if source_ids is None or source_id in source_ids)


def told_to_whoever_runs_it(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """`deliveries`: where the rows of each went; `refused`: how many rows of each source. Both empty before any load.

    Also of deliveries about persons, of which what is published does not say it.
    """
    if not connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'delivery'"
    ).fetchall():
        return {"deliveries": [], "refused": {}}
    deliveries = connection.execute(
        f"select {_TOLD} from raw.delivery where is_current or status = 'refused' order by source_id, file, status"
    ).to_arrow_table()
    return {"deliveries": deliveries.to_pylist(), "refused": _refused(connection)}


def _refused(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The rows that were quarantined, by source.

    `raw.quarantine` cannot be counted for this: a row may have several problems there, and one problem may stand for
    thousands of rows. It does tell which deliveries are there now: problems of earlier vintages are not in it. A file
    that could not be opened has no vintage, and counts as one row: how many it has nobody knows.
    """
    rows = connection.execute(
        """
        with counted as (
            select source_id, sum(rows_quarantined) as refused
            from raw.delivery semi join raw.quarantine using (vintage_id)
            group by source_id
            union all
            select source_id, count(distinct vintage_id)
            from raw.quarantine anti join raw.delivery using (vintage_id)
            group by source_id
        )
        select source_id, sum(refused)::bigint from counted group by source_id order by source_id
        """
    ).fetchall()
    return dict(rows)
