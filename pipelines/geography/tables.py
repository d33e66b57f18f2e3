"""The geography as tables for the warehouse: regions, reorganisations, and weights to a year's borders."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipelines.geography.history import parse_history
from pipelines.geography.weights import region_weights


def geography_tables(region_codes: Sequence[pa.Table], reference_year: int) -> dict[str, pa.Table]:
    """Tables `region`, `region_change` and `region_weight` from the publishers' region codes.

    Each input has columns region_code, region_name, description (`readers.cbs_v4.read_region_codes`). Without
    any input the tables are empty, with their columns.
    """
    columns = ["Identifier", "Title", "Description"]
    tables = [
        table.select(["region_code", "region_name", "description"]).rename_columns(columns) for table in region_codes
    ]
    empty = pa.schema([(name, pa.string()) for name in columns]).empty_table()
    history = parse_history(pa.concat_tables(tables) if tables else empty)
    return {
        "region": history.regions,
        "region_change": history.changes,
        "region_weight": region_weights(history, reference_year),
    }
