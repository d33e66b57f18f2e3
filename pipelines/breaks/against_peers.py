"""One panel tested against itself: what deviates from its peers more than series without a break do.

What belongs here: the two passes (a first look that takes clear breaks out, then the noise, the null and
the search proper). What does not: rules, causes, or the shape of the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipelines.breaks.level_shift import admissible, informations, precision_of, scores, without
from pipelines.breaks.national import Course, course_variance
from pipelines.breaks.noise import Noise, estimate_noise
from pipelines.breaks.null import Case, Null, Redraw, nulls_of_panels
from pipelines.breaks.panel import Bools, Floats, Grid, Ints
from pipelines.breaks.peers import centre_and_level, median_over
from pipelines.breaks.quantity import Quantity, smoothed
from pipelines.breaks.rules import TEN, ScaleErrors
from pipelines.breaks.search import Found, Lines, Searched, Spread, search, spread_of_panel

FEWEST_PERIODS = 6
FEWEST_PEERS = 8
CANDIDATE = 0.7  # a fifth of the clean series has a score like this; kept so that another line can be drawn
_FEWEST_FIGURES = 4
_SURE = 1.5
_CLEAR = 4.0
_POWER = 0.8416  # 80 % of a normal


@dataclass(frozen=True)
class PeerTest:
    """Breaks of the tested series, with indices into the grid, and what could have been found.

    `detectable` (S) is the log effect of the smallest lasting shift found with 80 % power at `line`, NaN
    where a series was not tested. `course` is the common course for the national test over `columns` of the
    grid, None without a test.
    """

    found: Found
    detectable: Floats
    course: Course | None
    columns: Ints


def no_test(series: int) -> PeerTest:
    none, empty = np.empty(0, dtype=np.int64), np.empty(0)
    found = Found(none, none, none.astype(bool), empty, empty, empty)
    return PeerTest(found, np.full(series, np.nan), None, none)


def compare_with_peers(cases: list[tuple[Grid, Quantity, Bools, ScaleErrors]], line: float) -> list[PeerTest]:
    """Level shifts and one-offs per grid; nothing where one has too few periods or peers to tell.

    A case is a grid with its quantity, what counts as delivered, and the scale errors found. `line` is the
    rarity (minus log10 of false alarms per series) at which the detectable effect is stated.
    """
    panels = [_panel(*case) for case in cases]
    looks = [None if panel is None else _second_look(panel) for panel in panels]
    nulls = iter(
        nulls_of_panels([look.to_redraw(panel) for panel, look in zip(panels, looks, strict=True) if panel and look])
    )
    tests = []
    for (grid, *_), panel, look in zip(cases, panels, looks, strict=True):
        if panel is None or look is None:
            tests.append(no_test(grid.regions.size))
            continue
        tests.append(_test(panel, look, next(nulls), line))
    return tests


def _panel(grid: Grid, quantity: Quantity, delivered: Bools, errors: ScaleErrors) -> _Panel | None:
    log = np.where(delivered, without_scale_errors(quantity, errors), np.nan)
    present = np.isfinite(log) | (quantity.suppressed & delivered)
    tested = (np.isfinite(log).sum(axis=1) >= _FEWEST_FIGURES) & (present.sum(axis=1) >= FEWEST_PERIODS)
    columns = np.flatnonzero(np.isfinite(log[tested]).sum(axis=0) * 2 >= min(tested.sum(), FEWEST_PEERS))
    if tested.sum() < FEWEST_PEERS or columns.size < FEWEST_PERIODS:
        return None
    rows = np.flatnonzero(tested)
    return _Panel(grid, quantity, errors, log=log, present=present, rows=rows, columns=columns)


def _second_look(panel: _Panel) -> _Look:
    """The panel measured with its clear breaks taken out, so that they do not count as noise."""
    look = panel.look(np.zeros(panel.log.shape))
    clear = search(
        Searched(look.precision, look.rest, panel.present, panel.shapes, look.spread),
        Lines(_as_it_is, _CLEAR, _CLEAR),
    )
    return panel.look(clear.fitted(panel.log.shape))


def _as_it_is(one_off: Floats, level: Floats) -> tuple[Floats, Floats]:
    return one_off, level


def _test(panel: _Panel, look: _Look, null: Null, line: float) -> PeerTest:
    searched = Searched(look.precision, look.rest, panel.present, panel.shapes, look.spread)
    found = search(searched, Lines(null.rarity, CANDIDATE, min(line, _SURE)))
    detectable = np.full(panel.all_series, np.nan)
    detectable[panel.rows] = look.detectable(panel, null, line)
    variance = course_variance(look.clean_rest, panel.variance)
    return PeerTest(
        replace(found, series=panel.rows[found.series], period=panel.columns[found.period]),
        detectable,
        Course(look.centre, variance, panel.ordinals, panel.per_year),
        panel.columns,
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

    def to_redraw(self, panel: _Panel) -> Case:
        """What the null of the panel is made from."""
        real = scores(self.precision, self.rest, panel.shapes, panel.present, self.information)
        course = self.level[:, None] + self.centre
        redraw = Redraw(self.precision, course, panel.present, panel.shapes, self.noise, panel.ordinals, panel.quantity)
        return Case(redraw, real, self.spread)

    def detectable(self, panel: _Panel, null: Null, line: float) -> Floats:
        """Log effect found with 80 % power at `line`, for the median of the periods where it may start."""
        scale = np.sqrt(self.spread.pooled)
        possible = panel.shapes.level & (self.information[1] > 1e-9)
        error = np.where(possible, 1 / np.sqrt(np.where(possible, self.information[1], 1.0)), np.nan)
        return (null.level_line(line) * scale + _POWER) * median_over(error, axis=1)


class _Panel:
    """The tested part of a grid: S series over n periods that enough of them have."""

    def __init__(
        self,
        grid: Grid,
        quantity: Quantity,
        errors: ScaleErrors,
        *,
        log: Floats,
        present: Bools,
        rows: Ints,
        columns: Ints,
    ) -> None:
        part = np.ix_(rows, columns)
        self.rows, self.columns, self.all_series = rows, columns, log.shape[0]
        self.log, self.present = log[part], present[part]
        self.quantity = replace(
            quantity,
            log=log[part],
            log_value=quantity.log_value[part],
            people=quantity.people[part],
            printed=quantity.printed[part],
            suppressed=quantity.suppressed[part] & self.present,
        )
        self.ordinals, self.per_year = grid.ordinals[columns], grid.per_year
        self.shapes = admissible(self.present)
        self.variance = np.ones_like(self.log)
        self.lasting_errors = self._lasting(errors)

    def _lasting(self, errors: ScaleErrors) -> list[tuple[Ints, Ints]]:
        """Lasting scale errors as series and period; the n-th entry holds the n-th error of every series."""
        place = np.full(self.all_series, -1)
        place[self.rows] = np.arange(self.rows.size)
        lasting = (errors.returned < 0) & (place[errors.series] >= 0)
        series = place[errors.series[lasting]]
        period = np.searchsorted(self.columns, errors.period[lasting])
        turns = []
        while series.size:
            _, first = np.unique(series, return_index=True)
            turns.append((series[first], period[first]))
            series, period = np.delete(series, first), np.delete(period, first)
        return turns

    def look(self, fitted: Floats) -> _Look:
        """Measure the panel with the breaks in `fitted` (S x n) taken out; the scores keep them in."""
        shown = self.log - fitted
        centre, level = centre_and_level(shown)
        for _ in range(2):
            course = level[:, None] + centre
            filled = np.where(self.present, self.quantity.at_least_hidden(course + fitted), np.nan)
            shown = filled - fitted
            # The neighbours in time say how precise a figure is: a running median follows a lasting shift,
            # but not a single deviating point, which so cannot excuse itself.
            expected = smoothed(filled - centre, level) + centre
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
        known = np.where(self.present, clean_rest, 0.0)
        clean = scores(precision, known, self.shapes, self.present, information)
        return _Look(centre, rest, clean_rest, noise, precision, information, spread_of_panel(clean), level)
