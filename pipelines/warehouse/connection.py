"""The one place that knows where the working warehouse lives and how it is opened.

Nothing else may assume that the warehouse is a local file: everything asks for a connection here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

SCHEMAS = ("declared", "raw", "staging", "core", "breaks", "privacy", "benchmark", "runs", "marts")


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
