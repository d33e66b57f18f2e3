"""The goals of 002 with every baseline as printed, those of 001 with none, and what a rule may say."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from pydantic import ValidationError

from pipelines.declarations.catalogue import Baseline, Goal, GoalDeclaration, GoalRule
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.policy import Ontwikkellijn
from pipelines.settings import PROJECT_ROOT

BEVERWIJK, HEEMSKERK, VELSEN = "GM0375", "GM0396", "GM0453"
IJMOND, TOGETHER, KENNEMERLAND = "SV-IJMOND", "SV-BEVERWIJK-HEEMSKERK", "GGD-KENNEMERLAND"

# Indicator, rule, and the baseline of each region: period and value.
BASELINES: list[tuple[str, str, dict[str, tuple[str | None, float]]]] = [
    (
        "scheidingsproblemen_pct",
        "not_above",
        {BEVERWIJK: ("2014", 5), VELSEN: ("2014", 5), HEEMSKERK: ("2014", 2)},
    ),
    ("cyberpesten_pct", "not_above", {BEVERWIJK: ("2014", 7), HEEMSKERK: ("2014", 6)}),
    ("cyberpesten_regelmatig_pct", "not_above", {BEVERWIJK: ("2014", 3), HEEMSKERK: ("2014", 2)}),
    ("jonge_mantelzorgers_gewaardeerd", "by_percent", {TOGETHER: (None, 123), VELSEN: (None, 120)}),
    (
        "overgewicht_5_14_pct",
        "not_above",
        {
            BEVERWIJK: ("2015", 17.4),
            HEEMSKERK: ("2015", 15.1),
            VELSEN: ("2015", 16.0),
            KENNEMERLAND: ("2015", 15.0),
        },
    ),
    ("suicidepoging_pct", "not_above", {IJMOND: ("2015", 3)}),
    ("suicidegedachten_pct", "to_value", {IJMOND: ("2015", 17)}),
    (
        "jeugd_gezinsvervangend_pct",
        "rises",
        {BEVERWIJK: ("2015", 43), HEEMSKERK: ("2015", 27), VELSEN: ("2015", 35)},
    ),
    (
        "jeugd_maatregel_pct",
        "falls",
        {BEVERWIJK: ("2016", 4.6), HEEMSKERK: ("2016", 4), VELSEN: ("2016", 5.2)},
    ),
    ("lid_sportvereniging_pct", "rises", {IJMOND: ("2014", 84)}),
    ("lid_sociaal_culturele_vereniging_pct", "rises", {IJMOND: ("2014", 49)}),
    ("veilig_thuis_bevestigd_pct", "falls", {IJMOND: ("2016", 0.08)}),
    ("veilig_thuis_hermeldingen_pct", "falls", {IJMOND: ("2016", 3.5)}),
]


@pytest.fixture(scope="module")
def every() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


@pytest.fixture(scope="module")
def bundled(every: Declarations) -> Declarations:
    """The goals of 002 alone."""
    return replace(every, goals=tuple(goal for goal in every.goals if goal.document.startswith("002")))


def test_the_nine_ontwikkellijnen_are_goals_of_heemskerk_without_a_baseline(every: Declarations) -> None:
    goals = [goal for goal in every.goals if goal.document.startswith("001")]
    assert list(dict.fromkeys(goal.theme for goal in goals)) == list(get_args(Ontwikkellijn))
    assert {goal.region_code for goal in goals} == {HEEMSKERK}
    assert {goal.baseline_value for goal in goals} == {None}
    assert all(goal.baseline_note and goal.effect_nl for goal in goals)
    # what can be counted is; a division of points or an open text is not held against anything
    assert {goal.rule.kind for goal in goals if goal.kind == "quantitative"} == {"rises"}
    assert {goal.rule.kind for goal in goals if goal.kind == "qualitative"} == {"none"}


def test_every_goal_of_001_that_is_counted_is_a_question_of_the_survey(every: Declarations) -> None:
    (survey,) = [one for one in every.surveys if one.survey == "inwonersenquete"]
    asked = {question.question_id: question for question in survey.questions}
    measured = [goal for goal in every.goals if goal.document.startswith("001") and goal.indicator_id]
    indicators = {one.indicator_id: one for one in every.indicators}
    assert measured
    for goal in measured:
        question = asked[indicators[goal.indicator_id or ""].question_id or ""]
        assert question.ontwikkellijn == goal.theme
        assert (question.kind == "mark") == (goal.unit == "mean")


def test_the_goals_of_voorbeeldland_stay_in_the_sample(every: Declarations) -> None:
    sample = load_declarations(PROJECT_ROOT / "sources", "sample")
    assert {goal.region_code[:2] for goal in sample.goals} >= {"VB", "GM"}
    assert not [goal for goal in every.goals if goal.region_code.startswith("VB")]


def goals_of(declarations: Declarations, indicator_id: str) -> list[Goal]:
    return [goal for goal in declarations.goals if goal.indicator_id == indicator_id]


@pytest.mark.parametrize(("indicator_id", "rule", "baselines"), BASELINES)
def test_a_goal_has_the_baseline_and_the_rule_that_the_document_prints(
    bundled: Declarations, indicator_id: str, rule: str, baselines: dict[str, tuple[str | None, float]]
) -> None:
    goals = goals_of(bundled, indicator_id)
    assert {goal.rule.kind for goal in goals} == {rule}
    measured = {
        goal.region_code: (goal.baseline_period, goal.baseline_value)
        for goal in goals
        if goal.baseline_value is not None
    }
    assert measured == baselines


def test_no_goal_has_a_baseline_that_the_document_does_not_print(bundled: Declarations) -> None:
    measured = {goal.indicator_id for goal in bundled.goals if goal.baseline_value is not None}
    assert measured == {indicator_id for indicator_id, _, _ in BASELINES}


def test_velsen_keeps_its_row_on_cyberbullying_without_a_baseline(bundled: Declarations) -> None:
    for indicator_id in ("cyberpesten_pct", "cyberpesten_regelmatig_pct"):
        (velsen,) = [goal for goal in goals_of(bundled, indicator_id) if goal.region_code == VELSEN]
        assert (velsen.baseline_period, velsen.baseline_value) == (None, None)
        assert "Velsen" in (velsen.baseline_note or "")


def test_the_two_years_of_the_cyberbullying_baseline_are_both_told(bundled: Declarations) -> None:
    for goal in goals_of(bundled, "cyberpesten_pct"):
        assert "2014" in (goal.baseline_note or "")
        assert "2015" in (goal.baseline_note or "")


def test_recognised_young_carers_must_rise_by_a_fifth(bundled: Declarations) -> None:
    rules = {goal.rule for goal in goals_of(bundled, "jonge_mantelzorgers_gewaardeerd")}
    assert rules == {GoalRule(kind="by_percent", value=20)}


def test_thoughts_of_suicide_must_fall_to_fifteen_per_cent(bundled: Declarations) -> None:
    (goal,) = goals_of(bundled, "suicidegedachten_pct")
    assert goal.rule == GoalRule(kind="to_value", value=15)


@pytest.mark.parametrize(
    "goal_id",
    [
        "ijmond_jeugd_armoede",
        "ijmond_jeugd_multiprobleemgezinnen",
        "ijmond_jeugd_18_jaar",
        "ijmond_jeugd_overlast",
    ],
)
def test_a_goal_without_a_baseline_keeps_its_row_and_says_why(bundled: Declarations, goal_id: str) -> None:
    goals = [goal for goal in bundled.goals if goal.goal_id == goal_id]
    assert goals
    for goal in goals:
        assert goal.kind == "quantitative"
        assert goal.baseline_value is None
        assert goal.baseline_note


def test_youth_nuisance_has_a_goal_that_falls_for_each_municipality(bundled: Declarations) -> None:
    goals = goals_of(bundled, "jeugdoverlast_meldingen")
    assert {goal.region_code for goal in goals} == {BEVERWIJK, HEEMSKERK, VELSEN}
    assert {goal.rule.kind for goal in goals} == {"falls"}


def test_polarisation_is_a_qualitative_goal(bundled: Declarations) -> None:
    (goal,) = [goal for goal in bundled.goals if goal.goal_id == "ijmond_jeugd_polarisatie"]
    assert goal.kind == "qualitative"
    assert goal.rule.kind == "none"
    assert goal.indicator_id is None
    assert goal.baseline_note


PRINTED = [
    ("jeugdigen", BEVERWIJK, "2017", 11319),
    ("jeugdigen", HEEMSKERK, "2017", 10627),
    ("jeugdigen", VELSEN, "2017", 18813),
    ("jonge_mantelzorgers_in_beeld", TOGETHER, "2016", 125),
    ("jeugdoverlast_meldingen_groei_pct", BEVERWIJK, "2016", 38),
    ("jeugdoverlast_meldingen_groei_pct", HEEMSKERK, "2016", 24),
    ("jeugdoverlast_meldingen_groei_pct", VELSEN, "2016", 7),
]


@pytest.mark.parametrize(("indicator_id", "region_code", "period_code", "value"), PRINTED)
def test_a_figure_printed_beside_the_goals_is_kept(
    bundled: Declarations, indicator_id: str, region_code: str, period_code: str, value: float
) -> None:
    found = [
        figure.value
        for figure in bundled.printed_figures
        if (figure.indicator_id, figure.region_code, figure.period_code) == (indicator_id, region_code, period_code)
    ]
    assert found == [value]


def test_a_printed_figure_is_never_of_an_indicator_that_has_a_goal(bundled: Declarations) -> None:
    printed = {figure.indicator_id for figure in bundled.printed_figures}
    assert printed.isdisjoint({goal.indicator_id for goal in bundled.goals})


def test_the_themes_of_the_document_are_all_there_and_every_goal_cites_its_section(
    bundled: Declarations,
) -> None:
    assert len({goal.theme for goal in bundled.goals}) == 5
    assert {goal.document for goal in bundled.goals} == {"002 Jeugdbeleid IJmond 2018-2021"}
    assert all(goal.section.startswith("Paragraaf 3.") and "beleidsdoel" in goal.section for goal in bundled.goals)


def test_every_goal_of_chapter_three_stands_in_the_register(bundled: Declarations) -> None:
    per_theme = {"3.1": 5, "3.2": 4, "3.3": 2, "3.4": 3, "3.5": 5}
    numbered = {goal.section.split(" en ")[0] for goal in bundled.goals}
    assert numbered == {
        f"Paragraaf {theme}, beleidsdoel {number}"
        for theme, goals in per_theme.items()
        for number in range(1, goals + 1)
    }


def test_a_goal_and_a_region_make_a_row_of_their_own(bundled: Declarations) -> None:
    keys = [(goal.goal_id, goal.region_code) for goal in bundled.goals]
    assert len(keys) == len(set(keys))


# -- rules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "falls"},
        {"kind": "rises", "by_date": "2021-12-31"},
        {"kind": "not_above"},
        {"kind": "not_above", "value": 5},
        {"kind": "not_below", "value": 5},
        {"kind": "by_percent", "value": -10},
        {"kind": "to_value", "value": 0},
        {"kind": "none"},
    ],
)
def test_a_rule_parses(rule: dict[str, object]) -> None:
    parsed = GoalRule.model_validate(rule)
    assert parsed.model_dump(mode="json", exclude_none=True) == rule


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"kind": "by_percent"}, "found rule by_percent without a value"),
        ({"kind": "to_value"}, "found rule to_value without a value"),
        ({"kind": "by_percent", "value": 0}, "found a change by 0 percent"),
        ({"kind": "falls", "value": 5}, "found rule falls with a value"),
        ({"kind": "rises", "value": 5}, "found rule rises with a value"),
        ({"kind": "none", "value": 5}, "found rule none with a value"),
        ({"kind": "daalt"}, "Input should be 'falls'"),
        ({"kind": "falls", "percent": 5}, "Extra inputs are not permitted"),
    ],
)
def test_a_rule_that_says_too_much_or_too_little_is_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GoalRule.model_validate(rule)


def declaration(**changed: object) -> dict[str, object]:
    return {
        "goal_id": "doel",
        "document": "Plan",
        "section": "1",
        "theme": "Thema",
        "goal_nl": "Minder",
        "measure_nl": "Deel",
        "indicator_id": "deel_pct",
        "unit": "pct",
        "kind": "quantitative",
        "rule": {"kind": "falls"},
        "rule_nl": "daalt",
        "baselines": [{"region_code": "GM0375", "period_code": 2015, "value": 5}],
        **changed,
    }


def test_a_declared_goal_is_laid_out_per_region_with_its_notes_together() -> None:
    baselines = [
        {"region_code": "GM0375", "period_code": 2015, "value": 5, "note": "Eigen."},
        {"region_code": "GM0396"},
    ]
    goals = GoalDeclaration.model_validate(declaration(baselines=baselines, note="Van allen.")).per_region()
    assert [(goal.region_code, goal.baseline_value, goal.baseline_note) for goal in goals] == [
        ("GM0375", 5, "Eigen. Van allen."),
        ("GM0396", None, "Van allen."),
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"indicator_id": None}, "found a quantitative goal, expected indicator_id and unit"),
        ({"baselines": [{"region_code": "GM0375"}]}, "found a goal without any baseline, expected a note"),
        ({"baselines": []}, "at least 1 item"),
        ({"kind": "qualitative"}, "found a qualitative goal with a figure or a rule"),
        (
            {"kind": "qualitative", "indicator_id": None, "baselines": [{"region_code": "GM0375"}]},
            "found a qualitative goal with a figure or a rule",
        ),
    ],
)
def test_a_goal_that_contradicts_itself_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GoalDeclaration.model_validate(declaration(**changed))


def test_a_baseline_value_needs_a_period_or_a_reason_for_having_none() -> None:
    assert Baseline(region_code="GM0375", value=1, note="Zonder datum.").period_code is None
    with pytest.raises(ValidationError, match="found a baseline value without a period"):
        Baseline(region_code="GM0375", value=1)
    with pytest.raises(ValidationError, match="found a baseline period without a value"):
        Baseline(region_code="GM0375", period_code="2015")
