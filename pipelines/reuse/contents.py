"""What tables of the warehouse hold, told in one text each: their columns, their number of rows, a sum over the rows.

What belongs here: measuring it, and handing it to dbt in `built.content`. What does not: what follows from it.
The sum does not depend on the order of the rows, and tells rows that stand twice from rows that stand once.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

NOT_OF_DBT = ("raw", "declared", "runs", "breaks", "privacy", "benchmark")
"""The schemas whose tables are made by steps of our own; in the others everything is made by dbt."""

_TABLES = """
create schema if not exists built;
create table if not exists built.content (relation varchar, content varchar, inputs varchar);
create table if not exists built.step (step varchar, inputs varchar, told varchar);
"""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of schema `built` where they are not there yet."""
    connection.execute(_TABLES)


def forget_everything(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget what was made from what: every step and every model is made anew."""
    connection.execute("drop schema if exists built cascade")
    prepare(connection)


def measured(
    connection: duckdb.DuckDBPyConnection,
    schemas: Collection[str],
    *,
    only: Collection[str] | None = None,
    besides: Collection[str] = (),
) -> dict[str, str]:
    """What every table and view of the schemas holds now, by `schema.name`: all, or `only` some, and none `besides`."""
    columns = connection.execute(
        """
        select
            schema_name,
            table_name,
            md5(string_agg(column_name || ' ' || data_type, ',' order by column_index))
        from duckdb_columns()
        where
            database_name = current_database()
            and list_contains($schemas, schema_name)
            and not list_contains($besides, schema_name || '.' || table_name)
            and ($only is null or list_contains($only::varchar[], schema_name || '.' || table_name))
        group by all
        order by all
        """,
        {"schemas": list(schemas), "besides": list(besides), "only": None if only is None else list(only)},
    ).fetchall()
    if not columns:
        return {}
    counted = "count(*) || ':' || coalesce(sum(hash(held)), 0)"
    rows = " union all ".join(
        f'select \'{schema}.{name}\', {counted} from "{schema}"."{name}" as held' for schema, name, _ in columns
    )
    held = dict(connection.execute(rows).fetchall())
    return {f"{schema}.{name}": f"{digest}:{held[f'{schema}.{name}']}" for schema, name, digest in columns}


def noted(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What every relation that dbt made holds, as it was noted when it was made."""
    return dict(connection.execute("select relation, content from built.content").fetchall())


def note_for_dbt(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Measure what dbt reads and did not make, and hand it over; returns what every relation holds."""
    prepare(connection)
    held = measured(connection, NOT_OF_DBT)
    connection.execute("begin")
    connection.execute(
        "delete from built.content where list_contains(?, split_part(relation, '.', 1))", [list(NOT_OF_DBT)]
    )
    if held:
        connection.execute(
            "insert into built.content select unnest($relations), unnest($contents), null",
            {"relations": list(held), "contents": list(held.values())},
        )
    connection.execute("commit")
    return noted(connection)
