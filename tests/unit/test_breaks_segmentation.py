"""Change points of one series without peers: what is cut, and above all what is left whole."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.breaks import segmentation
from pipelines.breaks.panel import Floats
from pipelines.breaks.segmentation import season_of, seasonal_part, segment

SEED = 9200
# Yearly flow of the Nile at Aswan, 1871-1970, 10^8 m3 (Cobb 1978, doi:10.1093/biomet/65.2.243). It fell in 1899.
NILE = """
1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210 1150 1250 1260
1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120 1100 832 764 821 768 845
864 862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801 1040 860 874 848 890
744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740
"""


def noise(seed: int, size: int, persistence: float = 0.0) -> Floats:
    draws = np.random.default_rng(seed).standard_normal(size)
    made = draws.copy()
    for at in range(1, size):
        made[at] = persistence * made[at - 1] + np.sqrt(1 - persistence**2) * draws[at]
    return made


def cuts(values: Floats) -> list[int]:
    return segment(values).starts.tolist()


def test_the_nile_has_one_change_in_1899() -> None:
    assert cuts(np.array(NILE.split(), dtype=np.float64)) == [1899 - 1871]


@pytest.mark.parametrize("size", [12, 40, 150, 700])
def test_a_clear_step_is_cut_where_it_is(size: int) -> None:
    at = int(0.6 * size)
    assert cuts(5 + 0.3 * noise(SEED + size, size) + 3.0 * (np.arange(size) >= at)) == [at]


def test_several_levels_are_all_found() -> None:
    levels = np.repeat([0.0, 3.0, 1.0, 5.0, 2.0], [60, 40, 90, 50, 60])
    found = cuts(levels + 0.4 * noise(SEED + 1, levels.size))
    np.testing.assert_allclose(found, [60, 100, 190, 240], atol=1)


def test_a_bend_between_two_steady_slopes_is_found() -> None:
    time = np.arange(80.0)
    (found,) = cuts(np.where(time < 50, 0.2 * time, 10 - 0.3 * (time - 50)) + 0.2 * noise(SEED + 2, 80))
    assert abs(found - 50) <= 3


@pytest.mark.parametrize("size", [6, 10, 25, 60, 200])
def test_a_steady_trend_is_left_whole(size: int) -> None:
    assert cuts(3.0 * np.arange(size) + noise(SEED + 3, size)) == []


def test_a_smooth_bend_is_left_whole() -> None:
    time = np.linspace(0, 1, 120)
    assert cuts(np.exp(2 * time) + 0.02 * noise(SEED + 4, 120)) == []


def test_a_season_on_a_trend_is_left_whole() -> None:
    month = np.arange(180)
    values = 100 + 0.2 * month + 15 * np.cos(2 * np.pi * month / 12) + 2 * noise(SEED + 5, 180)
    found = segment(values)
    assert found.season == 12
    assert found.starts.tolist() == []


def test_a_season_that_grows_with_its_course_is_left_whole() -> None:
    month = np.arange(180)
    values = (20 + month) * (1 + 0.5 * np.cos(2 * np.pi * month / 12)) + noise(SEED + 6, 180)
    assert cuts(values) == []


def test_a_step_is_found_under_a_season() -> None:
    month = np.arange(180)
    values = 15 * np.cos(2 * np.pi * month / 12) + 2 * noise(SEED + 7, 180) + 12 * (month >= 100)
    (found,) = cuts(values)
    assert abs(found - 100) <= 5


def test_one_wild_figure_is_a_one_off_and_no_cut() -> None:
    values = noise(SEED + 8, 150)
    values[70] += 25
    found = segment(values)
    assert found.starts.tolist() == []
    assert found.one_offs.tolist() == [70]


def test_a_wild_figure_does_not_hide_a_step() -> None:
    values = 0.3 * noise(SEED + 15, 150) + 2.0 * (np.arange(150) >= 90)
    values[40] += 60
    found = segment(values)
    assert found.starts.tolist() == [90]
    assert found.one_offs.tolist() == [40]


def test_persistent_noise_is_seldom_cut() -> None:
    counts = [len(cuts(noise(SEED + 100 + seed, 150, 0.7))) for seed in range(40)]
    assert np.mean(counts) <= 0.25


def test_white_noise_is_hardly_ever_cut() -> None:
    counts = [len(cuts(noise(SEED + 200 + seed, size))) for seed in range(25) for size in (10, 20, 50, 120)]
    assert np.mean(counts) <= 0.06


def test_a_long_series_is_cut_within_a_few_points() -> None:
    size = 5000
    values = noise(SEED + 9, size) + 4 * (np.arange(size) >= 1713) - 3 * (np.arange(size) >= 3301)
    np.testing.assert_allclose(cuts(values), [1713, 3301], atol=3)


def test_missing_figures_keep_their_place() -> None:
    values = 0.3 * noise(SEED + 10, 100) + 3 * (np.arange(100) >= 60)
    values[[0, 1, 30, 31, 32, 99]] = np.nan
    found = segment(values)
    assert found.starts.tolist() == [60]
    assert np.isnan(found.fitted).tolist() == [at in (0, 1, 99) for at in range(100)]


@pytest.mark.parametrize("values", [[], [1.0], [1, 9, 1, 9, 5], [np.nan] * 20, [4.0] * 30])
def test_series_that_cannot_be_cut_are_left_whole(values: list[float]) -> None:
    found = segment(np.array(values, dtype=np.float64))
    assert found.starts.size == 0
    assert found.fitted.size == len(values)


@settings(max_examples=15, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e4), st.booleans(), st.integers(0, 500))
def test_unit_origin_and_sign_change_nothing(origin: float, unit: float, mirrored: bool, seed: int) -> None:
    values = noise(seed, 60, 0.4) + 3 * (np.arange(60) >= 35)
    other = segment(origin + (-unit if mirrored else unit) * values, season=1)
    here = segment(values, season=1)
    assert other.starts.tolist() == here.starts.tolist()
    assert other.one_offs.tolist() == here.one_offs.tolist()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 500))
def test_a_series_read_backwards_is_cut_at_the_same_places(seed: int) -> None:
    values = noise(seed, 70, 0.3) + 3.5 * (np.arange(70) >= 30) + 0.1 * np.maximum(np.arange(70) - 50, 0)
    here, there = segment(values, season=1), segment(values[::-1], season=1)
    assert sorted((70 - there.starts).tolist()) == here.starts.tolist()


@pytest.mark.parametrize("persistence", [0.0, 0.6, 0.9])
def test_what_a_segment_leaves_is_that_of_generalised_least_squares(persistence: float) -> None:
    series = noise(SEED + 11, 40)
    left = segmentation._left_over(series, persistence)
    for first, length, degree in ((0, 40, 2), (5, 9, 0), (17, 12, 1), (30, 10, 2), (38, 2, 0)):
        apart = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
        precision = np.linalg.inv(persistence**apart) if persistence else np.eye(length)
        root = np.linalg.cholesky(precision * (1 - persistence**2)).T
        design = np.stack([np.arange(length) ** power for power in range(degree + 1)], axis=1).astype(float)
        own = root @ series[first : first + length]
        rest = own - root @ design @ np.linalg.lstsq(root @ design, own, rcond=None)[0]
        assert left[degree, first, length - 1] == pytest.approx(float(rest @ rest), rel=1e-8, abs=1e-10)
    assert np.isinf(left[:, 35, 5:]).all()


def test_the_cheapest_cut_is_the_cheapest_of_all() -> None:
    rng = np.random.default_rng(SEED + 12)
    size, per_change = 9, 0.4
    cost = rng.uniform(0, 1, (size, size))
    cost[np.add.outer(np.arange(size), np.arange(size)) >= size] = np.inf

    def total(starts: tuple[int, ...]) -> float:
        bounds = [0, *starts, size]
        parts = sum(cost[low, high - low - 1] for low, high in pairwise(bounds))
        return float(parts + per_change * len(starts))

    every = [starts for number in range(size) for starts in combinations(range(1, size), number)]
    best = min(every, key=total)
    found = segmentation._cheapest(cost, per_change)
    assert tuple(found[1].tolist()) == best
    assert found[0] == pytest.approx(total(best))


@pytest.mark.parametrize("period", [4, 7, 12])
def test_the_period_of_a_season_is_found_and_its_multiples_are_not(period: int) -> None:
    time = np.arange(20 * period)
    wave = np.cos(2 * np.pi * time / period) + 0.5 * np.sin(4 * np.pi * time / period)
    assert season_of(wave + 0.2 * noise(SEED + period, time.size) + 0.05 * time) == period


def test_noise_and_steps_are_no_season() -> None:
    assert season_of(noise(SEED + 13, 200, 0.6)) == 1
    assert season_of(np.repeat([0.0, 5.0, 2.0], 40) + 0.1 * noise(SEED + 14, 120)) == 1


def test_a_season_is_taken_out_without_its_growth() -> None:
    time = np.arange(60)
    part = seasonal_part(10 + 0.5 * time + 4.0 * (time % 4 == 1), 4)
    np.testing.assert_allclose(part, 4.0 * (time % 4 == 1) - 1.0, atol=0.2)
