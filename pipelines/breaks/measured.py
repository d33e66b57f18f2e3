"""The tested part of one grid, and how it measures: common course, noise, and the precision of every series.

What belongs here: one pass over a panel, with the breaks known so far taken out. What does not: the search for
breaks, or how rare evidence is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.evidence import Spread, spread_of_panel
from pipelines.breaks.noise import Noise, estimate_noise
from pipelines.breaks.null import Case, Null, Redraw, deviations_of, maxima_of
from pipelines.breaks.panel import Bools, Floats, Grid, Ints
from pipelines.breaks.peers import centre_and_level
from pipelines.breaks.power import by_theory
from pipelines.breaks.quantity import Quantity, smoothed
from pipelines.breaks.rules import ScaleErrors
from pipelines.breaks.search import Searched
from pipelines.breaks.shapes import (
    LEVEL,
    ONE_OFF,
    admissible,
    informations,
    precision_of,
    pulls,
    without,
    without_spikes,
)

# By simulation: breaks of other series that are too small to be taken out first count as noise.
_CONTAMINATED = 1.14
_SAMPLED = 3000  # series that tell the spread and the null of a panel


class Panel:
    """The tested part of a grid: S series over n periods that enough of them have.

    `rows` and `columns` place them in the grid; `log` (S x n) is the log rate without scale errors, `present` where
    anything is known.
    """

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
        self.quantity = quantity.of(rows, columns)
        self.quantity.suppressed[:] &= self.present
        self.ordinals, self.per_year = grid.ordinals[columns], grid.per_year
        self.lasting_errors = self._lasting(errors)

    @property
    def sample(self) -> Ints:
        """A bounded number of series, spread over the panel."""
        series = self.rows.size
        return np.unique(np.linspace(0, series - 1, min(series, _SAMPLED)).round().astype(np.int64))

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

    def look(self, fitted: Floats) -> Look:
        """Measure the panel with the breaks in `fitted` (S x n) taken out; `rest` keeps them in."""
        shown = self.log - fitted
        centre, level = centre_and_level(shown)
        for _ in range(2):
            course = level[:, None] + centre
            filled = np.where(self.present, self.quantity.at_least_hidden(course + fitted), np.nan)
            shown = filled - fitted
            # The neighbours in time say how precise a figure is: a running median follows a lasting shift,
            # but not a single deviating point, which so cannot excuse itself.
            expected = smoothed(filled - centre, level) + centre
            variance = self.quantity.variance(expected)
            step = np.diff(shown - centre, axis=1)
            usual = np.nanmedian(step**2) / 2 if np.isfinite(step).any() else 1e-3
            centre, level = centre_and_level(shown, 1.0 / (variance + usual))
        clean_rest = shown - centre - level[:, None]
        rest = np.where(self.present, filled - centre - level[:, None], 0.0)
        sample = self.sample
        noise = estimate_noise(clean_rest[sample], variance[sample], self.ordinals, self.per_year)
        look = Look(self, centre, level, rest, clean_rest, variance, noise, Spread(1.0, 3.0))
        known = np.where(self.present[sample], clean_rest[sample], 0.0)
        total = np.einsum("si,sij,sj->s", known, look.precision(sample), known, optimize=True)
        return Look(
            self, centre, level, rest, clean_rest, variance, noise, spread_of_panel(total, self.present[sample])
        )


@dataclass(frozen=True)
class Look:
    """One pass over a panel: the common course `centre` (n), own `level` (S), what is left with (`rest`) and without
    (`clean_rest`) the breaks known so far (S x n), the `variance` by counting and rounding, and the noise beyond.
    """

    panel: Panel
    centre: Floats
    level: Floats
    rest: Floats
    clean_rest: Floats
    variance: Floats
    noise: Noise
    spread: Spread

    def precision(self, rows: Ints) -> Floats:
        """R x n x n, with own levels and lasting scale errors projected out."""
        panel = self.panel
        present = panel.present[rows]
        precision = precision_of(self.noise.covariance(panel.ordinals), self.variance[rows], present)
        for series, period in panel.lasting_errors:
            since = np.full(panel.rows.size, present.shape[1])
            since[series] = period
            later = (np.arange(present.shape[1]) >= since[rows][:, None]) & present
            precision = without(precision, later.astype(np.float64))
        return precision

    def searched(self, rows: Ints) -> Searched:
        """Some series, ready to be searched."""
        present = self.panel.present[rows]
        precision, rest = self.precision(rows), self.rest[rows]
        calm = without_spikes(rest, present, precision)
        return Searched(precision, rest, calm, present, admissible(present), self.spread)

    def to_redraw(self) -> Case:
        """What the null of the panel is made from."""
        panel, rows = self.panel, self.panel.sample
        searched = self.searched(rows)
        course = self.level[rows][:, None] + self.centre
        quantity = panel.quantity.of(rows, np.arange(panel.columns.size))
        redraw = Redraw(
            searched.precision, course, searched.present, searched.allowed, self.noise, panel.ordinals, quantity
        )
        information = informations(searched.precision)
        strength = searched.strength(searched.precision, information, found=0)
        pull = pulls(searched.precision, searched.rest, searched.calm)[ONE_OFF]
        off = deviations_of(pull, information[ONE_OFF], searched.allowed[ONE_OFF] & (information[ONE_OFF] > 1e-9))
        return Case(redraw, maxima_of(strength), off, self.spread)

    def detectable(self, searched: Searched, null: Null, line: float) -> Floats:
        """Log size (S) of the smallest lasting shift that is found with 80 % power at `line`."""
        information = informations(searched.precision)[LEVEL]
        strength = null.level_line(line)
        return (
            _CONTAMINATED
            * null.lost
            * by_theory(information, searched.allowed[LEVEL], searched.present, self.spread, strength)
        )
