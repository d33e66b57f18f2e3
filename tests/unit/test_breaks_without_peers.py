"""Panels of one to seven regions: what is found without peers, how seldom it alarms, and what it leaves untold.

The seeds here (9500 and up) are not those the parameters of `alone` were chosen on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.breaks import Detection, detect
from pipelines.breaks.panel import Floats

SEED = 9500
_LETTERS = {1: "", 2: "H", 4: "Q"}


def codes(size: int, per_year: int = 1) -> list[str]:
    letter = _LETTERS[per_year]
    return [f"{2005 + at // per_year}{letter}{at % per_year + 1 if letter else ''}" for at in range(size)]


def courses(
    seed: int, series: int, size: int, persistence: float = 0.0, deviation: float = 0.04, season: float = 0.0
) -> Floats:
    """Log counts (S x n) with a growth of their own and AR(1) noise; a season per half-year where asked."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((series, size))
    for column in range(1, size):
        fresh = np.sqrt(1 - persistence**2) * noise[:, column]
        noise[:, column] = persistence * noise[:, column - 1] + fresh
    log = rng.uniform(4.5, 7.5, (series, 1)) + rng.normal(0, 0.02, (series, 1)) * np.arange(size)
    return np.asarray(log + deviation * noise + season * rng.standard_normal((series, 1)) * (np.arange(size) % 2))


def counted(log: Floats, seed: int = SEED) -> Floats:
    """Counts of people rounded to 5, NaN where they are suppressed: below 10."""
    counts = np.round(np.random.default_rng(seed).poisson(np.exp(log)) / 5) * 5
    return np.where(counts < 10, np.nan, counts)


def panel(figures: Floats, *, regions: list[str] | None = None, per_year: int = 1, unit: str = "count") -> pa.Table:
    """One row per figure; every `regions` rows of the matrix are one indicator. A missing figure is suppressed."""
    names = regions or ["GM0001"]
    series, size = figures.shape
    known = np.isfinite(figures).ravel()
    values = pa.array(figures.ravel(), mask=~known)
    return pa.table(
        {
            "indicator_id": np.repeat([f"i{row // len(names):04d}" for row in range(series)], size),
            "region_code": np.repeat([names[row % len(names)] for row in range(series)], size),
            "period_code": np.tile(codes(size, per_year), series),
            "value": values,
            "numerator": values if unit == "count" else pa.nulls(series * size, pa.float64()),
            "denominator": pa.nulls(series * size, pa.float64()),
            "unit": [unit] * (series * size),
            "obs_status": np.where(known, "A", "Q"),
        }
    )


def register(**event: str | None) -> pa.Table:
    usual = {"kind": "definition_change", "nature": "measurement", "period_from": None, "period_to": None}
    scope = {"region_codes": "GM0001", "indicator_ids": "*"}
    row = {"event_id": "anders", "effective_date": "2014-01-01", **usual, **scope, **event}
    return pa.table({name: pa.array([value], pa.string()) for name, value in row.items()})


def alarms(detection: Detection) -> list[dict[str, Any]]:
    return [row for row in detection.breaks.to_pylist() if row["alarm"]]


def alarmed_per_1000(detection: Detection, series: int) -> float:
    return 1000 * len({(row["indicator_id"], row["region_code"]) for row in alarms(detection)}) / series


def after(size: int, period: int) -> npt.NDArray[np.float64]:
    return (np.arange(size) >= period).astype(np.float64)


@pytest.mark.parametrize(
    ("change", "kind", "period"),
    [
        (0.7 * after(16, 9), "level", "2014"),
        (0.9 * (np.arange(16) == 6), "one_off", "2011"),
        (-0.16 * np.maximum(np.arange(16) - 7, 0), "slope", "2013"),
    ],
    ids=["level", "one_off", "slope"],
)
def test_a_municipality_alone_gets_its_breaks_at_their_period(change: Floats, kind: str, period: str) -> None:
    log = 6.5 + 0.5 * courses(SEED + 1, 1, 16, deviation=0.03) / 6 + change
    (found,) = alarms(detect(panel(counted(log))))
    assert (found["kind"], found["region_code"], found["cause"]) == (kind, "GM0001", "unexplained")
    assert abs(int(found["period_code"]) - int(period)) <= (1 if kind == "slope" else 0)
    assert found["link_factor"] is None


@pytest.mark.parametrize("regions", [1, 3, 7])
def test_every_region_of_a_few_is_tested_for_itself(regions: int) -> None:
    names = [f"VB{number:04d}" for number in range(1, regions + 1)]
    log = courses(SEED + 2, regions, 16, deviation=0.03)
    log[-1] = 6 + 0.8 * after(16, 8)
    detection = detect(panel(counted(log), regions=names))
    assert [(row["region_code"], row["period_code"]) for row in alarms(detection)] == [(names[-1], "2013")]
    assert detection.detectable["region_code"].to_pylist() == names
    assert detection.detectable["detectable_effect_pct"].null_count == 0


def test_one_of_seven_gives_what_it_gives_by_itself() -> None:
    log = courses(SEED + 3, 7, 16)
    log[4] += 0.8 * after(16, 10)
    figures = counted(log)
    names = [f"GM{number:04d}" for number in range(7)]
    together = detect(panel(figures, regions=names)).breaks
    alone = detect(panel(figures[4:5], regions=names[4:5])).breaks
    own = together.filter(pc.equal(together["region_code"], names[4]))
    assert alone.num_rows > 0
    assert own.drop(["effect_low", "effect_high"]).equals(alone.drop(["effect_low", "effect_high"]))


def test_indicators_over_other_periods_and_of_other_kinds_do_not_mix() -> None:
    log = courses(SEED + 4, 3, 16, deviation=0.03)
    log[0] += 0.8 * after(16, 9)
    years = panel(counted(log[:1]))
    half_years = panel(counted(log[1:2]), per_year=2)
    short = panel(counted(log[2:]))[:7].set_column(0, "indicator_id", pa.array(["i0009"] * 7))
    both = detect(pa.concat_tables([years, half_years, short]))
    assert [(row["indicator_id"], row["period_code"]) for row in alarms(both)] == [("i0000", "2014")]
    assert both.breaks.equals(detect(years).breaks)


def test_a_large_panel_is_told_nothing_new_by_a_small_one_beside_it() -> None:
    log = courses(SEED + 5, 30, 14)
    log[3] += 0.9 * after(14, 7)
    names = [f"GM{number:04d}" for number in range(30)]
    large = panel(counted(log), regions=names)
    small = panel(counted(courses(SEED + 6, 1, 14)), regions=["SV-BUCH"])
    both = detect(pa.concat_tables([large, small]))
    of_large = pc.starts_with(both.breaks["region_code"], "GM")
    assert both.breaks.filter(of_large).equals(detect(large).breaks)


@pytest.mark.parametrize(
    ("size", "per_year", "persistence", "season"),
    [(8, 1, 0.0, 0.0), (12, 1, 0.5, 0.0), (16, 2, 0.0, 0.2), (16, 2, 0.5, 0.0), (24, 2, 0.8, 0.2), (10, 4, 0.0, 0.2)],
)
def test_series_without_a_break_alarm_no_more_often_than_asked(
    size: int, per_year: int, persistence: float, season: float
) -> None:
    series = 500
    log = courses(SEED + 10 * size + per_year, series, size, persistence, season=season)
    detection = detect(panel(counted(log), per_year=per_year))
    assert alarmed_per_1000(detection, series) <= 20


def test_the_line_that_is_asked_for_is_the_line_that_is_drawn() -> None:
    series = 400
    figures = panel(counted(courses(SEED + 7, series, 12, 0.5)))
    few, many = (alarmed_per_1000(detect(figures, false_alarms_per_1000=asked), series) for asked in (5.0, 100.0))
    assert few <= 10
    assert 15 <= many <= 130


def test_shifts_of_the_detectable_size_are_found_about_four_times_in_five() -> None:
    series, size = 250, 16
    log = courses(SEED + 8, series, size)
    quiet = detect(panel(counted(log))).detectable["detectable_effect_pct"].to_numpy()
    shifted = log + np.log1p(quiet / 100)[:, None] * after(size, 8)
    assert 750 <= alarmed_per_1000(detect(panel(counted(shifted))), series) <= 950


def test_intervals_hold_the_true_size_about_as_often_as_they_say() -> None:
    series, size, shift = 400, 12, 0.8
    log = courses(SEED + 9, series, size) + shift * after(size, 6)
    inside = [
        row["effect_low"] <= 100 * np.expm1(shift) <= row["effect_high"]
        for row in alarms(detect(panel(counted(log))))
        if (row["kind"], row["period_code"]) == ("level", "2011")
    ]
    assert len(inside) > 250
    assert 0.91 <= np.mean(inside) <= 0.99


@pytest.mark.parametrize("size", [1, 2, 5])
def test_too_few_periods_are_said_to_be_untested(size: int) -> None:
    detection = detect(panel(counted(courses(SEED + 11, 2, size)), regions=["GM0001", "GM0002"]))
    assert detection.breaks.num_rows == 0
    assert detection.detectable["detectable_effect_pct"].to_pylist() == [None, None]


def test_six_figures_tell_only_of_changes_that_are_large() -> None:
    detection = detect(panel(counted(courses(SEED + 12, 40, 6))))
    assert min(detection.detectable["detectable_effect_pct"].to_pylist()) > 80


@pytest.mark.parametrize("country", ["NL01", "VB00"])
def test_the_row_of_a_country_is_not_tested_by_itself_either(country: str) -> None:
    detection = detect(panel(counted(6 + 0.8 * after(16, 8)[None, :]), regions=[country]))
    assert (detection.breaks.num_rows, detection.detectable.num_rows) == (0, 0)


def test_a_link_factor_is_given_only_for_a_measured_change_whose_size_is_known_well() -> None:
    near = counted(7.5 + courses(SEED + 13, 1, 16, deviation=0.02) / 100 + 0.6 * after(16, 9)[None, :])
    (linked,) = alarms(detect(panel(near), register()))
    assert (linked["cause"], linked["event_ids"]) == ("explained", "anders")
    assert linked["link_low"] < np.exp(0.6) < linked["link_high"]
    assert linked["link_high"] / linked["link_low"] < 1.25**2
    (of_the_world,) = alarms(detect(panel(near), register(nature="real_world")))
    assert (of_the_world["cause"], of_the_world["link_factor"]) == ("explained", None)
    (elsewhere,) = alarms(detect(panel(near), register(region_codes="GM0002")))
    assert (elsewhere["cause"], elsewhere["link_factor"]) == ("unexplained", None)
    rough = counted(courses(SEED + 14, 1, 9, deviation=0.12) / 2 + 1.6 * after(9, 5)[None, :])
    for row in alarms(detect(panel(rough), register(effective_date="2010-01-01"))):
        assert row["link_factor"] is None


def test_a_scale_error_is_found_once_and_its_rest_is_no_break() -> None:
    figures = counted(7 + courses(SEED + 15, 1, 16, deviation=0.02) / 100)
    figures[:, 9:] *= 9.2
    (found,) = alarms(detect(panel(figures)))
    assert (found["kind"], found["period_code"]) == ("scale", "2014")


def test_a_fall_below_the_limit_of_suppression_is_a_break_and_a_series_that_begins_there_has_none() -> None:
    figures = np.round(np.exp(courses(SEED + 16, 1, 16, deviation=0.03) / 100 + 4.5) / 5) * 5
    fallen, risen = figures.copy(), figures.copy()
    fallen[:, 9:], risen[:, :7] = np.nan, np.nan
    (found,) = alarms(detect(panel(fallen)))
    assert (found["kind"], found["period_code"]) == ("level", "2014")
    assert found["effect_high"] < -50
    assert alarms(detect(panel(risen))) == []


def test_a_steady_decline_through_the_limit_of_suppression_is_no_break() -> None:
    series, size = 150, 24
    log = 5.5 - 0.25 * np.arange(size) + courses(SEED + 19, series, size) / 100
    assert alarmed_per_1000(detect(panel(counted(log), per_year=2)), series) <= 20


def test_what_all_of_a_cooperation_do_stays_the_finding_of_each() -> None:
    names = ["GM0001", "GM0002", "GM0003"]
    log = courses(SEED + 17, 3, 16, deviation=0.03) + 0.8 * after(16, 9)
    groups = pa.table({"group_code": ["SV-X"] * 3, "region_code": names})
    found = alarms(detect(panel(counted(log), regions=names), register(region_codes="|".join(names)), groups))
    assert [row["region_code"] for row in found] == names
    assert {row["event_ids"] for row in found} == {"anders"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", ["per_1000", "per_10000", "pct", "eur", "eur_per_inhabitant", "mean"])
def test_every_unit_is_tested_and_figures_that_say_nothing_are_not(unit: str) -> None:
    shifted = 40 * np.exp(courses(SEED + 18, 1, 16, deviation=0.02) / 100 + 0.5 * after(16, 9)) / np.exp(0.05)
    figures = np.concatenate([shifted, np.zeros((1, 16)), np.full((1, 16), -5.0), np.full((1, 16), np.nan)])
    detection = detect(panel(figures, unit=unit))
    assert [(row["indicator_id"], row["period_code"]) for row in alarms(detection)] == [("i0000", "2014")]
    assert [value is None for value in detection.detectable["detectable_effect_pct"].to_pylist()][2:] == [True, True]
