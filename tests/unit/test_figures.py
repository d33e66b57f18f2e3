"""The view over all sources: whatever the shape of a delivery, its figures come out in one."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.declarations.source import Source
from pipelines.warehouse.figures import COLUMNS, create_figures
from pipelines.warehouse.raw_tables import raw_schema

ABOUT = {
    "title": "Proef",
    "publisher": "Voorbeeldbureau",
    "licence": "CC0-1.0",
    "cadence": "yearly",
    "profiles": ["sample"],
    "origin": {"producer": "Voorbeeldbureau", "citation": "Voorbeeldbureau"},
    "connector": {"kind": "folder", "pattern": "*"},
}
TEXT = {"kind": "delimited", "encoding": "utf-8", "delimiter": ";"}


def _source(source_id: str, reader: dict[str, Any], **more: Any) -> Source:
    return Source.model_validate({**ABOUT, "source_id": source_id, "reader": reader, **more})


def _figures(source: Source, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Item, region, period, value, flag and part of every row of the view."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.register("rows", pa.Table.from_pylist(rows, schema=raw_schema(source)))
        connection.execute(f"create table raw.{source.source_id} as select * from rows")
        create_figures(connection, [source])
        return connection.execute(
            "select item, region_code, period_code, value, source_flag, part from raw.figure order by all"
        ).fetchall()


def test_every_numeric_column_outside_the_key_is_a_figure() -> None:
    columns = [
        {"header": "Gemeente", "name": "gemeente", "type": "region_name"},
        {"header": "Jaar", "name": "jaar", "type": "year"},
        {"header": "Cliënten", "name": "clienten", "type": "integer"},
        {"header": "Tevreden", "name": "tevreden", "type": "percentage"},
    ]
    source = _source("tellingen", {**TEXT, "columns": columns, "key": ["gemeente", "jaar"]})
    row = {"vintage_id": "v", "line": 2, "region_code": "VB0001", "jaar": 2016, "clienten": 12, "tevreden": 81.5}
    assert _figures(source, [row, {**row, "region_code": "VB0002", "clienten": None}]) == [
        ("clienten", "VB0001", "2016", 12.0, None, None),
        ("clienten", "VB0002", "2016", None, None, None),
        ("tevreden", "VB0001", "2016", 81.5, None, None),
        ("tevreden", "VB0002", "2016", 81.5, None, None),
    ]


def test_periods_in_the_header_and_items_in_the_rows_come_out_long() -> None:
    columns = [
        {"header": "Programma", "name": "programma", "type": "text"},
        {"header": "2020 lasten", "name": "lasten_2020", "type": "number", "item": "lasten", "period": "2020"},
        {"header": "2021 lasten", "name": "lasten_2021", "type": "number", "item": "lasten", "period": "2021"},
    ]
    reader = {**TEXT, "columns": columns, "key": ["programma"], "item_columns": ["programma"]}
    source = _source("begroting", reader, constant_region="VB0003")
    rows = [
        {
            "vintage_id": "v",
            "line": 2,
            "region_code": "VB0003",
            "programma": "Zorg ",
            "lasten_2020": 10.0,
            "lasten_2021": 11.0,
        }
    ]
    assert _figures(source, rows) == [
        ("lasten|Zorg", "VB0003", "2020", 10.0, None, None),
        ("lasten|Zorg", "VB0003", "2021", 11.0, None, None),
    ]


def test_an_answer_in_words_is_a_figure_by_its_declared_codes_and_nothing_else() -> None:
    columns = [
        {"header": "Gemeente", "name": "gemeente", "type": "region_name"},
        {"header": "Jaar", "name": "jaar", "type": "year"},
        {"header": "Norm", "name": "norm", "type": "text", "codes": {"ja": 1, "'s avonds": 0.5}},
    ]
    source = _source("enquete", {**TEXT, "columns": columns, "key": ["gemeente", "jaar"]})
    row = {"vintage_id": "v", "line": 2, "region_code": "VB0001", "jaar": 2016}
    assert _figures(source, [{**row, "norm": text} for text in ("ja", "'s avonds", "misschien", None)]) == [
        ("norm", "VB0001", "2016", 0.5, None, None),
        ("norm", "VB0001", "2016", 1.0, None, None),
        ("norm", "VB0001", "2016", None, None, None),
        ("norm", "VB0001", "2016", None, None, None),
    ]


def test_parts_divide_a_period_into_deliveries_of_their_own() -> None:
    columns = [
        {"header": "gm", "name": "gm", "type": "region_code"},
        {"header": "jaar", "name": "jaar", "type": "year"},
        {"header": "verslag", "name": "verslag", "type": "text"},
        {"header": "taakveld", "name": "taakveld", "type": "text"},
        {"header": "inwoners", "name": "inwoners", "type": "integer"},
        {"header": "lasten", "name": "lasten", "type": "number", "item": ""},
    ]
    reader = {
        **TEXT,
        "columns": columns,
        "key": ["gm", "jaar", "verslag", "taakveld"],
        "item_columns": ["taakveld"],
        "figures": ["lasten"],
    }
    source = _source("rekening", reader, parts=["verslag"])
    row = {"vintage_id": "v", "line": 2, "region_code": "VB0001", "jaar": 2022, "taakveld": "6.72", "inwoners": 5}
    assert _figures(source, [{**row, "verslag": "X000", "lasten": 7.0}, {**row, "verslag": "X005", "lasten": 9.0}]) == [
        ("6.72", "VB0001", "2022", 7.0, None, "X000"),
        ("6.72", "VB0001", "2022", 9.0, None, "X005"),
    ]


@pytest.mark.parametrize(("period_raw", "part"), [("2023X005", "X005"), ("2023JJ00", None), (None, None)])
def test_the_iv3_report_in_a_period_of_cbs_is_its_part(period_raw: str | None, part: str | None) -> None:
    source = _source("kosten", {"kind": "cbs_v3"}, connector={"kind": "cbs_v3", "table": "45063NED"})
    row = {"vintage_id": "v", "item": "a|b", "region_code": "VB0001", "period_code": "2023", "value": 1.0}
    row |= {"period_raw": period_raw, "value_attribute": "None"}
    assert _figures(source, [row]) == [("a|b", "VB0001", "2023", 1.0, "None", part)]


def test_without_sources_and_before_any_delivery_the_view_is_empty_and_has_its_columns() -> None:
    persons = _source("berichten", {"kind": "istandaard", "standard": "iwmo"}, person_level=True)
    swing = _source("monitor", {"kind": "swing", "items": ["a"]})
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        for sources in ((), (persons,), (persons, swing)):
            create_figures(connection, sources)
            answer = connection.execute("select * from raw.figure").to_arrow_table()
            assert (answer.num_rows, answer.column_names) == (0, list(COLUMNS))
