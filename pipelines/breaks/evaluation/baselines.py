"""Other ways to find breaks, each as a score per series and period so that any line can be drawn.

What belongs here: what the detection is held against. What does not: measuring, or anything the detection uses. All but
`ratio_pelt` look at one series at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from pipelines.breaks.evaluation.measure import Alarms, Axes
from pipelines.breaks.evaluation.simulate import Simulated
from pipelines.breaks.panel import Bools, Floats, Ints

PENALTIES = np.geomspace(1.0, 1000.0, 60)
_ROUNDED_TO = 5.0


@dataclass(frozen=True)
class Values:
    """The figures of a panel as series x periods, NaN where there is none; `indicator` tells which series are peers."""

    value: Floats
    indicator: Ints
    per_year: int


@dataclass(frozen=True)
class Scores:
    """Scores and the method's own alarms, series x periods; -inf where the method says nothing."""

    score: Floats
    alarm: Bools


Method = Callable[[Values], Scores]


def values_of(simulated: Simulated, per_year: int = 2) -> Values:
    axes, panel = Axes.of(simulated), simulated.panel
    value = np.full((simulated.series, len(axes.periods)), np.nan)
    value[axes.series(panel), axes.period(panel)] = panel["value"].to_numpy()
    return Values(value, np.arange(simulated.series) // len(axes.regions), per_year)


def alarms_of_scores(scores: Scores) -> Alarms:
    series, period = np.nonzero(np.isfinite(scores.score))
    at = (series, period)
    return Alarms(series, period, scores.score[at], scores.alarm[at], np.full(series.size, -1))


def year_on_year(values: Values) -> Scores:
    """The change from the same period a year before; more than 25 % alarms."""
    before = np.full_like(values.value, np.nan)
    before[:, values.per_year :] = values.value[:, : -values.per_year]
    with np.errstate(divide="ignore", invalid="ignore"):
        return _scores(np.abs(values.value / before - 1.0), 0.25)


def difference_z(values: Values) -> Scores:
    """The change from the previous period against the mean and spread of all changes of the series; 3 alarms."""
    change = np.full_like(values.value, np.nan)
    change[:, 1:] = np.diff(values.value, axis=1)
    known = np.isfinite(change)
    mean = _mean(change, known)
    spread = np.sqrt(_mean((change - mean) ** 2, known))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _scores(np.abs(change - mean) / spread, 3.0)


def level_z(values: Values) -> Scores:
    """The level against the mean and spread of the series up to and including that very level; 3 alarms.

    This is how Elementary's anomaly tests work by default. As the tested point is part of its own training, the score
    cannot exceed (m - 1) / sqrt(m) with m points.
    """
    known = np.isfinite(values.value)
    number = np.cumsum(known, axis=1)
    filled = np.where(known, values.value, 0.0)
    scale = np.maximum(np.abs(filled).max(axis=1, keepdims=True), 1e-300)  # so that squares of amounts lose no digits
    filled = filled / scale
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.cumsum(filled, axis=1) / number
        squares = np.cumsum(filled**2, axis=1) - number * mean**2
        spread = np.sqrt(np.maximum(squares, 0.0) / (number - 1))
        score = np.abs(filled - mean) / np.where(spread > 1e-9, spread, np.nan)
    return _scores(np.where(known & (number >= 3), score, np.nan), 3.0)


def pelt(values: Values) -> Scores:
    """PELT on the log of a series by its own noise; alarms are what the penalty of BIC leaves."""
    return _by_penalty(_standardised(_log(values.value)), _pelt_points)


def binseg(values: Values) -> Scores:
    """Binary segmentation on the log of a series by its own noise; alarms are what the penalty of BIC leaves."""
    return _by_penalty(_standardised(_log(values.value)), _binseg_points)


def ratio_pelt(values: Values) -> Scores:
    """PELT on the log ratio to the peers, each figure by the noise that counting and rounding give it."""
    log = _log(values.value)
    ratio = np.full_like(log, np.nan)
    for indicator in np.unique(values.indicator):
        own = values.indicator == indicator
        level = _middle(log[own], axis=1)
        ratio[own] = log[own] - level - _middle(log[own] - level, axis=0)
    count = np.maximum(np.exp(_middle(log, axis=1)), 1.0)
    noise = np.sqrt(1.0 / count + _ROUNDED_TO**2 / 12.0 / count**2)
    return _by_penalty((ratio - _middle(ratio, axis=1)) / noise, _pelt_points)


METHODS: dict[str, Method] = {
    "year on year > 25 %": year_on_year,
    "z of differences > 3": difference_z,
    "z of the level, tested point in its training (Elementary's default)": level_z,
    "PELT with BIC on the series": pelt,
    "Binseg with BIC on the series": binseg,
    "PELT on the log-ratio to peers, count-noise model": ratio_pelt,
}


def _scores(score: Floats, threshold: float) -> Scores:
    score = np.where(np.isfinite(score), score, -np.inf)
    return Scores(score, score > threshold)


def _mean(values: Floats, known: Bools) -> Floats:
    total = np.where(known, values, 0.0).sum(axis=1, keepdims=True)
    return np.asarray(total / np.maximum(known.sum(axis=1, keepdims=True), 1))


def _middle(values: Floats, axis: int) -> Floats:
    """The median along an axis, which it keeps; 0 where nothing is known."""
    empty = ~np.isfinite(values).any(axis=axis, keepdims=True)
    return np.asarray(np.nanmedian(np.where(empty, 0.0, values), axis=axis, keepdims=True))


def _log(value: Floats) -> Floats:
    return np.where(value > 0, np.log(np.where(value > 0, value, 1.0)), np.nan)


def _standardised(log: Floats) -> Floats:
    """Each series by the robust spread of its differences; by their plain spread where most are equal."""
    middle = _middle(log, axis=1)
    steps = np.diff(np.where(np.isfinite(log), log, middle), axis=1)
    spread = 1.4826 * np.median(np.abs(steps), axis=1, keepdims=True) / np.sqrt(2.0)
    spread = np.where(spread > 1e-9, spread, steps.std(axis=1, keepdims=True) / np.sqrt(2.0))
    return np.asarray((log - middle) / np.where(spread > 1e-9, spread, 1.0))


_Points = Callable[[Floats, Floats], list[list[int]]]


def _by_penalty(standardised: Floats, points: _Points) -> Scores:
    """The largest penalty at which a change point stays. BIC counts a level and its place: twice the log of n."""
    score = np.full(standardised.shape, -np.inf)
    alarm = np.zeros(standardised.shape, dtype=bool)
    usual = 2.0 * np.log(standardised.shape[1])
    penalties = np.sort(np.append(PENALTIES, usual))
    # ruptures takes one series at a time; holes are closed, as it knows no missing figures.
    for row, series in enumerate(standardised):
        known = np.flatnonzero(np.isfinite(series))
        if known.size < 4:
            continue
        for penalty, found in zip(penalties, points(series[known], penalties), strict=True):
            score[row, known[found]] = penalty
            if penalty == usual:
                alarm[row, known[found]] = True
    return Scores(score, alarm)


def require_ruptures() -> Any:
    """The module. Raises ImportError where it is not installed: only the benchmark needs it."""
    try:
        return import_module("ruptures")
    except ImportError as error:
        raise ImportError("found no ruptures, expected it for PELT and Binseg: install `.[dev]`") from error


def _pelt_points(series: Floats, penalties: Floats) -> list[list[int]]:
    """Change points per penalty. KernelCPD with a linear kernel is PELT with squared errors, in C."""
    fitted = require_ruptures().KernelCPD(kernel="linear", min_size=1, jump=1).fit(series[:, None])
    return [_without_end(fitted.predict(pen=float(penalty))) for penalty in penalties]


def _binseg_points(series: Floats, penalties: Floats) -> list[list[int]]:
    fitted = require_ruptures().Binseg(model="l2", min_size=1, jump=1).fit(series)
    # What binary segmentation splits next does not depend on the penalty; that only tells where it stops.
    steps = [[series.size]]
    for number in range(1, min(6, series.size - 1)):
        steps.append(fitted.predict(n_bkps=number))
    costs = np.array([fitted.cost.sum_of_costs(step) for step in steps])
    gains = np.append(costs[:-1] - costs[1:], -np.inf)
    return [_without_end(steps[int(np.argmax(gains <= penalty))]) for penalty in penalties]


def _without_end(points: list[Any]) -> list[int]:
    return [int(point) for point in points[:-1]]
