"""Reading v3 figures: typed rows, the same as those of v4, and an account of every one that is not among them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import CbsV3Connector, CbsV3Reader, CbsV4Reader, Series, Source
from pipelines.readers.account import REASONS, ReadResult
from pipelines.readers.cbs_v3 import read_observations_v3, read_region_codes_v3
from pipelines.warehouse.raw_tables import CBS
from tests.cbs_sources import files_of, source_of
from tests.cbs_v3_server import ROWS, as_text, dimension, group, listed, small_table, topic

TABLE = "00001NED"


def source(reader: Mapping[str, Any] | None = None, series: Sequence[Series] = (), **connector: Any) -> Source:
    return source_of(
        CbsV3Connector(kind="cbs_v3", **({"table": TABLE} | connector)),
        CbsV3Reader(kind="cbs_v3", **({"region_dimension": "Gemeenten"} | dict(reader or {}))),
        series=tuple(series),
    )


def answers(rows: Sequence[Mapping[str, Any]] = ROWS, page_size: int = 100, **more: Any) -> dict[str, bytes]:
    """The files of a snapshot of the small table with these rows."""
    return files_of(small_table(TABLE, rows, page_size, **more), more.get("data_set", "TypedDataSet"))


def read(rows: Sequence[Mapping[str, Any]] = ROWS, of: Source | None = None, **more: Any) -> ReadResult:
    result = read_observations_v3(answers(rows, **more), of or source())
    assert {problem.reason for problem in result.problems} <= REASONS
    return result


def row(number: int = 0, region: str = "GM0001   ", period: str = "2015JJ00", **figures: Any) -> dict[str, Any]:
    key = {"ID": number, "Gemeenten": region, "Perioden": period}
    return key | {"k_1ePlaatsing_1": 1.0, "k_2ePlaatsing_2": 2.0} | figures


def test_every_topic_of_a_row_becomes_a_row_with_the_publishers_labels() -> None:
    result = read([row(7, period="2016KW02", k_2ePlaatsing_2=None)])

    assert result.rows.schema == CBS
    assert result.rows.to_pylist() == [
        {
            "row_id": 70_000,
            "item": "1e plaatsing",
            "measure": "k_1ePlaatsing_1",
            "unit": "1 000 euro",
            "region_code": "GM0001",
            "period_raw": "2016KW02",
            "period_code": "2016Q2",
            "period_status": "Voorlopig",
            "value": 1.0,
            "value_attribute": "None",
            "string_value": None,
        },
        {
            "row_id": 70_001,
            "item": "2e plaatsing",
            "measure": "k_2ePlaatsing_2",
            "unit": "1 000 euro",
            "region_code": "GM0001",
            "period_raw": "2016KW02",
            "period_code": "2016Q2",
            "period_status": "Voorlopig",
            "value": None,
            "value_attribute": "NotAvailable",
            "string_value": None,
        },
    ]
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined, result.problems) == (2, 2, 0, ())


def test_pages_are_read_as_one_table() -> None:
    assert read(page_size=4).rows.equals(read().rows.take([0, 1, 2, 3, 6, 7, 8, 9, 4, 5, 10, 11]))


@pytest.mark.parametrize(
    ("value", "attribute", "text"),
    [
        (-99995, "NotAvailable", "-99995"),
        (-99996.0, "NotAvailable", "-99996"),
        (-99997, "Confidential", "-99997"),
        (-99998, "Impossible", "-99998"),
        (-99999, "NotAvailable", "-99999"),
        (-99991, "NotAvailable", "-99991"),
        (-99999999, "NotAvailable", "-99999999"),
        (None, "NotAvailable", None),
    ],
)
def test_what_stands_for_a_missing_figure_is_missing_and_says_why(value: Any, attribute: str, text: str | None) -> None:
    first, _ = read([row(k_1ePlaatsing_1=value)]).rows.to_pylist()
    assert (first["value"], first["value_attribute"], first["string_value"]) == (None, attribute, text)


def test_an_amount_in_thousands_goes_lower_than_what_stands_for_missing() -> None:
    first, _ = read([row(k_1ePlaatsing_1=-446327)]).rows.to_pylist()
    assert (first["value"], first["value_attribute"]) == (-446327.0, "None")


def test_how_many_numbers_were_taken_for_missing_figures_is_told() -> None:
    rows = [row(0, k_1ePlaatsing_1=-99997), row(1, "GM0002   ", k_1ePlaatsing_1=-99996, k_2ePlaatsing_2=None)]
    expected = f"{TABLE}: 2 numbers from -99999 to -99990 are taken for missing figures; string_value holds them"
    assert read(rows).notices == (expected,)
    assert read(as_text(rows), data_set="UntypedDataSet").notices == (expected,)


@pytest.mark.parametrize("value", [-99990, -99989.5, 0, 1e12])
def test_what_only_looks_like_it_is_a_figure(value: float) -> None:
    first, _ = read([row(k_1ePlaatsing_1=value)]).rows.to_pylist()
    assert (first["value"], first["value_attribute"], first["string_value"]) == (value, "None", None)


@pytest.mark.parametrize(
    ("cell", "value", "attribute", "text"),
    [
        ("    12.5", 12.5, "None", None),
        ("       .", None, "NotAvailable", "."),
        ("        ", None, "Impossible", None),
        ("", None, "Impossible", None),
        (None, None, "Impossible", None),
        ("       x", None, "Confidential", "x"),
        ("  -99997", None, "Confidential", "-99997"),
        ("      3*", 3.0, "None", None),
        ("      3**", 3.0, "None", None),
        ("   1e3", 1000.0, "None", None),
        ("-4", -4.0, "None", None),
    ],
)
def test_a_table_that_came_as_text_is_read_as_numbers(
    cell: str | None, value: float | None, attribute: str, text: str | None
) -> None:
    first, _ = read([row(k_1ePlaatsing_1=cell, k_2ePlaatsing_2="  2")], data_set="UntypedDataSet").rows.to_pylist()
    assert (first["value"], first["value_attribute"], first["string_value"]) == (value, attribute, text)


def test_both_data_sets_of_a_table_give_the_same_figures() -> None:
    typed, untyped = read(), read(as_text(ROWS), data_set="UntypedDataSet")
    assert untyped.rows.drop(["string_value"]).equals(typed.rows.drop(["string_value"]))


def test_a_text_among_the_figures_is_quarantined_by_itself() -> None:
    result = read([row(0, k_1ePlaatsing_1="1,5"), row(1, "GM0002   ")])
    (problem,) = result.problems
    assert (problem.reason, problem.column_name, problem.found) == ("not_a_number", "Value", "'1,5'")
    assert str(problem).startswith(f"{TABLE}/TypedDataSet.json:1 (Value): found '1,5'")
    assert (result.rows_loaded, result.rows_quarantined) == (3, 1)


def test_a_topic_of_texts_keeps_them_trimmed() -> None:
    properties = listed(
        dimension("Gemeenten"), dimension("Perioden", "TimeDimension"), topic("Naam_1", "Naam", None, kind="String")
    )
    rows = [{"ID": 0, "Gemeenten": "GM0001   ", "Perioden": "2015JJ00", "Naam_1": "Oost-Nederland      "}]
    (only,) = read(rows, DataProperties=properties).rows.to_pylist()
    assert (only["value"], only["string_value"], only["unit"]) == (None, "Oost-Nederland", None)


GROUPED = listed(
    dimension("Gemeenten"),
    dimension("Perioden", "TimeDimension"),
    group(3, "Banen"),
    topic("Totaal_1", "Totaal", parent=3),
    group(7, "Uren"),
    topic("Totaal_2", "Totaal", parent=7),
    topic("Totaal_3", "Totaal", parent=7),
    topic("Anders_4", "Totaal", parent=7),
    topic("Loon_5", "Loon"),
)


def test_topics_of_one_title_stay_apart_by_their_group_and_else_by_their_key() -> None:
    keys = ("Totaal_1", "Totaal_2", "Totaal_3", "Anders_4", "Loon_5")
    rows = [{"ID": 0, "Gemeenten": "GM0001   ", "Perioden": "2015JJ00", **dict.fromkeys(keys, 1)}]
    result = read(rows, DataProperties=GROUPED)
    assert result.rows["item"].to_pylist() == [
        "Banen: Totaal",
        "Totaal (Totaal_2)",
        "Totaal (Totaal_3)",
        "Totaal (Anders)",
        "Loon",
    ]


def test_only_the_declared_topics_are_read_whatever_came_with_them() -> None:
    result = read(of=source(measures=("2e plaatsing", "3e plaatsing")))
    assert set(result.rows["item"].to_pylist()) == {"2e plaatsing"}
    assert result.notices == (f"{TABLE}: no topic is called '3e plaatsing'",)


def test_items_are_the_topic_and_the_declared_dimensions() -> None:
    properties = listed(
        dimension("Gemeenten"),
        dimension("Verslagsoort"),
        dimension("Perioden", "TimeDimension"),
        topic("Bedrag_1", "Bedrag"),
    )
    rows = [
        {"ID": number, "Gemeenten": "GM0001   ", "Verslagsoort": kind, "Perioden": "2015JJ00", "Bedrag_1": 1}
        for number, kind in enumerate(("X000  ", "X005  "))
    ]
    kinds = listed({"Key": "X000  ", "Title": "Begroting"}, {"Key": "X005  ", "Title": "Rekening"})
    declared = source({"dimensions": ("Verslagsoort",)})
    result = read(rows, declared, DataProperties=properties, Verslagsoort=kinds)
    assert result.rows["item"].to_pylist() == ["Bedrag|X000", "Bedrag|X005"]

    refused = read(rows, DataProperties=properties, Verslagsoort=kinds)
    assert refused.refused
    assert "(Verslagsoort): found 2 codes (X000, X005), expected one code" in str(refused.problems[0])


def test_all_figures_of_an_edition_are_of_its_period() -> None:
    properties = listed(dimension("Gemeenten"), topic("Inwoners_1", "Inwoners"))
    rows = [{"ID": 0, "Gemeenten": "GM0001   ", "Inwoners_1": 12}]
    declared = source({"period_dimension": None}, table=None, editions={"2024": TABLE})
    result = read_observations_v3(answers(rows, DataProperties=properties), declared, "2024")
    (only,) = result.rows.to_pylist()
    assert (only["period_raw"], only["period_code"], only["period_status"]) == ("2024", "2024", None)


def test_region_codes_are_written_as_declared() -> None:
    declared = source({"region_codes": {"GM0002": "NL01"}})
    assert set(read(of=declared).rows["region_code"].to_pylist()) == {"GM0001", "NL01", "GM0003"}
    regions = read_region_codes_v3(answers(), declared).to_pylist()
    assert [region["region_code"] for region in regions] == ["GM0001", "NL01", "GM0003"]
    assert regions[0]["region_name"] == "Aap"
    assert regions[0]["description"] == "Eerste"


def test_a_figure_in_another_unit_than_declared_is_quarantined() -> None:
    series = [
        Series(item="1e plaatsing", indicator_id="x", unit="euro"),
        Series(item="2e plaatsing", indicator_id="y", unit="1 000 euro"),
    ]
    result = read(of=source(series=series))
    assert {problem.reason for problem in result.problems} == {"unexpected_unit"}
    assert (result.rows_loaded, result.rows_quarantined) == (6, 6)
    assert set(result.rows["item"].to_pylist()) == {"2e plaatsing"}


@pytest.mark.parametrize(
    ("wrong", "column", "reason"),
    [
        (row(1, "GM9999   "), "Gemeenten", "unknown_region"),
        (row(1, period="2031JJ00"), "Perioden", "unknown_period"),
        (row(1), "Id", "duplicate_key"),
    ],
)
def test_what_cannot_be_is_quarantined_as_it_is_in_v4(wrong: dict[str, Any], column: str, reason: str) -> None:
    result = read([row(0), wrong])
    assert {(problem.column_name, problem.reason) for problem in result.problems} == {(column, reason)}
    assert result.rows_in == 4


@pytest.mark.parametrize(
    ("files", "reason", "found"),
    [
        pytest.param({"TypedDataSet.json": b'{"value": []}'}, "empty_file", "no observations", id="no rows"),
        pytest.param(
            {"TypedDataSet.json": b'{"value": [{"ID": 1'}, "unknown_format", "Expecting ',' delimiter", id="broken"
        ),
        pytest.param({"TypedDataSet.json": b"\xff\xfe{"}, "wrong_encoding", "utf-8", id="other encoding"),
        pytest.param({"TypedDataSet.json": None}, "empty_file", "no observations", id="no pages"),
        pytest.param({"DataProperties.json": b"<html>"}, "unknown_format", "Expecting value", id="broken properties"),
        pytest.param({"DataProperties.json": b'{"value":[1]}'}, "unknown_format", "int", id="odd properties"),
        pytest.param({"Gemeenten.json": b"<html>"}, "unknown_format", "Expecting value", id="broken codes"),
        pytest.param(
            {"DataProperties.json": listed(dimension("RegioS"), topic("k_1ePlaatsing_1", "x"))},
            "missing_column",
            "missing: RegioS; unknown: Gemeenten",
            id="other columns",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_one_reason(
    files: dict[str, bytes | None], reason: str, found: str
) -> None:
    given_files = {name: content for name, content in (answers() | files).items() if content is not None}
    result = read_observations_v3(given_files, source())
    assert result.refused
    assert result.rows_in == result.rows_quarantined > 0
    (problem,) = result.problems
    assert problem.reason == reason
    assert found in problem.found
    assert problem.file.startswith(TABLE)


def test_a_table_that_nothing_describes_is_read_from_its_columns() -> None:
    figures = {name: content for name, content in answers().items() if name.startswith("Typed")}
    result = read_observations_v3(figures, source())
    assert result.rows_loaded == 12
    assert set(result.rows["item"].to_pylist()) == {"k_1ePlaatsing", "k_2ePlaatsing"}
    assert result.notices == (f"{TABLE}: no list of Perioden",)


def test_a_source_of_another_kind_is_wrong_use() -> None:
    other = source().model_copy(update={"reader": CbsV4Reader(kind="cbs_v4")})
    with pytest.raises(TypeError, match="found a cbs_v4 reader"):
        read_observations_v3(answers(), other)


_ANY_ROW = st.builds(
    lambda region, period, first, second: row(0, region, period, k_1ePlaatsing_1=first, k_2ePlaatsing_2=second),
    st.sampled_from(["GM0001   ", "GM0001", "GM0002", "GM9999", "", None]),
    st.sampled_from(["2015JJ00", "2016KW02", "2016HJ03", None]),
    st.one_of(st.none(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6)),
    st.one_of(st.none(), st.sampled_from(["x", " 1.5", ".", "veel"])),
)


@settings(deadline=None)
@given(rows=st.lists(_ANY_ROW, min_size=1, max_size=12), page_size=st.integers(1, 5))
def test_every_figure_is_loaded_or_quarantined_once(rows: list[dict[str, Any]], page_size: int) -> None:
    numbered = [row | {"ID": number} for number, row in enumerate(rows)]

    result = read(numbered, page_size=page_size)

    rejected = [json.loads(problem.raw_text)["Id"] for problem in result.problems]
    expected = [number * 10_000 + place for number in range(len(rows)) for place in (0, 1)]
    assert sorted([*result.rows["row_id"].to_pylist(), *rejected]) == expected
    keys = list(zip(*(result.rows[name].to_pylist() for name in ("item", "region_code", "period_code")), strict=True))
    assert len(set(keys)) == len(keys)
