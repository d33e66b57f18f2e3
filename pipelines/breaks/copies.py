"""Figures of an earlier period handed in again.

What belongs here: exact copies, of most indicators of a region at once or of one series period after period. What does
not: figures that are equal because so few digits are printed; how often that happens is counted in the panel itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Grid, Ints

_CHANCE = 1e-6
_FEWEST = 3  # copies that make a finding
_BINS = 10
_PART_OF_REGION = 0.6  # of its indicators that repeat the period before


@dataclass(frozen=True)
class Copies:
    """First copied `period` per `series` of one grid, and the period in which the figure `returned` to moving (-1:
    not yet).
    """

    series: Ints
    period: Ints
    returned: Ints


def find_copies(grids: list[Grid]) -> list[Copies]:
    """Per grid the copies that are no chance."""
    equal = [_equal_to_previous(grid.value) for grid in grids]
    chance = [_chance_of_equal(grid.value, same) for grid, same in zip(grids, equal, strict=True)]
    copied = [same & _long_run(same, rate) for same, rate in zip(equal, chance, strict=True)]
    for kind in sorted({_kind(grid) for grid in grids}):
        own = [number for number, grid in enumerate(grids) if _kind(grid) == kind]
        whole = _whole_regions([grids[k] for k in own], [equal[k] for k in own], [chance[k] for k in own])
        for number, cells in zip(own, whole, strict=True):
            copied[number] |= cells
    return [_runs(grid.value, cells) for grid, cells in zip(grids, copied, strict=True)]


def _kind(grid: Grid) -> tuple[int, str]:
    return grid.per_year, grid.country


def _equal_to_previous(value: Floats) -> Bools:
    """S x n: whether a figure other than zero is that of the column before."""
    same = np.zeros(value.shape, dtype=bool)
    same[:, 1:] = (value[:, 1:] == value[:, :-1]) & (value[:, 1:] != 0)
    return same


def _chance_of_equal(value: Floats, same: Bools) -> Floats:
    """S x n: how often a figure of this size equals the one before, counted in the panel."""
    pair = np.zeros(value.shape, dtype=bool)
    pair[:, 1:] = np.isfinite(value[:, 1:]) & np.isfinite(value[:, :-1]) & (value[:, 1:] != 0)
    chance = np.ones(value.shape)
    if not pair.any():
        return chance
    size = np.abs(value[pair])
    edges = np.quantile(size, np.linspace(0, 1, _BINS + 1)[1:-1])
    bin_of = np.searchsorted(edges, size)
    often = np.bincount(bin_of, minlength=_BINS)
    equal = np.bincount(bin_of, weights=same[pair], minlength=_BINS)
    chance[pair] = ((equal + 1.0) / (often + 2.0))[bin_of]
    return chance


def _long_run(same: Bools, chance: Floats) -> Bools:
    """Cells of runs of copies, one after the other, that are too long for chance."""
    long = np.zeros(same.shape, dtype=bool)
    log, length = np.zeros(same.shape[0]), np.zeros(same.shape[0], dtype=np.int64)
    ends = np.zeros(same.shape, dtype=bool)
    for column in range(same.shape[1]):
        log = np.where(same[:, column], log + np.log(chance[:, column]), 0.0)
        length = np.where(same[:, column], length + 1, 0)
        ends[:, column] = (length >= _FEWEST) & (log < np.log(_CHANCE))
    going = np.zeros(same.shape[0], dtype=bool)
    for column in range(same.shape[1] - 1, -1, -1):
        going = (going & same[:, column]) | ends[:, column]
        long[:, column] = going
    return long


def _whole_regions(grids: list[Grid], equal: list[Bools], chance: list[Floats]) -> list[Bools]:
    """Cells of regions most of whose indicators repeat the period before."""
    regions = np.unique(np.concatenate([grid.regions for grid in grids]))
    ordinals = np.unique(np.concatenate([grid.ordinals for grid in grids]))
    tables = np.zeros((3, regions.size, ordinals.size))
    places = [np.ix_(np.searchsorted(regions, g.regions), np.searchsorted(ordinals, g.ordinals)) for g in grids]
    for place, same, rate in zip(places, equal, chance, strict=True):
        pair = rate < 1
        for table, part in zip(tables, (same, pair, np.where(pair, rate, 0.0)), strict=True):
            table[place] += part
    copies, pairs, expected = tables
    # Chernoff's bound on the chance of so many equal figures.
    excess = copies * np.log(np.maximum(copies, 1e-9) / np.maximum(expected, 1e-9)) - copies + expected
    whole = (copies >= _FEWEST) & (copies >= _PART_OF_REGION * pairs) & (excess > -np.log(_CHANCE))
    return [whole[place] & same for place, same in zip(places, equal, strict=True)]


def _runs(value: Floats, copied: Bools) -> Copies:
    starts = copied.copy()
    starts[:, 1:] &= ~copied[:, :-1]
    series, period = np.nonzero(starts)
    following = np.full(value.shape[0], -1)
    ends = np.full(value.shape, -1)
    for column in range(value.shape[1] - 1, -1, -1):
        ends[:, column] = following
        following = np.where(~copied[:, column] & np.isfinite(value[:, column]), column, following)
    return Copies(series, period, ends[series, period])
