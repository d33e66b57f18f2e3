"""Measures of findings, on cases small enough to count by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.breaks.evaluation.measure import (
    Alarms,
    Known,
    Scoring,
    Share,
    alarms_of,
    causes,
    common_breaks,
    detectable_per_series,
    known_breaks,
    links,
    newest_point,
    pooled,
    recall_by_kind,
    recall_by_size_and_count,
)
from pipelines.breaks.evaluation.registered import EVENT_SCHEMA
from pipelines.breaks.evaluation.rules_of_thumb import by_narrowest_scope, by_nearest_date, one_year_ratio_errors
from pipelines.breaks.evaluation.simulate import GROUP_SCHEMA, PANEL_SCHEMA, TRUTH_SCHEMA, Simulated

PERIODS = [f"{year}H{half}" for year in (2020, 2021, 2022) for half in (1, 2)]
REGIONS = [f"VB{number:04d}" for number in range(1, 5)]


def known(*breaks: tuple[int, int, str], total: int, returned: int = -1) -> Known:
    """Planted breaks as (series, period, kind)."""
    series, period, kind = (list(part) for part in zip(*breaks, strict=True)) if breaks else ([], [], [])
    return Known(
        series=np.array(series, dtype=np.int64),
        period=np.array(period, dtype=np.int64),
        returned=np.full(len(series), returned),
        kind=np.array(kind, dtype=str),
        effect=np.full(len(series), 0.3),
        count=np.full(len(series), 100.0),
        total=total,
    )


def alarms(*found: tuple[int, int, float]) -> Alarms:
    """Findings as (series, period, score); those above 1 alarm by themselves."""
    series, period, score = (list(part) for part in zip(*found, strict=True)) if found else ([], [], [])
    rows = np.arange(len(series))
    scores = np.array(score, dtype=np.float64)
    return Alarms(np.array(series, dtype=np.int64), np.array(period, dtype=np.int64), scores, scores > 1, rows)


@pytest.mark.parametrize(
    ("kind", "apart", "found"),
    [
        ("level", 0, 1),
        ("level", -1, 1),
        ("level", 1, 1),
        ("level", 2, 0),
        ("slope", 2, 1),
        ("slope", 3, 0),
        ("one_off", 2, 0),
    ],
)
def test_an_alarm_finds_a_break_within_one_period_and_a_slope_within_two(kind: str, apart: int, found: int) -> None:
    outcome = Scoring(alarms((0, 8 + apart, 5.0)), known((0, 8, kind), total=10)).at_own_threshold()
    assert outcome.hit.sum() == found
    assert outcome.recall == found


def test_an_alarm_on_another_series_finds_nothing_and_is_false() -> None:
    outcome = Scoring(alarms((1, 8, 5.0)), known((0, 8, "level"), total=11)).at_own_threshold()
    assert (outcome.recall, outcome.f1, outcome.false_per_1000) == (0.0, 0.0, 100.0)


def test_a_clean_series_that_is_flagged_often_is_one_false_alarm() -> None:
    outcome = Scoring(alarms((1, 3, 5.0), (1, 9, 5.0), (0, 8, 5.0)), known((0, 8, "level"), total=5)).at_own_threshold()
    assert outcome.false_per_1000 == 250.0
    assert outcome.precision == 0.5


def test_f1_weighs_what_is_found_against_what_is_missed_and_what_is_false() -> None:
    planted = known((0, 8, "level"), (1, 8, "level"), (2, 8, "level"), (2, 3, "level"), total=100)
    outcome = Scoring(alarms((0, 8, 5.0), (1, 7, 5.0), (2, 12, 5.0), (9, 2, 5.0)), planted).at_own_threshold()
    # Two of four found; one broken series flagged elsewhere, one clean series flagged.
    assert (outcome.precision, outcome.recall) == (0.5, 0.5)
    assert outcome.f1 == pytest.approx(0.5)
    assert outcome.false_per_1000 == pytest.approx(1000 / 97)


def test_two_alarms_beside_one_break_find_it_once_and_are_not_false() -> None:
    outcome = Scoring(alarms((0, 8, 5.0), (0, 9, 5.0)), known((0, 8, "level"), total=10)).at_own_threshold()
    assert (outcome.precision, outcome.recall) == (1.0, 1.0)


def test_a_return_to_normal_is_neither_found_nor_false() -> None:
    planted = known((0, 4, "scale"), total=10, returned=9)
    outcome = Scoring(alarms((0, 9, 5.0)), planted).at_own_threshold()
    assert (outcome.hit.sum(), outcome.false_per_1000) == (0, 0.0)
    wrong = Scoring(alarms((0, 4, 5.0), (0, 12, 5.0)), planted).at_own_threshold()
    assert wrong.precision == 0.5


def test_the_line_lets_at_most_twenty_of_a_thousand_clean_series_through() -> None:
    clean = [(series, 5, float(series)) for series in range(1, 101)]
    scoring = Scoring(
        alarms(*clean, (0, 5, 99.5), (101, 5, 98.5)), known((0, 5, "level"), (101, 5, "level"), total=102)
    )
    assert scoring.line() == 98.0
    outcome = scoring.at(scoring.line())
    assert outcome.false_per_1000 == 20.0
    assert outcome.recall == 1.0
    assert scoring.at(scoring.line(10.0)).recall == 0.5


def test_ties_at_the_line_are_not_let_through() -> None:
    clean = [(series, 5, 3.0) for series in range(1, 101)]
    scoring = Scoring(alarms(*clean, (0, 5, 3.0)), known((0, 5, "level"), total=101))
    assert scoring.at(scoring.line()).false_per_1000 == 0.0


def test_a_method_that_flags_few_clean_series_may_use_all_it_found() -> None:
    scoring = Scoring(alarms((0, 5, 0.1)), known((0, 5, "level"), total=100))
    assert scoring.line() == -np.inf
    assert scoring.at(scoring.line()).f1 == 1.0


def test_panels_are_pooled_as_series_of_their_own() -> None:
    first = (alarms((0, 5, 5.0)), known((0, 5, "level"), total=3))
    second = (alarms((0, 5, 5.0)), known((1, 5, "level"), total=3))
    outcome = Scoring(*pooled([first, second])).at_own_threshold()
    assert outcome.hit.tolist() == [True, False]
    assert outcome.false_per_1000 == 250.0


def test_recall_is_told_by_kind_size_and_count() -> None:
    planted = known((0, 5, "level"), (1, 5, "level"), (2, 5, "scale"), total=9)
    outcome = Scoring(alarms((0, 5, 5.0), (2, 5, 5.0)), planted).at_own_threshold()
    assert recall_by_kind(outcome, planted) == {"level": Share(1, 2), "scale": Share(1, 1)}
    table = recall_by_size_and_count(outcome, planted)
    # exp(.3) is 35 %, and 100 people are the third class.
    assert table[3, 2] == Share(1, 2)
    assert sum(share.cases for share in table.values()) == 2


def simulated(truth: list[dict[str, Any]], events: list[dict[str, Any]] | None = None) -> Simulated:
    """Two indicators of four regions over six half-years, 100 everywhere, with the given truth."""
    rows = [
        {
            "indicator_id": indicator,
            "region_code": region,
            "period_code": period,
            "value": 100.0 + 50.0 * (period >= "2021H2"),
        }
        for indicator in ("a", "b")
        for region in REGIONS
        for period in PERIODS
    ]
    return Simulated(
        panel=pa.Table.from_pylist([{**row, "unit": "count", "obs_status": "A"} for row in rows], schema=PANEL_SCHEMA),
        events=pa.Table.from_pylist(events or [], schema=EVENT_SCHEMA),
        groups=pa.Table.from_pylist(
            [{"group_code": "SV-001", "region_code": region} for region in REGIONS[:2]], schema=GROUP_SCHEMA
        ),
        truth=pa.Table.from_pylist(truth, schema=TRUTH_SCHEMA),
        country="VB00",
        series=8,
    )


def planted(indicator: str, region: str, period: str, kind: str = "level", **more: Any) -> dict[str, Any]:
    return {
        "indicator_id": indicator,
        "region_code": region,
        "period_code": period,
        "kind": kind,
        "effect_log": 0.4,
        "median_count": 100.0,
        **more,
    }


def detected(*rows: dict[str, Any]) -> pa.Table:
    usual = {"kind": "level", "score": 3.0, "alarm": True, "cause": "unexplained", "event_ids": ""}
    nothing = {"link_factor": None, "link_low": None, "link_high": None}
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("indicator_id", "region_code", "period_code", "kind")),
            ("score", pa.float64()),
            ("alarm", pa.bool_()),
            ("cause", pa.string()),
            ("event_ids", pa.string()),
            *((name, pa.float64()) for name in nothing),
        ]
    )
    return pa.Table.from_pylist([{**usual, **nothing, **row} for row in rows], schema=schema)


def at(indicator: str, region: str, period: str, **more: Any) -> dict[str, Any]:
    return {"indicator_id": indicator, "region_code": region, "period_code": period, **more}


def event(name: str, regions: list[str], indicators: list[str], first: str, last: str) -> dict[str, Any]:
    return {
        "event_id": name,
        "kind": "policy",
        "nature": "measurement",
        "period_from": first,
        "period_to": last,
        "region_codes": "|".join(regions),
        "indicator_ids": "|".join(indicators),
    }


def test_gaps_are_no_breaks_and_findings_of_rules_without_statistics_no_alarms() -> None:
    case = simulated([planted("a", "VB0001", "2021H1", "gap"), planted("b", "VB0002", "2021H1")])
    assert known_breaks(case).series.tolist() == [5]
    found = alarms_of(
        case,
        detected(
            *(at("a", "VB0003", "2021H1", kind=kind) for kind in ("gap", "rounding", "copy")),
            at("b", "VB0002", "2021H2", score=2.5),
            at("b", "VB00", "2021H2"),
        ),
    )
    assert (found.series.tolist(), found.period.tolist(), found.score.tolist(), found.row.tolist()) == (
        [5],
        [3],
        [2.5],
        [3],
    )


def test_the_newest_point_counts_only_series_that_are_large_enough() -> None:
    case = simulated([planted("a", "VB0001", "2022H2", median_count=900.0), planted("a", "VB0002", "2022H2")])
    assert newest_point(case, detected(at("a", "VB0001", "2022H2")), 500.0) == Share(1, 1)
    assert newest_point(case, detected(at("a", "VB0001", "2022H2", alarm=False)), 500.0) == Share(0, 1)


def test_a_common_break_counts_when_it_is_found_exactly_once() -> None:
    case = simulated([planted("a", "VB00", "2021H2"), planted("b", "SV-001", "2021H1")])
    once = common_breaks(case, detected(at("a", "VB00", "2021H2"), at("b", "SV-001", "2021H2")))
    assert (once.once, once.others) == (Share(2, 2), 0)
    twice = common_breaks(
        case,
        detected(
            at("a", "VB00", "2021H2"), at("a", "VB00", "2021H1"), at("b", "VB00", "2022H2"), at("a", "VB0001", "2020H1")
        ),
    )
    assert (twice.once, twice.others) == (Share(0, 2), 2)


def test_members_that_alarm_beside_a_common_break_are_counted() -> None:
    case = simulated(
        [planted("a", "VB00", "2021H2"), planted("b", "SV-001", "2021H1"), planted("a", "VB0004", "2020H2")]
    )
    found = common_breaks(
        case,
        detected(
            at("a", "VB0001", "2021H1"),  # beside the national step
            at("a", "VB0001", "2022H1"),  # the same series again
            at("a", "VB0002", "2020H1"),  # another period
            at("b", "VB0003", "2021H1"),  # no member of the cooperation
            at("b", "VB0002", "2021H1"),  # a member
            at("a", "VB0004", "2021H2"),  # has a break of its own
        ),
    )
    # Three clean series of the country in indicator a, two members in b.
    assert found.members == Share(2, 5)


def test_the_first_named_event_is_held_against_the_cause() -> None:
    case = simulated(
        [
            planted("a", "VB0001", "2021H2", event_id="one"),
            planted("a", "VB0002", "2021H2", event_id="one"),
            planted("b", "VB0003", "2021H2", event_id="two"),
            planted("b", "VB0004", "2021H2"),
        ],
        [
            event("one", REGIONS[:2], ["a"], "2021H1", "2021H2"),
            event("decoy", REGIONS[:3], ["a"], "2021H2", "2021H2"),
            event("late", ["*"], ["*"], "2022H2", "2022H2"),
            event("two", ["VB0003"], ["b"], "2021H2", "2022H1"),
        ],
    )
    measured = causes(
        case,
        detected(
            at("a", "VB0001", "2021H2", event_ids="one|decoy", cause="explained"),
            at("a", "VB0002", "2021H1", event_ids="decoy|one", cause="explained"),
            at("b", "VB0003", "2021H2", event_ids="two", cause="ambiguous"),
            at("b", "VB0004", "2021H2", event_ids="late", cause="explained"),
        ),
    )
    assert measured.competing == Share(1, 2)
    assert measured.alone == Share(1, 1)
    assert measured.explained == Share(1, 2)
    assert measured.blamed == Share(1, 1)
    # The decoy begins in the period itself, the true one half a year before; the true one covers fewer series.
    assert by_nearest_date(case) == Share(0, 2)
    assert by_narrowest_scope(case) == Share(2, 2)


def test_the_alarm_nearest_to_the_break_speaks_for_it() -> None:
    case = simulated(
        [planted("a", "VB0001", "2021H1", event_id="one")], [event("one", ["VB0001"], ["a"], "2021H1", "2021H1")]
    )
    near, far = at("a", "VB0001", "2021H1", event_ids="one", score=2.0), at("a", "VB0001", "2021H2", score=9.0)
    assert causes(case, detected(far, near)).alone == Share(1, 1)


def test_an_interval_covers_when_it_holds_the_true_factor() -> None:
    case = simulated(
        [
            planted("a", "VB0001", "2021H2", factor=1.5),
            planted("a", "VB0002", "2021H2", factor=1.5),
            planted("a", "VB0003", "2021H2", factor=1.5),
            planted("a", "VB0004", "2021H2"),
        ]
    )
    measured = links(
        case,
        detected(
            at("a", "VB0001", "2021H2", link_factor=1.4, link_low=1.2, link_high=1.6),
            at("a", "VB0002", "2021H2", link_factor=1.9, link_low=1.6, link_high=2.2),
            at("a", "VB0003", "2021H2"),
            at("a", "VB0004", "2021H2", link_factor=1.2, link_low=1.1, link_high=1.3),
        ),
    )
    assert (measured.given, measured.covered, measured.undue) == (Share(2, 3), Share(1, 2), Share(1, 1))
    assert measured.error == pytest.approx(np.sqrt((np.log(1.4 / 1.5) ** 2 + np.log(1.9 / 1.5) ** 2) / 2))
    # From 100 to 150 at that very period: the ratio of one year is right.
    assert one_year_ratio_errors(case) == pytest.approx([0.0, 0.0, 0.0], abs=1e-12)


def test_a_power_of_ten_is_no_undue_link() -> None:
    case = simulated([planted("a", "VB0001", "2021H2", kind="scale"), planted("a", "VB0002", "2021H2")])
    found = [at("a", region, "2021H2", link_factor=0.1, link_low=0.1, link_high=0.1) for region in ("VB0001", "VB0002")]
    assert links(case, detected(*found)).undue == Share(1, 1)


def test_what_could_be_found_is_laid_out_by_indicator_and_region() -> None:
    table = pa.table(
        {"indicator_id": ["b", "a"], "region_code": ["VB0002", "VB0004"], "detectable_effect_pct": [12.0, None]}
    )
    sizes = detectable_per_series(simulated([]), table)
    assert sizes.shape == (2, 4)
    assert sizes[1, 1] == 12.0
    assert np.isnan(sizes).sum() == 7
