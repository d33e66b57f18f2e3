"""The indicator catalogue: what an indicator may say of itself, and what the bundled ones do say."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipelines.declarations.catalogue import DefinitionVersion, Indicator
from pipelines.declarations.load import DeclarationError, Declarations, load_declarations
from pipelines.settings import PROJECT_ROOT

COUNT: dict[str, Any] = {
    "indicator_id": "clienten",
    "label_nl": "Cliënten",
    "label_en": "Clients",
    "law": "wmo",
    "unit": "count",
    "value_kind": "flow",
    "aggregation": "sum",
    "desired_direction": "none",
    "description_nl": "Aantal cliënten.",
}


def _version(since: object, **more: object) -> dict[str, object]:
    return {"from": since, "text_nl": "Zo geteld.", "reference": "Verzonnen", **more}


@pytest.fixture(scope="module")
def bundled() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


@pytest.mark.parametrize(
    ("since", "first_day"),
    [
        (2021, dt.date(2021, 1, 1)),
        ("2021", dt.date(2021, 1, 1)),
        ("2021H2", dt.date(2021, 7, 1)),
        ("2021M03", dt.date(2021, 3, 1)),
        (dt.date(2021, 3, 24), dt.date(2021, 3, 24)),
        ("2021-03-24", dt.date(2021, 3, 24)),
    ],
)
def test_a_definition_holds_from_a_day_or_from_the_first_day_of_a_period(since: object, first_day: dt.date) -> None:
    assert DefinitionVersion.model_validate(_version(since)).valid_from == first_day


@pytest.mark.parametrize("since", ["2021H3", "voorjaar", None, 21])
def test_a_definition_from_what_is_no_day_is_refused(since: object) -> None:
    with pytest.raises(ValidationError):
        DefinitionVersion.model_validate(_version(since))


@pytest.mark.parametrize("years", [(2021, 2015), (2015, 2015)])
def test_definitions_stand_in_order_of_time_and_once_a_day(years: tuple[int, int]) -> None:
    with pytest.raises(ValidationError, match="found definitions out of order"):
        Indicator.model_validate({**COUNT, "definitions": [_version(year) for year in years]})


@pytest.mark.parametrize(
    "wrong", [{"rounding": 0}, {"rounding": -5}, {"opgave": "Zorg"}, {"ontwikkellijn": "Zorg"}, {"domain": "zorg"}]
)
def test_an_indicator_is_placed_under_known_names_only(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Indicator.model_validate({**COUNT, **wrong})


def test_a_definition_names_a_declared_country(tmp_path: Path) -> None:
    folder = tmp_path / "sources" / "catalogue"
    folder.mkdir(parents=True)
    lines = [f"{name}: {value}" for name, value in COUNT.items()]
    entry = "\n  ".join([*lines, "definitions: [{from: 2015, text_nl: Zo, reference: Hier, country_code: GM0001}]"])
    (folder / "indicators.yml").write_text(f"- {entry}\n", encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        load_declarations(tmp_path / "sources", "sample")
    assert refused.value.problems == (
        "sources/catalogue/indicators.yml:10:74 (country_code): found GM0001, expected the code of a declared country",
    )


# -- what is bundled -------------------------------------------------------------------------------


def test_at_least_sixty_indicators_have_a_source_and_all_domains_are_there(bundled: Declarations) -> None:
    supplied = [one for one in bundled.indicators if one.sources or one.numerator_id]
    domains = Counter(one.domain for one in supplied)
    assert len(supplied) - domains["financien"] >= 60
    assert set(domains) >= {"bevolking", "jeugd", "wmo", "participatie", "financien", "ervaring", "stapeling"}
    # nothing delivers what is measured of health and safety yet: its goals wait for it
    assert sum(one.domain == "gezondheid_en_veiligheid" for one in bundled.indicators) >= 15


def test_every_indicator_says_what_it_is_about_and_how_it_is_rounded(bundled: Declarations) -> None:
    assert [one.indicator_id for one in bundled.indicators if one.domain is None or one.rounding is None] == []


def test_an_indicator_stands_under_the_theme_of_the_goal_that_it_measures(bundled: Declarations) -> None:
    themes = {one.indicator_id: one.theme for one in bundled.indicators}
    goals = {
        (goal.indicator_id, goal.theme)
        for goal in bundled.goals
        if goal.document.startswith("002") and goal.indicator_id
    }
    assert len(goals) > 15
    assert {indicator: themes[indicator] for indicator, _ in goals} == dict(goals)


def test_a_change_that_the_publisher_announced_has_a_version_of_its_own(bundled: Declarations) -> None:
    days = {
        one.indicator_id: [version.valid_from.year for version in one.definitions if version.valid_from]
        for one in bundled.indicators
    }
    assert days["jeugd_hulp_met_verblijf"] == days["jeugd_hulp_per_1000_jongeren"] == [2015, 2021, 2022]
    assert days["wmo_clienten"] == [2015, 2024]
    assert days["iv3_lasten_6_72"] == days["iv3_begroot_baten_6_72"] == [2017, 2023]
    assert days["iv3_lasten_6_3"] == [2017]
