"""The test of series without peers: what it finds, how seldom it alarms without a break, and its symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.breaks.alone import FEWEST_FIGURES, Alone, breaks_alone
from pipelines.breaks.panel import Floats
from pipelines.breaks.shapes import LEVEL, ONE_OFF, SLOPE

LINE = 1.824  # 15 false alarms per 1,000
SEED = 9100


def noise(seed: int, series: int, size: int, persistence: float = 0.0, deviation: float = 0.05) -> Floats:
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((series, size))
    made = draws.copy()
    for column in range(1, size):
        made[:, column] = persistence * made[:, column - 1] + np.sqrt(1 - persistence**2) * draws[:, column]
    return made * deviation


def growing(series: int, size: int, seed: int = SEED) -> Floats:
    growth = np.random.default_rng(seed).normal(0, 0.04, (series, 1))
    return 5.0 + growth * np.arange(size)


def judged(log: Floats, variance: float = 1e-4, per_year: int = 1, ordinals: Floats | None = None) -> Alone:
    periods = np.arange(log.shape[1]) if ordinals is None else ordinals
    return breaks_alone(log, np.full(log.shape, variance), periods.astype(np.int64), per_year, LINE)


def alarms(result: Alone) -> list[tuple[int, int, int]]:
    found = result.found
    kept = found.score >= LINE
    return [
        (int(series), int(kind), int(period))
        for series, kind, period in zip(found.series[kept], found.kind[kept], found.period[kept], strict=True)
    ]


def alarmed(result: Alone, series: int) -> float:
    """Alarmed series per 1,000."""
    found = result.found
    return 1000 * np.unique(found.series[found.score >= LINE]).size / series


def test_a_lasting_shift_is_found_at_its_first_period_with_an_interval_that_holds_it() -> None:
    log = growing(1, 16) + noise(SEED, 1, 16) + 0.6 * (np.arange(16) >= 9)
    result = judged(log)
    assert alarms(result) == [(0, LEVEL, 9)]
    strongest = int(result.found.score.argmax())
    assert abs(result.found.effect[strongest] - 0.6) < 2.5 * result.found.se[strongest]


@pytest.mark.parametrize("period", [0, 5, 15])
def test_a_single_odd_figure_is_found_as_one_at_either_end_too(period: int) -> None:
    log = growing(1, 16) + noise(SEED + 1, 1, 16) - 0.8 * (np.arange(16) == period)
    assert (0, ONE_OFF, period) in alarms(judged(log))


def test_a_bend_is_found_as_a_change_of_slope_of_its_size_per_period() -> None:
    size = 24
    log = growing(1, size) + noise(SEED + 2, 1, size, deviation=0.02) + 0.12 * np.maximum(np.arange(size) - 11, 0)
    result = judged(log)
    ((_, kind, period),) = alarms(result)
    assert kind == SLOPE
    assert abs(period - 12) <= 2
    strongest = int(result.found.score.argmax())
    assert result.found.effect[strongest] == pytest.approx(0.12, rel=0.15)


def test_two_breaks_of_one_series_are_told_apart() -> None:
    at = np.arange(24)
    log = growing(1, 24) + noise(SEED + 3, 1, 24, deviation=0.03) + 0.7 * (at >= 8) - 0.9 * (at == 17)
    assert sorted(alarms(judged(log))) == [(0, ONE_OFF, 17), (0, LEVEL, 8)]


@pytest.mark.parametrize("size", [8, 12, 16])
@pytest.mark.parametrize("persistence", [0.0, 0.5])
def test_series_without_a_break_alarm_about_as_seldom_as_the_line_says(size: int, persistence: float) -> None:
    series = 1000
    log = growing(series, size) + noise(SEED + size, series, size, persistence)
    assert 2 <= alarmed(judged(log), series) <= 30


def test_wandering_series_alarm_at_most_a_few_times_as_often() -> None:
    series = 800
    log = growing(series, 16) + noise(SEED + 4, series, 16, 0.8)
    assert alarmed(judged(log), series) <= 60


def test_a_half_yearly_season_is_no_break() -> None:
    series, size = 500, 16
    season = 0.3 * (np.arange(size) % 2)
    log = growing(series, size) + noise(SEED + 5, series, size) + season
    assert alarmed(judged(log, per_year=2), series) <= 30


def test_what_counting_noise_explains_is_no_break_however_smooth_the_rest_is() -> None:
    log = (5.0 + 0.2 * (np.arange(12) >= 6) + noise(SEED + 6, 1, 12, deviation=0.001)).reshape(1, 12)
    assert alarms(judged(log, variance=1e-6)) == [(0, LEVEL, 6)]
    assert alarms(judged(log, variance=0.02)) == []


def test_figures_that_never_change_or_grow_evenly_have_no_break() -> None:
    log = np.stack([np.full(10, 3.0), 0.1 * np.arange(10)])
    result = judged(log)
    assert result.found.series.size == 0
    assert np.isfinite(result.detectable).all()


def test_too_few_figures_are_not_tested() -> None:
    log = growing(2, 9) + noise(SEED + 7, 2, 9)
    log[0, FEWEST_FIGURES - 1 :] = np.nan
    log[1, FEWEST_FIGURES:] = np.nan
    result = judged(log)
    assert 0 not in result.found.series
    assert np.isnan(result.detectable).tolist() == [True, False]


def test_a_panel_without_a_series_to_test_gives_nothing() -> None:
    result = judged(np.full((3, 10), np.nan))
    assert result.found.series.size == 0
    assert np.isnan(result.detectable).all()
    assert breaks_alone(np.empty((0, 10)), np.empty((0, 10)), np.arange(10), 1, LINE).detectable.shape == (0,)


def test_a_hole_is_no_break_and_none_is_placed_in_it() -> None:
    log = growing(1, 16) + noise(SEED + 8, 1, 16) + 0.7 * (np.arange(16) >= 9)
    log[0, [4, 9]] = np.nan
    result = judged(log)
    assert alarms(result) == [(0, LEVEL, 10)]
    assert not np.isin(result.found.period, [4, 9]).any()


def test_shifts_of_the_detectable_effect_are_found_about_four_times_in_five_and_small_ones_not() -> None:
    series, size = 300, 16
    log = growing(series, size) + noise(SEED + 9, series, size)
    detectable = judged(log).detectable
    after = np.arange(size) >= 8
    large = alarmed(judged(log + detectable[:, None] * after), series)
    small = alarmed(judged(log + 0.25 * detectable[:, None] * after), series)
    assert 700 <= large <= 920
    assert small <= 150


def test_many_series_give_what_each_gives_by_itself() -> None:
    log = growing(30, 14) + noise(SEED + 10, 30, 14, 0.4)
    log[::3, 7:] += 0.5
    log[4, 2], log[5, 11:] = np.nan, np.nan
    variance = np.random.default_rng(SEED).uniform(1e-5, 1e-2, log.shape)
    whole = breaks_alone(log, variance, np.arange(14), 2, LINE)
    assert whole.found.series.size > 5
    for series in range(30):
        one = breaks_alone(log[[series]], variance[[series]], np.arange(14), 2, LINE)
        own = whole.found.series == series
        assert one.found.period.tolist() == whole.found.period[own].tolist()
        assert one.found.kind.tolist() == whole.found.kind[own].tolist()
        np.testing.assert_allclose(one.found.score, whole.found.score[own], rtol=1e-6)
        np.testing.assert_allclose(one.detectable, whole.detectable[series], rtol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(-8, 8), st.floats(-0.3, 0.3), st.integers(0, 1000))
def test_another_unit_or_another_steady_growth_changes_nothing(shift: float, growth: float, seed: int) -> None:
    log = noise(seed, 4, 12, 0.3) + 0.5 * (np.arange(12) >= 6)
    here = judged(log).found
    there = judged(log + shift + growth * np.arange(12)).found
    assert there.period.tolist() == here.period.tolist()
    assert there.kind.tolist() == here.kind.tolist()
    np.testing.assert_allclose(there.score, here.score, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(there.effect, here.effect, rtol=1e-5, atol=1e-7)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_a_series_turned_upside_down_has_the_same_breaks_with_the_other_sign(seed: int) -> None:
    log = noise(seed, 4, 12, 0.3) + 0.4 * (np.arange(12) >= 7)
    here, there = judged(log).found, judged(-log).found
    assert there.period.tolist() == here.period.tolist()
    np.testing.assert_allclose(there.effect, -here.effect)
    np.testing.assert_allclose(there.score, here.score)


def test_a_series_read_backwards_has_its_shift_at_the_same_place() -> None:
    log = noise(SEED + 11, 1, 15) + 0.7 * (np.arange(15) >= 9)
    here, there = judged(log).found, judged(log[:, ::-1]).found
    first, last = int(here.score.argmax()), int(there.score.argmax())
    assert (here.kind[first], there.kind[last]) == (LEVEL, LEVEL)
    assert int(here.period[first]) == 9
    assert int(there.period[last]) == 15 - 9
    assert there.effect[last] == pytest.approx(-here.effect[first])
    assert there.score[last] == pytest.approx(here.score[first])
