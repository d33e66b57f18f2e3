"""Loading a source into the working warehouse: its raw table and its part of every account, as one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd  # noqa: F401 - DuckDB would import it in every child
import pyarrow as pa

from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source, replace_tables
from pipelines.warehouse.raw_tables import ACCOUNTS

_ROWS = 2_000
_SOURCES = ("een", "twee")


class LoadWork:
    """Two sources in turn; what a round loads of one leaves the other alone. Every fifth round replaces two tables."""

    def __init__(self, folder: Path) -> None:
        """Nothing is shared between the homes."""

    def kind(self, number: int) -> str:
        return "replace_tables" if number % 5 == 4 else "load_source"

    def prepare(self, home: Path, number: int) -> None:
        if number:
            return
        for source_id in _SOURCES:
            self._load(home, source_id, 0)

    def act(self, home: Path, number: int) -> None:
        if self.kind(number) == "load_source":
            self._load(home, _SOURCES[number % 2], number + 1)
            return
        with connect(home / "warehouse.duckdb") as connection:
            tables = {name: pa.table({"round": [number] * 500}) for name in ("region", "region_change")}
            replace_tables(connection, "raw", tables)

    def describe(self, home: Path) -> Mapping[str, object]:
        path = home / "warehouse.duckdb"
        found: dict[str, object] = {}
        with connect(path) as connection:
            assert not path.with_name(path.name + ".damaged").exists(), "the warehouse was taken for damaged"
            tables = {
                name
                for (name,) in connection.execute(
                    "select table_name from duckdb_tables() where schema_name = 'raw'"
                ).fetchall()
            }
            for source_id in _SOURCES:
                rows = connection.execute(f"select count(*), sum(hash(one)) from raw.{source_id} as one").fetchone()
                accounts = [
                    connection.execute(
                        f"select count(*), sum(hash(one)) from raw.{name} as one where source_id = ?", [source_id]
                    ).fetchone()
                    for name in ACCOUNTS
                ]
                ((given, loaded, no_data, refused),) = connection.execute(
                    "select sum(rows_in), sum(rows_loaded), sum(rows_no_data), sum(rows_quarantined) "
                    "from raw.delivery where source_id = ?",
                    [source_id],
                ).fetchall()
                assert given == loaded + no_data + refused
                assert rows is not None
                assert [rows[0], *(account[0] for account in accounts[1:] if account)] == [loaded, refused, no_data]
                found[source_id] = (rows, *accounts)
            if {"region", "region_change"} <= tables:
                found["geography"] = connection.execute(
                    "select (select sum(hash(one)) from raw.region as one), "
                    "(select sum(hash(one)) from raw.region_change as one)"
                ).fetchone()
            else:
                assert not {"region", "region_change"} & tables, "one of two tables that come together"
        return found

    def leftovers(self, home: Path) -> list[str]:
        return sorted(path.name for path in home.iterdir() if path.name != "warehouse.duckdb")

    def close(self) -> None:
        """Nothing was started."""

    def _load(self, home: Path, source_id: str, number: int) -> None:
        """So many rows of each kind as the number of the round says, so that a mixture does not add up."""
        vintage, refused, no_data = f"{source_id}/levering/{number}", 3 + number % 7, 2 + number % 5
        rows = pa.table({"vintage_id": [vintage] * (_ROWS + number), "value": [float(number)] * (_ROWS + number)})
        common = {"vintage_id": vintage, "source_id": source_id, "file": "levering.csv"}
        counted = {
            "rows_in": rows.num_rows + refused + no_data,
            "rows_loaded": rows.num_rows,
            "rows_no_data": no_data,
            "rows_quarantined": refused,
        }
        account = {
            "delivery": [{**common, "is_current": True, "status": "loaded", **counted}],
            "quarantine": [{**common, "line": line, "reason": "value"} for line in range(refused)],
            "no_data_row": [{**common, "line": line, "kind": "total"} for line in range(no_data)],
        }
        tables = {
            name: pa.Table.from_pylist(
                [{column: row.get(column) for column in schema.names} for row in account[name]], schema=schema
            )
            for name, schema in ACCOUNTS.items()
        }
        with connect(home / "warehouse.duckdb") as connection:
            load_source(connection, source_id, rows, tables)
