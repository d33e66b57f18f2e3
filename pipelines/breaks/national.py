"""A break of the common course of a panel: one finding for the country, not one per municipality.

What belongs here: testing the centres of all panels of one detection. What does not: the municipal series,
from which the common course has been taken out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import erfc, log10, sqrt

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.peers import median_over
from pipelines.breaks.shapes import SHAPES, SLOPE, admissible, informations, precision_of, pulls, shape_of, without

_MOST = 3
_SMALLEST = float(np.log(1.05))
_PRIOR_FREEDOM = (4.0, 12.0)  # with one course, and with many
_WORTH_OF_MEDIAN = 0.37  # of a step, where the spread is told by a median of absolute deviations
_SMALLEST_STEP = 0.004
_WORTH_LISTING = 0.5  # score below which a break of a course is not even a candidate
_MOST_FAVOURED = 10.0
_SMALLEST_SLOPE = 0.02  # per period
_FEWEST_FOR_SLOPE = 10  # periods of one course
_FEWEST_PERIODS_FOR_SLOPE = 8  # of one course among several
_FEWEST_STEPS = 2  # before and after a growth changed
_BESIDE_SLOPE = 2  # periods
_MOST_ALIKE = 0.7  # correlation of a step with the one before
_PREFERRED = np.array([0.85, 1.0, 0.85])  # a step that is mostly still there next period is a lasting one
_REACH = 2  # periods before and after that tell a change


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
    kind: int
    effect: float
    se: float
    score: float


def usual_step(course: Course) -> float:
    """Typical change per period around the mean growth and the season, by the median of absolute
    deviations.
    """
    return max(1.4826 * float(np.median(np.abs(_steps(course)))), _SMALLEST_STEP)


def _steps(course: Course) -> Floats:
    """Changes per period (n - 1) less their median, that of their season where there are years enough."""
    steps = np.diff(course.centre)
    season = course.ordinals[1:] % course.per_year
    for part in range(course.per_year if steps.size >= 4 * course.per_year else 1):
        own = season == part if steps.size >= 4 * course.per_year else np.ones(steps.size, dtype=bool)
        if own.any():
            steps[own] -= np.median(steps[own])
    return np.asarray(steps)


def _step_with_two_growths(course: Course, typical: Typical, freedom: float) -> Floats:
    """Typical change per period (n) where the growth may differ from a period on; infinite where nothing tells.

    A growth that changes would else count as restlessness and hide itself. Steps that resemble the one before, as those
    of a slow cycle do, tell less of a growth than as many that do not.
    """
    steps = _steps(course)
    number = steps.size
    tested = np.arange(_FEWEST_STEPS + 1, number - _FEWEST_STEPS + 2)
    size = np.full(number + 1, np.inf)
    if not tested.size:
        return size
    later = np.arange(number) >= tested[:, None] - 1
    before, after = (np.nanmedian(np.where(part, steps, np.nan), axis=1)[:, None] for part in (~later, later))
    left = steps - np.where(later, after, before)
    own = np.maximum(1.4826 * np.median(np.abs(left), axis=1), _SMALLEST_STEP)
    own = own * np.sqrt(number / (number - 1.0))  # a second median was fitted
    kept = np.clip(left, -3 * own[:, None], 3 * own[:, None])
    alike = (kept[:, 1:] * kept[:, :-1]).sum(axis=1) / np.maximum((kept**2).sum(axis=1), 1e-12)
    alike = np.clip(alike + 1 / number, 0.0, _MOST_ALIKE)  # what is left after two medians looks less alike
    freedom = max(freedom - _WORTH_OF_MEDIAN, 0.0)
    moderated = (typical.freedom * typical.step**2 + freedom * own**2) / (typical.freedom + freedom)
    size[tested] = np.sqrt(moderated * (1 + alike) / (1 - alike))
    return size


def common_breaks(course: Course, typical: Typical) -> list[CommonBreak]:
    """Breaks of one common course. `typical` is the usual step over all panels, which moderates the own one.

    The course is a random walk with a mean growth and a season; a lasting break is one step far out of its
    own.
    """
    size = course.centre.size
    own = usual_step(course)
    freedom = _WORTH_OF_MEDIAN * (size - 1.0)
    prior = typical.freedom
    step = sqrt((prior * typical.step**2 + freedom * own**2) / (prior + freedom))
    time = (course.ordinals - course.ordinals[0]).astype(np.float64)
    walk = step**2 * np.minimum(time[:, None], time[None, :])
    present = np.ones((1, size), dtype=bool)
    precision = precision_of(walk, course.variance[None, :] + 1e-8, present)
    if size >= 8:
        precision = without(precision, time[None, :])
    if course.per_year > 1 and size >= 4 * course.per_year:
        for part in range(1, course.per_year):
            precision = without(precision, (course.ordinals % course.per_year == part)[None, :].astype(float))
    # A step at the last period is a single point as well; nothing tells them apart, so both are allowed.
    inside = np.zeros((SHAPES, size), dtype=bool)
    inside[:, 1:] = True
    # One course of a few points tells too little of its own growth; several tell how much a growth usually changes.
    told = size + (typical.freedom - _PRIOR_FREEDOM[0]) >= _FEWEST_FOR_SLOPE
    inside[SLOPE] = admissible(present)[SLOPE, 0] & (size >= _FEWEST_PERIODS_FOR_SLOPE) & told
    sampled = float(np.median(course.variance))
    wider = np.ones((SHAPES, size))
    with_two = _step_with_two_growths(course, typical, freedom)
    wider[SLOPE] = np.sqrt((with_two**2 + sampled) / (step**2 + sampled))
    first = informations(precision)[:, 0]
    rest = course.centre[None, :]
    found: list[CommonBreak] = []
    for turn in range(_MOST):
        information = informations(precision)[:, 0]
        usable = inside & (information > np.maximum(0.08 * first, 1e-9))
        pull = pulls(precision, rest, rest)[:, 0]
        z = np.where(usable, np.abs(pull) / np.sqrt(np.where(usable, information, 1.0)) / wider, 0.0)
        kind = int(np.argmax(z.max(axis=1) * _PREFERRED))
        period = int(z[kind].argmax())
        rarity = _rarity(float(z[kind, period]), freedom + prior - turn, 2 * size)
        effect = float(pull[kind, period] / max(information[kind, period], 1e-12))
        if rarity < _WORTH_LISTING or abs(effect) < (_SMALLEST_SLOPE if kind == SLOPE else _SMALLEST):
            break
        se = float(information[kind, period] ** -0.5 * wider[kind, period])
        found.append(CommonBreak(period, kind, effect, se, rarity))
        precision = without(precision, shape_of(np.array([kind]), np.array([period]), size))
        # A growth that changes and a jump beside it are one change; a few points cannot tell the two apart.
        beside = np.abs(np.arange(size) - period) <= _BESIDE_SLOPE
        inside[slice(None) if kind == SLOPE else SLOPE, beside] = False
    return found


def common_to_several(found: list[list[CommonBreak]], courses: list[Course], line: float) -> list[list[CommonBreak]]:
    """The breaks of all courses, with better scores for those in a period in which other courses clearly broke.

    A law or a new way of booking moves several indicators at once. Scores are those of weighted tests, with a weight
    of one on average over the periods; the course itself does not count among the others.
    """
    when = [
        (course.per_year, int(course.ordinals[one.period]))
        for own, course in zip(found, courses, strict=True)
        for one in own
        if one.score >= line
    ]
    whole = Counter(when)
    result = []
    for own, course in zip(found, courses, strict=True):
        mine = {int(course.ordinals[one.period]) for one in own if one.score >= line}
        others = np.array(
            [whole[course.per_year, int(at)] - (int(at) in mine) for at in course.ordinals], dtype=np.float64
        )
        weight = np.minimum(1 + others * others.size / max(others.sum(), 1.0), _MOST_FAVOURED)
        favour = np.log10(weight / weight.mean()) if len(courses) > 1 and others.max() >= 2 else np.zeros(others.size)
        result.append([replace(one, score=one.score + max(float(favour[one.period]), 0.0)) for one in own])
    return result


def _rarity(z: float, freedom: float, tests: int) -> float:
    """Minus log10 of the chance of the largest of `tests` t-distributed scores (Wallace's approximation)."""
    normal = (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * np.log1p(z**2 / freedom))
    return -log10(max(erfc(normal / sqrt(2)) * tests, 1e-300))


@dataclass(frozen=True)
class Typical:
    """How much common courses move per period (log), known as if from `freedom` steps."""

    step: float
    freedom: float


def typical_step(courses: list[Course]) -> Typical:
    """The median over panels of how much the common course moves per period."""
    few, many = _PRIOR_FREEDOM
    step = float(np.median([usual_step(course) for course in courses])) if courses else _SMALLEST_STEP
    return Typical(step, min(few + len(courses) - 1.0, many))


def differing_changes(rest: Floats, present: Bools) -> Floats:
    """How much series differ in a change of each period (n), beyond what they differ in at other periods.

    A new law does not move every municipality by the same amount.
    """
    known = np.where(present, rest, np.nan)
    size = rest.shape[1]
    width = np.zeros(size)
    for at in range(1, size):
        change = _mean(known[:, at : at + _REACH]) - _mean(known[:, max(at - _REACH, 0) : at])
        middle = np.nanmedian(change) if np.isfinite(change).any() else 0.0
        width[at] = 1.4826 * np.nanmedian(np.abs(change - middle)) if np.isfinite(change).any() else 0.0
    usual = float(np.median(width[1:])) if size > 1 else 0.0
    return np.sqrt(np.maximum(width**2 - usual**2, 0.0))


def _mean(part: Floats) -> Floats:
    known = np.isfinite(part)
    return np.where(known.any(axis=1), np.nansum(part, axis=1) / np.maximum(known.sum(axis=1), 1), np.nan)


def course_variance(rest: Floats, variance: Floats) -> Floats:
    """Sampling variance (n) of a robust centre of the series `rest` (S x n)."""
    spread = (1.4826 * np.nan_to_num(median_over(np.abs(rest), axis=0))) ** 2
    count = np.maximum(np.isfinite(rest).sum(axis=0), 1)
    return np.asarray(1.5 * np.maximum(spread, np.nan_to_num(median_over(variance, axis=0))) / count)
