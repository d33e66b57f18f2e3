"""Reading the published file for the command line."""

from __future__ import annotations

import io
import math
from decimal import Decimal

from pipelines.publish.formulas import neutral
from pipelines.settings import Settings
from pipelines.terminal_text import OBEYED, printable, printable_on_one_line
from pipelines.warehouse.connection import WarehouseError, connect_read_only


class QueryError(Exception):
    """The query or the published file is wrong; the message is one line, mostly the database's own."""


def query_published(settings: Settings, query: str, format: str) -> str:  # noqa: A002 - the flag's name
    """The answer as text: an aligned table, CSV (text that a spreadsheet would run is neutralised) or JSON."""
    import duckdb

    try:
        with connect_read_only(settings.published_path) as connection:
            connection.execute("set enable_external_access = false")
            if not connection.extract_statements(query):
                raise QueryError("found no statement, expected SQL such as: from marts.coverage")
            answer = connection.execute(query).to_arrow_table()
    except (duckdb.Error, WarehouseError) as error:
        raise QueryError(_in_one_line(str(error))) from None
    # Two columns may have one name, so that a row is no mapping before that is settled.
    columns = [[_plain(value) for value in column.to_pylist()] for column in answer.columns]
    rows = list(zip(*columns, strict=True))
    if format == "json":
        import json

        names = _distinct(answer.column_names)
        records = [dict(zip(names, row, strict=True)) for row in rows]
        # What a terminal would obey is written as JSON writes it elsewhere: the same text for whoever reads it.
        text = json.dumps(records, ensure_ascii=False, default=str)
        return OBEYED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text) + "\n"
    if format == "csv":
        return _csv(answer.column_names, [[_text(value) for value in row] for row in rows])
    return _aligned(answer.column_names, [[_rounded(value) for value in row] for row in rows])


def _in_one_line(error: str) -> str:
    """What the database says, up to the blank line below which it quotes the query."""
    return " ".join(error.strip().partition("\n\n")[0].split())


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    # JSON knows no infinity, and a figure that is none is a null everywhere else.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _distinct(names: list[str]) -> list[str]:
    """The names, with a number behind those that were there already."""
    seen: dict[str, int] = {}
    distinct = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        distinct.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return distinct


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def _rounded(value: object) -> str:
    """For the eye: four decimals are enough there, and CSV and JSON have them all."""
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else _text(value)


def _csv(names: list[str], rows: list[list[str]]) -> str:
    import csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    # Names of columns come from data as well, after a pivot.
    writer.writerows([neutral(printable(cell)) for cell in row] for row in (names, *rows))
    return text.getvalue()


def _aligned(names: list[str], rows: list[list[str]]) -> str:
    names = [printable_on_one_line(name) for name in names]
    rows = [[printable_on_one_line(cell) for cell in row] for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in rows)) if rows else len(name) for i, name in enumerate(names)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, ["-" * width for width in widths], *rows)
    ]
    return "\n".join([*lines, f"({len(rows)} {'rij' if len(rows) == 1 else 'rijen'})"]) + "\n"
