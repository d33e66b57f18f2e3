"""A municipality's own Iv3 delivery: what is read of it, what is refused and why, and where that stands."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import Iv3Reader
from pipelines.delivery_privacy import read_screened
from pipelines.readers.account import REASONS
from pipelines.readers.faults import MOST_TOLD
from pipelines.readers.iv3 import read_iv3
from pipelines.readers.iv3.from_json import MOST_BYTES
from pipelines.readers.iv3.layout import objects_at_depth
from pipelines.warehouse.raw_tables import IV3
from tests.corpus import AnyCase
from tests.corpus_iv3 import SECRETS, cases
from tests.iv3_documents import (
    REGIONS,
    TABLE_HEADER,
    code_lists,
    document,
    encoded,
    listed,
    read,
    record,
    source_of,
)

CASES = cases()


# -- the corpus --------------------------------------------------------------------------------------


def test_the_corpus_is_large_enough_and_names_its_cases_once() -> None:
    assert len(CASES) >= 25
    assert len({case.name for case in CASES}) == len({case.file_name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_delivery_of_the_corpus_loads_or_is_refused_with_its_reason_and_place(case: AnyCase) -> None:
    result = read_screened(case.file_name, case.data, case.source, REGIONS).result
    outcome = "refused" if result.refused else "quarantined" if result.problems else "loads"
    assert (outcome, result.rows_loaded) == (case.outcome, case.rows), result.problems
    first = next(iter(result.problems), None)
    assert (first and first.reason, first and first.line) == (case.reason, case.line), first
    assert {problem.reason for problem in result.problems} <= REASONS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nobody_is_named_in_what_comes_out_of_a_delivery(case: AnyCase) -> None:
    result = read_screened(case.file_name, case.data, case.source, REGIONS).result
    shown = " ".join([*map(repr, result.problems), *result.notices])
    figures = {f"{value:.0f}" for value in result.rows["value"].to_pylist()}
    assert not [secret for secret in SECRETS if secret in shown and secret not in figures]
    assert not [secret for secret in SECRETS if secret in str(result.rows.to_pylist()) and secret not in figures]


# -- what a delivery says ----------------------------------------------------------------------------


def test_an_amount_is_a_row_with_its_report_beside_its_period() -> None:
    rows = read(encoded(document([("6.71a", "3.4.1", -250)], [("6.3", "4.3.1", 1_000_000)]))).rows
    assert rows.schema == IV3
    assert rows.drop_columns(["line"]).to_pylist() == [
        {
            "region_code": "GM9901",
            "period_code": "2023",
            "report_kind": "X005",
            "side": "lasten",
            "taakveld": "6.71a",
            "categorie": "3.4.1",
            "item": "2023|lasten|6.71a|3.4.1",
            "value": -250.0,
        },
        {
            "region_code": "GM9901",
            "period_code": "2023",
            "report_kind": "X005",
            "side": "baten",
            "taakveld": "6.3",
            "categorie": "4.3.1",
            "item": "2023|baten|6.3|4.3.1",
            "value": 1_000_000.0,
        },
    ]


@pytest.mark.parametrize(
    ("metadata", "period", "report", "regime"),
    [
        ({"periode": 0, "status": "Begroting"}, "2023", "X000", "2023"),
        ({"periode": 1}, "2023Q1", "X001", "2023"),
        ({"periode": 4}, "2023Q4", "X004", "2023"),
        ({"periode": 5, "boekjaar": 2017}, "2017", "X005", "2017"),
        ({"periode": 5, "boekjaar": 2026}, "2026", "X005", "2025"),
    ],
)
def test_a_report_is_of_its_year_or_of_its_quarter_and_of_the_list_of_its_book_year(
    metadata: dict[str, Any], period: str, report: str, regime: str
) -> None:
    (row,) = read(encoded(document([("6.1", "3.8", 5)], **metadata))).rows.to_pylist()
    assert (row["period_code"], row["report_kind"], row["item"]) == (period, report, f"{regime}|lasten|6.1|3.8")


def test_amounts_are_in_what_the_source_declares_and_an_extract_of_cbs_is_in_thousands() -> None:
    data = encoded(document([("6.1", "3.8", 12)]))
    assert read(data).rows["value"].to_pylist() == [12.0]
    assert read(data, source_of("eur_1000")).rows["value"].to_pylist() == [12_000.0]
    extract = listed("0;6.1   ;L3.8    ;GM9901   ;2023X005;    11;    12", header=TABLE_HEADER)
    assert read(extract).rows["value"].to_pylist() == [12_000.0]


def test_the_unit_of_the_amounts_has_to_be_declared() -> None:
    with pytest.raises(ValueError, match="amounts"):
        Iv3Reader.model_validate({"kind": "iv3"})


def test_a_reader_without_code_lists_does_not_read() -> None:
    with pytest.raises(ValueError, match="code lists"):
        read_iv3("f", b"{}", Iv3Reader(kind="iv3", amounts="eur"), REGIONS)


def test_the_better_moment_of_publication_counts_where_it_has_an_amount() -> None:
    lines = ["0;6.1;L3.8;GM9901;2023X005;11;12", "1;6.2;L3.8;GM9901;2023X005;11;", "2;6.3;L3.8;GM9901;2023X005;;"]
    result = read(listed(*lines, header=TABLE_HEADER))
    assert dict(zip(*(result.rows[name].to_pylist() for name in ("taakveld", "value")), strict=True)) == {
        "6.1": 12_000.0,
        "6.2": 11_000.0,
    }
    assert result.no_data["kind"].to_pylist() == ["header", "note"]


def test_an_older_table_spells_the_moments_otherwise() -> None:
    header = TABLE_HEADER.replace("1eP", "1steP").replace("2eP", "2deP")
    assert read(listed("0;6.1;L3.8;GM9901;2017X005;11;12", header=header)).rows["value"].to_pylist() == [12_000.0]


def test_a_list_may_have_the_headers_that_are_declared() -> None:
    data = listed("9901;2023;5;lasten;6.1;3.8;5", header="gemeente;jaar;periode;soort;taakveld;categorie;euro")
    source = source_of(overheidsnummer="gemeente", boekjaar="jaar", kant="soort", bedrag="euro")
    assert read(data, source).rows["value"].to_pylist() == [5.0]
    assert read(data).refused


def test_of_many_faults_of_one_kind_the_first_are_told_and_the_rest_counted() -> None:
    good = "9901;2023;5;Realisatie;lasten;6.1;3.8;5"
    short, other = ["9901;2023;5"] * (MOST_TOLD + 7), ["9901;2023;5;Realisatie;lasten;6.3;3.8;veel"] * (MOST_TOLD + 3)
    result = read(listed(good, *short, *other))
    assert (result.rows_loaded, result.rows_quarantined) == (1, len(short) + len(other))
    assert result.rows_in == 2 + len(short) + len(other)
    of_kind = {
        reason: [problem for problem in result.problems if problem.reason == reason]
        for reason in ("wrong_column_count", "not_a_number")
    }
    assert [len(told) for told in of_kind.values()] == [MOST_TOLD + 1] * 2
    assert [told[-1].line for told in of_kind.values()] == [None, None]
    assert of_kind["wrong_column_count"][-1].found.startswith("7 more of these")
    last = of_kind["not_a_number"][-1]
    assert last.found == f"3 more of these (not_a_number), the last on line {result.rows_in}"
    assert (last.column, last.column_name, last.raw_text) == (None, "bedrag", "")


# -- what complies and is odd ------------------------------------------------------------------------


def test_a_report_of_zeros_loads_and_says_that_it_counts_as_not_delivered() -> None:
    result = read(encoded(document([("6.1", "3.8", 0)], [("6.1", "3.8", 0)])))
    assert result.rows_loaded == 2
    assert result.notices == ("every amount is 0, which counts as not delivered: GM9901 2023 X005",)
    assert read(encoded(document([("6.1", "3.8", 0), ("6.3", "1.1", 1)], [("6.3", "4.3.1", 1)]))).notices == ()


@pytest.mark.parametrize(
    ("periode", "status", "warned"), [(0, "Begroting", True), (2, "Realisatie", False), (5, "Realisatie", True)]
)
def test_lasten_and_baten_that_differ_are_told_where_the_publisher_looks_at_it(
    periode: int, status: str, warned: bool
) -> None:
    result = read(encoded(document([("6.1", "3.8", 500)], [("6.1", "3.8", 400)], periode=periode, status=status)))
    assert result.rows_loaded == 2
    assert bool(result.notices) == warned
    assert not warned or "lasten 500, baten 400" in result.notices[0]


def test_amounts_on_a_whole_alone_are_told() -> None:
    result = read(encoded(document([("6.72", "3.4.1", 500)])))
    assert (result.rows_loaded, result.notices) == (1, ("on the whole and not on its parts: 6.72",))


def test_a_code_of_another_year_or_side_is_recognised_in_the_message() -> None:
    amounts = [("6.751", "3.4.1", 1), ("6.72z", "3.4.1", 1), ("6.1", "3.4.2", 1), ("6.2", "4.5.1", 1), ("6.3", "LR", 1)]
    expected = [problem.expected for problem in read(encoded(document(amounts))).problems]
    assert expected == [
        "a taakveld of Iv3 2023-2024; this one is of 2025-2026",
        "a taakveld of Iv3 2023-2024",
        "a category of lasten of Iv3 2023-2024; this one is of baten",
        "a category of lasten of Iv3 2023-2024; this one is of 2025-2026",
        "a category of lasten of Iv3 2023-2024; this code adds others up",
    ]


def test_a_whole_beside_its_parts_takes_all_amounts_of_that_side_along_and_no_zeros() -> None:
    content = document(
        [
            ("6.71", "3.8", 100),
            ("6.71", "1.1", 0),
            ("6.71a", "3.4.1", 60),
            ("6.71b", "3.4.1", 0),
            ("6.72a", "3.4.1", 9),
        ],
        [("6.71", "3.8", 7), ("6.73a", "4.3.1", 3)],
    )
    result = read(encoded(content))
    assert [(problem.reason, problem.column_name) for problem in result.problems] == [("not_allowed", "taakveld")] * 2
    kept = list(zip(result.rows["side"].to_pylist(), result.rows["taakveld"].to_pylist(), strict=True))
    assert kept == [("lasten", "6.71"), ("lasten", "6.71b"), ("lasten", "6.72a"), ("baten", "6.71"), ("baten", "6.73a")]


def test_records_that_are_not_all_in_details_are_duplicates() -> None:
    content = document([("6.1", "3.8", 4), ("6.1", "3.8", 5), ("6.3", "3.8", 1)])
    content["data"]["lasten"][0]["details"] = {"grootboek": "4.100"}
    result = read(encoded(content))
    assert [problem.reason for problem in result.problems] == ["duplicate_key"] * 2
    assert result.rows["taakveld"].to_pylist() == ["6.3"]


def test_a_balance_sheet_is_counted_and_no_figure() -> None:
    content = document([("6.1", "3.8", 5)])
    content["data"]["balans_standen"] = [{"balanscode": "A111", "standper": "ultimo", "bedrag": 999_900_006}] * 2
    result = read_screened("iv3.json", encoded(content), source_of(), REGIONS).result
    assert not result.refused
    assert (result.rows_in, result.rows_loaded, result.rows_no_data) == (4, 1, 3)
    assert result.no_data["kind"].to_pylist() == ["header", "balance", "balance"]


def test_a_document_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    result = read(b"{" + b" " * MOST_BYTES)
    assert [(problem.reason, problem.expected) for problem in result.problems] == [("unknown_format", "at most 32 MiB")]


# -- places ------------------------------------------------------------------------------------------


def test_on_one_line_the_column_tells_records_apart() -> None:
    data = json.dumps(document([("6.1", "3.8", 5), ("x", "3.8", 5), ("y", "3.8", 5)])).encode()
    problems = read(data).problems
    assert [problem.line for problem in problems] == [1, 1]
    assert [data[problem.column - 1 :][:16] for problem in problems if problem.column] == [
        b'{"taakveld": "x"',
        b'{"taakveld": "y"',
    ]


_texts = st.text(alphabet='{}[]",:\\ abcé\n', max_size=8)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=12,
)


@given(_values, st.sampled_from([None, 1]))
@settings(max_examples=150, deadline=None)
def test_objects_are_found_wherever_they_stand(value: Any, indent: int | None) -> None:
    text = json.dumps({"a": value, "b": [{"c": value}]}, indent=indent, ensure_ascii=False)
    for depth in (1, 2, 3, 4):
        places = objects_at_depth(text, depth)
        assert len(places.lines) == _count(json.loads(text), depth)
        lines = text.encode().split(b"\n")
        for line, column in zip(places.lines.tolist(), places.columns.tolist(), strict=True):
            assert lines[line - 1][column - 1 : column] == b"{"


def _count(value: Any, depth: int) -> int:
    if depth == 1:
        return int(isinstance(value, dict))
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(_count(part, depth - 1) for part in below)


# -- properties --------------------------------------------------------------------------------------

_LISTS = code_lists()
_amount = st.tuples(
    st.sampled_from([*_LISTS.taakvelden_of("2023"), "6.", "6.751", ""]),
    st.sampled_from([*_LISTS.categorieen_of("2023", "lasten"), *_LISTS.categorieen_of("2023", "baten"), "LR"]),
    st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False) | st.none() | st.just("5"),
)


@given(st.lists(_amount, max_size=25), st.lists(_amount, max_size=25))
@settings(max_examples=60, deadline=None)
def test_every_record_is_loaded_or_quarantined_and_what_loads_is_what_was_delivered(
    lasten: list[Any], baten: list[Any]
) -> None:
    result = read(encoded(document(lasten, baten)))
    if not lasten and not baten:
        assert result.refused
        return
    assert result.rows_in == len(lasten) + len(baten) + 1
    assert result.rows_loaded + result.rows_quarantined == len(lasten) + len(baten)
    given_amounts = {
        (side, *amount[:2]): amount[2] for side, part in (("lasten", lasten), ("baten", baten)) for amount in part
    }
    for row in result.rows.to_pylist():
        assert row["value"] == float(given_amounts[row["side"], row["taakveld"], row["categorie"]])
    assert len(pc.unique(result.rows["item"])) == result.rows_loaded


@given(
    st.permutations(
        [("6.1", "3.8", 1), ("6.71a", "3.4.1", 2), ("6.71", "3.8", 3), ("6.3", "4.1.1", 4), ("6.3", "4.1.1", 5)]
    )
)
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_records_does_not_matter(amounts: list[Any]) -> None:
    result = read(encoded(document(amounts)))
    assert result.rows["taakveld"].to_pylist() == ["6.1"]
    assert result.rows_quarantined == 4


def test_json_and_csv_of_one_delivery_say_the_same() -> None:
    amounts = [("6.1", "3.8", 1200), ("6.71a", "3.4.1", -7)]
    from_json = read(encoded(document(amounts))).rows
    from_csv = read(listed(*(f"9901;2023;5;Realisatie;lasten;{t};{c};{b}" for t, c, b in amounts))).rows
    assert from_json.drop_columns(["line"]).equals(from_csv.drop_columns(["line"]))
    assert record(amounts[0]) == {"taakveld": "6.1", "categorie": "3.8", "bedrag": 1200}
    assert isinstance(from_json, pa.Table)


# -- what is kept ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.file_name.endswith(".json")], ids=lambda case: case.name
)
def test_of_json_a_copy_is_kept_that_names_nobody_and_reads_the_same(case: AnyCase) -> None:
    screened = read_screened(case.file_name, case.data, case.source, REGIONS)
    assert not screened.may_keep_bytes
    assert bool(screened.in_place_of_bytes) != screened.result.refused
    for copy in screened.in_place_of_bytes.values():
        names = [secret for secret in SECRETS if not secret.isdigit()]
        assert not [name for name in names if name.encode() in copy]
        again = read_screened(case.file_name, copy, case.source, REGIONS).result
        assert again.rows.drop_columns(["line"]).equals(screened.result.rows.drop_columns(["line"]))
        assert [problem.reason for problem in again.problems] == [
            problem.reason for problem in screened.result.problems
        ]


def test_a_list_of_amounts_names_nobody_and_is_kept_as_it_is() -> None:
    screened = read_screened("iv3.csv", listed("9901;2023;5;Realisatie;lasten;6.1;3.8;5"), source_of(), REGIONS)
    assert screened.may_keep_bytes
    assert screened.in_place_of_bytes == {}
