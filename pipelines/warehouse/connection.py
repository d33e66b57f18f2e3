"""The one place that knows where the working warehouse lives and how it is opened.

Nothing else may assume that the warehouse is a local file: everything asks for a connection here.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.durable import sync
from pipelines.warehouse.migrations import is_of_newer_duckdb, migrate, too_new_for_duckdb

if TYPE_CHECKING:
    import duckdb

SCHEMAS = ("declared", "raw", "staging", "core", "breaks", "privacy", "benchmark", "runs", "marts")

# What a run adds to from one time to the next, and no snapshot holds: how breaks were called before.
REMEMBERED = (("breaks", "known"),)


# What DuckDB says of a file whose bytes are not those it wrote. Of all else that keeps it from opening a file, the file
# is not the cause, and it stays where it is.
_DAMAGED = ("Corrupt database file", "not a valid DuckDB database", "read enough bytes", "replaying WAL")
_DAMAGED_BELOW = _DAMAGED[0]
_IN_USE = ("Could not set lock", "used by another process")
_PATIENCE_SECONDS, _SECONDS_BETWEEN = 1.0, 0.1


class WarehouseError(Exception):
    """The working warehouse cannot be opened; the message says what to do."""


@contextlib.contextmanager
def connect(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection to the working warehouse, with its schemas present; closed on leaving.

    A warehouse of an earlier release is brought to this one (`migrations`). A file whose bytes are damaged is set aside
    as `<name>.damaged`, because everything in it can be built again from the snapshots; where that shows only while it
    is read, WarehouseError says so, and the next run begins with an empty one. Raises WarehouseError for a warehouse
    that another process uses or that may not be opened, and WarehouseTooNew for one of a later release.
    """
    import duckdb

    connection = _open(path)
    try:
        migrate(connection, path)
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists {schema}")
        yield connection
    except duckdb.Error as error:
        if _DAMAGED_BELOW not in str(error):
            raise
        connection.close()
        damaged = _set_aside(path)
        raise WarehouseError(
            f"{path}: found bytes that DuckDB did not write; it is set aside as {damaged.name}; run again, and all of "
            "it is built anew from the snapshots"
        ) from error
    finally:
        connection.close()


@contextlib.contextmanager
def connect_read_only(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reading connection to a published file, which may lie on a read-only disk.

    It stays with the publication that counted when it was opened, whatever is published meanwhile.
    """
    import duckdb

    from pipelines.publish.place import standing_file

    file = standing_file(path)
    if not file.is_file():
        raise WarehouseError(f"{path}: nothing has been published yet; run `nulmeting run` first")
    try:
        connection = duckdb.connect(str(file), read_only=True)
    except duckdb.Error as error:
        if any(sign in str(error) for sign in _IN_USE):
            raise WarehouseError(f"{path}: in use by another process; wait until that has ended") from error
        raise WarehouseError(f"{path}: cannot be opened ({_reason(str(error))})") from error
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
            # A power cut must not bring the old file back.
            sync(path.parent)
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
    """Copy REMEMBERED into a new file; False where there is none of it, or the old file is damaged."""
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
            # What cannot be written shows here: closing the file would not say so.
            connection.execute("checkpoint")
        return not there.isdisjoint(REMEMBERED)
    except duckdb.Error as error:
        text = str(error)
        if any(sign in text for sign in _IN_USE):
            raise WarehouseError(f"{path}: in use by another process; wait until that has ended") from error
        if any(sign in text for sign in _DAMAGED):
            return False
        for left_over in (new, new.with_name(new.name + ".wal")):
            left_over.unlink(missing_ok=True)
        raise WarehouseError(f"{path}: cannot be renewed, and stays ({_reason(text)})") from error


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    import duckdb

    path.parent.mkdir(parents=True, exist_ok=True)
    ends_at = time.monotonic() + _PATIENCE_SECONDS
    try:
        return _once_it_is_free(path, ends_at)
    except duckdb.Error as error:
        text = str(error)
        if is_of_newer_duckdb(error):
            raise too_new_for_duckdb(path) from None
        if any(sign in text for sign in _DAMAGED):
            _set_aside(path)
            return duckdb.connect(str(path))
        if any(sign in text for sign in _IN_USE):
            raise WarehouseError(f"{path}: in use by another process; wait until that run has ended") from error
        raise WarehouseError(f"{path}: cannot be opened ({_reason(text)})") from error


def _once_it_is_free(path: Path, ends_at: float) -> duckdb.DuckDBPyConnection:
    """Whoever only looks into the file (another command that is about to begin) is soon out of it again."""
    import duckdb

    while True:
        try:
            return duckdb.connect(str(path))
        except duckdb.Error as error:
            if time.monotonic() > ends_at or not any(sign in str(error) for sign in _IN_USE):
                raise
        time.sleep(_SECONDS_BETWEEN)


def _set_aside(path: Path) -> Path:
    """Move a damaged file out of the way, and what had yet to be written into it with it."""
    damaged = path.with_name(path.name + ".damaged")
    path.replace(damaged)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)
    return damaged


def _reason(text: str) -> str:
    """The operating system's word at the end of what DuckDB says."""
    return text.strip().partition("\n")[0].rpartition(": ")[2]
