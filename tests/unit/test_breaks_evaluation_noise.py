"""Every part of a noise model does what its name says, each looked at alone."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.breaks.evaluation.noise_models import NOISE_MODELS, NoiseModel, drawn_log_rates

QUIET = {"jitter": 0.0, "memory": 0.0, "slope": 0.0, "season": 0.0, "own_season": 0.0}


def drawn(series: int = 600, periods: int = 20, per_year: int = 2, **parts: float) -> np.ndarray:
    """Deviations of two indicators, as indicators x series x periods."""
    model = NoiseModel(**{**QUIET, **parts})
    own, _ = drawn_log_rates(np.random.default_rng(8), model, shape=(2, series, periods), per_year=per_year)
    return own


def test_without_any_part_nothing_varies_but_the_national_course() -> None:
    own, course = drawn_log_rates(np.random.default_rng(8), NoiseModel(**QUIET), shape=(2, 9, 20), per_year=2)
    assert not own.any()
    assert course.shape == (2, 20)
    assert (np.diff(course, axis=1) != 0).all()


def test_jitter_remembers_the_period_before_and_no_more() -> None:
    noise = drawn(jitter=0.1, memory=0.4)
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    now = noise[:, :, 5:-2].ravel()
    assert np.corrcoef(now, noise[:, :, 6:-1].ravel())[0, 1] == pytest.approx(0.4, abs=0.03)
    assert np.corrcoef(now, noise[:, :, 7:].ravel())[0, 1] == pytest.approx(0.16, abs=0.03)


def test_tails_bring_figures_that_a_normal_never_brings() -> None:
    heavy = drawn(jitter=0.1, tails=3.0) / 0.1
    normal = drawn(jitter=0.1) / 0.1
    assert np.abs(normal).max() < 6
    assert (np.abs(heavy) > 6).mean() > 0.002


def test_a_walk_wanders_further_the_longer_it_goes() -> None:
    walk = drawn(walk=0.02)
    assert walk[:, :, 19].var() / walk[:, :, 4].var() == pytest.approx(4.0, rel=0.2)


def test_a_slope_is_a_straight_line_of_each_series() -> None:
    slope = drawn(slope=0.01)
    assert np.abs(np.diff(slope, n=2, axis=2)).max() < 1e-12
    assert np.diff(slope, axis=2).std() == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("per_year", [2, 4])
def test_a_season_returns_every_year_and_adds_up_to_nothing(per_year: int) -> None:
    season = drawn(season=0.05, own_season=0.02, per_year=per_year)
    assert season[:, :, per_year:] == pytest.approx(season[:, :, :-per_year])
    assert season[:, :, :per_year].sum(axis=2) == pytest.approx(np.zeros((2, 600)), abs=1e-12)
    common = season.mean(axis=1)
    assert season.std(axis=1).max() == pytest.approx(0.02, rel=0.5)
    assert np.abs(common).max() > 0.01


def test_yearly_figures_have_no_season() -> None:
    assert not drawn(season=0.05, own_season=0.02, per_year=1).any()


def test_a_regional_shock_is_shared_by_neighbours() -> None:
    shocks = np.diff(drawn(regional=0.03)[0], axis=1)
    different = np.unique(shocks.round(12), axis=0)
    assert 2 <= len(different) <= 12
    neighbours = (shocks[1:] == shocks[:-1]).all(axis=1).mean()
    assert 0.7 < neighbours < 0.95


def test_spread_makes_some_series_noisier_than_others() -> None:
    equal, unequal = (np.log(drawn(jitter=0.1, spread=spread).std(axis=2)).std() for spread in (0.0, 0.5))
    assert equal < 0.2
    assert unequal > 0.45


def test_strength_differs_between_indicators() -> None:
    own, _ = drawn_log_rates(
        np.random.default_rng(8),
        NoiseModel(**QUIET | {"jitter": 0.1}, strength=(0.3, 1.3)),
        shape=(8, 200, 20),
        per_year=2,
    )
    sizes = own.std(axis=(1, 2))
    assert sizes.min() > 0.028 and sizes.max() < 0.132
    assert sizes.max() / sizes.min() > 1.5


def test_the_misspecified_model_has_every_part_and_the_plain_one_few() -> None:
    parts = ("walk", "regional", "dispersion", "spread")
    assert all(getattr(NOISE_MODELS["misspecified"], part) > 0 for part in parts)
    assert not any(getattr(NOISE_MODELS["plain"], part) for part in parts)
    assert NOISE_MODELS["misspecified"].tails is not None
