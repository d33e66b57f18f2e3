"""Delimited deliveries: what is loaded, what is no data, and what is refused with its place and reason."""

from __future__ import annotations

import json

import pyarrow.compute as pc
import pytest

from pipelines.declarations.source import Column, DelimitedReader, NoDataRow
from pipelines.readers.account import REASONS, Problem
from pipelines.readers.delimited import read_delimited
from tests.unit.reader_sources import BEDRAG, GEMEENTE, JAAR, POST, REGIONS, delimited, read

HEADER = "Gemeente;Jaar;Bedrag\n"


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    assert problems[0].reason in REASONS
    return problems[0]


def test_a_delivery_becomes_typed_rows_with_the_region_resolved_and_the_name_kept() -> None:
    result = read(delimited(), HEADER + "Bergen (NH);2016;€ 3.224.000,50\nHeiloo;2016;-12\n")
    assert result.rows.to_pylist() == [
        {"line": 2, "gemeente": "Bergen (NH)", "jaar": 2016, "bedrag": 3224000.5, "region_code": "GM0373"},
        {"line": 3, "gemeente": "Heiloo", "jaar": 2016, "bedrag": -12.0, "region_code": "GM0399"},
    ]
    assert (result.rows_in, result.rows_loaded, result.rows_no_data, result.rows_quarantined) == (3, 2, 1, 0)
    assert result.problems == () and result.notices == () and not result.refused


def test_header_total_footer_and_blank_lines_are_recognised_and_never_loaded() -> None:
    data = HEADER + "Heiloo;2016;5\n\nTotaal;;12.345.678\nBron: gemeente, 2020-2023\n;;\n"
    result = read(delimited(), data)
    kinds = list(zip(result.no_data["line"].to_pylist(), result.no_data["kind"].to_pylist(), strict=True))
    assert kinds == [(1, "header"), (3, "note"), (4, "total"), (5, "footer"), (6, "note")]
    assert (result.rows_in, result.rows_loaded, result.rows_no_data) == (6, 1, 5)
    total = json.loads(result.no_data["cells"][2].as_py())
    assert total == {"gemeente": "Totaal", "jaar": "", "bedrag": "12.345.678"}


@pytest.mark.parametrize("row", [";;;x", ';;;"x;y"', ";;;;;x", ";;; ;x\t"])
def test_a_row_with_text_beyond_the_header_alone_is_no_blank_line(row: str) -> None:
    result = read(delimited(), HEADER + f"Heiloo;2016;5\n{row}\n;;;;\n;;; ;\n\n")
    problem = only(result.problems)
    assert (problem.reason, problem.line, problem.raw_text) == ("wrong_column_count", 3, "")
    assert "x" not in problem.found
    assert result.no_data["kind"].to_pylist() == ["header", "note", "note", "note"]
    assert (result.rows_in, result.rows_loaded, result.rows_no_data, result.rows_quarantined) == (6, 1, 4, 1)


def test_text_beyond_the_header_is_seen_in_every_part_of_a_file() -> None:
    data = HEADER + "Heiloo;2016;5\n" + ";;;\n" * 50 + ";;;x\n" + ";;\n" * 50 + ";;;x\n"
    source = delimited()
    assert isinstance(source.reader, DelimitedReader)
    for piece in (10, 100, 10_000):
        result = read_delimited("f.csv", data.encode(), source, source.reader, REGIONS, piece)
        assert [problem.line for problem in result.problems] == [53, 104]
        assert (result.rows_in, result.rows_no_data, result.rows_quarantined) == (104, 101, 2)


def test_physical_lines_are_right_after_a_quoted_line_break() -> None:
    data = 'Gemeente;Jaar;Bedrag\r\n"Heiloo\r\n";2016;1\r\n\r\nUitgeest;2016;x\r\n'
    problem = only(read(delimited(), data).problems)
    assert (problem.line, problem.column, problem.column_name) == (5, 3, "Bedrag")


def test_a_problem_reads_as_file_line_column_name_found_expected() -> None:
    problem = only(read(delimited(), HEADER + "Heiloo;2016;onbekend\n", "b.csv").problems)
    assert str(problem) == 'b.csv:2:3 (Bedrag): found "onbekend", expected a number like 1.234.567,89'
    assert problem.reason == "not_a_number"
    assert problem.raw_text == "Gemeente=Heiloo; Jaar=2016; Bedrag=onbekend"


def test_text_in_a_number_quarantines_its_row_and_no_other() -> None:
    result = read(delimited(), HEADER + "Heiloo;2016;1\nUitgeest;2016;n.v.t.\nCastricum;2016;3\n")
    assert result.rows["region_code"].to_pylist() == ["GM0399", "GM0383"]
    assert (result.rows_loaded, result.rows_quarantined) == (2, 1)


def test_an_unknown_municipality_is_quarantined_with_the_names_that_come_near() -> None:
    problem = only(read(delimited(), HEADER + "Castrikum;2016;1\nHeiloo;2016;1\n").problems)
    assert (problem.reason, problem.line, problem.column) == ("unknown_region", 2, 1)
    assert problem.found == '"Castrikum"' and "Castricum" in problem.expected


def test_an_ambiguous_municipality_is_not_chosen_for_the_sender() -> None:
    result = read(delimited(), HEADER + "Bergen;2016;1\n")
    problem = only(result.problems)
    assert problem.reason == "unknown_region"
    assert "GM0373" in problem.expected and "GM0893" in problem.expected
    assert result.rows_loaded == 0 and not result.refused


def test_region_codes_without_letters_or_zeros_are_resolved() -> None:
    code = Column(header="Code", name="code", type="region_code")
    result = read(delimited(code, JAAR, BEDRAG), "Code;Jaar;Bedrag\n373;2016;1\nGM0399;2016;2\n9999;2016;3\n")
    assert result.rows["region_code"].to_pylist() == ["GM0373", "GM0399"]
    assert only(result.problems).line == 4


def test_a_missing_column_refuses_the_file_and_names_the_headers_that_are_there() -> None:
    result = read(delimited(), "Gemeente;Jaar;Bedragen\nHeiloo;2016;1\nUitgeest;2016;2\n")
    problem = only(result.problems)
    assert result.refused and problem.reason == "missing_column"
    assert problem.found == 'the headers "Gemeente", "Jaar", "Bedragen"'
    assert problem.expected == 'a header "Bedrag"'
    assert (result.rows_in, result.rows_quarantined) == (3, 3)


def test_a_file_without_a_header_row_is_refused_without_showing_its_first_row() -> None:
    result = read(delimited(), "Jansen;J.;Dorpsstraat\nPietersen;P.;Kerkweg\n")
    problem = only(result.problems)
    assert problem.reason == "missing_column"
    assert "Jansen" not in str(problem) and "3 fields" in problem.found
    assert "Jansen" not in str(read(delimited(), "Jansen;Jansen;x\nPietersen;P.;y\n").problems)


def test_a_repeated_header_refuses_the_file() -> None:
    problem = only(read(delimited(), "Gemeente;Jaar;Bedrag;Bedrag\nHeiloo;2016;1;2\n").problems)
    assert (problem.reason, problem.column) == ("unknown_format", 4)


def test_headers_are_compared_after_trimming_and_joining_their_lines() -> None:
    amount = Column(header="Bedrag in euro", name="bedrag", type="number")
    source = delimited(GEMEENTE, JAAR, amount)
    result = read(source, '\ufeffGemeente ;" Jaar";"Bedrag\nin  euro\u00a0"\nHeiloo;2016;1\n')
    assert result.rows["line"].to_pylist() == [3]


def test_all_rows_of_a_repeated_key_are_quarantined_also_when_spelled_differently() -> None:
    data = HEADER + "Bergen (NH.);2016;1\nHeiloo;2016;2\nBergen (NH);2016;1\n"
    result = read(delimited(), data)
    assert [problem.reason for problem in result.problems] == ["duplicate_key", "duplicate_key"]
    assert [problem.line for problem in result.problems] == [2, 4]
    assert "lines 2, 4" in result.problems[0].found
    assert result.rows["region_code"].to_pylist() == ["GM0399"]


def test_a_row_that_is_wrong_elsewhere_still_makes_its_key_doubtful() -> None:
    result = read(delimited(), HEADER + "Heiloo;2016;1\nHeiloo;2016;x\n")
    assert result.rows_loaded == 0
    assert (result.rows_quarantined, len(result.problems)) == (2, 3)


@pytest.mark.parametrize(("row", "width"), [("Heiloo;2016", 2), ("Heiloo;2016;1;2", 4), ("Heiloo;2016;1;", 4)])
def test_a_row_with_another_number_of_fields_is_quarantined_and_not_shown(row: str, width: int) -> None:
    result = read(delimited(), HEADER + row + "\nUitgeest;2016;1\n")
    problem = only(result.problems)
    assert (problem.reason, problem.line, problem.found) == ("wrong_column_count", 2, f"{width} fields")
    assert problem.raw_text == ""
    assert result.rows_loaded == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xef\xbb\xbf", b"\r\n \n", HEADER.encode(), b"Gemeente;Jaar;Bedrag\nTotaal;;1\n"]
)
def test_a_file_without_data_is_refused(data: bytes) -> None:
    result = read(delimited(), data)
    assert result.refused and only(result.problems).reason == "empty_file"
    assert result.rows_in == result.rows_quarantined >= 1
    assert result.rows.num_rows == 0 and "region_code" in result.rows.column_names


def test_another_separator_is_named_as_such() -> None:
    result = read(delimited(), "Gemeente,Jaar,Bedrag\nHeiloo,2016,1\n")
    problem = only(result.problems)
    assert (problem.reason, problem.found) == ("unknown_format", "fields separated by a comma")
    assert problem.expected == "fields separated by a semicolon, as declared"
    assert result.rows_quarantined == 2


def test_a_quotation_mark_without_its_pair_refuses_the_file_where_it_stands() -> None:
    problem = only(read(delimited(), HEADER + 'Heiloo;2016;1\n"Uitgeest;2016;2\nCastricum;2016;3\n').problems)
    assert (problem.reason, problem.line) == ("unknown_format", 3)


def test_a_wrong_encoding_refuses_the_whole_file() -> None:
    data = "Gemeente;Jaar;Bedrag\nSúdwest-Fryslân;2016;1\nHeiloo;2016;1\n"
    result = read(delimited(encoding="windows-1252"), data.encode())
    assert result.refused and only(result.problems).reason == "wrong_encoding"
    assert result.rows_quarantined == 3
    wide = read(delimited(encoding="utf-16-le"), "Gemeente;Jaar\r\nHeiloo;2016\r\n".encode("utf-16-be"))
    assert wide.refused and wide.rows_quarantined == 2


def test_missing_tokens_are_null_where_the_column_allows_it_and_a_problem_where_not() -> None:
    optional = Column(header="Toelichting", name="toelichting", type="number", nullable=True)
    source = delimited(GEMEENTE, JAAR, BEDRAG, optional, key=("gemeente", "jaar"))
    data = "Gemeente;Jaar;Bedrag;Toelichting\nHeiloo;2016;1;.\nUitgeest;2016;-;5\nCastricum;2016;;5\n"
    result = read(source, data)
    assert result.rows["toelichting"].to_pylist() == [None]
    assert [(problem.reason, problem.line, problem.found) for problem in result.problems] == [
        ("missing_value", 3, '"-"'),
        ("missing_value", 4, "an empty cell"),
    ]


def test_a_column_that_may_be_absent_is_null_and_the_notice_says_so() -> None:
    optional = Column(header="Baten", name="baten", type="number", required=False)
    source = delimited(GEMEENTE, JAAR, BEDRAG, optional, key=("gemeente", "jaar"))
    result = read(source, HEADER + "Heiloo;2016;1\n")
    assert result.rows["baten"].to_pylist() == [None]
    assert result.notices == ('declared, and not in the file: "Baten"',)


def test_columns_that_are_not_declared_are_not_read_but_named() -> None:
    data = "Gemeente;Jaar;Kleur;Bedrag\nHeiloo;2016;paars;x\nUitgeest;2016;groen;2\n"
    result = read(delimited(), data)
    assert result.notices == ('not declared, and not read: "Kleur"',)
    assert "Kleur" not in result.rows.column_names
    assert "paars" not in only(result.problems).raw_text
    assert only(result.problems).column == 4


def test_columns_to_ignore_are_not_even_named() -> None:
    result = read(delimited(ignore_headers=("Kleur", "naam")), "Gemeente;naam;Jaar;Kleur;Bedrag\nHeiloo;x;2016;y;1\n")
    assert result.rows_loaded == 1 and result.notices == ()


def test_values_outside_the_declared_range_or_list_are_quarantined() -> None:
    share = Column(header="Aandeel", name="aandeel", type="percentage")
    post = Column(header="Post", name="post", type="text", allowed=("Wmo", "Jeugd"))
    source = delimited(GEMEENTE, post, share, key=("gemeente",))
    result = read(source, "Gemeente;Post;Aandeel\nHeiloo;Wmo;101\nUitgeest;wmo;5\nCastricum;Jeugd;8,5 %\n")
    assert [(problem.reason, problem.expected) for problem in result.problems] == [
        ("out_of_range", "between 0 and 100"),
        ("not_allowed", 'one of "Wmo", "Jeugd"'),
    ]
    assert result.rows["aandeel"].to_pylist() == [8.5]


def test_years_and_periods_are_told_from_other_numbers() -> None:
    period = Column(header="Periode", name="periode", type="period")
    source = delimited(GEMEENTE, JAAR, period, key=("gemeente",))
    result = read(source, "Gemeente;Jaar;Periode\nHeiloo;2016;2016HJ02\nUitgeest;16;2016H2\nCastricum;2016;2016-2\n")
    assert result.rows["periode"].to_pylist() == ["2016H2"]
    assert [(problem.reason, problem.column) for problem in result.problems] == [
        ("unknown_period", 2),
        ("unknown_period", 3),
    ]


def test_one_row_may_have_several_problems_and_counts_once() -> None:
    result = read(delimited(), HEADER + "Atlantis;16;x\n")
    assert [problem.column for problem in result.problems] == [1, 2, 3]
    assert result.rows_quarantined == 1


def test_the_region_of_a_delivery_about_one_region_is_filled_in() -> None:
    source = delimited(POST, BEDRAG, key=("post",), constant_region="SV-IJMOND")
    result = read(source, "Post\tBedrag\nWmo\t17.980.430,5\n".replace("\t", ";"))
    assert result.rows.to_pylist() == [{"line": 2, "post": "Wmo", "bedrag": 17980430.5, "region_code": "SV-IJMOND"}]


def test_a_shifted_total_is_not_taken_for_a_total() -> None:
    result = read(delimited(), HEADER + "Heiloo;2016;1\nTotaal;1\n")
    assert only(result.problems).reason == "wrong_column_count"


def test_a_note_may_be_recognised_by_what_stands_after_empty_cells() -> None:
    source = delimited(no_data_rows=(NoDataRow(kind="note", first_cell=r"\* .*"),))
    result = read(source, HEADER + "Heiloo;2016;1\n;;* voorlopig\n")
    assert pc.equal(result.no_data["kind"][-1], "note").as_py() and result.rows_quarantined == 0


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"key": ("gemeente", "post")}, "post"),
        ({"thousands": ","}, "same character"),
        ({"no_data_rows": ({"kind": "note", "first_cell": "("},)}, "regular expression"),
        ({"no_data_rows": ({"kind": "note", "first_cell": "(?!x)y"},)}, "regular expression"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        delimited(**change)


def test_columns_of_a_declaration_make_one_table() -> None:
    with pytest.raises(ValueError, match="'bedrag' is declared twice"):
        delimited(BEDRAG, BEDRAG, key=())
    with pytest.raises(ValueError, match="reader's own"):
        delimited(Column(header="Regel", name="line", type="integer"), key=())
    with pytest.raises(ValueError, match="more than one column"):
        delimited(GEMEENTE, Column(header="Code", name="code", type="region_code"), key=())
    with pytest.raises(ValueError, match="names its regions itself"):
        delimited(GEMEENTE, key=(), constant_region="GM0373")


@pytest.mark.parametrize(
    ("cell", "declared", "hint"),
    [
        (
            "1,234.5",
            {"thousands": "."},
            "a decimal comma and thousands points as declared; this is one with a decimal point",
        ),
        ("1.5", {"thousands": ""}, "a decimal comma as declared; this is one with a decimal point"),
        ("1.234", {"thousands": ""}, "a decimal comma and thousands points or a decimal point"),
        ("1.234,5", {"decimal": ".", "thousands": ","}, "a decimal comma and thousands points"),
    ],
)
def test_a_number_written_otherwise_than_declared_is_told_with_both_ways(
    cell: str, declared: dict[str, str], hint: str
) -> None:
    problem = only(read(delimited(**declared), HEADER + f"Heiloo;2016;{cell}\n").problems)
    assert problem.reason == "not_a_number" and hint in problem.expected


def test_a_text_with_codes_is_kept_and_any_other_text_refused() -> None:
    answer = Column(header="Verordening", name="verordening", type="text", codes={"ja": 1, "nee": 0}, nullable=True)
    data = "Gemeente;Jaar;Verordening\nHeiloo;2016; ja\nUitgeest;2016;misschien\nCastricum;2016;.\n"
    result = read(delimited(GEMEENTE, JAAR, answer, key=("gemeente", "jaar")), data)
    assert result.rows["verordening"].to_pylist() == ["ja", None]
    problem = only(result.problems)
    assert (problem.reason, problem.line, problem.expected) == ("not_allowed", 3, 'one of "ja", "nee"')


def test_a_figure_whose_item_is_not_told_is_no_figure() -> None:
    side = Column(header="Kant", name="kant", type="text", nullable=True, required=False)
    source = delimited(GEMEENTE, JAAR, side, BEDRAG, key=("gemeente", "jaar", "kant"), item_columns=("kant",))
    data = "Gemeente;Jaar;Kant;Bedrag\nHeiloo;2016;lasten;1\nHeiloo;2016;;2\n"
    result = read(source, data)
    assert result.rows["kant"].to_pylist() == ["lasten"]
    assert (only(result.problems).reason, only(result.problems).column) == ("missing_value", 3)
    absent = only(read(source, HEADER + "Heiloo;2016;1\n").problems)
    assert (absent.reason, absent.expected) == ("missing_column", 'a header "Kant"')


def test_columns_with_items_and_periods_of_their_own_are_read_as_columns() -> None:
    y2020 = Column(header="2020 lasten", name="lasten_2020", type="number", item="lasten", period="2020")
    y2021 = Column(header="2021 lasten", name="lasten_2021", type="number", item="lasten", period="2021")
    source = delimited(GEMEENTE, y2020, y2021, key=("gemeente",), figures=("lasten_2020", "lasten_2021"))
    result = read(source, "Gemeente;2020 lasten;2021 lasten\nHeiloo;1;2\n")
    assert result.rows.select(["lasten_2020", "lasten_2021"]).to_pylist() == [{"lasten_2020": 1.0, "lasten_2021": 2.0}]


def test_a_header_without_end_is_no_table() -> None:
    problem = only(read(delimited(), ";".join(f"kolom {n}" for n in range(5001)) + "\n1\n").problems)
    assert (problem.reason, problem.found) == ("unknown_format", "a header of 5001 fields")


def test_large_figures_of_refused_rows_are_known_as_figures() -> None:
    large = Column(header="Bedrag", name="bedrag", type="number", maximum=10**9)
    data = HEADER + "Atlantis;2016;111.222.333\nHeiloo;2016;123.456.782\n"
    result = read(delimited(GEMEENTE, JAAR, large), data)
    assert result.large_figures == {111222333}
