"""One panel tested against itself: what deviates from its peers more than series without a break do.

What belongs here: the two passes (a first look that takes clear breaks out, then the noise, the null and the search
proper). What does not: rules, causes, or the shape of the result.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.level_shift import admissible, informations, precision_of, scores, without
from pipelines.breaks.national import Course, course_variance
from pipelines.breaks.noise import Noise, estimate_noise
from pipelines.breaks.null import Null, Redraw, null_of_panel
from pipelines.breaks.panel import Bools, Floats, Grid, Ints
from pipelines.breaks.peers import centre_and_level, median_over
from pipelines.breaks.quantity import Quantity
from pipelines.breaks.rules import TEN, ScaleErrors
from pipelines.breaks.search import Found, Spread, search, spread_of_panel

FEWEST_PERIODS = 6
FEWEST_PEERS = 8
CANDIDATE = 0.7  # a fifth of the clean series has a score like this; kept so that another line can be drawn
_FEWEST_FIGURES = 4
_CLEAR = 4.0
_POWER = 0.8416  # 80 % of a normal
_SMOOTHED_OVER = 5


@dataclass(frozen=True)
class PeerTest:
    """Breaks of the tested series, with indices into the grid, and what could have been found.

    `detectable` (S) is the log effect of the smallest lasting shift found with 80 % power at `line`, NaN where a
    series was not tested. `course` is the common course for the national test over `columns` of the grid, None
    without a test.
    """

    found: Found
    detectable: Floats
    course: Course | None
    columns: Ints


def no_test(series: int) -> PeerTest:
    none, empty = np.empty(0, dtype=np.int64), np.empty(0)
    found = Found(none, none, none.astype(bool), empty, empty, empty)
    return PeerTest(found, np.full(series, np.nan), None, none)


def compare_with_peers(
    grid: Grid, quantity: Quantity, delivered: Bools, scale_errors: ScaleErrors, line: float
) -> PeerTest:
    """Level shifts and one-offs of a grid; nothing where it has too few periods or peers to tell.

    `line` is the rarity (minus log10 of false alarms per series) at which the detectable effect is stated.
    """
    log = np.where(delivered, without_scale_errors(quantity, scale_errors), np.nan)
    hidden = quantity.suppressed & delivered
    present = np.isfinite(log) | hidden
    tested = (np.isfinite(log).sum(axis=1) >= _FEWEST_FIGURES) & (present.sum(axis=1) >= FEWEST_PERIODS)
    columns = np.flatnonzero(np.isfinite(log[tested]).sum(axis=0) * 2 >= min(tested.sum(), FEWEST_PEERS))
    if tested.sum() < FEWEST_PEERS or columns.size < FEWEST_PERIODS:
        return no_test(log.shape[0])
    rows = np.flatnonzero(tested)
    panel = _Panel.of(grid, quantity, log, present, scale_errors, rows, columns)
    first_look = panel.look(np.zeros(panel.log.shape))
    clear = search(
        first_look.precision,
        first_look.rest,
        panel.present,
        panel.shapes,
        first_look.spread,
        lambda one_off, level: (one_off, level),
        _CLEAR,
    )
    look = panel.look(clear.fitted(panel.log.shape))
    null = look.null(panel)
    found = search(
        look.precision, look.rest, panel.present, panel.shapes, look.spread, null.rarity, CANDIDATE
    )
    detectable = np.full(log.shape[0], np.nan)
    detectable[rows] = look.detectable(panel, null, line)
    return PeerTest(
        Found(rows[found.series], columns[found.period], found.lasting, found.effect, found.se, found.score),
        detectable,
        Course(look.centre, course_variance(look.clean_rest, panel.variance), panel.ordinals, grid.per_year),
        columns,
    )


def without_scale_errors(quantity: Quantity, errors: ScaleErrors) -> Floats:
    """The log rate with lasting scale errors divided out, and single wrong figures left out."""
    log = quantity.log.copy()
    off = errors.power_of_cell != 0
    if not off.any():
        return log
    # Where a sound numerator stands beside a wrongly scaled rate, the log rate was right to begin with.
    apart = quantity.log - quantity.log_value
    apart = apart - median_over(np.where(off, np.nan, apart), axis=1)[:, None]
    wrong = off & ~(np.abs(apart + errors.power_of_cell * TEN) < 0.5)
    log = np.where(wrong, log - errors.power_of_cell * TEN, log)
    short = wrong & (off.sum(axis=1, keepdims=True) <= 2)
    return np.where(short, np.nan, log)


@dataclass(frozen=True)
class _Look:
    """One pass over a panel: its common course, noise, and scores."""

    centre: Floats
    rest: Floats
    clean_rest: Floats
    noise: Noise
    precision: Floats
    information: tuple[Floats, Floats]
    spread: Spread
    level: Floats

    def null(self, panel: _Panel) -> Null:
        real = scores(self.precision, self.rest, panel.shapes, self.information, 0, panel.present)
        redraw = Redraw(
            self.precision,
            self.level[:, None] + self.centre,
            panel.present,
            panel.shapes,
            self.noise,
            panel.ordinals,
            panel.quantity,
        )
        return null_of_panel(redraw, real, self.spread)

    def detectable(self, panel: _Panel, null: Null, line: float) -> Floats:
        """Log effect found with 80 % power at `line`, at the median of the periods where a level may start."""
        scale = np.sqrt(self.spread.pooled)
        possible = panel.shapes.level & (self.information[1] > 1e-9)
        error = np.where(possible, 1 / np.sqrt(np.where(possible, self.information[1], 1.0)), np.nan)
        return (null.level_line(line) + _POWER) * scale * median_over(error, axis=1)


class _Panel:
    """The tested part of a grid: S series over n periods that enough of them have."""

    def __init__(
        self,
        log: Floats,
        present: Bools,
        quantity: Quantity,
        ordinals: Ints,
        per_year: int,
        lasting_errors: list[tuple[Ints, Ints]],
    ) -> None:
        self.log, self.present, self.quantity = log, present, quantity
        self.ordinals, self.per_year = ordinals, per_year
        self.lasting_errors = lasting_errors
        self.shapes = admissible(present)
        self.variance = np.ones_like(log)

    @classmethod
    def of(
        cls,
        grid: Grid,
        quantity: Quantity,
        log: Floats,
        present: Bools,
        errors: ScaleErrors,
        rows: Ints,
        columns: Ints,
    ) -> _Panel:
        part = np.ix_(rows, columns)
        own = Quantity(
            log[part],
            quantity.log_value[part],
            quantity.people[part],
            quantity.printed[part],
            quantity.rounding,
            quantity.share,
            quantity.suppressed[part] & present[part],
        )
        place = np.full(log.shape[0], -1)
        place[rows] = np.arange(rows.size)
        lasting = (errors.returned < 0) & (place[errors.series] >= 0)
        series = place[errors.series[lasting]]
        period = np.searchsorted(columns, errors.period[lasting])
        # A series can hold several; each turn takes the first that is left of every series.
        turns = []
        while series.size:
            _, first = np.unique(series, return_index=True)
            turns.append((series[first], period[first]))
            series, period = np.delete(series, first), np.delete(period, first)
        return cls(log[part], present[part], own, grid.ordinals[columns], grid.per_year, turns)

    def look(self, fitted: Floats) -> _Look:
        """Measure the panel with the breaks in `fitted` (S x n) taken out; the scores keep them in."""
        shown = self.log - fitted
        centre, level = centre_and_level(shown)
        for _ in range(2):
            course = level[:, None] + centre
            filled = np.where(self.present, self.quantity.at_least_hidden(course + fitted), np.nan)
            shown = filled - fitted
            expected = smoothed(shown - centre, level) + centre + fitted
            self.variance = self.quantity.variance(expected)
            step = np.diff(shown - centre, axis=1)
            usual = np.nanmedian(step**2) / 2 if np.isfinite(step).any() else 1e-3
            centre, level = centre_and_level(shown, 1.0 / (self.variance + usual))
        clean_rest = shown - centre - level[:, None]
        noise = estimate_noise(clean_rest, self.variance, self.ordinals, self.per_year)
        precision = precision_of(noise.covariance(self.ordinals), self.variance, self.present)
        for series, period in self.lasting_errors:
            shape = np.zeros(self.log.shape)
            shape[series] = np.arange(self.log.shape[1]) >= period[:, None]
            precision = without(precision, shape * self.present)
        rest = np.where(self.present, filled - centre - level[:, None], 0.0)
        information = informations(precision)
        clean = scores(
            precision,
            np.where(self.present, clean_rest, 0.0),
            self.shapes,
            information,
            0,
            self.present,
        )
        return _Look(centre, rest, clean_rest, noise, precision, information, spread_of_panel(clean), level)


def smoothed(rest: Floats, level: Floats) -> Floats:
    """A running median over five periods, which follows a lasting shift; `level` where there is nothing."""
    reach = _SMOOTHED_OVER // 2
    padded = np.pad(rest, ((0, 0), (reach, reach)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_OVER, axis=1)
    middle = median_over(windows.reshape(-1, _SMOOTHED_OVER), axis=1).reshape(rest.shape)
    return np.where(np.isfinite(middle), middle, level[:, None])
