"""The search for several breaks per series, strongest first, and their joint estimates.

What belongs here: deciding the order in which breaks are taken out, and how large each is beside the others.
What does not: what evidence is, or how rare it is without a break; the caller hands that in as a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from pipelines.breaks.evidence import Spread, evidence, likeliest, still_distinct
from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.shapes import LEVEL, ONE_OFF, SLOPE, informations, pulls, shape_of, totals, without

MOST_BREAKS = 4
# On the scale of logarithms: a shift or a single figure, what a change of growth adds up to by the newest figure, and
# that change itself per year.
_SMALLEST_STEP, _SMALLEST_RISE, _SMALLEST_SLOPE = 0.02, 0.03, 0.015
_BESIDE = {ONE_OFF: 0, LEVEL: 1, SLOPE: 2}  # periods in which a break may have moved when seen beside others


@dataclass(frozen=True)
class Found:
    """Breaks, one per entry: `series` and `period` index the panel, `kind` is a shape.

    `effect` and `se` are on the log scale (for a slope per period), estimated together with the other breaks of the
    series.
    """

    series: Ints
    period: Ints
    kind: Ints
    effect: Floats
    se: Floats
    score: Floats

    @classmethod
    def nothing(cls) -> Found:
        none, empty = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(none, none, none, empty, empty, empty)

    @classmethod
    def together(cls, parts: list[Found]) -> Found:
        """All breaks of several parts of a panel."""
        return cls(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)})

    def that_matter(self, periods: int, per_year: int) -> Found:
        """Those large enough to matter to a reader, in series of so many `periods`; of a figure that hardly varies, as
        the population, the least change is beyond chance.
        """
        since = np.where(self.kind == SLOPE, periods - self.period, 1)
        moved = np.abs(self.effect) * since
        kept = moved >= np.where(self.kind == SLOPE, _SMALLEST_RISE, _SMALLEST_STEP)
        kept &= (self.kind != SLOPE) | (np.abs(self.effect) * per_year >= _SMALLEST_SLOPE)
        return Found(**{item.name: getattr(self, item.name)[kept] for item in fields(self)})

    def fitted(self, shape: tuple[int, int]) -> Floats:
        """What the breaks add up to per cell (S x n)."""
        total = np.zeros(shape)
        np.add.at(total, self.series, shape_of(self.kind, self.period, shape[1]) * self.effect[:, None])
        return total


Rarity = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Searched:
    """A panel to search: its precision (S x n x n), peer-relative series, and where breaks may be (K x S x n)."""

    precision: Floats
    rest: Floats
    calm: Floats
    present: Bools
    allowed: Bools
    spread: Spread

    def of(self, rows: Ints) -> Searched:
        return Searched(
            self.precision[rows],
            self.rest[rows],
            self.calm[rows],
            self.present[rows],
            self.allowed[:, rows],
            self.spread,
        )

    def strength(self, precision: Floats, first: Floats, *, found: int | Ints) -> Floats:
        """Evidence (K x S x n) where `precision` has `found` breaks projected out (one number, or S), `first` is the
        information before any.
        """
        information = informations(precision) if np.any(found) else first
        pull = pulls(precision, self.rest, self.calm)
        total = totals(precision, self.rest, self.calm)
        allowed = still_distinct(self.allowed, information, first)
        return evidence(pull, information, allowed, total, self.present, self.spread, found=found)


@dataclass(frozen=True)
class Lines:
    """`rarity` turns evidence (K x ...) into scores that compare with each other.

    Breaks of at least `floor` are kept; those of at least `sure` are estimated without the lesser ones
    beside them.
    """

    rarity: Rarity
    floor: float
    sure: float


def search(panel: Searched, lines: Lines) -> Found:
    """All breaks whose rarity is at least the floor, at most MOST_BREAKS per series."""
    series, size = panel.rest.shape
    first = informations(panel.precision)
    active = np.arange(series)
    chosen: list[tuple[Ints, Ints, Ints, Floats]] = []
    left, now = panel, panel.precision
    for turn in range(MOST_BREAKS):
        strength = left.strength(now, first[:, active], found=turn)
        kind, period = likeliest(strength)
        strongest = lines.rarity(strength).max(axis=(0, 2))
        going = strongest >= lines.floor
        if not going.any():
            break
        active, period, kind = active[going], period[going], kind[going]
        chosen.append((active, period, kind, strongest[going]))
        left = panel.of(active)
        now = without(now[going], shape_of(kind, period, size) * left.present)
    return _together(chosen, panel, lines, first) if chosen else Found.nothing()


@dataclass(frozen=True)
class _Chosen:
    """The breaks of R series, at most MOST_BREAKS each (R x breaks); `used` tells which are there."""

    period: Ints
    kind: Ints
    alone: Floats
    used: Bools

    def shapes(self, present: Bools) -> Floats:
        """R x breaks x n."""
        rows, most = self.period.shape
        flat = shape_of(self.kind.ravel(), self.period.ravel(), present.shape[1])
        return flat.reshape(rows, most, -1) * present[:, None, :]


def _together(chosen: list[tuple[Ints, Ints, Ints, Floats]], panel: Searched, lines: Lines, first: Floats) -> Found:
    """Estimate the chosen breaks of each series together, and drop those the others explain away."""
    rows = chosen[0][0]
    place = np.full(panel.rest.shape[0], -1)
    place[rows] = np.arange(rows.size)
    own, most = panel.of(rows), len(chosen)
    shape = (rows.size, most)
    number = np.zeros((2, *shape), dtype=np.int64)
    breaks = _Chosen(number[0], number[1], np.zeros(shape), np.zeros(shape, dtype=np.bool_))
    for turn, (series, at, kind, strength) in enumerate(chosen):
        where = place[series]
        breaks.period[where, turn], breaks.kind[where, turn] = at, kind
        breaks.alone[where, turn], breaks.used[where, turn] = strength, True
    score, used = breaks.alone, breaks.used
    for _ in range(2):
        sure = (breaks.alone >= lines.sure) & used
        together = _beside_others(own, breaks, sure, lines, first[:, rows])
        # Chance deviations taken out as well must not make another look rarer than it was. A sure break may:
        # two shifts of one series hide each other.
        beside_a_sure_one = sure.sum(axis=1, keepdims=True) - sure > 0
        score = np.where(beside_a_sure_one, together, np.minimum(together, breaks.alone))
        used = used & (score >= lines.floor)
    # Nor must they be fitted beside a break that is there: its size is estimated among the sure ones.
    shapes = breaks.shapes(own.present)
    every = _Fit.of(shapes, used, own)
    certain = used & (score >= lines.sure)
    among = _Fit.of(shapes, certain, own)
    effect = np.where(certain, among.effect, every.effect)
    se = np.where(certain, among.error(panel.spread), every.error(panel.spread))
    return Found(
        series=np.repeat(rows, most).reshape(used.shape)[used],
        period=breaks.period[used],
        kind=breaks.kind[used],
        effect=effect[used],
        se=se[used],
        score=score[used],
    )


def _beside_others(panel: Searched, breaks: _Chosen, sure: Bools, lines: Lines, first: Floats) -> Floats:
    """Scores (R x breaks) of each break where the other sure ones of its series are there as well. The period of a
    break is moved to where it then fits best.
    """
    score = breaks.alone.copy()
    for turn in range(score.shape[1]):
        others = sure.copy()
        others[:, turn] = False
        rows = np.flatnonzero(breaks.used[:, turn] & others.any(axis=1))
        if not rows.size:
            continue
        own = panel.of(rows)
        precision = own.precision
        shapes = breaks.shapes(panel.present)[rows]
        for other in range(score.shape[1]):
            precision = without(precision, shapes[:, other] * others[rows, other][:, None])
        found = others[rows].sum(axis=1)
        near = lines.rarity(own.strength(precision, first[:, rows], found=found))
        kind, period = breaks.kind[rows, turn], breaks.period[rows, turn]
        apart = np.abs(np.arange(near.shape[2]) - period[:, None])
        reach = np.array([_BESIDE[shape] for shape in (ONE_OFF, LEVEL, SLOPE)])[kind]
        mine = np.where(apart <= reach[:, None], near[kind, np.arange(rows.size)], 0.0)
        score[rows, turn] = mine.max(axis=1)
        breaks.period[rows, turn] = np.where(mine.max(axis=1) > 0, mine.argmax(axis=1), period)
    return score


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
    def of(cls, shapes: Floats, used: Bools, panel: Searched) -> _Fit:
        most = shapes.shape[1]
        pull = np.matmul(shapes * used[:, :, None], panel.precision)
        information = np.matmul(pull, shapes.transpose(0, 2, 1)) * (used[:, :, None] & used[:, None, :])
        information = information + np.eye(most) * np.where(used, 1e-9, 1.0)[:, :, None]
        inverse = np.linalg.inv(information)
        right = np.einsum("sbn,sn->sb", pull, panel.rest)
        effect = np.einsum("sbc,sc->sb", inverse, right)
        total = np.einsum("si,si->s", panel.rest, np.matmul(panel.precision, panel.rest[:, :, None])[:, :, 0])
        freedom = np.maximum(panel.present.sum(axis=1) - 1.0 - used.sum(axis=1), 1.0)
        left = np.maximum(total - np.einsum("sb,sb->s", right, effect), 1e-12) / freedom
        return cls(effect, np.maximum(np.einsum("sbb->sb", inverse), 1e-12), left, freedom)

    def error(self, panel: Spread) -> Floats:
        """Standard error (R x breaks), with the spread of the series drawn towards that of the panel."""
        return np.sqrt(self.variance) * panel.moderated(self.left, self.freedom)[:, None]
