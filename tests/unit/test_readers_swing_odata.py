"""Answers of a Swing databank: which of their values are figures, and where every row of them went."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import Origin, Series, Source, SwingConnector, SwingOdataReader
from pipelines.readers.account import REASONS, Problem, ReadResult
from pipelines.readers.swing_odata import parse_variable, read_values, values_file
from pipelines.warehouse.raw_tables import SWING, reader_schema
from tests.swing_server import published, value
from tests.unit.reader_sources import REGIONS, swing
from tests.unit.reader_sources import read as read_export

CODE = "wmo_clienten"


def source(unit: str | None = None, variable: str = CODE) -> Source:
    return Source(
        source_id="proef",
        title="Proef",
        publisher="Gemeente",
        licence="geen",
        cadence="yearly",
        profiles=("live",),
        origin=Origin(producer="Gemeente", citation="Proef"),
        connector=SwingConnector(kind="swing_odata", variables=(variable,)),
        reader=SwingOdataReader(kind="swing_odata"),
        series=(Series(item=variable, indicator_id="wmo", unit=unit),),
    )


def answers(*pages: list[dict[str, Any]], unit: str | None = None, **describes: Any) -> dict[str, bytes]:
    files = {values_file("all", number): json.dumps({"value": page}).encode() for number, page in enumerate(pages, 1)}
    return {"Variable.json": json.dumps(published(CODE, [], unit, **describes).describes).encode(), **files}


def read(*pages: list[dict[str, Any]], declared: Source | None = None, **more: Any) -> ReadResult:
    return read_values(answers(*pages, **more), f"{CODE}.gemeente", declared or source(), REGIONS)


def only(result: ReadResult) -> Problem:
    assert len(result.problems) == 1, result.problems
    return result.problems[0]


def test_every_value_becomes_a_row_with_what_the_databank_wrote() -> None:
    result = read([value("gemeente_373", "55.5"), value("nederland_1", "450")], [value("gemeente_383", "?")])
    assert result.rows.schema == SWING == reader_schema(source())
    assert result.rows.to_pylist()[0] == {
        "line": 1,
        "column": None,
        "period_code": "2023",
        "geolevel": "gemeente",
        "geoitem": "gemeente_373",
        "region_code": "GM0373",
        "item": CODE,
        "value_text": "55.5",
        "value": 55.5,
        "special": None,
    }
    assert [(row["line"], row["region_code"], row["value"], row["special"]) for row in result.rows.to_pylist()] == [
        (1, "GM0373", 55.5, None),
        (2, "NL01", 450.0, None),
        (3, "GM0383", None, "unknown"),
    ]
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined) == (3, 3, 0)


@pytest.mark.parametrize(
    ("text", "special"),
    [
        ("?", "unknown"),
        ("", "empty"),
        (None, "empty"),
        ("-99996", "empty"),
        ("-99997", "hidden"),
        ("-99998", "not_applicable"),
        ("-99999", "unknown"),
        ("-99999.0", "unknown"),
    ],
)
def test_what_stands_for_no_figure_says_why(text: str | None, special: str) -> None:
    (row,) = read([value("gemeente_373", text)]).rows.to_pylist()
    assert (row["value"], row["special"]) == (None, special)


@pytest.mark.parametrize(
    ("bad", "column", "reason"),
    [
        (value("gemeente_383", "5,5"), "ValueString", "not_a_number"),
        (value("gemeente_383", "NaN"), "ValueString", "not_a_number"),
        (value("gemeente_383", "-99995"), "ValueString", "out_of_range"),
        (value("gemeente_383", "123456782"), "ValueString", "personal_data"),
        (value("gemeente_9999", "5"), "ExternalCode", "unknown_region"),
        (value("buurt_3830101", "5"), "GeoLevel", "unknown_region"),
        (value("gemeente_383", "5", "2023-1"), "Period", "unknown_period"),
        (value("gemeente_383", "5", "2023H1"), "Period", "unknown_period"),
        (value("gemeente_383", "5", "2023", "halfyear"), "Period", "unknown_period"),
        (value("gemeente_383", "5", "m01y2023", "quarter"), "Period", "unknown_period"),
    ],
)
def test_a_value_that_cannot_be_read_is_quarantined_with_its_page_and_row(
    bad: dict[str, Any], column: str, reason: str
) -> None:
    result = read([value("gemeente_373", "1"), value("gemeente_450", "2")], [value("gemeente_399", "3"), bad])
    problem = only(result)
    assert (problem.file, problem.line) == (f"{CODE}.gemeente/Values_all-0002.json", 2)
    assert (problem.column_name, problem.reason) == (column, reason)
    assert (result.rows_loaded, result.rows_quarantined) == (3, 1)
    assert "123456782" not in str(problem) + problem.raw_text


@pytest.mark.parametrize(
    ("period", "level", "code"),
    [
        ("2023", "year", "2023"),
        ("2023", "YEAR", "2023"),
        ("2023H1", "halfyear", "2023H1"),
        ("2023Q4", "quarter", "2023Q4"),
        ("m02y2023", "month", "2023M02"),
        ("2023H1", "halfjaar", "2023H1"),
    ],
)
def test_periods_of_their_level_are_read(period: str, level: str, code: str) -> None:
    result = read([value("gemeente_373", "1", period, level)])
    assert result.rows["period_code"].to_pylist() == [code]


def test_two_values_of_one_area_and_period_are_both_quarantined_across_pages() -> None:
    result = read([value("gemeente_373", "1"), value("gemeente_383", "2")], [value("gemeente_373", "3")])
    assert [(problem.reason, problem.file[-9:], problem.line) for problem in result.problems] == [
        ("duplicate_key", "0001.json", 1),
        ("duplicate_key", "0002.json", 1),
    ]
    assert result.rows["region_code"].to_pylist() == ["GM0383"]


def test_a_unit_that_is_not_the_declared_one_refuses_the_delivery() -> None:
    result = read([value("gemeente_373", "450")], declared=source("per 1.000 inwoners"), unit="per 10.000 inwoners")
    assert (result.refused, result.rows_in, result.rows_quarantined, result.rows.num_rows) == (True, 1, 1, 0)
    problem = only(result)
    assert (problem.reason, problem.column_name) == ("unexpected_unit", CODE)
    assert (problem.found, problem.expected) == (
        'the unit "per 10.000 inwoners" in Variable.json',
        'the declared unit "per 1.000 inwoners"',
    )


def test_the_declared_unit_in_another_spelling_is_the_declared_unit() -> None:
    result = read([value("gemeente_373", "1")], declared=source("per 1.000 inwoners"), unit="Per 1000 inwoners")
    assert (result.rows_loaded, result.problems, result.notices) == (1, (), ())


def test_a_unit_that_nobody_gives_is_told() -> None:
    result = read([value("gemeente_373", "1")], declared=source("per 1.000 inwoners"))
    assert result.notices == (f"no unit is given for {CODE}: the declared one is not confirmed",)


def test_capitals_in_a_code_make_no_other_item() -> None:
    result = read([value("gemeente_373", "1")], declared=source(variable="WMO_Clienten"))
    assert result.rows["item"].to_pylist() == ["WMO_Clienten"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "unknown_format"),
        ({"Variable.json": b"{"}, "unknown_format"),
        (answers(), "empty_file"),
        (answers([]), "empty_file"),
        ({**answers(), values_file("all", 1): b'{"value": [{"Period": "2023"}]}'}, "unknown_format"),
        ({**answers(), values_file("all", 1): b"\xff\xfe"}, "unknown_format"),
    ],
    ids=["nothing", "no JSON", "no values", "an empty page", "other fields", "no text"],
)
def test_a_delivery_that_is_none_is_refused_and_raises_nothing(files: dict[str, bytes], reason: str) -> None:
    result = read_values(files, CODE, source(), REGIONS)
    assert result.refused
    assert only(result).reason == reason


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2024-05-01T00:00:00Z", dt.date(2024, 5, 1)),
        ("2024-05-01", dt.date(2024, 5, 1)),
        ("0001-01-01T00:00:00Z", None),
        ("2024-02-30", None),
        ("1 mei 2024", None),
        (20240501, None),
        (None, None),
    ],
)
def test_the_day_of_the_last_update_is_read_where_it_is_one(said: object, day: dt.date | None) -> None:
    payload = json.dumps({"ExternalCode": CODE, "Name": " ", "LastUpdate": said}).encode()
    variable = parse_variable(payload)
    assert (variable.code, variable.name, variable.unit, variable.last_update) == (CODE, None, None, day)


@settings(deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "ExternalCode": st.sampled_from(["gemeente_373", "gemeente_0383", "gemeente_9999", "nederland_1", ""]),
                "GeoLevel": st.sampled_from(["gemeente", "gemeente2018", "nederland", "wijk", None]),
                "PeriodLevel": st.sampled_from(["year", "halfyear", "x", None]),
                "Period": st.sampled_from(["2022", "2023", "2023H1", "m01y2023", "", "x"]),
                "ValueString": st.one_of(st.none(), st.text(max_size=6), st.integers(-(10**6), 10**9).map(str)),
            }
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 12),
)
def test_every_row_is_accounted_for_whatever_comes(rows: list[dict[str, Any]], size: int) -> None:
    pages = [rows[start : start + size] for start in range(0, len(rows), size)]
    result = read(*pages)
    assert result.rows_in == len(rows) == result.rows_loaded + result.rows_quarantined
    assert result.rows.num_rows == result.rows_loaded
    assert {problem.reason for problem in result.problems} <= REASONS
    keys = [(row["region_code"], row["period_code"]) for row in result.rows.to_pylist()]
    assert len(keys) == len(set(keys)) and all(map(all, keys))
    assert read(*[[row] for row in rows]).rows == result.rows


def test_a_figure_reads_the_same_from_an_answer_and_from_an_export() -> None:
    texts = ["46.5", "0", "-99997", "?", "1000000"]
    areas = ["373", "383", "399", "450", "893"]
    answer = read([value(f"gemeente_{area}", text) for area, text in zip(areas, texts, strict=True)])
    lines = [f"2023;gemeente;{area};{text}" for area, text in zip(areas, texts, strict=True)]
    export = read_export(swing(CODE, decimal="."), "\n".join([f"period;geolevel;geoitem;{CODE}", *lines]) + "\n")
    columns = ["region_code", "period_code", "item", "value", "value_text", "special"]
    assert answer.rows.select(columns) == export.rows.select(columns)
