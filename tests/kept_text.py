"""Every text below a folder, whatever it is packed in: for tests that look for what must be nowhere."""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb


def everything_below(root: Path) -> Iterator[tuple[str, str]]:
    """Every name and every content below a folder as text, whatever it is packed in."""
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).as_posix()
        yield place, place
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield place, data.decode("latin-1")
        yield place, data.replace(b"\0", b"").decode("latin-1")
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from ((f"{place}/{name}", archive.read(name).decode("latin-1")) for name in archive.namelist())
        elif path.suffix == ".duckdb":
            yield from _tables_of_duckdb(path, place)
        elif path.suffix == ".parquet":
            yield place, _text_of(duckdb.sql(f"from read_parquet('{path}')").fetchall())
        elif data.startswith(b"SQLite format 3"):
            yield from _tables_of_sqlite(path, place)


def _tables_of_duckdb(path: Path, place: str) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        for schema, table in tables:
            yield f"{place}/{schema}.{table}", _text_of(connection.execute(f'from "{schema}"."{table}"').fetchall())


def _tables_of_sqlite(path: Path, place: str) -> Iterator[tuple[str, str]]:
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        names = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        for name in names:
            yield f"{place}/{name}", _text_of(database.execute(f'select * from "{name}"').fetchall())


def _text_of(rows: list[tuple[Any, ...]]) -> str:
    """Rows as text, figures as they would be printed in full."""
    whole = (
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        for row in rows
        for value in row
    )
    return "\n".join(whole)
