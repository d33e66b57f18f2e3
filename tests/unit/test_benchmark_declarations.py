"""The opgaven, the items below them and the reference groups: what the project declares, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.declarations.benchmark import ItemCaution, MirroredItems, ReferenceGroup
from pipelines.declarations.benchmark_tables import BenchmarkLists, benchmark_rows
from pipelines.declarations.load import DeclarationError, Declarations, load_declarations
from pipelines.settings import PROJECT_ROOT


@pytest.fixture(scope="module")
def live() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


@pytest.fixture(scope="module")
def rows(live: Declarations) -> dict[str, list[dict[str, Any]]]:
    indicators = [indicator.indicator_id for indicator in live.indicators]
    return benchmark_rows(live.benchmark, live.iv3, indicators)


def _parts(rows: dict[str, list[dict[str, Any]]], item: str, year: int) -> set[str]:
    found = [row for row in rows["benchmark_part"] if row["item"] == item]
    return {str(row["indicator_id"]) for row in found if row["first_year"] <= year <= row["last_year"]}


# -- what is declared --------------------------------------------------------------------------------


def test_the_opgaven_are_the_five_of_003_and_what_serves_several(live: Declarations) -> None:
    assert [one.label_nl for one in live.benchmark.opgaven] == [
        "Vitaal en weerbaar",
        "Zorg en wonen",
        "Opgroeien en zelfontplooiing",
        "Financieel fit",
        "Ontmoeten en omzien naar elkaar",
        "overkoepelend",
    ]
    assert all(one.reference.startswith("003, ") for one in live.benchmark.opgaven)


def test_heemskerk_compares_with_the_four_municipalities_of_003(live: Declarations) -> None:
    (group,) = [one for one in live.benchmark.reference_groups if one.kind == "chosen"]
    assert group.regions == ("GM0396",)
    assert set(group.members) == {"GM0757", "GM0777", "GM0512", "GM0642"}


def test_what_is_fictional_stays_in_the_sample(live: Declarations) -> None:
    sample = load_declarations(PROJECT_ROOT / "sources", "sample").benchmark.reference_groups
    fictional = {one.reference_group for one in sample} - {
        one.reference_group for one in live.benchmark.reference_groups
    }
    assert fictional == {"vb_gekozen"}


@pytest.mark.parametrize("year", [2020, 2023, 2025])
def test_the_opgaven_together_are_the_whole_and_no_taakveld_counts_twice(
    rows: dict[str, list[dict[str, Any]]], live: Declarations, year: int
) -> None:
    opgaven = [one.opgave for one in live.benchmark.opgaven]
    parts = [_parts(rows, opgave, year) for opgave in opgaven]
    assert set.union(*parts) == _parts(rows, "sociaal_domein", year)
    assert sum(map(len, parts)) == len(_parts(rows, "sociaal_domein", year))
    listed = [row for row in rows["benchmark_part"] if row["item_kind"] == "taakveld"]
    whole = {row["indicator_id"] for row in listed if row["first_year"] <= year <= row["last_year"]}
    assert _parts(rows, "sociaal_domein", year) == whole


def test_a_sum_is_there_in_the_regimes_that_know_all_of_it(rows: dict[str, list[dict[str, Any]]]) -> None:
    assert _parts(rows, "6.72-6.74", 2023) == {"iv3_lasten_6_72", "iv3_lasten_6_73", "iv3_lasten_6_74"}
    assert _parts(rows, "6.72-6.74", 2020) == _parts(rows, "6.72-6.74", 2025) == set()
    assert _parts(rows, "6.4-6.5", 2020) == {"iv3_lasten_6_4", "iv3_lasten_6_5"}


def test_a_taakveld_with_a_letter_is_a_part_and_not_in_a_sum(rows: dict[str, list[dict[str, Any]]]) -> None:
    kinds = {row["item"]: row["item_kind"] for row in rows["benchmark_part"] if row["first_year"] == 2023}
    assert (kinds["6.71"], kinds["6.71a"], kinds["6.73"], kinds["6.72-6.74"]) == (
        "taakveld",
        "onderdeel",
        "taakveld",
        "samen",
    )
    assert "iv3_lasten_6_71a" not in _parts(rows, "zorg_en_wonen", 2023)


def test_a_caution_is_said_of_the_sums_that_the_taakveld_is_in(rows: dict[str, list[dict[str, Any]]]) -> None:
    oekraine = [row for row in rows["benchmark_caution"] if "Oekraïne" in str(row["caution_nl"])]
    assert {row["item"] for row in oekraine} == {"6.1", "ontmoeten_en_omzien", "sociaal_domein"}
    assert {(row["first_year"], row["last_year"], row["country_code"]) for row in oekraine} == {(2022, None, "NL01")}
    opvang = [row for row in rows["benchmark_caution"] if "centrumgemeente" in str(row["caution_nl"])]
    assert {"6.81", "6.81a", "6.811", "zorg_en_wonen", "wmo"} <= {row["item"] for row in opvang}
    assert len({row["item"] for row in opvang}) == len(opvang)


def test_a_caution_on_opgaven_is_said_of_each_of_them_and_of_nothing_below(
    rows: dict[str, list[dict[str, Any]]],
) -> None:
    gross = [row for row in rows["benchmark_caution"] if "Bruto" in str(row["caution_nl"])]
    assert {row["item"] for row in gross if row["country_code"] == "NL01"} == {
        *("vitaal_en_weerbaar", "zorg_en_wonen", "opgroeien_en_zelfontplooiing", "financieel_fit"),
        *("ontmoeten_en_omzien", "overkoepelend", "sociaal_domein"),
    }


def test_a_sum_of_what_nobody_follows_is_left_out(live: Declarations) -> None:
    without = [one.indicator_id for one in live.indicators if one.indicator_id != "iv3_lasten_6_5"]
    made = benchmark_rows(live.benchmark, live.iv3, without)
    assert _parts(made, "6.5", 2023) == _parts(made, "6.4-6.5", 2023) == _parts(made, "sociaal_domein", 2023) == set()
    assert _parts(made, "6.4", 2023) == {"iv3_lasten_6_4"}


def test_without_declarations_the_tables_are_empty(live: Declarations) -> None:
    assert all(found == [] for found in benchmark_rows(BenchmarkLists(), live.iv3, []).values())


# -- what is refused by itself -----------------------------------------------------------------------

CHOSEN = {
    "reference_group": "groep",
    "label_nl": "Groep",
    "kind": "chosen",
    "regions": ["VB0001"],
    "members": ["VB0002"],
    "reference": "Verzonnen",
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"members": []}, "without regions or members"),
        ({"size": 4}, "found a size of a chosen group"),
        ({"members": ["VB0002", "VB0002"]}, "found a member twice"),
        ({"members": ["VB0001", "VB0002"]}, "found VB0001 as its own reference"),
        ({"kind": "nearest"}, "found a group of nearest neighbours"),
        ({"kind": "nearest", "regions": [], "members": []}, "found a group of nearest neighbours"),
        ({"kind": "nearest", "regions": [], "members": [], "size": 0}, "greater than or equal to 1"),
    ],
)
def test_a_reference_group_that_is_neither_the_one_nor_the_other_is_refused(
    changed: dict[str, Any], message: str
) -> None:
    ReferenceGroup.model_validate(CHOSEN)
    with pytest.raises(ValidationError, match=message):
        ReferenceGroup.model_validate({**CHOSEN, **changed})


def test_a_mirror_needs_two_different_taakvelden() -> None:
    with pytest.raises(ValidationError, match="found a taakveld twice"):
        MirroredItems(item="6.1-6.2", label_nl="Samen", taakvelden=("6.1", "6.1"), because="Verzonnen")


@pytest.mark.parametrize("of", [{}, {"taakvelden": ["6.1"], "opgaven": ["financieel_fit"]}])
def test_a_caution_is_of_taakvelden_or_of_opgaven(of: dict[str, Any]) -> None:
    said = {"first_year": 2022, "country_code": "NL01", "caution_nl": "Let op.", "reference": "x"}
    with pytest.raises(ValidationError, match="both or neither of taakvelden and opgaven"):
        ItemCaution.model_validate({**said, **of})


def test_a_caution_does_not_end_before_it_begins() -> None:
    with pytest.raises(ValidationError, match="found a last year 2021 before 2022"):
        ItemCaution(
            taakvelden=("6.1",),
            first_year=2022,
            last_year=2021,
            country_code="NL01",
            caution_nl="Let op.",
            reference="x",
        )


# -- what does not fit together ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "opgaven",
            "opgave: overkoepelend, label_nl",
            "opgave: anders, label_nl",
            "found overkoepelend, expected one of",
        ),
        ("opgaven", '- {taakveld: "6.91"', '- {taakveld: "6.98"', "found 6.98, expected a taakveld that"),
        ("opgaven", '- {taakveld: "6.91"', '- {taakveld: "6.98"', "found no opgave of taakveld 6.91, expected every"),
        ("opgaven", "group_id: wmo,", "group_id: niets,", "found niets, expected a group that"),
        ("opgaven", '["6.4", "6.5"]', '["6.4", "6.6"]', "found taakvelden of several opgaven, expected those of one"),
        ("opgaven", '["6.4", "6.5"]', '["6.4", "6.99"]', "found 6.99, expected a taakveld that has an opgave"),
        (
            "opgaven",
            '["6.4", "6.5"]',
            '["6.73", "6.82"]',
            "found 6.73 in a second entry, expected every taakveld in one",
        ),
        ("opgaven", 'item: "6.4-6.5"', "item: wmo", "found wmo, expected a name that no taakveld, opgave or group has"),
        ("opgaven", 'item: "6.4-6.5"', 'item: "6.72-6.74"', "found item 6.72-6.74 a second time"),
        (
            "opgaven",
            'taakvelden: ["6.1"]',
            'taakvelden: ["6.99"]',
            "found 6.99, expected a taakveld that has an opgave",
        ),
        ("opgaven", "country_code: NL01", "country_code: XX01", "found XX01, expected a region or group"),
        ("reference_groups", "GM0757", "GM0758", "found GM0758, expected a region or group"),
        (
            "reference_groups",
            "indicator_id: bevolking\n",
            "indicator_id: bevolkt\n",
            "found bevolkt, expected an indicator",
        ),
        (
            "reference_groups",
            "reference_group: naaste_buren",
            "reference_group: vb_gekozen",
            "vb_gekozen a second time",
        ),
        ("reference_groups", "characteristic: gezinnen", "characteristic: ouderen", "ouderen a second time"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    folder = tmp_path / "sources"
    shutil.copytree(PROJECT_ROOT / "sources", folder, ignore=shutil.ignore_patterns("sample"))
    path = folder / "catalogue" / f"{name}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        load_declarations(folder, "live")
    assert any(f"sources/catalogue/{name}.yml:" in problem and message in problem for problem in refused.value.problems)
