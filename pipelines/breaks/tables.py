"""The detection between the tables of the warehouse: reads core.panel and the events, writes schema `breaks`."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from pipelines.breaks.detect import detect
from pipelines.breaks.identity import named_breaks
from pipelines.warehouse.load import replace_tables

if TYPE_CHECKING:
    import duckdb

_EVENTS = """
    select
        event.event_id,
        event.kind,
        event.nature,
        event.effective_date,
        event.period_from,
        event.period_to,
        string_agg(distinct scope.region_code, '|') as region_codes,
        string_agg(distinct scope.indicator_id, '|') as indicator_ids
    from core.event
    inner join declared.event_scope as scope on event.event_id = scope.event_id
    group by all
    order by event.event_id
"""


_GROUPS = """
    select
        group_code,
        member_code as region_code
    from declared.region_member
    order by all
"""


def detect_in_warehouse(connection: duckdb.DuckDBPyConnection, false_alarms_per_1000: float) -> dict[str, int]:
    """Detect breaks on core.panel and replace `breaks.detected`, `detectable`, `attribution` and
    `event_effect`; `breaks.known` keeps which breaks there were, for the next run.

    Returns the number of rows of each of the four. Boundary mergers are no candidate causes here: the panel
    stands on harmonised borders, where they leave no trace.
    """
    panel = connection.execute("select * from core.panel order by all").to_arrow_table()
    events = connection.execute(_EVENTS).to_arrow_table()
    groups = connection.execute(_GROUPS).to_arrow_table()
    found = detect(panel, events, groups, false_alarms_per_1000=false_alarms_per_1000)
    named, known = named_breaks(connection, found.breaks, -log10(false_alarms_per_1000 / 1000))
    tables = {
        "detected": named,
        "detectable": found.detectable,
        "attribution": found.attribution,
        "event_effect": found.events,
    }
    replace_tables(connection, "breaks", {**tables, "known": known})
    return {name: table.num_rows for name, table in tables.items()}
