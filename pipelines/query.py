"""Reading the published file for the command line."""

from __future__ import annotations

import io
from decimal import Decimal

from pipelines.settings import Settings
from pipelines.warehouse.connection import WarehouseError, connect_read_only

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class QueryError(Exception):
    """The query or the published file is wrong; the message is the database's own first line."""


def query_published(settings: Settings, query: str, format: str) -> str:  # noqa: A002 - the flag's name
    """The answer as text: an aligned table, CSV (text that a spreadsheet would run is neutralised) or JSON."""
    import duckdb

    try:
        with connect_read_only(settings.published_path) as connection:
            connection.execute("set enable_external_access = false")
            answer = connection.execute(query).to_arrow_table()
    except (duckdb.Error, WarehouseError) as error:
        raise QueryError(str(error).strip()) from None
    records = [
        {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
        for row in answer.to_pylist()
    ]
    if format == "json":
        import json

        return json.dumps(records, ensure_ascii=False, default=str) + "\n"
    if format == "csv":
        return _csv(answer.column_names, [[_text(value) for value in row.values()] for row in records])
    return _aligned(answer.column_names, [[_rounded(value) for value in row.values()] for row in records])


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
    writer.writerow(names)
    writer.writerows([_neutral(cell) for cell in row] for row in rows)
    return text.getvalue()


def _neutral(cell: str) -> str:
    """A cell that a spreadsheet would take for a formula, made text; numbers stay numbers."""
    if cell.startswith(_FORMULA_STARTS):
        try:
            float(cell)
        except ValueError:
            return "'" + cell
    return cell


def _aligned(names: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(name), *(len(row[i]) for row in rows)) if rows else len(name) for i, name in enumerate(names)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, ["-" * width for width in widths], *rows)
    ]
    return "\n".join([*lines, f"({len(rows)} {'rij' if len(rows) == 1 else 'rijen'})"]) + "\n"
