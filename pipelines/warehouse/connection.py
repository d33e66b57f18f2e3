"""The one place that knows where the working warehouse lives and how it is opened.

Nothing else may assume that the warehouse is a local file: everything asks for a connection here.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

SCHEMAS = ("declared", "raw", "staging", "core", "breaks", "privacy", "benchmark", "marts")

# What a run adds to from one time to the next, and no snapshot holds: how breaks were called before.
REMEMBERED = (("breaks", "known"),)


class WarehouseError(Exception):
    """The working warehouse cannot be opened; the message says what to do."""


@contextlib.contextmanager
def connect(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection to the working warehouse, with its schemas present; closed on leaving.

    A warehouse file that DuckDB cannot read is set aside as `<name>.damaged`, because everything in it can be
    built again from the snapshots. A warehouse in use by another process raises WarehouseError.
    """
    connection = _open(path)
    try:
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists {schema}")
        yield connection
    finally:
        connection.close()


@contextlib.contextmanager
def connect_read_only(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reading connection to a published file, which may lie on a read-only disk."""
    import duckdb

    if not path.is_file():
        raise WarehouseError(f"{path}: nothing has been published yet; run `nulmeting run` first")
    connection = duckdb.connect(str(path), read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def empty_warehouse(path: Path) -> bool:
    """Put a new working warehouse in the place of this one, with REMEMBERED in it; the next run builds the rest again.

    A row that is deleted stays in the free blocks of the file, and in its log. Only a new file is without it. What lies
    beside the file goes as well. False where there was none; raises WarehouseError where it is in use or cannot go.
    """
    log, spilled, damaged, new = (path.with_name(path.name + end) for end in (".wal", ".tmp", ".damaged", ".new"))
    found = [one for one in (log, path, damaged) if one.is_file()]
    try:
        new.unlink(missing_ok=True)
        if path.is_file() and _remember(path, new):
            # The log is of the old file, and would be read into the new one.
            log.unlink(missing_ok=True)
            new.replace(path)
        else:
            for one in (log, path):
                one.unlink(missing_ok=True)
        damaged.unlink(missing_ok=True)
        if spilled.is_dir():
            shutil.rmtree(spilled)
    except OSError as error:
        said = f"cannot be removed ({error.strerror}); end what has it open, and repeat"
        raise WarehouseError(f"{path}: {said}") from None
    return bool(found)


def _remember(path: Path, new: Path) -> bool:
    """Copy REMEMBERED into a new file; False where there is none of it, or nothing can be read."""
    import duckdb

    try:
        with duckdb.connect(str(new)) as connection:
            named = str(path).replace("'", "''")
            connection.execute(f"attach '{named}' as before")
            there = {
                (schema, table)
                for schema, table in connection.execute(
                    "select schema_name, table_name from duckdb_tables() where database_name = 'before'"
                ).fetchall()
            }
            for schema, table in REMEMBERED:
                if (schema, table) in there:
                    connection.execute(f"create schema if not exists {schema}")
                    connection.execute(f"create table {schema}.{table} as from before.{schema}.{table}")
        return not there.isdisjoint(REMEMBERED)
    except duckdb.Error as error:
        if "could not set lock" in str(error).lower():
            raise WarehouseError(f"{path}: in use by another process; wait until that has ended") from error
        return False


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return duckdb.connect(str(path))
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise WarehouseError(f"{path}: in use by another process; wait until that run has ended") from error
        damaged = path.with_name(path.name + ".damaged")
        path.replace(damaged)
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        return duckdb.connect(str(path))
