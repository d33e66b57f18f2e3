"""The smallest detectable effect: larger where less is known, and found about as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.breaks import detect
from pipelines.breaks.evaluation.measure import Scoring, alarms_of, detectable_per_series, known_breaks
from pipelines.breaks.evaluation.simulate import simulate
from pipelines.breaks.evidence import Spread
from pipelines.breaks.power import POWER, TIMES, by_theory, times_needed

SEED = 3101


def test_the_size_by_theory_falls_with_the_information_and_rises_with_the_line() -> None:
    information = np.array([[np.nan, 50.0, 80.0, 50.0], [np.nan, 200.0, 320.0, 200.0]])
    allowed, present = np.isfinite(information), np.ones(information.shape, dtype=bool)
    information = np.nan_to_num(information)
    low, high = (by_theory(information, allowed, present, Spread(1.0, 20.0), line) for line in (2.5, 3.5))
    assert low[1] < low[0] < high[0]
    assert np.isnan(by_theory(information, np.zeros_like(allowed), present, Spread(1.0, 20.0), 2.5)).all()


def test_how_many_times_is_read_off_where_four_of_five_are_found() -> None:
    rng = np.random.default_rng(SEED)
    times = np.exp(rng.uniform(np.log(TIMES[0]), np.log(TIMES[1]), 20_000))
    chance = 1 / (1 + np.exp(-6 * np.log(times / 1.1)))
    wanted = 1.1 * np.exp(np.log(POWER / (1 - POWER)) / 6)
    assert times_needed(times, rng.random(times.size) < chance) == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("found", [True, False])
def test_it_stays_within_what_was_tried(found: bool) -> None:
    times = np.geomspace(*TIMES, 50)
    assert TIMES[0] <= times_needed(times, np.full(50, found)) <= TIMES[1]


@pytest.mark.parametrize("generator", ["plain", "misspecified"])
def test_shifts_of_the_size_that_is_told_are_found_about_four_times_in_five(generator: str) -> None:
    hit: list[bool] = []
    for seed in (SEED, SEED + 1):
        clean = simulate(generator, seed=seed, indicators=3, broken=0.0)
        told = detectable_per_series(clean, detect(clean.panel).detectable)
        size = np.where(told <= 100.0, told, np.nan)
        panel = simulate(generator, seed=seed, indicators=3, fixed=(None, size, 0.15))
        scoring = Scoring(alarms_of(panel, detect(panel.panel).breaks), known_breaks(panel))
        hit.extend(scoring.at_own_threshold().hit)
    assert len(hit) > 150
    assert 0.65 < np.mean(hit) < 0.95
