"""The code lists of Iv3: the publisher's own, free of contradictions, every taakveld linked or said not to be."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.declarations.expand import declared_tables
from pipelines.declarations.iv3 import SIDES, Iv3CodeLists, indicator_of
from pipelines.declarations.load import DeclarationError, Declarations, load_declarations
from pipelines.declarations.source import Source
from pipelines.settings import PROJECT_ROOT
from tests.iv3_documents import code_lists, source_of

REGIME_OF = {2022: "2017", 2024: "2023", 2025: "2025"}


@pytest.fixture(scope="module")
def lists() -> Iv3CodeLists:
    return code_lists()


@pytest.fixture(scope="module")
def live() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


@pytest.fixture(scope="module")
def declared(live: Declarations) -> dict[str, pa.Table]:
    known = pa.table({"region_code": pa.array(["GM9901"]), "region_type": pa.array(["gemeente"])})
    return declared_tables(live, known, dt.date(2026, 7, 1))


# -- against the publisher ---------------------------------------------------------------------------


def _walk(nodes: list[dict[str, Any]], above: str | None = None) -> Iterator[tuple[str, str, str | None, bool]]:
    for node in nodes:
        below = node.get("subcodes", [])
        yield node["code"], node["omschrijving"].strip(), above, bool(below)
        yield from _walk(below, node["code"])


def _published(shared_data: Path, year: int, name: str) -> list[tuple[str, str, str | None, bool]]:
    text = (shared_data / "iv3" / f"iv3_definities_Gemeente_{year}.json").read_text(encoding="utf-8")
    return list(_walk(json.loads(text)["codelijsten"][name]["codelijst"]))


@pytest.mark.shared_data
@pytest.mark.parametrize("year", REGIME_OF)
def test_taakvelden_are_those_of_the_publisher_with_their_names(
    shared_data: Path, lists: Iv3CodeLists, year: int
) -> None:
    published = _published(shared_data, year, "taakveld")
    assert lists.years[year] == REGIME_OF[year]
    assert lists.taakvelden_of(REGIME_OF[year]) == {code: name for code, name, _, total in published if not total}
    assert lists.totals_of(REGIME_OF[year], "taakveld") == {code: name for code, name, _, total in published if total}


@pytest.mark.shared_data
@pytest.mark.parametrize("year", REGIME_OF)
@pytest.mark.parametrize("side", SIDES)
def test_categories_are_those_of_the_publisher_with_their_names_and_accounts(
    shared_data: Path, lists: Iv3CodeLists, year: int, side: Any
) -> None:
    published, regime = _published(shared_data, year, f"categorie_{side}"), REGIME_OF[year]
    assert lists.categorieen_of(regime, side) == {code: name for code, name, _, total in published if not total}
    assert lists.totals_of(regime, "categorie", side) == {code: name for code, name, _, total in published if total}
    accounts = {code: above for code, _, above, total in published if not total}
    declared = [one for one in lists.categorieen if one.code in accounts and side in one.sides]
    assert {one.code: one.account for one in declared if not one.regimes or regime in one.regimes} == accounts


@pytest.mark.shared_data
def test_the_publisher_closes_wholes_that_have_parts(shared_data: Path, lists: Iv3CodeLists) -> None:
    """Every cell of 6.71, 6.72, 6.81 and 6.82 is grey in 2024; none of them has parts in another year."""
    text = (shared_data / "iv3" / "iv3_definities_Gemeente_2024.json").read_text(encoding="utf-8")
    grey = json.loads(text)["grijze_cellen"]
    wholes = set(lists.parents_of("2023").values()) & set(lists.taakvelden_of("2023"))
    assert wholes == {"6.71", "6.72", "6.81", "6.82"}
    for side in SIDES:
        for whole in wholes:
            closed = {cell["categorie"] for cell in grey[side] if cell["taakveld"] == whole}
            assert closed == set(lists.categorieen_of("2023", side))
    assert lists.parents_of("2017") == lists.parents_of("2025") == {}


# -- groups ------------------------------------------------------------------------------------------


def test_youth_care_links_over_all_regimes_as_a_whole(declared: dict[str, pa.Table]) -> None:
    rows = [row for row in declared["iv3_group"].to_pylist() if row["group_id"] == "jeugdhulp"]
    accounts = [row for row in rows if (row["side"], row["report_kind"]) == ("lasten", "X005")]
    found: dict[str, list[str]] = {}
    for row in accounts:
        found.setdefault(row["regime"], []).append(row["taakveld"])
    assert found == {
        "2017": ["6.72"],
        "2023": ["6.72", "6.73", "6.74"],
        "2025": ["6.22", "6.751", "6.752", "6.753", "6.761", "6.762", "6.763", "6.792"],
    }
    assert {row["regime"]: row["link_quality"] for row in accounts} == {
        "2017": None,
        "2023": "approximate",
        "2025": "approximate",
    }
    assert all(row["link_because"] for row in accounts if row["regime"] != "2017")


def test_every_member_of_a_group_is_followed_by_an_indicator_of_its_side_and_report(
    declared: dict[str, pa.Table], live: Declarations
) -> None:
    known = {indicator.indicator_id for indicator in live.indicators}
    rows = declared["iv3_group"].to_pylist()
    assert rows
    assert {row["indicator_id"] for row in rows} <= known
    assert all(row["indicator_id"] == indicator_of(row["side"], row["taakveld"], row["report_kind"]) for row in rows)


def test_a_group_without_the_figures_of_a_regime_is_left_out(declared: dict[str, pa.Table]) -> None:
    """Letters are followed for the lasten of the accounts only."""
    rows = [row for row in declared["iv3_group"].to_pylist() if row["group_id"] == "wmo_begeleiding"]
    assert {(row["side"], row["report_kind"]) for row in rows} == {("lasten", "X005")}


def test_what_compares_with_nothing_says_why(declared: dict[str, pa.Table]) -> None:
    rows = {(row["regime"], row["taakveld"]): row for row in declared["iv3_taakveld"].to_pylist()}
    assert "ambulant" in rows["2023", "6.72a"]["not_linked_because"]
    assert rows["2023", "6.72a"]["group_ids"] == "jeugdhulp|jeugd|toegang_wmo_en_jeugd"
    assert rows["2023", "6.71a"]["not_linked_because"] is None
    social = [row for (_, code), row in rows.items() if code.startswith("6.")]
    assert all(row["group_ids"] or row["not_linked_because"] for row in social)
    assert rows["2023", "6.73"]["name_nl"] is None
    assert rows["2023", "6.73a"]["part_of"] == "6.73"


def test_every_taakveld_of_the_social_domain_is_followed_in_its_years(live: Declarations) -> None:
    for regime, source_id in (("2017", "cbs_iv3_2017"), ("2023", "cbs_iv3_2023"), ("2025", "cbs_iv3_2025")):
        source = live.source(source_id)
        years = {int(year) for year in source.connector.editions}  # type: ignore[union-attr]
        assert {live.iv3.years[year] for year in years} == {regime}
        followed = {(series.indicator_id, series.part) for series in source.series}
        wholes = [code for code in live.iv3.figures_of(regime) if code.startswith("6.") and not code[-1].isalpha()]
        for code in wholes:
            for side in SIDES:
                for part in ("X005", "X000"):
                    assert (indicator_of(side, code, part), part) in followed


# -- declarations that contradict each other ---------------------------------------------------------

LISTS = """\
regimes:
  - {regime: "2017", first_year: 2017, last_year: 2022, label_nl: Oud}
  - {regime: "2023", first_year: 2023, last_year: 2024, label_nl: Nieuw}
taakvelden:
  - {code: "6.1", name: Samenkracht}
  - {code: "6.2", name: Wijkteams, regimes: ["2017"]}
  - {code: "6.2a", name: Toegang, regimes: ["2023"]}
"""
GROUPS = """\
groups:
  - group_id: samenkracht
    label_nl: Samenkracht
    taakvelden: {"2017": ["6.1"], "2023": ["6.1"]}
    links: [{to: "2023", quality: exact, because: Gelijk.}]
not_linked:
  - {regime: "2017", taakvelden: ["6.2"], because: Verdeeld.}
  - {regime: "2023", taakvelden: ["6.2"], because: Verdeeld.}
"""

World = Callable[[str, str], Declarations]


@pytest.fixture
def world(tmp_path: Path) -> World:
    def load(lists: str, groups: str) -> Declarations:
        catalogue = tmp_path / "sources" / "catalogue"
        catalogue.mkdir(parents=True)
        (catalogue / "iv3_taakvelden.yml").write_text(lists, encoding="utf-8")
        (catalogue / "iv3_groups.yml").write_text(groups, encoding="utf-8")
        return load_declarations(tmp_path / "sources", "live")

    return load


def test_lists_without_contradictions_load(world: World) -> None:
    loaded = world(LISTS, GROUPS)
    assert loaded.iv3.years == {**dict.fromkeys(range(2017, 2023), "2017"), 2023: "2023", 2024: "2023"}
    assert loaded.iv3.figures_of("2023") == {"6.1", "6.2", "6.2a"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("first_year: 2023", "first_year: 2022", "found regime 2023, expected its first year, 2022"),
        ("last_year: 2022", "last_year: 2023", "found book year 2023 a second time"),
        ("last_year: 2022", "last_year: 2016", "found a last year 2016 before 2017"),
        ('regimes: ["2017"]', 'regimes: ["2018"]', "found 2018, expected one of the regimes 2017, 2023"),
        ('  - {code: "6.2a"', '  - {code: "6.1", name: Weer}\n  - {code: "6.2a"', "found 6.1 of 2017 a second time"),
        ('code: "6.1", name', 'code: "6.1.1", name', "found '6.1.1', expected text of the form"),
        ('"2023": ["6.1"]', '"2023": ["6.1", "6.9"]', "found 6.9, expected a taakveld of 2023"),
        ('"2023": ["6.1"]', '"2023": ["6.1", "6.1"]', "found 6.1 a second time"),
        ('"2023": ["6.1"]', '"2023": ["6.1", "6.2", "6.2a"]', "found 6.2a a second time"),
        ('to: "2023", quality', 'to: "2017", quality', "found links to ['2017'], expected one to every regime"),
        ('"2017", taakvelden: ["6.2"]', '"2017", taakvelden: ["6.1"]', "found 6.2 of 2017, which nothing links"),
        ("quality: exact", "quality: good", "expected one of"),
    ],
)
def test_lists_that_contradict_each_other_are_refused_with_their_place(
    world: World, old: str, new: str, message: str
) -> None:
    lists, groups = LISTS.replace(old, new, 1), GROUPS.replace(old, new, 1)
    assert (lists, groups) != (LISTS, GROUPS)
    with pytest.raises(DeclarationError) as refused:
        world(lists, groups)
    assert any(message in problem and "iv3_" in problem for problem in refused.value.problems), refused.value.problems


# -- many series in one entry ------------------------------------------------------------------------


def _series(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    source = source_of().model_dump() | {"reader": {"kind": "iv3", "amounts": "eur"}, "series": list(entries)}
    return [
        series.model_dump(include={"item", "indicator_id", "rank"}) for series in Source.model_validate(source).series
    ]


def test_an_entry_for_each_of_many_codes_stands_for_one_series_per_code() -> None:
    many = {"item": "2023|lasten|{}|*", "indicator_id": "iv3_lasten_{}", "rank": 2, "each": ["6.1", "6.71*", "6.72a"]}
    assert _series(many, {"item": "x", "indicator_id": "y"}) == [
        {"item": "2023|lasten|6.1|*", "indicator_id": "iv3_lasten_6_1", "rank": 2},
        {"item": "2023|lasten|6.71*|*", "indicator_id": "iv3_lasten_6_71", "rank": 2},
        {"item": "2023|lasten|6.72a|*", "indicator_id": "iv3_lasten_6_72a", "rank": 2},
        {"item": "x", "indicator_id": "y", "rank": 0},
    ]


@pytest.mark.parametrize("each", ["6.1", [6.1], {}])
def test_codes_that_are_no_list_of_texts_are_refused(each: Any) -> None:
    with pytest.raises(ValidationError, match="each"):
        _series({"item": "{}", "indicator_id": "x_{}", "each": each})
