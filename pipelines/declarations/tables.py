"""Writes schema `declared`: the declarations laid out, the calendar, and what this run was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.declarations.declared_schema import SCHEMAS
from pipelines.declarations.expand import declared_tables
from pipelines.declarations.load import load_declarations
from pipelines.periods import period_table
from pipelines.settings import Settings
from pipelines.warehouse.load import replace_tables

if TYPE_CHECKING:
    import duckdb

TABLES = (*sorted(SCHEMAS), "period", "setting")
FIRST_YEAR, LAST_YEAR = 1988, 2050


def write_declared(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, int]:
    """Replace all tables of schema `declared`; returns the number of rows of each of TABLES."""
    declarations = load_declarations(settings.sources_dir, settings.profile)
    regions = connection.execute("select region_code, region_type from raw.region").to_arrow_table()
    tables = declared_tables(declarations, regions, settings.today) | {
        "period": period_table(_calendar()),
        "setting": pa.table(
            {
                "today": pa.array([settings.today], pa.date32()),
                "reference_year": pa.array([settings.reference_year], pa.int32()),
                "price_year": pa.array([settings.price_year], pa.int32()),
            }
        ),
    }
    replace_tables(connection, "declared", tables)
    return {name: tables[name].num_rows for name in TABLES}


def _calendar() -> list[str]:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    parts = [
        "",
        "H1",
        "H2",
        *(f"Q{quarter}" for quarter in range(1, 5)),
        *(f"M{month:02}" for month in range(1, 13)),
    ]
    return [f"{year}{part}" for year in years for part in parts]
