"""The real accounts and budgets of the social domain, 2017-2024, the whole way from the file to core.

What belongs here: reading the file as a declared delivery that no line of code knows, and bringing it to the borders of
a year with the project's own SQL. What does not: what the figures should be.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.declarations.expand import declared_tables
from pipelines.declarations.iv3 import indicator_of
from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import Source
from pipelines.geography.history import History, parse_history
from pipelines.geography.regions import RegionLookup
from pipelines.periods import period_table
from pipelines.readers import ReadResult, read_file
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.figures import create_figures
from tests.harmonising import Warehouse

YEARS = [str(year) for year in range(2017, 2025)]
REPORTS = ("X000", "X005")
TAAKVELDEN = ["6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.71", "6.72", "6.73", "6.74", "6.81", "6.82"]
FILE = "taakveld6_lasten_2017_2024.csv"
VINTAGE = "taakveld6/1"


def _source() -> Source:
    """The file as a delivery: no line of code knows it, and its reports are parts of a year."""
    columns = [
        {"header": "jaar", "name": "jaar", "type": "year"},
        {"header": "verslagsoort", "name": "verslagsoort", "type": "text"},
        {"header": "gm_code", "name": "gemeente", "type": "region_code"},
        {"header": "taakveld", "name": "taakveld", "type": "text", "allowed": TAAKVELDEN},
        {"header": "lasten_x1000eur", "name": "lasten", "type": "number"},
    ]
    series = [
        {
            "item": f"lasten|{taakveld}",
            "indicator_id": indicator_of("lasten", taakveld, report),
            "part": f"{year}{report}",
            "factor": 1000,
        }
        for taakveld in TAAKVELDEN
        for report in REPORTS
        for year in YEARS
    ]
    return Source.model_validate(
        {
            "source_id": "taakveld6",
            "title": "Lasten per taakveld 6",
            "publisher": "CBS",
            "licence": "CC BY 4.0",
            "cadence": "yearly",
            "profiles": ["live"],
            "origin": {"producer": "CBS", "citation": "CBS, Iv3"},
            "connector": {"kind": "folder", "pattern": "*.csv"},
            "reader": {
                "kind": "delimited",
                "encoding": "utf-8",
                "delimiter": ",",
                "decimal": ".",
                "columns": columns,
                "key": ["jaar", "verslagsoort", "gemeente", "taakveld"],
                "item_columns": ["taakveld"],
                "ignore_headers": ["gm_naam", "inwoners"],
            },
            "not_delivered_when_all_zero": True,
            "parts": ["verslagsoort"],
            "series": series,
        }
    )


@dataclass(frozen=True)
class Brought:
    """What came of the file: the reader's account, and the tables of core. Breaks are looked for in `panel`."""

    result: ReadResult
    history: History
    printed: pa.Table
    observation: pa.Table
    harmonised: pa.Table
    group: pa.Table
    panel: pa.Table


def bring(shared_data: Path, reference_year: int = 2023) -> Brought:
    """The file on its own borders and on those of `reference_year`."""
    codes = json.loads((shared_data / "cbs_v4" / "03759ned" / "codes-RegioS.json").read_text(encoding="utf-8"))
    history = parse_history(codes["value"])
    names = history.regions.select(["region_code", "region_name"]).to_pylist()
    lookup = RegionLookup([(row["region_code"], row["region_name"]) for row in names], {})
    source = _source()
    data = (shared_data / "iv3" / FILE).read_bytes()
    result = read_file(FILE, data, source, lookup)
    rows = result.rows.append_column("vintage_id", pa.repeat(VINTAGE, result.rows.num_rows))
    declarations = replace(load_declarations(PROJECT_ROOT / "sources", "live"), sources=(source,))
    declared = declared_tables(declarations, history.regions, dt.date(2026, 7, 1))
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.register("delivered", rows)
        connection.execute("create table raw.taakveld6 as select * from delivered")
        create_figures(connection, [source])
        figures = connection.execute("select * from raw.figure").to_arrow_table()
    with Warehouse(history, reference_year) as warehouse:
        for name in ("indicator", "series", "source", "iv3_group"):
            warehouse.put(f"declared.{name}", declared[name])
        warehouse.put("declared.period", period_table(YEARS))
        warehouse.put_raw("raw.figure", figures)
        delivery = {
            "vintage_id": VINTAGE,
            "source_id": "taakveld6",
            "is_current": True,
            "vintage_date": dt.date(2025, 9, 1),
        }
        warehouse.put("raw.delivery", [delivery])
        warehouse.build("core_series_item", "core_observation", "core_preferred", "core_harmonised", "core_iv3_group")
        warehouse.build("core_panel")
        return Brought(
            result,
            history,
            pacsv.read_csv(io.BytesIO(data)),
            *(warehouse.table(f"core.{name}") for name in ("observation", "harmonised", "iv3_group", "panel")),
        )
