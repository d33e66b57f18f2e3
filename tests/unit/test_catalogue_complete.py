"""The catalogue as a whole: of every indicator what an analyst has to know of it, and since when it is counted so."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.declarations.catalogue import DefinitionVersion, Indicator
from pipelines.declarations.definitions import DefinitionFamily, defined, iv3_versions
from pipelines.declarations.iv3 import Iv3CodeLists, Iv3Group, Iv3Regime, Iv3Taakveld
from pipelines.declarations.load import DeclarationError, Declarations, load_declarations
from pipelines.declarations.source import Source
from pipelines.delivery_check import check_files
from pipelines.settings import PROJECT_ROOT, Settings
from tests.unit.test_catalogue import COUNT
from tests.unit.test_declared_tables import SOURCE, entry

WHOLE = {
    "domain": "wmo",
    "opgave": "Zorg en wonen",
    "rounding": "5",
    "sources": "[monitor]",
    "definitions": "[{from: 2015, reference: Wmo 2015}]",
}
MONITOR = (
    "source_id: monitor\ntitle: Monitor\npublisher: GGD\nlicence: CC0\ncadence: yearly\nprofiles: [sample]\n"
    'origin: {producer: GGD, citation: "GGD, monitor"}\nconnector: {kind: cbs_v4, table: T1}\nreader: {kind: cbs_v4}\n'
)
SILENT = "not_expected_because: Geeft geen cijfers.\n"


def write_catalogue(root: Path, indicator: dict[str, str], source: str = MONITOR + SILENT, families: str = "") -> Path:
    """A catalogue of one indicator and one source, with definitions for a second one."""
    folder = root / "sources" / "catalogue"
    folder.mkdir(parents=True)
    (root / "sources" / "cbs").mkdir()
    (root / "sources" / "cbs" / "monitor.yml").write_text(source, encoding="utf-8")
    other = {**COUNT, "indicator_id": "ander", **WHOLE, "definitions": "[]"}
    entries = [{**COUNT, **indicator}, other]
    lines = ["- " + "\n  ".join(f"{name}: {value}" for name, value in one.items()) for one in entries]
    (folder / "indicators.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "definitions.yml").write_text(
        families or "- indicator_ids: [and*]\n  versions: [{from: 2017, reference: Een tabel}]\n", encoding="utf-8"
    )
    return root / "sources"


def problems_of(sources: Path) -> tuple[str, ...]:
    with pytest.raises(DeclarationError) as refused:
        load_declarations(sources, "sample")
    return refused.value.problems


# -- what every indicator says -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("domain", "domain"),
        ("opgave", "a place"),
        ("rounding", "rounding"),
        ("sources", "a source"),
        ("definitions", "a definition"),
    ],
)
def test_an_indicator_that_lacks_something_is_refused_with_its_place(
    tmp_path: Path, left_out: str, missing: str
) -> None:
    kept = {name: value for name, value in WHOLE.items() if name != left_out}
    (problem,) = problems_of(write_catalogue(tmp_path, kept))
    assert problem.startswith(f"sources/catalogue/indicators.yml:1:3: found clienten without {missing}, expected ")


def test_a_place_under_001_or_002_will_do(tmp_path: Path) -> None:
    placed = {name: value for name, value in WHOLE.items() if name != "opgave"} | {"theme": "Veilige omgeving"}
    declared = load_declarations(write_catalogue(tmp_path, placed), "sample")
    assert declared.indicators[0].theme == "Veilige omgeving"


def test_an_indicator_that_its_source_declares_is_held_to_the_same(tmp_path: Path) -> None:
    own = "indicators:\n  - {" + ", ".join(f"{k}: {v}" for k, v in {**COUNT, "indicator_id": "eigen"}.items()) + "}\n"
    found = problems_of(write_catalogue(tmp_path, WHOLE, MONITOR + SILENT + own))
    assert len(found) == 5
    assert all(problem.startswith("sources/cbs/monitor.yml:12:5: found eigen without ") for problem in found)


def test_a_catalogue_without_definitions_is_a_part_of_one(tmp_path: Path) -> None:
    sources = write_catalogue(tmp_path, {}, MONITOR)
    (sources / "catalogue" / "definitions.yml").unlink()
    assert len(load_declarations(sources, "sample").indicators) == 2


def test_a_source_of_which_nothing_is_expected_says_why(tmp_path: Path) -> None:
    assert problems_of(write_catalogue(tmp_path, WHOLE, MONITOR)) == (
        "sources/cbs/monitor.yml:1:1: found a source of which nothing is expected, "
        "expected `expected`, or not_expected_because",
    )


def test_a_source_expects_figures_or_says_why_not() -> None:
    both = {"expected": [entry(["GM0373"], ["2014"], ["wmo_hulp"])], "not_expected_because": "Geeft geen cijfers."}
    with pytest.raises(ValidationError, match="found a reason beside `expected`"):
        Source.model_validate({**SOURCE, **both})


@pytest.mark.parametrize("wrong", [{"opgave": "geen"}, {"opgave": "Zorg en wonen", "opgave_because": "Zomaar."}])
def test_no_opgave_has_a_reason_and_an_opgave_has_none(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="found only one of opgave geen and opgave_because"):
        Indicator.model_validate({**COUNT, **wrong})


# -- definitions of a family ----------------------------------------------------------------------------


def indicator(name: str, **more: Any) -> Indicator:
    return Indicator.model_validate({**COUNT, "indicator_id": name, **more})


def test_a_family_defines_what_does_not_define_itself() -> None:
    family = DefinitionFamily.model_validate(
        {
            "indicator_ids": ["wmo_*_stand"],
            "versions": [{"from": 2015, "reference": "Wmo"}, {"from": 2024, "text_nl": "Anders.", "reference": "CBS"}],
        }
    )
    own = [{"from": 2019, "text_nl": "Zelf.", "reference": "Hier"}]
    told = defined(
        [indicator("wmo_hulp_stand"), indicator("wmo_thuis_stand", definitions=own), indicator("wmo_hulp")],
        [family],
        Iv3CodeLists(),
    )
    assert [[version.text_nl for version in one.definitions] for one in told] == [
        ["Aantal cliënten.", "Anders."],
        ["Zelf."],
        [],
    ]


@pytest.mark.parametrize(
    ("families", "found"),
    [
        ("- {indicator_ids: [bestaat_niet*], versions: [{from: 2017, reference: X}]}\n", "found bestaat_niet*"),
        (
            "- {indicator_ids: [ander], versions: [{from: 2017, reference: X}]}\n"
            '- {indicator_ids: ["*"], versions: [{from: 2018, reference: X}]}\n',
            "found ander a second time",
        ),
        (
            "- {indicator_ids: [ander], versions: [{from: 2017, reference: X, country_code: GM0001}]}\n",
            "found GM0001, expected the code of a declared country",
        ),
    ],
)
def test_a_family_stands_for_indicators_that_are_there_and_no_two_for_one(
    tmp_path: Path, families: str, found: str
) -> None:
    told = problems_of(write_catalogue(tmp_path, WHOLE, families=families))
    assert any(found in problem and problem.startswith("sources/catalogue/definitions.yml:") for problem in told)


@pytest.mark.parametrize(
    "versions",
    [
        [{"from": 2015, "reference": "X"}, {"from": 2017, "reference": "X"}],  # what changed?
        [{"undated_because": "Onbekend.", "reference": "X"}, {"from": 2017, "text_nl": "Z", "reference": "X"}],
    ],
)
def test_versions_that_do_not_follow_on_each_other_are_refused(versions: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError, match=r"found a (later definition without a text|definition without a day)"):
        DefinitionFamily.model_validate({"indicator_ids": ["x"], "versions": versions})
    with pytest.raises(ValidationError):
        indicator("x", definitions=versions)


@pytest.mark.parametrize("both_or_neither", [{}, {"from": 2015, "undated_because": "Onbekend."}])
def test_a_version_has_a_day_or_says_why_it_has_none(both_or_neither: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="found no day and no reason, or both"):
        DefinitionVersion.model_validate({"reference": "X", **both_or_neither})


# -- definitions of a taakveld ---------------------------------------------------------------------------


@pytest.fixture
def lists() -> Iv3CodeLists:
    """Two regimes: 6.1 stays, 6.6 gets another name, 6.7 is divided, 6.8 is a sum of parts only, 6.9 begins later."""
    taakvelden: list[dict[str, object]] = [
        {"code": "6.1", "name": "Samenkracht"},
        {"code": "6.6", "name": "Voorziening", "regimes": ["2017"]},
        {"code": "6.6", "name": "Voorzieningen", "regimes": ["2023"]},
        {"code": "6.7", "name": "Dienst"},
        {"code": "6.7a", "name": "Deel a", "regimes": ["2023"]},
        {"code": "6.7b", "name": "Deel b", "regimes": ["2023"]},
        {"code": "6.7c", "name": "Deel c", "regimes": ["2023"]},
        {"code": "6.8a", "name": "Alleen", "regimes": ["2023"]},
        {"code": "6.9", "name": "Oud", "regimes": ["2017"]},
    ]
    both = {"2017": ("6.6",), "2023": ("6.6",)}
    links = ({"to": "2023", "quality": "exact", "because": "Alleen de naam."},)
    return Iv3CodeLists(
        regimes=(
            Iv3Regime(regime="2017", first_year=2017, last_year=2022, label_nl="Eerst"),
            Iv3Regime(regime="2023", first_year=2023, last_year=2024, label_nl="Later"),
        ),
        taakvelden=tuple(Iv3Taakveld.model_validate(one) for one in taakvelden),
        groups=(Iv3Group.model_validate({"group_id": "v", "label_nl": "V", "taakvelden": both, "links": links}),),
    )


def told_of(lists: Iv3CodeLists, name: str) -> list[tuple[object, ...]]:
    return [
        (version.valid_from.year if version.valid_from else None, version.text_nl, version.comparable_with_earlier)
        for version in iv3_versions(lists)[name]
    ]


def test_a_taakveld_has_a_version_for_every_change_of_the_lists(lists: Iv3CodeLists) -> None:
    assert told_of(lists, "iv3_lasten_6_1") == [(2017, "Taakveld 6.1 Samenkracht.", False)]
    # it compares by itself, so another name changes nothing
    assert told_of(lists, "iv3_begroot_baten_6_6") == [
        (2017, "Taakveld 6.6 Voorziening.", False),
        (2023, "Taakveld 6.6 Voorzieningen.", True),
    ]
    assert told_of(lists, "iv3_baten_6_7") == [
        (2017, "Taakveld 6.7 Dienst.", False),
        (2023, "Taakveld 6.7 Dienst, als som van 6.7a Deel a, 6.7b Deel b en 6.7c Deel c.", False),
    ]
    assert told_of(lists, "iv3_lasten_6_8") == [(2023, "Taakveld 6.8, als som van 6.8a Alleen.", False)]


def test_a_taakveld_that_is_gone_has_an_end_and_one_that_is_there_has_none(lists: Iv3CodeLists) -> None:
    ends = {name: versions[-1].valid_until for name, versions in iv3_versions(lists).items()}
    assert ends["iv3_lasten_6_9"] == dt.date(2022, 12, 31)
    assert ends["iv3_lasten_6_1"] is ends["iv3_lasten_6_7a"] is None
    own = [{"from": 2017, "text_nl": "Zelf.", "reference": "Hier"}]
    (told,) = defined([indicator("iv3_lasten_6_9", definitions=own)], [], lists)
    assert [(version.text_nl, version.valid_until) for version in told.definitions] == [
        ("Zelf.", dt.date(2022, 12, 31)),
    ]


# -- what is bundled -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


def test_every_indicator_is_defined_and_says_since_when_or_why_not(bundled: Declarations) -> None:
    assert len(bundled.indicators) > 280
    assert [one.indicator_id for one in bundled.indicators if not one.definitions] == []
    undated = {one.indicator_id for one in bundled.indicators if one.definitions[0].valid_from is None}
    # what a monitor asks, what the police counts, and what 002 has no count of
    assert {"roken_pct", "jeugdoverlast_meldingen", "jeugd_toekomstplan_18_pct"} <= undated
    assert len(undated) < 25


def test_laws_tables_and_code_lists_give_the_day(bundled: Declarations) -> None:
    days = {
        one.indicator_id: [version.valid_from.year for version in one.definitions if version.valid_from]
        for one in bundled.indicators
    }
    assert days["participatie_bijstandsuitkeringen_per_1000"] == [2015]
    assert days["bevolking_0_22"] == [1988]
    assert days["wmo_verblijf_en_opvang_uitstroom"] == [2015, 2024]
    assert days["jeugd_jeugdzorg_in_natura_pct"] == [2015, 2021, 2022]
    assert days["klachten_over_jeugd"] == [2015, 2017]
    assert days["iv3_begroot_lasten_6_3"] == [2017]
    assert days["iv3_lasten_6_81"] == days["iv3_lasten_6_6"] == [2017, 2023]
    assert days["iv3_lasten_6_71a"] == days["iv3_lasten_6_73"] == [2023]
    assert days["iv3_lasten_6_751"] == [2025]


def test_what_health_and_safety_is_measured_by_has_a_source_that_waits_for_a_delivery(bundled: Declarations) -> None:
    waiting = {rhythm.source_id for rhythm in bundled.rhythms}
    of_domain = [one for one in bundled.indicators if one.domain == "gezondheid_en_veiligheid"]
    assert len(of_domain) >= 15
    assert all(set(one.sources) <= waiting and one.sources for one in of_domain)
    assert all("handmatig" in rhythm.because_nl for rhythm in bundled.rhythms)


def test_only_what_serves_all_opgaven_alike_has_none(bundled: Declarations) -> None:
    without = {one.indicator_id for one in bundled.indicators if one.opgave == "geen"}
    assert {"bevolking", "cpi", "huishoudens", "omgevingsadressendichtheid"} <= without
    assert all(one.domain in ("bevolking", "financien") for one in bundled.indicators if one.indicator_id in without)


def test_the_form_for_municipal_figures_takes_what_002_prints(tmp_path: Path) -> None:
    path = tmp_path / "jeugdcijfers_ijmond_2015.csv"
    path.write_text(
        "Gemeentecode;Jaar;Cijfer;Aantal;Percentage\n"
        "GM0375;2015;jeugd_gezinsvervangend_pct;;43\n"
        "GM0396;2015;jeugd_gezinsvervangend_pct;;27\n"
        "GM0453;2015;jeugd_gezinsvervangend_pct;;35\n",
        encoding="utf-8",
    )
    (outcome,) = check_files(Settings(data_dir=tmp_path / "data", profile="live"), [path], None)
    assert (outcome.problems, outcome.not_checked) == ((), None)
    assert "als jeugdcijfers_ijmond: 4 rijen in = 3 te laden + 1 zonder cijfer" in outcome.verdict
