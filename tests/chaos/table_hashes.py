"""Whether two published files tell the same: one hash per table, whatever the order of its rows.

What belongs here: the hash, and the list of what may differ between two runs on the same deliveries. Nothing is
rounded: a figure that differs in its last digit is another figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

RUN_METADATA: dict[str, str] = {
    "fetched_at": "when this installation got the bytes first: another moment in every data directory",
}
"""Columns of any mart that belong to the run and not to what was delivered, each with the reason."""

ABOUT_RUNS = ("run_step",)
"""Marts that tell of the runs themselves."""


@dataclass(frozen=True)
class TableHash:
    """`rows` counts them; `whole` hashes them as rows, `columns` each column by itself, to name what differs."""

    rows: int
    whole: int
    columns: dict[str, int]


def hashes_of(published: Path) -> dict[str, TableHash]:
    """The hash of every mart of a published file, opened anew and read-only."""
    with duckdb.connect(str(published), read_only=True) as connection:
        named = connection.execute(
            "select table_name, list(column_name order by column_index) from duckdb_columns() "
            "where schema_name = 'marts' and not internal group by table_name order by table_name"
        ).fetchall()
        return {table: _hash(connection, table, columns) for table, columns in named if table not in ABOUT_RUNS}


def differences(found: dict[str, TableHash], expected: dict[str, TableHash]) -> list[str]:
    """One line per table that is not the same in both, with the columns that differ."""
    lines = [f"{table}: in one of the two only" for table in sorted(found.keys() ^ expected.keys())]
    for table in sorted(found.keys() & expected.keys()):
        one, other = found[table], expected[table]
        if one == other:
            continue
        names = sorted(one.columns.keys() | other.columns.keys())
        odd = [name for name in names if one.columns.get(name) != other.columns.get(name)]
        where = ", ".join(odd) or "the same values, in other rows"
        lines.append(f"{table}: found {one.rows} rows, expected {other.rows}; differs in {where}")
    return lines


def _hash(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> TableHash:
    kept = [column for column in columns if column not in RUN_METADATA]
    quoted = [f'"{column}"' for column in kept]
    # A sum does not know the order of the rows, and unlike an exclusive or it sees a row that stands there twice.
    sums = ", ".join(f"coalesce(sum(hash({column})), 0)" for column in quoted)
    row = connection.execute(
        f'select count(*), coalesce(sum(hash({", ".join(quoted)})), 0), {sums} from marts."{table}"'
    ).fetchone()
    assert row is not None
    return TableHash(row[0], row[1], dict(zip(kept, row[2:], strict=True)))
