"""The search for several breaks per series, strongest first, and their joint estimates.

What belongs here: deciding the order in which breaks are taken out, and how large each is beside the others.
What does not: how rare a score is without a break; the caller hands that in as a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.breaks.level_shift import Scores, Shapes, informations, scores, without
from pipelines.breaks.panel import Bools, Floats, Ints

MOST_BREAKS = 4
_SMALLEST_SPREAD = 0.1


@dataclass(frozen=True)
class Spread:
    """What the panel knows about the spread of one series: the pooled mean square, worth `freedom` points."""

    pooled: float
    freedom: float

    def moderated(self, spread: Floats, freedom: Floats) -> Floats:
        """Standard deviation per series, its own mean square drawn towards that of the panel."""
        return np.sqrt((self.freedom * self.pooled + freedom * spread) / (self.freedom + freedom))


def spread_of_panel(found: Scores) -> Spread:
    """How much the spread of series differs beyond chance, from the middle half of the panel."""
    logs = np.log(found.spread)
    # Counting alone makes figures vary; a panel of copies is no reason to call every change significant.
    pooled = max(float(np.median(found.spread)), _SMALLEST_SPREAD)
    low, high = np.quantile(logs, [0.2, 0.7])
    observed = ((high - low) / 1.366) ** 2  # the distance of these quantiles of a normal
    excess = observed - trigamma(float(np.median(found.freedom)) / 2)
    return Spread(pooled, float(np.clip(2 * trigamma_inverse(excess), 3.0, 200.0)))


def trigamma(x: float) -> float:
    total = 0.0
    while x < 6:
        total += 1 / x**2
        x += 1
    return total + 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5)


def trigamma_inverse(y: float) -> float:
    """The x with trigamma(x) = y, by halving; large where y is about nothing."""
    low, high = 1e-2, 1e3
    if y <= trigamma(high):
        return high
    for _ in range(50):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if trigamma(middle) > y else (low, middle)
    return float(np.sqrt(low * high))


@dataclass(frozen=True)
class Found:
    """Breaks, one per entry: `series` and `period` index the panel, `lasting` tells level from one-off.

    `effect` and `se` are on the log scale, estimated together with the other breaks of the series.
    """

    series: Ints
    period: Ints
    lasting: Bools
    effect: Floats
    se: Floats
    score: Floats

    def fitted(self, shape: tuple[int, int]) -> Floats:
        """What the breaks add up to per cell (S x n)."""
        total = np.zeros(shape)
        columns = np.arange(shape[1])
        covers = np.where(self.lasting[:, None], columns >= self.period[:, None], columns == self.period[:, None])
        np.add.at(total, self.series, covers * self.effect[:, None])
        return total


Rarity = Callable[[Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Searched:
    """A panel to search: its precision (S x n x n), peer-relative series and where breaks may be (S x n)."""

    precision: Floats
    rest: Floats
    present: Bools
    shapes: Shapes
    spread: Spread


@dataclass(frozen=True)
class Lines:
    """`rarity` turns studentised scores of one-offs and of levels into scores that compare with each other.

    Breaks of at least `floor` are kept; those of at least `sure` are estimated without the lesser ones
    beside them.
    """

    rarity: Rarity
    floor: float
    sure: float


def search(panel: Searched, lines: Lines) -> Found:
    """All breaks whose rarity is at least the floor, at most MOST_BREAKS per series."""
    precision, rest, present, shapes = panel.precision, panel.rest, panel.present, panel.shapes
    first = informations(precision)
    size = rest.shape[1]
    active = np.arange(rest.shape[0])
    chosen: list[tuple[Ints, Ints, Bools, Floats]] = []
    now = precision
    for turn in range(MOST_BREAKS):
        own = Shapes(shapes.one_off[active], shapes.level[active])
        before = (first[0][active], first[1][active])
        found = scores(now, rest[active], own, present[active], before, found=turn)
        scale = panel.spread.moderated(found.spread, found.freedom)[:, None]
        one_off, level = lines.rarity(found.one_off / scale, found.level / scale)
        strongest_one, strongest_level = one_off.max(axis=1), level.max(axis=1)
        lasting = strongest_level >= strongest_one
        period = np.where(lasting, level.argmax(axis=1), one_off.argmax(axis=1))
        going = np.maximum(strongest_one, strongest_level) >= lines.floor
        if not going.any():
            break
        active, period, lasting = active[going], period[going], lasting[going]
        strongest = np.maximum(strongest_one, strongest_level)[going]
        chosen.append((active, period, lasting, strongest))
        now = without(now[going], _shape(period, lasting, size) * present[active])
    return _together(chosen, panel, lines)


def _shape(period: Ints, lasting: Bools, size: int) -> Floats:
    columns = np.arange(size)
    return np.where(lasting[:, None], columns >= period[:, None], columns == period[:, None]).astype(np.float64)


def _together(chosen: list[tuple[Ints, Ints, Bools, Floats]], panel: Searched, lines: Lines) -> Found:
    """Estimate the chosen breaks of each series together, and drop those the others explain away."""
    precision, rest, present = panel.precision, panel.rest, panel.present
    none = np.empty(0, dtype=np.int64)
    if not chosen:
        empty = np.empty(0)
        return Found(none, none, none.astype(bool), empty, empty, empty)
    rows = chosen[0][0]
    place = np.full(rest.shape[0], -1)
    place[rows] = np.arange(rows.size)
    size, most = rest.shape[1], len(chosen)
    shapes = np.zeros((rows.size, most, size))
    period = np.full((rows.size, most), -1)
    lasting = np.zeros((rows.size, most), dtype=bool)
    alone = np.zeros((rows.size, most))
    for turn, (series, at, is_lasting, strength) in enumerate(chosen):
        where = place[series]
        shapes[where, turn] = _shape(at, is_lasting, size) * present[series]
        period[where, turn] = at
        lasting[where, turn] = is_lasting
        alone[where, turn] = strength
    used = period >= 0
    own = precision[rows]
    score = alone
    for _ in range(2):
        fit = _Fit.of(shapes, used, own, rest[rows], present[rows])
        studentised = np.abs(fit.effect) / (np.sqrt(fit.variance) * fit.spread(panel.spread))
        one_off, level = lines.rarity(studentised, studentised)
        together = np.where(lasting, level, one_off)
        # Chance deviations taken out as well must not make another look rarer than it was. A sure break may:
        # two shifts of one series hide each other.
        strong = (alone >= lines.sure) & used
        beside_a_sure_one = strong.sum(axis=1, keepdims=True) - strong > 0
        score = np.where(beside_a_sure_one, together, np.minimum(together, alone))
        used = used & (score >= lines.floor)
    # Nor must they be fitted beside a break that is there: its size is estimated among the sure ones.
    every = _Fit.of(shapes, used, own, rest[rows], present[rows])
    certain = used & (score >= lines.sure)
    among = _Fit.of(shapes, certain, own, rest[rows], present[rows])
    effect = np.where(certain, among.effect, every.effect)
    se = np.where(
        certain,
        np.sqrt(among.variance) * among.spread(panel.spread),
        np.sqrt(every.variance) * every.spread(panel.spread),
    ) / np.sqrt(panel.spread.pooled)
    return Found(
        series=np.repeat(rows, most).reshape(used.shape)[used],
        period=period[used],
        lasting=lasting[used],
        effect=effect[used],
        se=se[used],
        score=score[used],
    )


@dataclass(frozen=True)
class _Fit:
    """Breaks of R series estimated together: `effect` and `variance` (R x breaks); `left` is the mean square
    of what they leave, on `freedom` degrees of freedom (R).
    """

    effect: Floats
    variance: Floats
    left: Floats
    freedom: Floats

    @classmethod
    def of(cls, shapes: Floats, used: Bools, precision: Floats, rest: Floats, present: Bools) -> _Fit:
        most = shapes.shape[1]
        pull = np.matmul(shapes * used[:, :, None], precision)
        information = np.matmul(pull, shapes.transpose(0, 2, 1)) * (used[:, :, None] & used[:, None, :])
        information = information + np.eye(most) * np.where(used, 1e-9, 1.0)[:, :, None]
        inverse = np.linalg.inv(information)
        right = np.einsum("sbn,sn->sb", pull, rest)
        effect = np.einsum("sbc,sc->sb", inverse, right)
        total = np.einsum("si,si->s", rest, np.matmul(precision, rest[:, :, None])[:, :, 0])
        freedom = np.maximum(present.sum(axis=1) - 1.0 - used.sum(axis=1), 1.0)
        left = np.maximum(total - np.einsum("sb,sb->s", right, effect), 1e-12) / freedom
        return cls(effect, np.maximum(np.einsum("sbb->sb", inverse), 1e-12), left, freedom)

    def spread(self, panel: Spread) -> Floats:
        return panel.moderated(self.left, self.freedom)[:, None]
