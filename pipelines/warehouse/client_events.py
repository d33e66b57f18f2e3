"""Views over the tables about persons, so that models name no source: `raw.client_event`, `raw.person_spell` and
`raw.person_household`.

What belongs here: which tables hold events of messages, which hold stretches of use as a table delivers them, and which
say in what household persons are. What does not: the figures of other sources (`figures`), and any judgement about a
row. What stands here is for the core layer and no further: no mart may read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipelines.declarations.source import IstandaardReader, Source
from pipelines.warehouse.raw_tables import ISTANDAARD, raw_schema

if TYPE_CHECKING:
    import duckdb

COLUMNS: Final = pa.schema([("source_id", pa.string()), ("vintage_id", pa.string()), *ISTANDAARD])

# What a table about persons is made of; it may lack a household, and the days between which it is complete.
SPELL_COLUMNS: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("source_id", "vintage_id")),
        ("line", pa.int64()),
        *((name, pa.string()) for name in ("region_code", "law", "provision", "person", "person_key", "household")),
        *((name, pa.date32()) for name in ("start_date", "end_date", "known_from", "known_to")),
    ]
)

HOUSEHOLD_COLUMNS: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("source_id", "vintage_id")),
        ("line", pa.int64()),
        *((name, pa.string()) for name in ("region_code", "person", "person_key", "household")),
        ("start_date", pa.date32()),
    ]
)


def create_client_events(connection: duckdb.DuckDBPyConnection, sources: Iterable[Source]) -> None:
    """(Re)create the views; a source that was never loaded is empty, and so is a view over none."""
    sources = list(sources)
    _create(
        connection,
        "client_event",
        COLUMNS,
        {source.source_id: COLUMNS for source in sources if isinstance(source.reader, IstandaardReader)},
    )
    _create(
        connection,
        "person_spell",
        SPELL_COLUMNS,
        {source.source_id: raw_schema(source) for source in sources if source.has_spells},
    )
    _create(
        connection,
        "person_household",
        HOUSEHOLD_COLUMNS,
        {source.source_id: raw_schema(source) for source in sources if source.has_households},
    )


def _create(connection: duckdb.DuckDBPyConnection, view: str, columns: pa.Schema, tables: dict[str, pa.Schema]) -> None:
    """A view over the tables of these sources, with null for what one of them lacks."""
    parts = []
    for source_id, schema in tables.items():
        kept = pa.schema([field for field in schema if field.name != "source_id"])
        connection.register("shape", kept.empty_table())
        connection.execute(f'create table if not exists raw."{source_id}" as select * from shape')
        connection.unregister("shape")
        names = ", ".join(f'"{name}"' if name in kept.names else "null" for name in columns.names[1:])
        parts.append(f"select '{source_id}', {names} from raw.\"{source_id}\"")
    # A view cannot stand on what is only registered: its columns are written out, with their types.
    connection.register("shape", columns.empty_table())
    written = connection.execute("select column_name, column_type from (describe shape)").fetchall()
    connection.unregister("shape")
    parts.append(f"select {', '.join('null' for _ in written)} where false")
    named = ", ".join(f'"{name}"' for name, _ in written)
    typed = ", ".join(f'cast("{name}" as {kind}) as "{name}"' for name, kind in written)
    union = " union all ".join(parts)
    connection.execute(f"create or replace view raw.{view} as select {typed} from ({union}) as every({named})")
