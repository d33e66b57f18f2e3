"""The view `raw.figure`: every figure of every declared source in one long shape, so that models name no source.

What belongs here: where the figures stand in the raw table of each kind of reader. What does not: which figure is
which indicator (`declared.series`), and any judgement about a value.

Columns: source_id, vintage_id, item, region_code, period_code, period_status, value, text_value, source_flag, unit,
part, column_name. Sources about persons have no figures, and no row here. Of a source whose counts are protected it
shows `privacy.delivered`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipelines.declarations.source import (
    CbsV3Reader,
    CbsV4Reader,
    Column,
    DelimitedReader,
    Iv3Reader,
    Source,
    SpreadsheetReader,
    SwingOdataReader,
    SwingReader,
)
from pipelines.warehouse.raw_tables import raw_schema
from pipelines.warehouse.survey_answers import counted_answers

if TYPE_CHECKING:
    import duckdb

COLUMNS = {
    "source_id": "varchar",
    "vintage_id": "varchar",
    "item": "varchar",
    "region_code": "varchar",
    "period_code": "varchar",
    "period_status": "varchar",
    "value": "double",
    "text_value": "varchar",
    "source_flag": "varchar",
    "unit": "varchar",
    "part": "varchar",
    "column_name": "varchar",
}

_CBS = {
    "item": "item",
    "region_code": "region_code",
    "period_code": "period_code",
    "period_status": "period_status",
    "value": "value",
    "text_value": "string_value",
    "source_flag": "value_attribute",
    "unit": "unit",
    # the Iv3 report that a period code of CBS names beside its year
    "part": r"nullif(regexp_extract(period_raw, 'X00[0-5]'), '')",
}
_SWING = {
    "item": "item",
    "region_code": "region_code",
    "period_code": "period_code",
    "value": "value",
    "text_value": "value_text",
    "source_flag": "special",
}
_IV3 = {
    "item": "item",
    "region_code": "region_code",
    "period_code": "period_code",
    "value": "value",
    "unit": "'euro'",
    "part": "report_kind",
}


def create_figures(connection: duckdb.DuckDBPyConnection, sources: Iterable[Source]) -> None:
    """(Re)create the view `raw.figure` over the raw tables of these sources; one that was never loaded is empty."""
    sources = list(sources)
    for source in sources:
        connection.register("shape", raw_schema(source).empty_table())
        connection.execute(f'create table if not exists raw."{source.source_id}" as select * from shape')
        connection.unregister("shape")
    parts = [part for source in sources if source.suppression is None for part in _parts(source)]
    if any(source.suppression for source in sources):
        # Without anything that was protected there is nothing to show.
        columns = ", ".join(f"{_name(name)} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create table if not exists privacy.delivered ({columns})")
        parts.append("select * from privacy.delivered")
    nothing = _select({}, "(select 1) where false", "''")
    connection.execute(f"create or replace view raw.figure as {' union all '.join(parts or [nothing])}")


def exact_figures(source: Source) -> str:
    """The query for the figures of one source as they were delivered, protected or not."""
    return " union all ".join(_parts(source))


def _parts(source: Source) -> list[str]:
    reader = source.reader
    table, source_id = f'raw."{source.source_id}"', _text(source.source_id)
    if isinstance(reader, CbsV4Reader | CbsV3Reader):
        # a table about one region as a whole, such as the prices of a country, has no dimension for it
        region = {} if source.constant_region is None else {"region_code": _text(source.constant_region)}
        return [_select({**_CBS, **region}, table, source_id)]
    if isinstance(reader, SwingReader | SwingOdataReader):
        return [_select(_SWING, table, source_id)]
    if isinstance(reader, Iv3Reader):
        return [_select(_IV3, table, source_id)]
    if isinstance(reader, DelimitedReader | SpreadsheetReader) and not source.lists_persons:
        if source.answers is not None:
            return list(counted_answers(source, reader, source.answers))
        return [_select(_column(source, reader, column), table, source_id) for column in reader.figure_columns]
    return []


def _column(source: Source, reader: DelimitedReader | SpreadsheetReader, column: Column) -> dict[str, str]:
    """Where the figures of one column of a declared table stand."""
    named = column.name if column.item is None else column.item
    words = [_text(named)] if named else []
    words += [_trimmed(name) for name in reader.item_columns]
    period = reader.period_column
    shared = "null" if period is None else _trimmed(period.name)
    has_region = source.constant_region is not None or any(
        other.type in ("region_name", "region_code") for other in reader.columns
    )
    return {
        "item": " || '|' || ".join(words) or "''",
        "region_code": "region_code" if has_region else "null",
        "period_code": shared if column.period is None else _text(column.period),
        "value": _as_number(column) if column.codes else _name(column.name),
        "text_value": _trimmed(column.name) if column.codes else "null",
        "part": " || '|' || ".join(_trimmed(name) for name in source.parts) or "null",
        "column_name": _text(column.name),
    }


def _as_number(column: Column) -> str:
    cases = " ".join(f"when {_text(text)} then {number!r}" for text, number in column.codes.items())
    return f"case {_trimmed(column.name)} {cases} end"


def _select(expressions: dict[str, str], table: str, source_id: str) -> str:
    given = {"source_id": source_id, "vintage_id": "vintage_id" if expressions else "null", **expressions}
    columns = ", ".join(f"cast({given.get(name, 'null')} as {kind}) as {_name(name)}" for name, kind in COLUMNS.items())
    return f"select {columns} from {table}"


def _trimmed(name: str) -> str:
    return f"trim(cast({_name(name)} as varchar))"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
