"""What a figure measures, on a log scale, and how precisely it can be known from its own making.

What belongs here: the log of the rate, the number of people behind it, rounding and suppression, and the
variance that counting and rounding alone cause. What does not: variation between municipalities or in time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Grid, Ints
from pipelines.breaks.peers import median_over

SUPPRESSED_BELOW = 10.0
_PEOPLE_PER_UNIT = {"count": 1.0, "per_1000": 1000.0, "per_10000": 10_000.0, "pct": 100.0}
_ROUNDINGS = (1000.0, 500.0, 100.0, 50.0, 25.0, 10.0, 5.0, 3.0, 1.0, 0.1, 0.01)
_SHARE_ROUNDED = 0.98
_SMOOTHED_OVER = 5
_FEW_BELOW_ZERO = 0.1  # of the figures of a series


@dataclass(frozen=True)
class Quantity:
    """The log rate `log` (S x n, NaN where unknown) of a grid and what is needed for its precision.

    exp(log) * `people` is the number of people counted (NaN where no numbers are known, as for euros);
    exp(log) * `printed` is the figure that was rounded, to a multiple of `rounding` (0 where none shows).
    `share` tells that the figure is a percentage of a whole. `suppressed` marks cells below 10. `log_value`
    is the log of the figure as published, which differs from `log` where a numerator was delivered beside
    it.
    """

    log: Floats
    log_value: Floats
    people: Floats
    printed: Floats
    rounding: float
    share: bool
    suppressed: Bools

    def of(self, rows: Ints, columns: Ints) -> Quantity:
        """The same for some series and periods."""
        part = np.ix_(rows, columns)
        names = ("log", "log_value", "people", "printed", "suppressed")
        return replace(self, **{name: getattr(self, name)[part] for name in names})

    def variance(self, level: Floats) -> Floats:
        """Variance of `log` (S x n) by counting and rounding, where the true log rate is `level`."""
        expected = np.exp(level) * self.people
        counting = 1.0 / np.maximum(expected, 0.5)
        if self.share:
            counting *= np.clip(1.0 - np.exp(level) / 100.0, 0.02, 1.0)
        counting = np.where(np.isfinite(counting), counting, 0.0)
        figure = np.maximum(np.exp(level) * self.printed, self.rounding / 4 or 1e-300)
        rounding = self.rounding**2 / 12.0 / figure**2
        variance = counting + np.where(np.isfinite(rounding), rounding, 0.0)
        hidden = 1.0 / 7.0 + SUPPRESSED_BELOW**2 / 12.0 / 49.0
        variance = np.where(self.suppressed, hidden, variance)
        return np.clip(variance, 1e-8, 4.0)

    def at_least_hidden(self, level: Floats) -> Floats:
        """`log` with suppressed cells filled in: as expected where that is below 10, else just under 10.

        A suppressed cell so tells only that a series fell when it was expected well above the limit.
        """
        ceiling = np.log(0.7 * SUPPRESSED_BELOW) - np.log(self.people)
        return np.where(self.suppressed, np.fmin(ceiling, level), self.log)


def quantity_of(grid: Grid) -> Quantity:
    """The log rate of a grid, per inhabitant where the population is known."""
    people_known = filled_in_time(grid.denominator)
    people_known[~(people_known > 0)] = np.nan
    per_unit = _PEOPLE_PER_UNIT.get(grid.unit)
    value = grid.value
    suppressed = grid.status == "Q"
    ones = np.ones_like(value)
    numerators = np.isfinite(grid.numerator)
    if per_unit is None:
        people, printed, figure = np.full_like(value, np.nan), ones, value
    elif grid.unit == "count":
        people = np.where(np.isfinite(people_known).all(axis=1, keepdims=True), people_known, 1.0)
        printed, figure = people, value
    elif numerators[np.isfinite(value)].mean() > 0.95 if np.isfinite(value).any() else False:
        # The numerator is finer than a rate printed with few digits.
        people = np.where(np.isfinite(people_known), people_known, grid.numerator / value * per_unit) / per_unit
        printed, figure = people, grid.numerator
    else:
        people, printed, figure = people_known / per_unit, ones, value
    rounding = rounding_of(figure)
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = rounding / 4 if rounding > 1 else 0.5 if rounding == 1 and per_unit else rounding / 4
        log = np.log(np.where(figure < 0, np.nan, np.maximum(figure, floor))) - np.log(printed)
        as_published = np.log(np.where(value > 0, value, np.nan))
        if grid.unit == "count":
            as_published = as_published - np.log(people)
    # What swings around zero has no change in percent; a correction now and then leaves only its own cell out.
    below = (figure < 0).sum(axis=1) > _FEW_BELOW_ZERO * np.isfinite(figure).sum(axis=1)
    log[~np.isfinite(log) | below[:, None]] = np.nan
    as_published[~np.isfinite(as_published)] = np.nan
    hidden = suppressed & np.isfinite(people) if per_unit is not None else np.zeros_like(suppressed)
    return Quantity(log, as_published, people, printed, rounding, grid.unit == "pct", hidden)


def rounding_of(figures: Floats) -> float:
    """The largest step of which nearly all figures are a multiple; 0 where there is none."""
    known = figures[np.isfinite(figures) & (figures != 0)]
    if known.size < 8:
        return 0.0
    for step in _ROUNDINGS:
        multiples = known / step
        if np.mean(np.abs(multiples - np.round(multiples)) < 1e-6 * np.maximum(1.0, multiples)) >= _SHARE_ROUNDED:
            return step
    return 0.0


def filled_in_time(matrix: Floats) -> Floats:
    """Each row with its holes filled from the nearest earlier value, else the nearest later one."""
    filled = matrix.copy()
    for column in range(1, filled.shape[1]):
        hole = np.isnan(filled[:, column])
        filled[hole, column] = filled[hole, column - 1]
    for column in range(filled.shape[1] - 2, -1, -1):
        hole = np.isnan(filled[:, column])
        filled[hole, column] = filled[hole, column + 1]
    return filled


def smoothed(rest: Floats, level: Floats) -> Floats:
    """A running median over five periods, which follows a lasting shift; `level` where there is nothing."""
    reach = _SMOOTHED_OVER // 2
    padded = np.pad(rest, ((0, 0), (reach, reach)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_OVER, axis=1)
    middle = median_over(windows.reshape(-1, _SMOOTHED_OVER), axis=1).reshape(rest.shape)
    return np.where(np.isfinite(middle), middle, level[:, None])
