"""Text is split as the csv module splits it, whatever the pieces in which it is looked at."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers import records
from pipelines.readers.encoding import utf8_pieces
from pipelines.readers.records import LONGEST_FIELD, chunks, first_record
from pipelines.readers.refusal import RefusedFileError

Rows = list[tuple[list[str], int, int, bool]]

fragments = st.sampled_from(
    ["a", "é", " ", ";", ";", ";", "\n", "\n", "\r\n", "\r", '"', '""', '"x"', '"a;b"', '"a\nb"', '"a\r\nb";', "\ufeff"]
)
fields = st.sampled_from(["a", "", '"b"', '"c\nd"', '"e""f"', "é", "\ufeff"])
lines = st.lists(
    st.tuples(st.lists(fields, min_size=2, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n", "\r"])), max_size=8
).map(lambda rows: "".join(";".join(row) + end for row, end in rows))
texts = st.one_of(st.lists(fragments, max_size=30).map("".join), lines)


def by_the_csv_module(text: str, width: int = 1) -> Rows | int:
    """Every record with its first line, its width, and whether text stands beyond `width`.

    For a text that is no CSV, the line where that shows.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    found: Rows = []
    start = 1
    try:
        for record in reader:
            found.append((record, start, len(record), bool("".join(record[width:]).strip(" \ufeff\r\n"))))
            start = reader.line_num + 1
    except csv.Error:
        return start
    return found


def pieces(text: str, size: int) -> Iterator[bytes]:
    # With the mark of the encoding, which is no text; what follows it is, were it the same mark again.
    return utf8_pieces(codecs.BOM_UTF8 + text.encode(), "utf-8", size)


def by_chunks(text: str, width: int, size: int) -> Rows | int:
    found: Rows = []
    try:
        for chunk in chunks("f.csv", pieces(text, size), ";"):
            split = chunk.split(width)
            rows = [list(row) for row in zip(*(column.to_pylist() for column in split.columns), strict=True)]
            told = (split.lines.tolist(), split.widths.tolist(), split.spilled.tolist())
            found += zip(rows, *told, strict=True)
    except RefusedFileError as refusal:
        return refusal.problems[0].line or 0
    return found


@settings(deadline=None, max_examples=400)
@given(text=texts, width=st.integers(1, 4), size=st.sampled_from([3, 11, 1000]))
def test_records_lines_and_widths_are_those_of_the_csv_module(text: str, width: int, size: int) -> None:
    expected = by_the_csv_module(text, width)
    if not isinstance(expected, int):
        expected = [([*row, *[""] * width][:width], line, fields, spills) for row, line, fields, spills in expected]
    assert by_chunks(text, width, size) == expected


@settings(deadline=None)
@given(text=texts, size=st.sampled_from([3, 11, 1000]))
def test_the_header_is_the_first_record_that_is_not_blank_and_the_rest_follows_it(text: str, size: int) -> None:
    expected = by_the_csv_module(text)
    if isinstance(expected, int):
        return
    header, above, below = None, list[int](), list[tuple[list[str], int]]()
    for chunk in chunks("f.csv", pieces(text, size), ";"):
        rest = chunk
        if header is None:
            header, blank, rest = chunk.after_header()
            above += blank
        if header is not None:
            below += rest.parsed()
    first = next((place for place, (record, *_) in enumerate(expected) if any(map(str.strip, record))), None)
    if first is None:
        assert header is None
        return
    assert header == expected[first][:2]
    assert above == [line for _, line, *_ in expected[:first]]
    assert below == [(record, line) for record, line, *_ in expected[first + 1 :]]


def test_even_rows_are_not_split_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quoted line breaks included: what makes millions of rows a matter of seconds."""
    monkeypatch.setattr(records._Parser, "records", None)
    text = 'Heiloo;"een\r\ntwee";1\r\nUitgeest;"zeg ""ja""";2\r\n' * 50
    found = by_chunks(text, 3, 200)
    assert isinstance(found, list) and len(found) == 100
    assert found[0] == (["Heiloo", "een\r\ntwee", "1"], 1, 3, False)
    assert found[99] == (["Uitgeest", 'zeg "ja"', "2"], 150, 3, False)
    inches = 'Heiloo;scherm 5";1\nUitgeest;x"y";2\n' * 50
    assert by_chunks(inches, 3, 200) == by_chunks(inches, 3, 10**6)


@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("more", [0, 1])
def test_a_field_may_be_as_long_as_the_csv_module_takes(quote: str, more: int) -> None:
    text = f"a;b\n{quote}{'é' * (LONGEST_FIELD + more)}{quote};x\n"
    found = by_chunks(text, 2, 50_000)
    assert found == by_the_csv_module(text, 2)
    assert isinstance(found, int) == bool(more)


def test_the_first_record_is_found_without_being_strict() -> None:
    assert first_record(iter([b"\n \n", b'"Gemeente"x;Jaar\nHeiloo;2016\n']), ";") == ["Gemeentex", "Jaar"]
    assert first_record(iter([b"\n\n"]), ";") == []
    assert first_record(iter([b'"' + b"x" * (LONGEST_FIELD + 1)]), ";") == []
