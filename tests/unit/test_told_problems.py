"""What is told of refused rows in a delivery with counts of few people: where it is and what is wrong, and no count."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import Column, Source
from pipelines.deliveries.told import as_told
from pipelines.readers.account import Problem
from pipelines.settings import PROJECT_ROOT
from tests.unit.reader_sources import GEMEENTE, JAAR, delimited
from tests.unit.test_deliveries import Place

COUNT = Column(header="Aantal", name="aantal", type="integer", minimum=0, maximum=9999)
COMPLAINTS = COUNT.model_copy(update={"item": "klachten"})
PROTECTED: dict[str, Any] = {"k": 10, "round_to": 5}
HEADER = "Gemeente;Jaar;Aantal\n"


def protected() -> Source:
    source = delimited(GEMEENTE, JAAR, COUNT, key=("gemeente", "jaar"))
    return Source.model_validate({**source.model_dump(), "suppression": PROTECTED})


def complaints() -> Source:
    return delimited(GEMEENTE, JAAR, COMPLAINTS, key=("gemeente", "jaar"))


def tallies() -> Source:
    return delimited(GEMEENTE, JAAR, COUNT, key=("gemeente", "jaar")).of_survey()


@pytest.mark.parametrize(
    "source", [protected(), complaints(), tallies()], ids=["protected", "complaints", "tallies of a survey"]
)
@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("Heiloo;2016;7 (voorlopig)\n", ['3:3 (Aantal): found "# (voorlopig)", expected a whole number']),
        ("Heiloo;2016;-7\n", ['3:3 (Aantal): found "-#"']),
        ("Heiloo;2016;veel\n", ['3:3 (Aantal): found "veel"']),
        ("Nergens;2016;7\n", ['3:1 (Gemeente): found "Nergens"']),
        ("7;2016;Heiloo\n", ['3:1 (Gemeente): found "#"', '3:3 (Aantal): found "Heiloo"']),
        ("Heiloo;7;2016\n", ['3:2 (Jaar): found "#"']),
        ("Heiloo;20167;7\n", ['3:2 (Jaar): found "20167"']),
        ("Heiloo;2016;7\nHeiloo;2016;8\n", ["3:1 (Gemeente): found", "4:1 (Gemeente): found"]),
        ("Heiloo;2016;7;8\n", ["3: found 4 fields, expected 3 fields"]),
    ],
)
def test_a_refused_row_is_told_without_what_it_counts(
    tmp_path: Path, source: Source, rows: str, told: list[str]
) -> None:
    place = Place(tmp_path, source)
    place.deliver(HEADER + "Uitgeest;2016;50\n" + rows)
    load = place.load()
    texts = [str(problem).removeprefix("levering.csv:") for problem in load.problems]
    assert [text[: len(start)] for text, start in zip(texts, told, strict=True)] == told
    quarantined = load.accounts["quarantine"].to_pylist()
    assert {row["raw_text"] for row in quarantined} == {""}
    assert [row["found"] for row in quarantined] == [problem.found for problem in load.problems]
    assert not load.may_show_rows


def test_a_source_without_counts_of_people_is_told_in_full(tmp_path: Path) -> None:
    place = Place(tmp_path, delimited(GEMEENTE, JAAR, COUNT, key=("gemeente", "jaar")))
    place.deliver(HEADER + "Heiloo;2016;7 (voorlopig)\n")
    load = place.load()
    (row,) = load.accounts["quarantine"].to_pylist()
    assert (row["found"], row["raw_text"]) == ('"7 (voorlopig)"', "Gemeente=Heiloo; Jaar=2016; Aantal=7 (voorlopig)")
    assert load.may_show_rows


@given(st.text(), st.sampled_from(["Gemeente", "Aantal", None]))
def test_of_a_cell_no_digit_is_told_where_a_count_may_stand(text: str, column: str | None) -> None:
    problem = Problem("a.csv", 2, 3, column, "not_a_number", f'"{text}"', "a whole number", f"Aantal={text}")
    told = as_told(protected(), problem)
    assert not any(sign.isdecimal() for sign in told.found)
    assert (told.raw_text, told.line, told.expected) == ("", 2, "a whole number")
    assert as_told(delimited(), problem) == problem


def test_the_bundled_sources_of_complaints_and_of_surveys_are_among_those_that_hide_counts() -> None:
    profiles = [load_declarations(PROJECT_ROOT / "sources", profile) for profile in ("sample", "live")]
    known = [source for declarations in profiles for source in (*declarations.sources, *declarations.disabled)]
    hiding = {source.source_id for source in known if source.hides_counts}
    assert {"klachtenregistratie", "vb_klachten", "inwonersenquete", "vb_inwonersenquete"} <= hiding
    assert {source_id for survey in profiles[0].surveys for source_id in survey.sources} <= hiding
    assert "finance_buch" not in hiding
