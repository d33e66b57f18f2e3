"""The view `raw.client_event`: the events of all sources about persons together, so that models name no source.

What belongs here: which tables hold such events. What does not: the figures of other sources (`figures`), and any
judgement about an event. What stands here is for the core layer and no further: no mart may read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from pipelines.declarations.source import IstandaardReader, Source
from pipelines.warehouse.raw_tables import ISTANDAARD

if TYPE_CHECKING:
    import duckdb

COLUMNS: Final = pa.schema([("source_id", pa.string()), ("vintage_id", pa.string()), *ISTANDAARD])


def create_client_events(connection: duckdb.DuckDBPyConnection, sources: Iterable[Source]) -> None:
    """(Re)create the view `raw.client_event`; a source that was never loaded is empty, and so is a view over none."""
    about_persons = [source.source_id for source in sources if isinstance(source.reader, IstandaardReader)]
    connection.register("shape", COLUMNS.empty_table())
    for source_id in about_persons:
        connection.execute(f'create table if not exists raw."{source_id}" as select * exclude (source_id) from shape')
    # A view cannot stand on what is only registered: without sources it has the columns as they are written out.
    written = connection.execute("select column_name, column_type from (describe shape)").fetchall()
    connection.unregister("shape")
    names = ", ".join(f'"{name}"' for name in COLUMNS.names[1:])
    parts = [f"select '{source_id}' as source_id, {names} from raw.\"{source_id}\"" for source_id in about_persons]
    empty = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in written)
    parts = parts or [f"select {empty} where false"]
    connection.execute(f"create or replace view raw.client_event as {' union all '.join(parts)}")
