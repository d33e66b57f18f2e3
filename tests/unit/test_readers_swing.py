"""Swing exports: levels with a year, codes without zeros, values that stand for no figure."""

from __future__ import annotations

import pytest

from pipelines.readers.account import Problem
from pipelines.readers.faults import MOST_TOLD
from tests.unit.reader_sources import read, swing

HEADER = '"";"period";"geolevel";"geoitem";"naam";"hulp";"hulpmiddelen"\n'


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_a_line_becomes_one_row_for_every_item_in_the_order_of_the_file() -> None:
    data = (
        HEADER
        + '"1";"2016H2";"gemeente2016";"373";"Bergen";"9";"46,5"\n'
        + '"2";"2016H2";"nederland";"1";"Nederland";"22";"38"\n'
    )
    result = read(swing(), data)
    rows = result.rows.to_pylist()
    assert [(row["line"], row["column"], row["region_code"], row["item"], row["value"]) for row in rows] == [
        (2, 6, "GM0373", "hulp", 9.0),
        (2, 7, "GM0373", "hulpmiddelen", 46.5),
        (3, 6, "NL01", "hulp", 22.0),
        (3, 7, "NL01", "hulpmiddelen", 38.0),
    ]
    assert rows[0] == {
        "line": 2,
        "column": 6,
        "period_code": "2016H2",
        "geolevel": "gemeente2016",
        "geoitem": "373",
        "region_code": "GM0373",
        "item": "hulp",
        "value_text": "9",
        "value": 9.0,
        "special": None,
    }
    assert (result.rows_in, result.rows_loaded, result.rows_no_data) == (3, 2, 1)


@pytest.mark.parametrize(
    ("text", "special"),
    [
        ("-99996", "empty"),
        ("-99997", "hidden"),
        ("-99998", "not_applicable"),
        ("-99999", "unknown"),
        ("-99999,0", "unknown"),
        ("?", "unknown"),
        ("", "empty"),
    ],
)
def test_special_values_are_no_figures_and_keep_their_text(text: str, special: str) -> None:
    result = read(swing("hulp"), f"period;geolevel;geoitem;hulp\n2016;gemeente;383;{text}\n")
    row = result.rows.to_pylist()[0]
    assert (row["value"], row["special"], row["value_text"]) == (None, special, text)
    assert result.rows_quarantined == 0


@pytest.mark.parametrize("text", ["-99995", "-999999"])
def test_an_unknown_special_value_is_no_figure_either(text: str) -> None:
    problem = only(read(swing("hulp"), f"period;geolevel;geoitem;hulp\n2016;gemeente;383;{text}\n").problems)
    assert (problem.reason, problem.column) == ("out_of_range", 4)


@pytest.mark.parametrize(
    ("line", "reason", "column"),
    [
        ("2016-2;gemeente;383;1", "unknown_period", 1),
        ("h2y2016;gemeente;383;1", "unknown_period", 1),
        ("2016-01-01;gemeente;383;1", "unknown_period", 1),
        ("m13y2016;gemeente;383;1", "unknown_period", 1),
        ("2016;wijk2016;38301;1", "unknown_region", 2),
        ("2016;gemeente;9999;1", "unknown_region", 3),
        ("2016;nederland;2;1", "unknown_region", 3),
        ("2016;gemeente;383;x", "not_a_number", 4),
        ("2016;gemeente;383;1.5", "not_a_number", 4),
        ("2016;gemeente;383", "wrong_column_count", None),
    ],
)
def test_what_cannot_be_read_quarantines_its_line(line: str, reason: str, column: int | None) -> None:
    result = read(swing("hulp"), f"period;geolevel;geoitem;hulp\n2016;gemeente;373;1\n{line}\n")
    problem = only(result.problems)
    assert (problem.reason, problem.line, problem.column) == (reason, 3, column)
    assert (result.rows_loaded, result.rows_quarantined) == (1, 1)


def test_of_many_lines_of_another_width_the_first_are_told_and_the_rest_counted() -> None:
    header = "period;geolevel;geoitem;hulp\n2016;gemeente;373;1\n"
    result = read(swing("hulp"), header + "2016;gemeente;383\n" * (MOST_TOLD + 7) + "2016;gemeente;383;x\n")
    assert (result.rows_loaded, result.rows_quarantined) == (1, MOST_TOLD + 8)
    *told, other, last = result.problems
    assert [problem.line for problem in told] == list(range(3, MOST_TOLD + 3))
    assert (other.reason, other.line) == ("not_a_number", MOST_TOLD + 10)
    assert (last.reason, last.line) == ("wrong_column_count", None)
    assert last.found == f"7 more of these (wrong_column_count), the last on line {MOST_TOLD + 9}"


@pytest.mark.parametrize("item", ["373", "0373", "GM0373", "gemeente_373", "gemeente2018_373", "gemeente18_0373"])
@pytest.mark.parametrize("level", ["gemeente", "gemeente2018", "gemeente18", "Gemeente"])
def test_codes_of_municipalities_in_all_their_forms(level: str, item: str) -> None:
    result = read(swing("hulp"), f"period;geolevel;geoitem;hulp\n2016;{level};{item};1\n")
    assert result.rows["region_code"].to_pylist() == ["GM0373"]


@pytest.mark.parametrize(
    ("period", "code"),
    [("2016", "2016"), ("2016H2", "2016H2"), ("2016Q3", "2016Q3"), ("2016M07", "2016M07"), ("m07y2016", "2016M07")],
)
def test_periods_of_every_kind(period: str, code: str) -> None:
    result = read(swing("hulp"), f"period;geolevel;geoitem;hulp\n{period};gemeente;373;1\n")
    assert result.rows["period_code"].to_pylist() == [code]


def test_two_lines_of_one_period_and_area_are_both_quarantined() -> None:
    lines = ["2016;gemeente2016;373;1", "2016JJ00;gemeente2018;0373;2", "2016;gemeente;383;3"]
    data = "\n".join(["period;geolevel;geoitem;hulp", *lines])
    result = read(swing("hulp"), data)
    assert [(problem.reason, problem.line) for problem in result.problems] == [
        ("duplicate_key", 2),
        ("duplicate_key", 3),
    ]
    assert result.rows["region_code"].to_pylist() == ["GM0383"]


def test_an_item_that_is_not_declared_refuses_the_file() -> None:
    result = read(swing("hulp"), "period;geolevel;geoitem;hulp;opvang\n2016;gemeente;373;1;2\n")
    problem = only(result.problems)
    assert result.refused and (problem.reason, problem.column) == ("unknown_item", 5)
    assert "opvang" in problem.found


def test_an_export_with_some_of_the_items_is_read_and_the_notice_says_which_are_not_there() -> None:
    result = read(swing("hulp", "opvang"), "period;geolevel;geoitem;opvang\n2016;gemeente;373;1\n")
    assert result.rows["item"].to_pylist() == ["opvang"]
    assert result.notices == ('declared, and not in the file: "hulp"',)


def test_an_export_without_any_item_or_line_is_refused() -> None:
    assert only(read(swing("hulp"), "period;geolevel;geoitem\n2016;gemeente;373\n").problems).reason == "missing_column"
    assert only(read(swing("hulp"), "period;geolevel;geoitem;hulp\n").problems).reason == "empty_file"
    assert only(read(swing("hulp"), "period;geolevel;hulp\n2016;gemeente;1\n").problems).reason == "missing_column"


def test_an_export_with_commas_is_told_from_one_with_other_headers() -> None:
    problem = only(read(swing("hulp"), "period,geolevel,geoitem,hulp\n2016,gemeente,373,1\n").problems)
    assert (problem.reason, problem.found) == ("unknown_format", "fields separated by a comma")
    assert read(swing("hulp", delimiter=","), "Period,GeoLevel,GeoItem,hulp\n2016,gemeente,373,1\n").rows_loaded == 1


@pytest.mark.parametrize("header", ["", "index", "Index", "Unnamed: 0"])
def test_the_numbers_of_the_rows_are_not_read_and_need_no_declaration(header: str) -> None:
    data = f"{header};period;geolevel;geoitem;hulp\n0;2016;gemeente;373;1\n1;2016;gemeente;383;2\n"
    result = read(swing("hulp", ignore_headers=()), data)
    assert result.rows["column"].to_pylist() == [5, 5]
    name = f' "{header}"' if header else ""
    assert result.notices == (f"column 1{name}: a column with the numbers of the rows, not read",)


def test_a_separator_at_the_end_of_every_line_makes_an_empty_column_that_is_not_read() -> None:
    result = read(swing("hulp"), "period;geolevel;geoitem;hulp;\n2016;gemeente;373;1;\n")
    assert (result.rows_loaded, result.problems) == (1, ())


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (";period;geolevel;geoitem;hulp\nBergen;2016;gemeente;373;1\n", "a column without a header"),
        ("period;geolevel;geoitem;hulp;\n2016;gemeente;373;1;2\n", "a column without a header"),
        ("period;geolevel;geoitem;index;hulp\n2016;gemeente;373;1;2\n", 'the item "index"'),
        ("gemeente;period;geolevel;geoitem;hulp\nBergen;2016;gemeente;373;1\n", 'the item "gemeente"'),
    ],
    ids=["texts in front", "numbers behind", "an index in the middle", "names"],
)
def test_any_other_column_that_is_not_declared_refuses_the_file(data: str, found: str) -> None:
    problem = only(read(swing("hulp", ignore_headers=()), data).problems)
    assert (problem.reason, problem.found) == ("unknown_item", found)


def test_a_column_of_names_is_dropped_only_where_that_is_declared() -> None:
    data = "period;geolevel;geoitem;naam;hulp\n2016;gemeente;373;Bergen;1\n"
    assert read(swing("hulp"), data).rows_loaded == 1
    assert only(read(swing("hulp", ignore_headers=()), data).problems).reason == "personal_data"
