"""Workbooks: what they do to figures, and what they try to do to the machine that opens them."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest

from pipelines.declarations.source import Column
from pipelines.readers import sheet as sheet_module
from pipelines.readers.account import Problem, ReadResult
from tests.unit.reader_sources import BEDRAG, GEMEENTE, JAAR, read, saved, spreadsheet, workbook

HEADER = ["Gemeente ", "Jaar", "Bedrag"]
SHARE = Column(header="Aandeel", name="aandeel", type="percentage")


def sheet(*rows: list[Any], source: Any = None) -> ReadResult:
    return read(source or spreadsheet(), saved(workbook([HEADER, *rows])), "proef.xlsx")


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def changed(data: bytes, member: str, pattern: bytes, replacement: bytes) -> bytes:
    """A workbook with something in one of its parts replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == member:
                content, count = re.subn(pattern, replacement, content, flags=re.DOTALL)
                assert count
            new.writestr(name, content)
    return out.getvalue()


def test_typed_cells_are_read_as_what_they_are_and_lines_are_sheet_rows() -> None:
    result = sheet(["Heiloo", 2016, 3224000.5], [], ["Bergen (NH)", "2016", 7], ["Totaal", None, 61769188])
    assert result.rows.to_pylist() == [
        {"line": 2, "gemeente": "Heiloo", "jaar": 2016, "bedrag": 3224000.5, "region_code": "GM0399"},
        {"line": 4, "gemeente": "Bergen (NH)", "jaar": 2016, "bedrag": 7.0, "region_code": "GM0373"},
    ]
    assert result.no_data["kind"].to_pylist() == ["header", "note", "total"]
    assert '"bedrag": "61769188"' in result.no_data["cells"][2].as_py()


def test_text_in_a_cell_follows_the_declared_marks() -> None:
    row = ["Heiloo", "2016", "1.000,5"]
    assert sheet(row, source=spreadsheet(thousands=".")).rows["bedrag"].to_pylist() == [1000.5]
    assert only(sheet(row).problems).found == '"1.000,5"'


@pytest.mark.parametrize(
    ("value", "shown_as", "expected"),
    [
        (0.83, "0%", 83.0),
        (0.57, "0.0%", 57.0),
        (83, "General", 83.0),
        ("83 %", "General", 83.0),
        (83, '0"%"', 83.0),
    ],
)
def test_a_percent_cell_holds_a_fraction_and_other_cells_do_not(value: Any, shown_as: str, expected: float) -> None:
    book = workbook([["Gemeente", "Aandeel"], ["Heiloo", value]])
    book.active["B2"].number_format = shown_as
    result = read(spreadsheet(GEMEENTE, SHARE, key=("gemeente",)), saved(book))
    assert result.rows["aandeel"].to_pylist() == [expected]


def test_a_percentage_in_a_column_of_amounts_is_no_amount() -> None:
    book = workbook([HEADER, ["Heiloo", 2016, 0.5]])
    book.active["C2"].number_format = "0%"
    problem = only(read(spreadsheet(), saved(book)).problems)
    assert (problem.reason, problem.found) == ("not_a_number", '"50%"')


@pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#N/A"])
def test_a_formula_error_quarantines_its_row(error: str) -> None:
    problem = only(sheet(["Heiloo", 2016, error], ["Uitgeest", 2016, 1]).problems)
    assert (problem.reason, problem.line, problem.column) == ("unreadable_cell", 2, 3)
    assert problem.found == f"the error {error}"


def test_a_formula_without_a_stored_result_is_not_calculated_for_the_sender() -> None:
    problem = only(sheet(["Heiloo", 2016, "=1+1"]).problems)
    assert (problem.reason, problem.found) == ("unreadable_cell", "a formula without a stored result")


def test_a_formula_counts_with_its_stored_result() -> None:
    data = saved(workbook([HEADER, ["Heiloo", 2016, "=1+1"]]))
    data = changed(data, "xl/worksheets/sheet1.xml", rb"<f>1\+1</f><v ?/?>(</v>)?", b"<f>1+1</f><v>2</v>")
    assert read(spreadsheet(), data).rows["bedrag"].to_pylist() == [2.0]


def test_a_merged_cell_of_the_key_counts_for_all_its_rows_and_a_merged_figure_for_none() -> None:
    rows: list[list[Any]] = [
        HEADER,
        ["Heiloo", 2015, 1],
        [None, 2016, 2],
        ["Uitgeest", 2015, 3],
        ["Uitgeest", 2016, None],
    ]
    book = workbook(rows)
    book.active.merge_cells("A2:A3")
    book.active.merge_cells("C4:C5")
    result = read(spreadsheet(), saved(book))
    assert result.rows["gemeente"].to_pylist() == ["Heiloo", "Heiloo"]
    assert [(problem.line, problem.found) for problem in result.problems] == [
        (4, "a merged cell"),
        (5, "a merged cell"),
    ]


def test_titles_above_the_header_and_merged_footers_hold_no_data() -> None:
    book = workbook([["Proef"], [], HEADER, ["Heiloo", 2016, 1], ["Bron: gemeente"]])
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("A5:C5")
    result = read(spreadsheet(header_row=3), saved(book))
    assert (result.rows_in, result.rows_loaded, result.rows_no_data) == (4, 1, 3)
    assert result.no_data["kind"].to_pylist() == ["note", "header", "footer"]


def test_hidden_rows_and_a_hidden_sheet_are_read_and_said_to_be_hidden() -> None:
    book = workbook([HEADER, ["Heiloo", 2016, 1], ["Uitgeest", 2016, 2]])
    book.active.row_dimensions[3].hidden = True
    book.create_sheet("Kladblok").append(["iets"])
    book["Blad1"].sheet_state = "hidden"
    result = read(spreadsheet(), saved(book))
    assert result.rows_loaded == 2
    assert result.notices == (
        "the declared sheet is hidden, and read",
        "1 hidden rows are read like others",
        'sheets not declared, and not read: "Kladblok"',
    )


def test_an_absent_sheet_is_named_with_those_that_are_there() -> None:
    problem = only(read(spreadsheet(sheet="Wmo"), saved(workbook([HEADER]))).problems)
    assert (problem.found, problem.expected) == ('the sheets "Blad1"', 'a sheet "Wmo"')


def test_persons_on_a_sheet_that_is_not_read_refuse_the_workbook_too() -> None:
    book = workbook([HEADER, ["Heiloo", 2016, 1]])
    book.create_sheet("Bijlage").append(["Voornaam", "Achternaam"])
    result = read(spreadsheet(), saved(book))
    assert result.refused and only(result.problems).reason == "personal_data"


def test_dates_become_days_and_never_years() -> None:
    period = Column(header="Periode", name="periode", type="period")
    book = workbook([["Gemeente", "Periode"], ["Heiloo", dt.date(2016, 1, 1)], ["Uitgeest", "2016H2"]])
    result = read(spreadsheet(GEMEENTE, period, key=("gemeente",)), saved(book))
    assert result.rows["periode"].to_pylist() == ["2016-01-01", "2016H2"]
    assert only(sheet(["Heiloo", dt.date(2016, 1, 1), 1]).problems).reason == "unknown_period"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty_file"),
        (saved(openpyxl.Workbook()), "unknown_format"),
        (saved(workbook([])), "empty_file"),
        (saved(workbook([HEADER])), "empty_file"),
        (b"Gemeente;Jaar;Bedrag\n", "unknown_format"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unknown_format"),
        (b"PK\x03\x04 and nothing more", "unknown_format"),
        (saved(workbook([HEADER, ["Heiloo", 2016, 1]]))[:-200], "unknown_format"),
    ],
    # A workbook holds the time of its making, and every worker must find the same tests.
    ids=["nothing", "empty sheet", "no rows", "header only", "text", "old Excel", "zip in name only", "cut off"],
)
def test_what_is_no_workbook_with_data_is_refused(data: bytes, reason: str) -> None:
    result = read(spreadsheet(), data)
    assert result.refused and only(result.problems).reason == reason
    assert result.rows_quarantined == result.rows_in >= 1


def test_a_workbook_that_unpacks_to_far_more_than_a_table_is_not_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 40 * 1024**2)
    problem = only(read(spreadsheet(), out.getvalue()).problems)
    assert problem.reason == "unknown_format" and "unpacks" in problem.found


def test_a_workbook_that_packs_suspiciously_well_is_not_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 8 * 1024**2)
    assert "unpacks" in only(read(spreadsheet(), out.getvalue()).problems).found


def test_a_cell_far_away_does_not_fill_the_memory() -> None:
    book = workbook([HEADER, ["Heiloo", 2016, 1]])
    book.active["XFD1048576"] = "x"
    assert "cells" in only(read(spreadsheet(), saved(book)).problems).found


def test_entities_in_a_workbook_are_not_expanded() -> None:
    data = saved(workbook([HEADER, ["Heiloo", 2016, 1]]))
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">]><worksheet'
    data = changed(data, "xl/worksheets/sheet1.xml", rb"<worksheet", bomb)
    assert "document type" in only(read(spreadsheet(), data).problems).found


def test_integers_are_whole() -> None:
    count = Column(header="Aantal", name="aantal", type="integer")
    book = workbook([["Gemeente", "Aantal"], ["Heiloo", 5], ["Uitgeest", 5.5]])
    result = read(spreadsheet(GEMEENTE, count, key=("gemeente",)), saved(book))
    assert result.rows["aantal"].to_pylist() == [5]
    assert only(result.problems).found == '"5,5"'


def test_headers_below_each_other_do_not_confuse_columns_without_a_header() -> None:
    book = workbook([[*HEADER, None, "Bron"], ["Heiloo", 2016, 1, "los", "x"]])
    result = read(spreadsheet(GEMEENTE, JAAR, BEDRAG), saved(book))
    assert result.rows_loaded == 1
    assert result.notices == ('not declared, and not read: "Bron"',)


def test_sheets_without_cells_are_passed_over() -> None:
    book = workbook([HEADER, ["Heiloo", 2016, 1]])
    book.create_sheet("Blad2")
    book.create_sheet("Blad3")
    result = read(spreadsheet(), saved(book))
    assert (result.rows_loaded, result.refused) == (1, False)


def test_moments_and_durations_are_shown_as_what_they_are() -> None:
    book = workbook([["Gemeente", "Post"], *[[name, 1.5] for name in ("Heiloo", "Uitgeest", "Castricum")]])
    for row, shown_as in enumerate(("d-m-yyyy h:mm", "[h]:mm", "0.00"), start=2):
        book.active.cell(row, 2).number_format = shown_as
    post = Column(header="Post", name="post", type="text")
    result = read(spreadsheet(GEMEENTE, post, key=("gemeente",)), saved(book))
    assert result.rows["post"].to_pylist() == ["1900-01-01 12:00:00", "1 day, 12:00:00", "1,5"]


def test_days_may_be_counted_from_1904() -> None:
    book = workbook([["Gemeente", "Periode"], ["Heiloo", dt.date(2016, 1, 1)]])
    book.epoch = dt.datetime(1904, 1, 1)  # noqa: DTZ001
    period = Column(header="Periode", name="periode", type="period")
    result = read(spreadsheet(GEMEENTE, period, key=("gemeente",)), saved(book))
    assert result.rows["periode"].to_pylist() == ["2016-01-01"]


def test_a_number_that_is_no_day_is_an_error_and_not_a_crash() -> None:
    book = workbook([HEADER, ["Heiloo", 2016, 1e9]])
    book.active["C2"].number_format = "d-m-yyyy"
    assert only(read(spreadsheet(), saved(book)).problems).reason == "unreadable_cell"


@pytest.mark.parametrize("value", [b"1e300", b"1e999", b"nan", b"1_0"])
def test_a_number_that_no_figure_can_be_is_none(value: bytes) -> None:
    count = Column(header="Bedrag", name="bedrag", type="integer")
    data = changed(
        saved(workbook([HEADER, ["Heiloo", 2016, 7]])),
        "xl/worksheets/sheet1.xml",
        rb"<v>7</v>",
        b"<v>" + value + b"</v>",
    )
    result = read(spreadsheet(GEMEENTE, JAAR, count), data)
    assert only(result.problems).reason in {"not_a_number", "unreadable_cell"}
    assert result.rows_loaded == 0


def test_a_large_sheet_is_read_whole() -> None:
    rows = [HEADER, *(["Heiloo", 2016, n] for n in range(3000))]
    result = read(spreadsheet(GEMEENTE, JAAR, BEDRAG, key=("gemeente", "jaar", "bedrag")), saved(workbook(rows)))
    assert result.rows_loaded == 3000
    assert result.rows["bedrag"].to_pylist() == [float(n) for n in range(3000)]


def test_a_title_that_covers_the_header_is_not_spread_over_the_rows() -> None:
    book = workbook([["Proef"], HEADER, ["Heiloo", 2016, 1], ["Uitgeest", 2016, 2]])
    book.active.merge_cells("A1:C1")
    assert read(spreadsheet(header_row=2), saved(book)).rows_loaded == 2


@pytest.mark.parametrize("error", [AttributeError, NotImplementedError, TypeError])
def test_an_error_of_our_own_does_not_pass_for_a_damaged_workbook(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object) -> None:
        raise error

    monkeypatch.setattr(sheet_module._Found, "_add", wrong)
    with pytest.raises(error):
        sheet(["Heiloo", 2016, 1])
