"""A change of rounding: figures that become multiples of another number than before.

What belongs here: the change, per series and for a whole panel. What does not: how rounding adds to the variance of a
figure (`quantity`).

That figures are multiples of a step can be chance: of figures in units, one in five is a multiple of 5. A change is
reported where so many different figures in a row are multiples that chance does not do it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Grid, Ints

STEPS = np.array([1000.0, 500.0, 100.0, 50.0, 10.0, 5.0, 1.0, 0.1, 0.01])
_CHANCE = 1e-5  # of a run of multiples in one series
_FEWEST = 4  # different figures in the rounded part
_BESIDE = 3  # figures in the other part
_SHARE = 0.98  # of the figures of a panel that are multiples where all are rounded
_FEWEST_IN_PANEL = 12
_FAR_FROM = 0.7  # share of multiples up to which a panel is clearly not rounded to a step


@dataclass(frozen=True)
class RoundingChanges:
    """`series` and first `period` of the new rounding; `national` lists periods in which a whole panel changed."""

    series: Ints
    period: Ints
    national: Ints


def find_rounding_changes(grid: Grid) -> RoundingChanges:
    """Where the figures of a series, or of the whole panel, begin or cease to be multiples of a step."""
    figures = np.where(np.isfinite(grid.value) & (grid.value != 0), grid.value, np.nan)
    national = _of_panel(figures)
    series, period = _of_series(figures)
    own = np.ones(series.size, dtype=bool)
    for common in national:
        own &= np.abs(period - common) > 1
    return RoundingChanges(series[own], period[own], national)


def _multiples(figures: Floats, step: float) -> Bools:
    ratio = np.where(np.isfinite(figures), figures, 0.5 * step) / step
    return np.asarray(np.abs(ratio - np.round(ratio)) < 1e-6 * np.maximum(1.0, np.abs(ratio)))


def _of_panel(figures: Floats) -> Ints:
    known = np.isfinite(figures).sum(axis=0)
    columns = np.flatnonzero(known >= _FEWEST_IN_PANEL)
    changes: list[int] = []
    for step in STEPS:
        if columns.size < 2:
            break
        share = _multiples(figures, step).sum(axis=0)[columns] / known[columns]
        rounded, clearly_not = share >= _SHARE, share <= _FAR_FROM
        turned = (rounded[1:] & clearly_not[:-1]) | (clearly_not[1:] & rounded[:-1])
        changes += [int(columns[1:][at]) for at in np.flatnonzero(turned)]
    return np.unique(np.array(changes, dtype=np.int64))


def _of_series(figures: Floats) -> tuple[Ints, Ints]:
    present = np.isfinite(figures)
    series, size = figures.shape
    best, period = np.full(series, _CHANCE), np.full(series, -1)
    for turned in (False, True):
        ordered = figures[:, ::-1] if turned else figures
        known = present[:, ::-1] if turned else present
        new = known & ~_seen_before(ordered)
        for step in STEPS:
            multiple = _multiples(ordered, step)
            off = known & ~multiple
            # The run of multiples at this end of the series, up to the first figure that is none.
            length = np.where(off.any(axis=1), off.argmax(axis=1), size)
            inside = np.arange(size) < length[:, None]
            different = (new & inside).sum(axis=1)
            others = (known & ~inside).sum(axis=1)
            by_chance = ((multiple & known & ~inside).sum(axis=1) + 1.0) / (others + 2.0)
            by_chance = np.maximum(by_chance, (multiple & known).sum() / max(int(known.sum()), 1))
            chance = np.where(
                (different >= _FEWEST) & (others >= _BESIDE), np.maximum(by_chance, 0.1) ** different, 1.0
            )
            better = chance < best
            best = np.where(better, chance, best)
            # The first figure of the new rounding: that after the run, or from the end the last one of it.
            last_known = size - 1 - np.argmax((known & inside)[:, ::-1], axis=1)
            period = np.where(better, size - 1 - last_known if turned else length, period)
    found = np.flatnonzero(period >= 0)
    return found, period[found]


def _seen_before(figures: Floats) -> Bools:
    """Whether an earlier column of the same row holds the same figure."""
    seen = np.zeros(figures.shape, dtype=bool)
    for column in range(1, figures.shape[1]):
        seen[:, column] = (figures[:, :column] == figures[:, column : column + 1]).any(axis=1)
    return seen
