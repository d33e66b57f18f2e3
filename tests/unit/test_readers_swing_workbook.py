"""Swing's files as XLSX: the same figures as in CSV, and what only a workbook can do to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import Series, Source, SwingReader
from pipelines.readers.account import Problem, ReadResult
from tests.unit.reader_sources import read, saved, source_of, swing, workbook

HEADER = ["period", "geolevel", "geoitem", "hulp", "hulpmiddelen"]


def only(result: ReadResult) -> Problem:
    assert len(result.problems) == 1, result.problems
    return result.problems[0]


def book(*rows: list[Any], header: list[Any] | None = None, sheet: str = "Blad1", **others: list[list[Any]]) -> bytes:
    made = workbook([HEADER if header is None else header, *rows], sheet)
    for name, cells in others.items():
        made.create_sheet(name)
        for row in cells:
            made[name].append(row)
    return saved(made)


AREAS = [("gemeente2016", "373"), ("gemeente", "gemeente_383"), ("gemeente", "0399"), ("nederland", "1")]
FIGURES = st.one_of(
    st.integers(-5, 2_000_000),
    st.integers(0, 99_999).map(lambda number: number / 10),
    st.sampled_from([-99996, -99997, -99998, -99999, -99995, "", "?", "x", "1.5"]),
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(["2015", "2016", "2016H2", "2016-2"]), st.sampled_from(AREAS), FIGURES, FIGURES),
        min_size=1,
        max_size=8,
    )
)
def test_a_workbook_and_a_text_with_the_same_content_read_the_same(
    lines: list[tuple[str, tuple[str, str], Any, Any]],
) -> None:
    rows = [[period, *area, *figures] for period, area, *figures in lines]
    as_text = "\n".join(
        ";".join(str(cell).replace(".", ",") if isinstance(cell, float) else str(cell) for cell in row)
        for row in [HEADER, *rows]
    )

    text, sheet = read(swing(), as_text + "\n"), read(swing(), book(*rows), "proef.xlsx")

    plain = [{**row, "value_text": None} for row in text.rows.to_pylist()]
    assert [{**row, "value_text": None} for row in sheet.rows.to_pylist()] == plain
    # Excel has one way of writing a whole number; a text has as many as people have.
    assert [row["value_text"].removesuffix(",0") for row in text.rows.to_pylist()] == [
        row["value_text"] for row in sheet.rows.to_pylist()
    ]
    assert [(problem.line, problem.column, problem.reason) for problem in sheet.problems] == [
        (problem.line, problem.column, problem.reason) for problem in text.problems
    ]
    counts = [(r.rows_in, r.rows_loaded, r.rows_no_data, r.rows_quarantined, r.refused) for r in (text, sheet)]
    assert counts[0] == counts[1]


def test_numbers_as_numbers_and_as_texts_are_read() -> None:
    result = read(
        swing(), book([2016, "gemeente", 373, 46.5, "46,5"], [2016, "gemeente", 383, -99997, "-99997"]), "x.xlsx"
    )
    rows = result.rows.to_pylist()
    assert [(row["period_code"], row["region_code"], row["value"], row["special"]) for row in rows] == [
        ("2016", "GM0373", 46.5, None),
        ("2016", "GM0373", 46.5, None),
        ("2016", "GM0383", None, "hidden"),
        ("2016", "GM0383", None, "hidden"),
    ]


def test_the_bytes_tell_a_workbook_whatever_its_name_is() -> None:
    assert read(swing(), book([2016, "gemeente", 373, 1, 2]), "gmsd.csv").rows_loaded == 1


@pytest.mark.parametrize(
    ("row", "column", "reason", "found"),
    [
        ([2016, "gemeente", 373, "#DIV/0!", 2], 4, "unreadable_cell", "the error #DIV/0!"),
        ([2016, "gemeente", 373, "=1+1", 2], 4, "unreadable_cell", "a formula without a stored result"),
        ([2016, "gemeente", 373, dt.date(2016, 7, 1), 2], 4, "not_a_number", "a date"),
        ([dt.date(2016, 1, 1), "gemeente", 373, 1, 2], 1, "unknown_period", "a date"),
        ([2016, "gemeente", "#REF!", 1, 2], 3, "unreadable_cell", "the error #REF!"),
    ],
    ids=["an error", "a formula", "a date as figure", "a date as period", "an error as area"],
)
def test_what_is_no_figure_quarantines_its_row_and_says_why(
    row: list[Any], column: int, reason: str, found: str
) -> None:
    result = read(swing(), book([2016, "gemeente", 383, 1, 2], row), "x.xlsx")
    problem = only(result)
    assert (problem.line, problem.column, problem.reason, problem.found) == (3, column, reason, found)
    assert (result.rows_loaded, result.rows_quarantined) == (1, 1)


def test_a_percentage_is_no_figure_of_swing() -> None:
    made = workbook([HEADER, [2016, "gemeente", 373, 0.08, 2]])
    made.active["D2"].number_format = "0%"
    assert only(read(swing(), saved(made), "x.xlsx")).reason == "not_a_number"


@pytest.mark.parametrize("area", ["A2:A3", "C2:C3", "D2:D3", "D2:E2"])
def test_merged_cells_are_not_read_anywhere(area: str) -> None:
    made = workbook(
        [HEADER, [2016, "gemeente", 373, 1, 2], [2017, "gemeente", 373, 3, 4], [2018, "gemeente", 373, 5, 6]]
    )
    made.active.merge_cells(area)
    result = read(swing(), saved(made), "x.xlsx")
    assert {problem.found for problem in result.problems if problem.reason == "unreadable_cell"} == {"a merged cell"}
    lines = {2} if area == "D2:E2" else {2, 3}
    assert lines == {problem.line for problem in result.problems}
    assert result.rows_quarantined == len(lines)


def test_the_declared_sheet_is_read_and_the_others_are_named() -> None:
    data = book([2016, "gemeente", 373, 1, 2], sheet="Cijfers", Toelichting=[["Dit zijn de cijfers."]], Leeg=[])
    result = read(swing(sheet="Cijfers"), data, "x.xlsx")
    assert result.rows_loaded == 1
    assert result.notices[0] == 'sheets without figures: "Toelichting", "Leeg"'
    problem = only(read(swing(sheet="Elders"), data, "x.xlsx"))
    assert (problem.reason, problem.expected) == ("unknown_format", 'a sheet "Elders" with cells')


def test_two_sheets_with_figures_are_not_chosen_from() -> None:
    data = book([2016, "gemeente", 373, 1, 2], Blad2=[HEADER, [2017, "gemeente", 373, 1, 2]])
    assert only(read(swing(), data, "x.xlsx")).found == "several sheets with figures: Blad1, Blad2"
    assert read(swing(sheet="Blad2"), data, "x.xlsx").rows["period_code"].to_pylist() == ["2017", "2017"]


def test_a_definition_of_the_columns_says_which_are_the_leading_ones() -> None:
    definition = [["col", "type"], ["Jaar", "PERIOD"], ["L", "GEOLEVEL"], ["Gemeentecode", "GEOITEM"], ["hulp", "VAR"]]
    data = book(
        [2016, "gemeente", 373, 9], header=["Jaar", "L", "Gemeentecode", "hulp"], sheet="Data", Data_def=definition
    )
    rows = read(swing("hulp"), data, "x.xlsx").rows.to_pylist()
    assert [(row["region_code"], row["period_code"], row["value"]) for row in rows] == [("GM0373", "2016", 9.0)]


def test_a_cube_is_refused_because_its_figures_are_divided() -> None:
    definition = [
        ["col", "type"],
        ["period", "period"],
        ["geolevel", "geolevel"],
        ["geoitem", "geoitem"],
        ["leeftijd", "dim"],
    ]
    header = ["period", "geolevel", "geoitem", "leeftijd", "hulp"]
    data = book([2016, "gemeente", 373, 1, 9], header=header, sheet="Data", Data_def=definition)
    problem = only(read(swing("hulp"), data, "x.xlsx"))
    assert (problem.reason, problem.column_name, problem.found) == (
        "unknown_format",
        "leeftijd",
        "a cube: figures divided by a dimension",
    )


def test_a_sheet_about_persons_refuses_the_workbook() -> None:
    data = book([2016, "gemeente", 373, 1, 2], Bijlage=[["BSN"], ["123456782"]])
    result = read(swing(), data, "x.xlsx")
    assert (result.refused, only(result).reason) == (True, "personal_data")
    assert "123456782" not in str(result)


def with_units(**units: str) -> Source:
    reader = SwingReader(kind="swing", items=("hulp", "hulpmiddelen"))
    series = tuple(Series(item=item, indicator_id=item, unit=unit) for item, unit in units.items())
    return source_of(reader, series=series)


@pytest.mark.parametrize("headers", [["Indicator code", "Name", "Unit"], ["Onderwerpcode", "Naam", "Eenheid"]])
def test_a_sheet_that_describes_the_items_is_held_against_the_declared_units(headers: list[str]) -> None:
    described = [
        headers,
        ["hulp", "Hulp", "per 10.000 inwoners"],
        ["hulpmiddelen", "Hulpmiddelen", "per 1 000 inwoners"],
    ]
    data = book([2016, "gemeente", 373, 450, 46.5], Indicators=described)
    source = with_units(hulp="per 1.000 inwoners", hulpmiddelen="per 1.000 inwoners")
    result = read(source, data, "x.xlsx")
    assert [(row["item"], row["value"]) for row in result.rows.to_pylist()] == [("hulpmiddelen", 46.5)]
    problem = only(result)
    assert (problem.reason, problem.line, problem.column, problem.column_name) == ("unexpected_unit", 1, 4, "hulp")
    assert problem.found == 'the unit "per 10.000 inwoners" in x.xlsx'
    assert problem.expected == 'the declared unit "per 1.000 inwoners"'


def test_a_workbook_of_which_every_column_has_another_unit_is_refused() -> None:
    described = [["code", "unit"], ["hulp", "%"], ["hulpmiddelen", "%"]]
    source = with_units(hulp="per 1.000 inwoners", hulpmiddelen="per 1.000 inwoners")
    result = read(source, book([2016, "gemeente", 373, 450, 46.5], Indicators=described), "x.xlsx")
    assert result.refused
    assert {problem.reason for problem in result.problems} == {"unexpected_unit"}
    assert len(result.problems) == 2
