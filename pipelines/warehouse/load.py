"""Writing arrow tables into the warehouse, whole tables or the part of one source, each in one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.warehouse.raw_tables import ACCOUNTS

if TYPE_CHECKING:
    import duckdb


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it, or nothing."""
    connection.execute("begin")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def replace_tables(connection: duckdb.DuckDBPyConnection, schema: str, tables: Mapping[str, pa.Table]) -> None:
    """Replace each `schema.name` by the given table."""
    with transaction(connection):
        for name, table in tables.items():
            _replace(connection, f'{schema}."{name}"', table)


def load_source(
    connection: duckdb.DuckDBPyConnection, source_id: str, rows: pa.Table, accounts: Mapping[str, pa.Table]
) -> None:
    """Replace all that the warehouse holds of one source: its raw table and its part of the accounts.

    `accounts` has a table for each of `raw_tables.ACCOUNTS`.
    """
    with transaction(connection):
        _replace(connection, f'raw."{source_id}"', rows)
        for name, schema in ACCOUNTS.items():
            table = accounts[name].cast(schema)
            connection.register("incoming", table)
            _forget_other_columns(connection, name, schema)
            connection.execute(f"create table if not exists raw.{name} as select * from incoming limit 0")
            connection.execute(f"delete from raw.{name} where source_id = ?", [source_id])
            connection.execute(f"insert into raw.{name} by name select * from incoming")
            connection.unregister("incoming")


def forget_other_sources(connection: duckdb.DuckDBPyConnection, source_ids: tuple[str, ...]) -> None:
    """Drop what the accounts hold of sources that are no longer declared in this profile."""
    with transaction(connection):
        for name, schema in ACCOUNTS.items():
            connection.register("incoming", schema.empty_table())
            connection.execute(f"create table if not exists raw.{name} as select * from incoming")
            connection.unregister("incoming")
            connection.execute(f"delete from raw.{name} where not list_contains(?, source_id)", [list(source_ids)])


def _forget_other_columns(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    """Drop accounts that an earlier release wrote with other columns: every source writes its part anew."""
    columns = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'raw' and table_name = ? order by column_index",
        [name],
    ).fetchall()
    if columns and [column for (column,) in columns] != schema.names:
        connection.execute(f"drop table raw.{name}")


def _replace(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> None:
    connection.register("incoming", table)
    connection.execute(f"create or replace table {name} as select * from incoming")
    connection.unregister("incoming")
