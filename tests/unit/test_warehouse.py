"""Loading tables whole, in one transaction, and opening the warehouse whatever state it was left in."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.declarations.load import load_declarations
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.connection import SCHEMAS, connect
from pipelines.warehouse.load import forget_other_sources, load_source, replace_tables
from pipelines.warehouse.raw_tables import ACCOUNTS, raw_schema


def _accounts(source_id: str, rows: int) -> dict[str, pa.Table]:
    return {
        name: pa.Table.from_pylist([{"source_id": source_id, "vintage_id": "v"}] * rows, schema=schema)
        for name, schema in ACCOUNTS.items()
    }


def test_the_layers_are_there_at_once(tmp_path: Path) -> None:
    with connect(tmp_path / "w.duckdb") as connection:
        found = {name for (name,) in connection.execute("select schema_name from duckdb_schemas()").fetchall()}
    assert set(SCHEMAS) <= found


def test_loading_a_source_again_replaces_its_rows_and_touches_no_other(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, 2]})
    with connect(tmp_path / "w.duckdb") as connection:
        load_source(connection, "one", rows, _accounts("one", 2))
        load_source(connection, "two", rows, _accounts("two", 1))
        load_source(connection, "one", rows.slice(0, 1), _accounts("one", 1))
        assert connection.execute("select count(*) from raw.one").fetchall() == [(1,)]
        assert connection.execute("select source_id, count(*) from raw.delivery group by 1 order by 1").fetchall() == [
            ("one", 1),
            ("two", 1),
        ]
        forget_other_sources(connection, ("two",))
        assert connection.execute("select distinct source_id from raw.delivery").fetchall() == [("two",)]


def test_a_load_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    with connect(tmp_path / "w.duckdb") as connection:
        replace_tables(connection, "raw", {"a": pa.table({"x": [1]})})
        with pytest.raises(duckdb.Error):
            replace_tables(connection, "raw", {"a": pa.table({"x": [2]}), "b": None})  # type: ignore[dict-item]
        assert connection.execute("select x from raw.a").fetchall() == [(1,)]


def test_a_damaged_warehouse_is_set_aside_because_it_can_be_built_again(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"this is no database" * 1000)
    with connect(path) as connection:
        connection.execute("create table raw.a (x int)")
    assert path.with_name("w.duckdb.damaged").is_file()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.a").fetchall() == [(0,)]


def test_every_declared_source_has_a_raw_table_with_a_vintage() -> None:
    for source in load_declarations(PROJECT_ROOT / "sources", "sample").sources:
        schema = raw_schema(source)
        assert schema.names[0] == "vintage_id"
        assert len(schema.names) == len(set(schema.names))
