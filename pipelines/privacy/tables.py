"""The suppression between the tables of the warehouse: reads the counts of core, writes `privacy.shown`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.privacy.suppression import shown_counts
from pipelines.warehouse.load import replace_tables

if TYPE_CHECKING:
    import duckdb


def protect_in_warehouse(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Decide what may be shown of every count in core.protected_cell, and replace `privacy.shown` by it.

    Returns how many counts there are (`counts`) and how many of them are hidden (`hidden`). Raises CountsError where
    core.protected_sum contradicts them: then nothing was written.
    """
    cells = connection.execute("select * from core.protected_cell").to_arrow_table()
    sums = connection.execute("select * from core.protected_sum").to_arrow_table()
    shown = shown_counts(cells, sums)
    replace_tables(connection, "privacy", {"shown": shown})
    return {"counts": shown.num_rows, "hidden": shown["shown"].null_count}
