"""Whatever is delivered: every row is loaded, recognised as no data or quarantined, and none twice."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import Source
from pipelines.readers.account import REASONS, ReadResult
from pipelines.warehouse.raw_tables import reader_schema
from tests.unit.reader_sources import delimited, read, saved, spreadsheet, swing, workbook

regions = st.sampled_from(["Heiloo", "Bergen (NH.)", "Bergen", "Castricum", "Totaal", "Bron: x", "", "Atlantis"])
years = st.sampled_from(["2016", "2017", "16", "", "-", "2016 "])
amounts = st.sampled_from(["1", "1.234,5", "1.2", "n.v.t.", "", "-", "€ 5", "12345678", "61.769.188"])
cells = st.one_of(regions, years, amounts, st.text(max_size=6))
rows = st.lists(
    st.one_of(st.tuples(regions, years, amounts).map(list), st.lists(cells, max_size=5), st.just([]), st.just([""])),
    max_size=12,
)


def as_csv(header: list[str], lines: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows([header, *lines])
    return text.getvalue().encode("utf-8", "ignore")


def assert_accounted(result: ReadResult, source: Source) -> None:
    assert result.rows_in == result.rows_loaded + result.rows_no_data + result.rows_quarantined
    assert result.rows.schema.equals(reader_schema(source))
    assert result.no_data.num_rows == result.rows_no_data
    assert {problem.reason for problem in result.problems} <= REASONS
    loaded = set(result.rows["line"].to_pylist())
    noted = set(result.no_data["line"].to_pylist())
    refused = {problem.line for problem in result.problems}
    if result.refused:
        assert result.rows_quarantined == result.rows_in >= 1
        assert result.problems
    else:
        assert len(loaded) == result.rows_loaded
        assert len(refused) == result.rows_quarantined
        assert not loaded & noted and not loaded & refused and not noted & refused


@settings(deadline=None)
@given(lines=rows)
def test_of_a_delimited_file(lines: list[list[str]]) -> None:
    source = delimited()
    data = as_csv(["Gemeente", "Jaar", "Bedrag"], lines)
    result = read(source, data)
    assert_accounted(result, source)
    keys = list(zip(result.rows["region_code"].to_pylist(), result.rows["jaar"].to_pylist(), strict=True))
    assert len(set(keys)) == len(keys)


@settings(deadline=None)
@given(lines=rows)
def test_of_a_swing_export(lines: list[list[str]]) -> None:
    source = swing("hulp")
    levels = {"Heiloo": "gemeente2016", "Castricum": "gemeente", "Totaal": "nederland"}
    codes = {"Heiloo": "399", "Castricum": "383", "Totaal": "1"}
    moved = [
        [line[1], levels.get(line[0], line[0]), codes.get(line[0], ""), line[2]] if len(line) == 3 else line
        for line in lines
    ]
    assert_accounted(read(source, as_csv(["period", "geolevel", "geoitem", "hulp"], moved)), source)


@settings(max_examples=40, deadline=None)
@given(lines=st.lists(st.tuples(regions, years, amounts).map(list), max_size=6))
def test_of_a_workbook(lines: list[list[str]]) -> None:
    source = spreadsheet(thousands=".")
    result = read(source, saved(workbook([["Gemeente", "Jaar", "Bedrag"], *lines])))
    assert_accounted(result, source)


@settings(deadline=None)
@given(data=st.binary(max_size=200))
def test_of_any_bytes_at_all(data: bytes) -> None:
    for source in (delimited(), delimited(encoding="windows-1252"), swing(), spreadsheet()):
        assert_accounted(read(source, data), source)


@settings(deadline=None)
@given(text=st.text(max_size=200))
def test_of_any_text_below_a_right_header(text: str) -> None:
    source = delimited()
    data = ("Gemeente;Jaar;Bedrag\n" + text).encode("utf-8", "ignore")
    assert_accounted(read(source, data), source)
