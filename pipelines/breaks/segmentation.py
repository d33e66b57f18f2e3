"""Change points of one series without peers, by penalised optimal segmentation.

What belongs here: a single series of any length, in any unit, cut where its level or slope changes. What does not:
the short series of a panel (`alone` tests those in a batch), or what a change is worth to a reader.

A segment is a level, a line or a parabola with AR(1) noise about it. Segmentation, noise variance and persistence
are chosen together, by the likelihood less a penalty in the manner of BIC. So a series that wanders is put down to
persistent noise, and a smooth bend to a parabola, unless cutting it explains clearly more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Ints

FEWEST_POINTS = 6
_FINEST = 1000  # positions of the search; a longer series is averaged in blocks, and its change points refined
_PERSISTENCE = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95)
_LONGEST_MEMORY = 0.025  # of the series; what wanders more slowly is a change to the eye, not noise
_VARIANCES = 14
_LEAST_SEEN = 0.025  # of the range of the series; the eye takes less than this for noise
_DEGREES = 3
_SHORTEST_OF_DEGREE = (2, 4, 8)
_WEIGHT_OF_PARAMETER = 1.0  # times log n
_WEIGHT_OF_POSITION = 3.3  # times the log of how many distinct positions there are
_POINTS_PER_POSITION = 3.0
_LOST_POINTS = 4.0
_SPIKE = 6.0  # times the usual step, or deviation from the running median
_SPIKE_SEEN = 0.1  # of the range
_LONGEST_SEASON = 60
_SEASONAL_SHARE = 0.4  # of the variance of the steps
_CYCLES = 7


@dataclass(frozen=True)
class Segmentation:
    """`starts` are the indices (0-based) at which a new regime begins, `one_offs` single deviating points.

    `fitted` (n, in the unit of the series) is the course, season included where there is one.
    """

    starts: Ints
    one_offs: Ints
    fitted: Floats
    persistence: float
    season: int


def segment(values: Floats, season: int | None = None) -> Segmentation:
    """Cut a series (n, NaN missing) where it changes. `season` is its period, None to look for one, 1 for none.

    The answer does not depend on the unit of the figures, nor, where there is no season, on their origin. Fewer than
    six figures are never cut. White noise is cut in about 1 of 20 series of 10 or 15 figures and hardly ever in longer
    ones; noise with a persistence of .5 in 1 of 6 series of 10 to 30 figures and hardly ever in 60 or more.
    """
    values = np.asarray(values, dtype=np.float64)
    none = np.empty(0, dtype=np.int64)
    present = np.isfinite(values)
    if present.sum() < FEWEST_POINTS:
        return Segmentation(none, none, values.copy(), 0.0, 1)
    where = np.flatnonzero(present)
    first, last = int(where[0]), int(where[-1]) + 1
    whole = np.interp(np.arange(first, last), where, values[where])
    spread = float(np.ptp(whole))
    if spread <= 1e-12 * max(1.0, float(np.abs(whole).max())):
        return Segmentation(none, none, np.where(present, values, np.nan), 0.0, 1)
    period = season_of(whole) if season is None else season
    part = seasonal_part(whole, period)
    origin = float(whole.mean())
    smooth, spikes = _without_spikes((whole - part - origin) / spread)
    cut = _cut(smooth, _LEAST_SEEN * float(np.ptp(smooth + part / spread)))
    fitted = np.full(values.size, np.nan)
    fitted[first:last] = cut.fitted * spread + part + origin
    return Segmentation(
        starts=cut.starts + first,
        one_offs=np.flatnonzero(spikes & present[first:last]) + first,
        fitted=fitted,
        persistence=cut.persistence,
        season=period,
    )


@dataclass(frozen=True)
class _Cut:
    starts: Ints
    fitted: Floats
    persistence: float


def _cut(series: Floats, seen: float) -> _Cut:
    """The best segmentation of a complete series. Noise is taken to have a standard deviation of at least `seen`."""
    size = series.size
    block = -(-size // _FINEST)
    coarse = series if block == 1 else _block_means(series, block)
    points = coarse.size
    shortest = int(np.clip(points // 30, 3, 8))
    # Few points fit anything; the penalty grows as if some were lost.
    few = points / (points - _LOST_POINTS)
    weight = float(np.log(points)) * few
    per_change = _WEIGHT_OF_POSITION * float(np.log(points / _POINTS_PER_POSITION)) * few
    # No variance is worth trying beyond what one line over the whole leaves.
    most = max(float(np.mean((coarse - _polynomial(coarse, 1)) ** 2)), 1.01 * seen**2)
    best = (np.inf, np.empty(0, dtype=np.int64), 0.0)
    for persistence in _PERSISTENCE:
        if persistence and -1.0 / np.log(persistence) > max(_LONGEST_MEMORY * points, 2.0):
            continue
        left = _left_over(coarse, persistence)
        fresh = -float(np.log1p(-(persistence**2)))
        for stationary in np.geomspace(seen**2, most, _VARIANCES):
            variance = float(stationary) * (1 - persistence**2)
            cost = np.full(left.shape[1:], np.inf)
            for degree in range(_DEGREES):
                longer = max(_SHORTEST_OF_DEGREE[degree], shortest) - 1
                own = left[degree, :, longer:] / variance + _WEIGHT_OF_PARAMETER * (degree + 1) * weight
                np.minimum(cost[:, longer:], own, out=cost[:, longer:])
            total, starts = _cheapest(cost + fresh, per_change)
            total += points * float(np.log(variance))
            if total < best[0]:
                best = (total, starts, persistence)
    starts = best[1] if block == 1 else _refined(series, best[1] * block, block)
    return _Cut(starts, _course(series, starts), best[2])


def _left_over(series: Floats, persistence: float) -> Floats:
    """Squares left in every segment after whitening and fitting, degrees x first index x length - 1 (inf: too long).

    Each segment has AR(1) noise of its own. In coordinates counted from its first point the whitened design
    depends on the length of the segment alone, so that one triangular factor per length serves all.
    """
    size = series.size
    first = np.sqrt(1 - persistence**2)
    steps = np.concatenate([series[1:] - persistence * series[:-1], np.zeros(size)])
    rows = np.lib.stride_tricks.sliding_window_view(steps, size - 1)[:size] if size > 1 else np.empty((size, 0))
    white = np.concatenate([first * series[:, None], rows], axis=1)
    time = np.arange(size) / size
    powers = np.stack([time**degree for degree in range(_DEGREES)])
    design = powers.copy()
    design[:, 1:] -= persistence * powers[:, :-1]
    design[:, 0] *= first
    products = np.cumsum(design[:, None, :] * design[None, :, :], axis=2)
    left = np.cumsum(white**2, axis=1)
    answer = np.empty((_DEGREES, size, size))
    factors: list[tuple[Floats, list[Floats]]] = []
    for degree in range(_DEGREES):
        # One step of a Cholesky factorisation, for all lengths at once.
        column = [
            (products[degree, lower] - sum((factors[k][1][degree] * factors[k][1][lower] for k in range(degree)), 0.0))
            for lower in range(_DEGREES)
        ]
        pivot = np.where(column[degree] > 1e-13 * products[degree, degree], column[degree], np.inf)
        pull = np.cumsum(white * design[degree], axis=1)
        for k in range(degree):
            pull -= factors[k][0] * factors[k][1][degree]
        pull /= np.sqrt(pivot)
        factors.append((pull, [part / np.sqrt(pivot) for part in column]))
        left = left - pull**2
        answer[degree] = np.maximum(left, 0.0)
    too_long = np.arange(size)[:, None] + np.arange(size)[None, :] >= size
    answer[:, too_long] = np.inf
    return answer


def _cheapest(cost: Floats, per_change: float) -> tuple[float, Ints]:
    """The cheapest cut, given the cost per first index and length - 1: its total and where segments begin."""
    size = cost.shape[0]
    total = np.full(size + 1, np.inf)
    total[0] = -per_change
    came_from = np.zeros(size + 1, dtype=np.int64)
    for start in range(size):
        if not np.isfinite(total[start]):
            continue
        here = total[start] + per_change + cost[start, : size - start]
        better = here < total[start + 1 :]
        total[start + 1 :][better] = here[better]
        came_from[start + 1 :][better] = start
    starts = []
    at = int(came_from[size])
    while at > 0:
        starts.append(at)
        at = int(came_from[at])
    return float(total[size]), np.array(starts[::-1], dtype=np.int64)


def _block_means(series: Floats, block: int) -> Floats:
    starts = np.arange(0, series.size, block)
    return np.asarray(np.add.reduceat(series, starts) / np.diff(np.append(starts, series.size)))


def _refined(series: Floats, starts: Ints, block: int) -> Ints:
    """Change points found on block means, moved to the point where two lines on both sides leave least."""
    refined = starts.copy()
    for number in range(starts.size):
        low = int(refined[number - 1]) if number else 0
        high = int(starts[number + 1]) if number + 1 < starts.size else series.size
        low, high = max(low, int(starts[number]) - 20 * block), min(high, int(starts[number]) + 20 * block)
        tried = np.arange(max(starts[number] - block, low + 2), min(starts[number] + block + 1, high - 1))
        left = [
            float(np.sum((part - _polynomial(part, 1)) ** 2))
            for at in tried
            for part in (series[low:at], series[at:high])
        ]
        if tried.size:
            refined[number] = tried[int(np.argmin(np.reshape(left, (-1, 2)).sum(axis=1)))]
    return refined


def _polynomial(series: Floats, degree: int) -> Floats:
    time = np.linspace(-1.0, 1.0, series.size)
    design = np.stack([time**power for power in range(min(degree, series.size - 1) + 1)], axis=1)
    return np.asarray(design @ np.linalg.lstsq(design, series, rcond=None)[0])


def _course(series: Floats, starts: Ints) -> Floats:
    parts = np.split(series, starts)
    return np.concatenate([_polynomial(part, 1 if part.size < _SHORTEST_OF_DEGREE[2] else 2) for part in parts])


def season_of(series: Floats) -> int:
    """The period that repeats in a complete series; 1 where none clearly does."""
    steps = np.diff(series)
    # One jump must not hide a season, nor make one.
    middle = float(np.median(steps))
    limit = 4 * 1.4826 * float(np.median(np.abs(steps - middle)))
    steps = np.clip(steps, middle - limit, middle + limit) if limit > 0 else steps
    steps = steps - steps.mean()
    total = float(np.sum(steps**2))
    best, period = 0.0, 1
    for tried in range(2, min(_LONGEST_SEASON, series.size // 4) + 1):
        phase = np.arange(steps.size) % tried
        means = np.bincount(phase, steps, tried) / np.bincount(phase, minlength=tried)
        left = float(np.sum((steps - means[phase]) ** 2))
        share = 1 - left / max(steps.size - tried, 1) / (total / (steps.size - 1) or 1.0)
        # A multiple of the period explains as much with more figures.
        worth = -steps.size * float(np.log(max(left, 1e-12 * total) / (total or 1.0))) - tried * np.log(steps.size)
        if share > _SEASONAL_SHARE and worth > best:
            best, period = worth, tried
    return period


def seasonal_part(series: Floats, period: int) -> Floats:
    """What repeats (n, about zero over a period): a part added, or a share of the course where that repeats better."""
    size = series.size
    if period <= 1 or size < 3 * period:
        return np.zeros(size)
    course = _moving_mean(series, period)
    added = _repeated(series - course, period)
    if series.min() <= 0 or course.min() <= 0:
        return added
    share = _repeated(series / course - 1, period) * course
    rest = series - course
    return added if np.abs(rest - added).sum() <= np.abs(rest - share).sum() else share


def _moving_mean(series: Floats, period: int) -> Floats:
    """Centred mean over one period, the series carried on at both ends."""
    kernel = np.ones(period + 1 if period % 2 == 0 else period)
    if period % 2 == 0:
        kernel[[0, -1]] = 0.5
    reach = kernel.size // 2
    # The nearest period with its growth, so that the ends do not look like a season.
    head, tail = _polynomial(series[: 2 * period], 1), _polynomial(series[-2 * period :], 1)
    before = series[period - reach : period] - (head[1] - head[0]) * period
    after = series[series.size - period : series.size - period + reach] + (tail[1] - tail[0]) * period
    return np.convolve(np.concatenate([before, series, after]), kernel / kernel.sum(), mode="valid")


def _repeated(rest: Floats, period: int) -> Floats:
    """The median of each phase over the nearest cycles, so that a season may slowly change."""
    cycles = -(-rest.size // period)
    padded = np.full(cycles * period, np.nan)
    padded[: rest.size] = rest
    width = min(_CYCLES, cycles)
    sides = ((width // 2, width - 1 - width // 2), (0, 0))
    by_phase = np.pad(padded.reshape(cycles, period), sides, constant_values=np.nan)
    part = np.nanmedian(np.lib.stride_tricks.sliding_window_view(by_phase, width, axis=0), axis=2)
    part -= part.mean(axis=1, keepdims=True)
    return np.asarray(part.ravel()[: rest.size])


def _without_spikes(series: Floats) -> tuple[Floats, Bools]:
    """The series with single points far from both sides replaced by the median around them; which those are."""
    padded = np.pad(series, 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    off = series - middle
    usual = max(1.4826 * float(np.median(np.abs(off))), float(np.median(np.abs(np.diff(series)))))
    limit = max(_SPIKE * usual, _SPIKE_SEEN)
    spikes = np.zeros(series.size, dtype=bool)
    # The end of a series may be the begin of a new level.
    spikes[1:-1] = np.minimum(off[1:-1] - off[:-2], off[1:-1] - off[2:]) > limit
    spikes[1:-1] |= np.maximum(off[1:-1] - off[:-2], off[1:-1] - off[2:]) < -limit
    return np.where(spikes, middle, series), spikes
