"""Small declarations and a small register of regions, for the tests of the readers."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import openpyxl

from pipelines.declarations.source import (
    Column,
    DelimitedReader,
    FolderConnector,
    NoDataRow,
    Origin,
    Source,
    SpreadsheetReader,
    SwingReader,
)
from pipelines.geography.regions import RegionLookup
from pipelines.readers import ReadResult, read_file

REGIONS = RegionLookup(
    [
        ("NL01", "Nederland"),
        ("GM0373", "Bergen (NH.)"),
        ("GM0893", "Bergen (L.)"),
        ("GM0383", "Castricum"),
        ("GM0399", "Heiloo"),
        ("GM0450", "Uitgeest"),
    ],
    {"Landelijk": "NL01"},
)

GEMEENTE = Column(header="Gemeente", name="gemeente", type="region_name")
JAAR = Column(header="Jaar", name="jaar", type="year")
BEDRAG = Column(header="Bedrag", name="bedrag", type="number")
POST = Column(header="Post", name="post", type="text")
TOTAL = NoDataRow(kind="total", first_cell="Totaal")
FOOTER = NoDataRow(kind="footer", first_cell="Bron: .*")


def source_of(reader: DelimitedReader | SpreadsheetReader | SwingReader, **more: Any) -> Source:
    return Source(
        source_id="proef",
        title="Proef",
        publisher="Gemeente",
        licence="geen",
        cadence="yearly",
        profiles=("sample",),
        origin=Origin(producer="Gemeente", citation="Proef"),
        connector=FolderConnector(kind="folder", pattern="*"),
        reader=reader,
        **more,
    )


def delimited(*columns: Column, **more: Any) -> Source:
    """A source of CSV files; by default Gemeente, Jaar and Bedrag, one row per Gemeente and Jaar."""
    constant = {"constant_region": more.pop("constant_region")} if "constant_region" in more else {}
    values: dict[str, Any] = {
        "kind": "delimited",
        "encoding": "utf-8",
        "delimiter": ";",
        "thousands": ".",
        "key": tuple(column.name for column in columns if column.type != "number") if columns else ("gemeente", "jaar"),
        "no_data_rows": (TOTAL, FOOTER),
    }
    reader = DelimitedReader(columns=columns or (GEMEENTE, JAAR, BEDRAG), **{**values, **more})
    return source_of(reader, **constant)


def swing(*items: str, **more: Any) -> Source:
    values: dict[str, Any] = {"kind": "swing", "ignore_headers": ("", "naam")}
    return source_of(SwingReader(items=items or ("hulp", "hulpmiddelen"), **{**values, **more}))


def spreadsheet(*columns: Column, **more: Any) -> Source:
    values: dict[str, Any] = {
        "kind": "spreadsheet",
        "sheet": "Blad1",
        "key": ("gemeente", "jaar"),
        "no_data_rows": (TOTAL, FOOTER),
    }
    return source_of(SpreadsheetReader(columns=columns or (GEMEENTE, JAAR, BEDRAG), **{**values, **more}))


def read(source: Source, data: str | bytes, name: str = "proef.csv") -> ReadResult:
    return read_file(name, data.encode() if isinstance(data, str) else data, source, REGIONS)


def workbook(rows: list[list[Any]], sheet: str = "Blad1") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    book.properties.created = book.properties.modified = dt.datetime(2017, 7, 1)  # noqa: DTZ001
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def everything_shown(result: ReadResult) -> str:
    """All that leaves the reader, as one text."""
    problems = "\n".join(f"{problem} | {problem.raw_text}" for problem in result.problems)
    return "\n".join([problems, *result.notices, str(result.rows.to_pylist()), str(result.no_data.to_pylist())])
