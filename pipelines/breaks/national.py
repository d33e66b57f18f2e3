"""A break of the common course of a panel: one finding for the country, not one per municipality.

What belongs here: testing the centres of all panels of one detection. What does not: the municipal series,
from which the common course has been taken out.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, log10, sqrt

import numpy as np

from pipelines.breaks.level_shift import Shapes, informations, precision_of, scores, without
from pipelines.breaks.panel import Floats, Ints
from pipelines.breaks.peers import median_over

_MOST = 3
_SMALLEST = float(np.log(1.05))
_PRIOR_FREEDOM = 4.0
_SMALLEST_STEP = 0.004


@dataclass(frozen=True)
class Course:
    """The common course `centre` (n) of a panel with its sampling `variance` (n)."""

    centre: Floats
    variance: Floats
    ordinals: Ints
    per_year: int


@dataclass(frozen=True)
class CommonBreak:
    period: int
    lasting: bool
    effect: float
    se: float
    score: float


def usual_step(course: Course) -> float:
    """Typical change per period around the mean growth and the season, by the median of absolute
    deviations.
    """
    steps = np.diff(course.centre)
    season = course.ordinals[1:] % course.per_year
    for part in range(course.per_year if steps.size >= 4 * course.per_year else 1):
        own = season == part if steps.size >= 4 * course.per_year else np.ones(steps.size, dtype=bool)
        if own.any():
            steps[own] -= np.median(steps[own])
    return max(1.4826 * float(np.median(np.abs(steps))), _SMALLEST_STEP)


def common_breaks(course: Course, typical: float) -> list[CommonBreak]:
    """Breaks of one common course. `typical` is the usual step over all panels, which moderates the own one.

    The course is a random walk with a mean growth and a season; a lasting break is one step far out of its
    own.
    """
    size = course.centre.size
    own = usual_step(course)
    freedom = size - 1.0
    step = sqrt((_PRIOR_FREEDOM * typical**2 + freedom * own**2) / (_PRIOR_FREEDOM + freedom))
    time = (course.ordinals - course.ordinals[0]).astype(np.float64)
    walk = step**2 * np.minimum(time[:, None], time[None, :])
    present = np.ones((1, size), dtype=bool)
    precision = precision_of(walk, course.variance[None, :] + 1e-8, present)
    if size >= 8:
        precision = without(precision, time[None, :])
    if course.per_year > 1 and size >= 4 * course.per_year:
        for part in range(1, course.per_year):
            precision = without(precision, (course.ordinals % course.per_year == part)[None, :].astype(float))
    first = informations(precision)
    # A step at the last period is a single point as well; nothing tells them apart, so both are allowed.
    inside = present.copy()
    inside[:, 0] = False
    shapes = Shapes(one_off=inside, level=inside)
    rest = course.centre[None, :]
    found: list[CommonBreak] = []
    for turn in range(_MOST):
        result = scores(precision, rest, shapes, present, first, found=turn)
        lasting = result.level.max() >= result.one_off.max() * 0.98
        z = result.level[0] if lasting else result.one_off[0]
        period = int(z.argmax())
        rarity = _rarity(float(z[period]), freedom + _PRIOR_FREEDOM - turn, 2 * size)
        information = informations(precision)[1 if lasting else 0][0, period]
        columns = np.arange(size)
        shape = ((columns >= period) if lasting else (columns == period)).astype(np.float64)[None, :]
        effect = float((shape @ precision[0] @ rest[0])[0] / information)
        if rarity < 2.0 or abs(effect) < _SMALLEST:
            break
        found.append(CommonBreak(period, bool(lasting), effect, float(information**-0.5), rarity))
        precision = without(precision, shape)
    return found


def _rarity(z: float, freedom: float, tests: int) -> float:
    """Minus log10 of the chance of the largest of `tests` t-distributed scores (Wallace's approximation)."""
    normal = (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * np.log1p(z**2 / freedom))
    return -log10(max(erfc(normal / sqrt(2)) * tests, 1e-300))


def typical_step(courses: list[Course]) -> float:
    """The median over panels of how much the common course moves per period."""
    return float(np.median([usual_step(course) for course in courses])) if courses else _SMALLEST_STEP


def course_variance(rest: Floats, variance: Floats) -> Floats:
    """Sampling variance (n) of a robust centre of the series `rest` (S x n)."""
    spread = (1.4826 * np.nan_to_num(median_over(np.abs(rest), axis=0))) ** 2
    count = np.maximum(np.isfinite(rest).sum(axis=0), 1)
    return np.asarray(1.5 * np.maximum(spread, np.nan_to_num(median_over(variance, axis=0))) / count)
