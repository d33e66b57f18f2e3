"""The methods that the detection is held against: they see what is plain to see, and have the faults they are known
for.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.breaks.evaluation.baselines import (
    METHODS,
    Values,
    alarms_of_scores,
    difference_z,
    level_z,
    pelt,
    ratio_pelt,
    values_of,
    year_on_year,
)
from pipelines.breaks.evaluation.simulate import simulate

ruptures = pytest.importorskip("ruptures")


def panel(seed: int = 1, series: int = 30, periods: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).poisson(2000, (series, periods)).astype(float)


def values(matrix: np.ndarray) -> Values:
    return Values(matrix, np.zeros(matrix.shape[0], dtype=np.int64), 2)


@pytest.mark.parametrize("name", list(METHODS))
def test_a_doubling_in_one_series_scores_highest_there(name: str) -> None:
    matrix = panel()
    matrix[7, 10:] *= 2
    score = METHODS[name](values(matrix)).score
    series, period = np.unravel_index(score.argmax(), score.shape)
    assert series == 7
    # A year later the figure before a year is still the old one.
    assert 10 <= period <= (11 if name.startswith("year") else 10)


@pytest.mark.parametrize("name", list(METHODS))
def test_a_figure_that_is_missing_has_no_score_and_stops_nothing(name: str) -> None:
    matrix = panel()
    matrix[3, 4:6] = np.nan
    matrix[5] = np.nan
    matrix[7, 10:] *= 2
    scores = METHODS[name](values(matrix))
    assert np.isneginf(scores.score[3, 4:6]).all()
    assert np.isneginf(scores.score[5]).all()
    assert scores.score[7].max() == scores.score.max()
    assert not scores.alarm[np.isneginf(scores.score)].any()


@pytest.mark.parametrize("name", list(METHODS))
def test_a_series_that_does_not_move_has_no_alarm(name: str) -> None:
    matrix = panel()
    matrix[4] = 250.0
    assert not METHODS[name](values(matrix)).alarm[4].any()


@given(
    st.lists(st.floats(0.1, 1e6), min_size=3, max_size=24),
)
@settings(max_examples=200, deadline=None)
def test_a_tested_point_inside_its_own_training_cannot_score_high(figures: list[float]) -> None:
    score = level_z(values(np.array([figures]))).score[0]
    number = np.arange(1, len(figures) + 1)
    assert (score <= (number - 1) / np.sqrt(number) + 1e-6).all()
    assert not level_z(values(np.array([figures[:10]]))).alarm.any()


def test_ten_figures_hide_any_jump_from_the_z_of_the_level_and_eleven_do_not() -> None:
    jump = np.array([[10.0, 11, 10, 11, 10, 11, 10, 11, 10, 1e6, 1e6]])
    assert not level_z(values(jump[:, :10])).alarm.any()
    longer = np.array([[10.0, 11, 10, 11, 10, 11, 10, 11, 10, 11, 1e6]])
    assert level_z(values(longer)).alarm[0, 10]


def test_year_on_year_compares_with_the_same_half_year() -> None:
    seasonal = np.tile([100.0, 200.0], 5)[None, :]
    assert not year_on_year(values(seasonal)).alarm.any()
    seasonal[0, 6] = 130.0
    alarm = year_on_year(values(seasonal)).alarm
    assert alarm[0, 6] and alarm.sum() == 1


def test_one_large_change_among_many_small_ones_is_three_spreads_out() -> None:
    steps = np.concatenate([np.tile([1.0, -1.0], 10), [50.0], np.tile([1.0, -1.0], 3)])
    series = 100 + np.cumsum(steps)[None, :]
    found = difference_z(values(series))
    assert np.flatnonzero(found.alarm[0]).tolist() == [20]


def test_only_the_ratio_to_the_peers_is_calm_when_everyone_moves() -> None:
    matrix = panel(2)
    matrix[:, 9:] *= 1.5
    everyone = values(matrix)
    assert pelt(everyone).score[:, 9].min() > 10 * ratio_pelt(everyone).score.max(initial=0.0)


def test_the_ratio_is_taken_per_indicator() -> None:
    two = np.vstack([panel(3), panel(4)])
    two[30:, 9:] *= 1.5
    apart = Values(two, np.repeat([0, 1], 30), 2)
    assert ratio_pelt(apart).score[:, 9].max() < 20
    assert ratio_pelt(values(two)).score[:, 9].min() > 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_kernel_method_in_c_places_changes_where_pelt_does(seed: int) -> None:
    series = np.random.default_rng(seed).normal(size=16)
    series[9:] += 3
    kernel = ruptures.KernelCPD(kernel="linear", min_size=1, jump=1).fit(series[:, None])
    plain = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(series)
    for penalty in (1.0, 3.0, 5.5, 20.0):
        assert kernel.predict(pen=penalty) == plain.predict(pen=penalty)


def test_binary_segmentation_stops_where_that_of_ruptures_does() -> None:
    series = np.random.default_rng(5).normal(size=16)
    series[9:] += 4
    series[12] -= 5
    matrix = np.exp(series)[None, :]
    found = METHODS["Binseg with BIC on the series"](values(matrix))
    log = np.log(matrix[0])
    steps = np.diff(log - np.median(log))
    scaled = (log - np.median(log)) / (1.4826 * np.median(np.abs(steps)) / np.sqrt(2))
    expected = ruptures.Binseg(model="l2", min_size=1, jump=1).fit(scaled).predict(pen=2 * np.log(16))[:-1]
    assert np.flatnonzero(found.alarm[0]).tolist() == expected


def test_the_figures_of_a_panel_stand_by_series_and_period() -> None:
    simulated = simulate("plain", seed=6, series=20, indicators=2)
    matrix = values_of(simulated)
    assert matrix.value.shape == (40, 16)
    assert matrix.indicator.tolist() == [0] * 20 + [1] * 20
    for row in simulated.panel.slice(300, 5).to_pylist():
        series = (row["indicator_id"] == "indicator_002") * 20 + int(row["region_code"][2:]) - 1
        period = sorted(set(simulated.panel["period_code"].to_pylist())).index(row["period_code"])
        assert matrix.value[series, period] == row["value"] or (
            row["value"] is None and np.isnan(matrix.value[series, period])
        )
    alarms = alarms_of_scores(year_on_year(matrix))
    assert alarms.series.max() < 40 and alarms.period.min() >= 2


def test_without_ruptures_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    with pytest.raises(ImportError, match="found no ruptures, expected it for PELT and Binseg"):
        pelt(values(panel()))
