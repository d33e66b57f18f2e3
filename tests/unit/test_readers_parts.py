"""A delivery is read in parts, and nothing of what is loaded or told depends on where they begin."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import Column, Source
from pipelines.readers import ReadResult
from pipelines.readers import repeated_keys as keys
from pipelines.readers.delimited import read_delimited
from pipelines.readers.faults import MOST_TOLD
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.repeated_keys import RefusedKeys, repeated_keys
from tests.unit.reader_sources import BEDRAG, GEMEENTE, JAAR, REGIONS, delimited

HEADER = "Gemeente;Jaar;Bedrag\n"
TEXT = Column(header="Toelichting", name="toelichting", type="text", nullable=True)
ALL_OF_IT = 10**9


def read_in(pieces_of: int, source: Source, text: str) -> Any:
    """Everything that comes of a delivery, or why it was refused."""
    try:
        result = read_delimited("proef.csv", text.encode(), source, source.reader, REGIONS, pieces_of)  # type: ignore[arg-type]
    except RefusedFileError as refusal:
        return [asdict(problem) for problem in refusal.problems], refusal.rows
    return (
        result.rows.to_pylist(),
        result.no_data.to_pylist(),
        [asdict(problem) for problem in result.problems],
        result.notices,
        (result.rows_in, result.rows_loaded, result.rows_no_data, result.rows_quarantined),
    )


def read_all(source: Source, text: str, pieces_of: int = ALL_OF_IT) -> ReadResult:
    return read_delimited("proef.csv", text.encode(), source, source.reader, REGIONS, pieces_of)  # type: ignore[arg-type]


usual = st.tuples(
    st.sampled_from(["Heiloo", "Bergen (NH.)", "Bergen (NH)", "Castricum", "Uitgeest"]),
    st.sampled_from(["2015", "2016", "2017"]),
    st.sampled_from(["1", "2,5", "1.234", "111222333"]),
    st.sampled_from(["", "ja", "zie 1112", '"over\ntwee regels"']),
)
odd = st.lists(
    st.sampled_from(
        [
            "Heiloo",
            "Bergen",
            "Atlantis",
            "Totaal",
            "Bron: x",
            "",
            "2016",
            "16",
            "x",
            "-",
            "1,234.5",
            "123456782",
            '"a;b"',
        ]
    ),
    max_size=5,
)
rows = st.lists(st.one_of(usual.map(list), usual.map(list), odd), max_size=14)
headers = st.sampled_from(
    [
        "Gemeente;Jaar;Bedrag;Toelichting",
        "Gemeente;Jaar;Bedrag",
        "Gemeente;Jaar;Kenmerk;Toelichting",
        "\nJaar;Gemeente;Bedrag;BSN",
    ]
)


@settings(deadline=None, max_examples=80)
@given(header=headers, lines=rows, end=st.sampled_from(["\n", "\r\n"]), pieces_of=st.sampled_from([1, 17, 90]))
def test_parts_of_any_size_give_the_same(header: str, lines: list[list[str]], end: str, pieces_of: int) -> None:
    source = delimited(GEMEENTE, JAAR, BEDRAG, TEXT, key=("gemeente", "jaar"))
    text = header.replace("\n", end) + end + "".join(";".join(line) + end for line in lines)
    assert read_in(pieces_of, source, text) == read_in(ALL_OF_IT, source, text)


@settings(deadline=None, max_examples=60)
@given(
    numbers=st.lists(
        st.sampled_from(["111222333", "123456782", "10000008", "5", "onbekend", "", "20160101"]), max_size=12
    ),
    pieces_of=st.sampled_from([1, 40]),
)
def test_persons_are_known_over_the_whole_column(numbers: list[str], pieces_of: int) -> None:
    text = "Gemeente;Jaar;Bedrag;Kenmerk\n" + "".join(
        f"Heiloo;{1950 + place};1;{number}\n" for place, number in enumerate(numbers)
    )
    assert read_in(pieces_of, delimited(), text) == read_in(ALL_OF_IT, delimited(), text)


def test_a_key_is_repeated_however_far_apart_its_rows_are() -> None:
    text = (
        HEADER
        + "Bergen (NH);2016;1\n"
        + "".join(f"Heiloo;{1900 + n};1\n" for n in range(150))
        + "Bergen (NH.);2016;x\n"
    )
    result = read_all(delimited(), text, pieces_of=30)
    assert [(problem.line, problem.reason) for problem in result.problems] == [
        (2, "duplicate_key"),
        (153, "duplicate_key"),
        (153, "not_a_number"),
    ]
    assert result.problems[0].found == "the same key on lines 2, 153"
    assert result.problems[0].raw_text == "Gemeente=Bergen (NH); Jaar=2016; Bedrag=1"
    assert result.rows_loaded == 150


def test_a_mistake_earlier_in_the_file_goes_before_a_later_one() -> None:
    far = "x" * 140_000
    text = HEADER + f"Heiloo;2016;{far}\n" + "Uitgeest;2016;1\n" * 40 + '"Castricum;2016;1\n'
    for pieces_of in (1, 30, ALL_OF_IT):
        (problem,), _ = read_in(pieces_of, delimited(), text)
        assert (problem["line"], problem["found"]) == (2, "a field of more than 131072 characters")


def test_of_many_faults_of_one_kind_the_first_are_told_and_the_rest_counted() -> None:
    bad, other = MOST_TOLD + 500, 3
    text = HEADER + "".join(f"Heiloo;{2000 + n % 50};x\n" for n in range(bad)) + "Uitgeest;16;1\n" * other
    result = read_all(delimited(key=()), text, pieces_of=5000)
    assert result.rows_quarantined == bad + other
    assert [problem.line for problem in result.problems[:MOST_TOLD]] == list(range(2, MOST_TOLD + 2))
    told = [problem for problem in result.problems if problem.reason == "unknown_period"]
    assert [problem.line for problem in told] == [bad + 2, bad + 3, bad + 4]
    last = result.problems[-1]
    assert (last.reason, last.line, last.column, last.column_name) == ("not_a_number", None, None, "Bedrag")
    assert str(last) == (
        f"proef.csv (Bedrag): found 500 more of these (not_a_number), the last on line {bad + 1}, "
        f"expected none; the first {MOST_TOLD} are told one by one"
    )


def test_many_rows_of_another_width_and_many_repeated_keys_are_counted_too() -> None:
    shifted = HEADER + "Heiloo;2016;1\n" + "Heiloo\n" * (MOST_TOLD + 1)
    result = read_all(delimited(), shifted, pieces_of=700)
    assert (result.rows_loaded, result.rows_quarantined, len(result.problems)) == (1, MOST_TOLD + 1, MOST_TOLD + 1)
    repeated = HEADER + "Heiloo;2016;1\n" * (2 * MOST_TOLD) + "Uitgeest;2016;1\n"
    result = read_all(delimited(), repeated, pieces_of=700)
    assert (result.rows_loaded, result.rows_quarantined) == (1, 2 * MOST_TOLD)
    assert result.problems[-1].found.startswith(f"{MOST_TOLD} more of these (duplicate_key), the last on line 2001")


def test_a_column_of_a_hundred_thousand_unknown_names_is_compared_for_a_few() -> None:
    names = "".join(f"Gemeente {n};2016;1\n" for n in range(3000))
    result = read_all(delimited(), HEADER + names + "Castrikum;2016;1\n")
    assert result.rows_quarantined == 3001
    assert len({problem.expected for problem in result.problems}) <= 53


# -- keys over all parts ---------------------------------------------------------------------------------


def part(*names: str | None, years: list[int] | None = None, start: int = 0) -> pa.Table:
    return pa.table(
        {
            "line": pa.array(range(start, start + len(names)), pa.int64()),
            "naam": pa.array(names, pa.string()),
            "jaar": pa.array(years or [2016] * len(names), pa.int64()),
        }
    )


def again(*tables: pa.Table, refused: list[RefusedKeys | None] | None = None) -> list[list[int]] | None:
    found = repeated_keys(["naam", "jaar"], tables, [None] * len(tables), refused or [None] * len(tables))
    return None if found is None else [repeats.lines.tolist() for repeats in found.parts]


def test_a_key_counts_with_all_its_parts_and_an_absent_part_is_a_part_too() -> None:
    assert again(part("a", "b"), part("c", start=2)) is None
    assert again(part("a", "b"), part("b", start=2)) == [[1], [2]]
    assert again(part("a", "a", years=[2015, 2016])) is None
    assert again(part("a", None), part(None, start=2)) == [[1], [2]]


def test_refused_rows_make_a_key_doubtful_and_are_told_of_where_nothing_else_is() -> None:
    flags = np.array([True, True, False]), np.array([False, True, False])
    refused = RefusedKeys(part("a", "b", "c", start=10), np.array([0, 2, 4]), *flags)
    assert again(part("a", "b", "c"), refused=[refused]) == [[0, 1, 10]]


def test_keys_of_very_many_values_do_not_run_into_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    many = 300

    class Small:
        max = 1000

    monkeypatch.setattr(keys.np, "iinfo", lambda _: Small)
    table = part(*(f"naam {n}" for n in range(many)), years=list(range(many)))
    assert again(table) is None
    assert again(table, table.slice(7, 1).set_column(0, "line", pa.array([999]))) == [[7], [999]]
