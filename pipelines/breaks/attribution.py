"""Which registered events caused a break, by their footprint.

What belongs here: shares per break and candidate event, and what each event did. What does not: finding breaks, what
an event means, or how the arrays are made from tables (`causes`).

An event leaves a footprint: the part of its scope (regions by indicators) that broke in its window, at one moment, and
per indicator by about the same size. Where events compete for one break, the one that broke most of its own scope, at
that moment and by that size, takes the larger share; what is left over is what breaks without any registered cause.
All of it is found together, by expectation-maximisation of a noisy-or.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.breaks.panel import Bools, Floats, Ints

EXPLAINED, AMBIGUOUS, UNEXPLAINED = "explained", "ambiguous", "unexplained"
_ROUNDS = 30
_CHANCE = 0.1  # of a break that would come without a registered cause, where none was seen
_ENOUGH = 0.5  # of a break its events must carry before it has a cause
_CLEARLY_LARGER = 2.0
_USUAL_SIZE = 0.4  # standard deviation of the size of a break (log)
_SAME_SIZE = 0.08  # by how much the sizes of one event differ at least
_SIZE_TELLS = (0.2, 6.0)  # the least and the most that agreement in size changes the odds
_WINDOW = 3.0  # periods in which what an event does may begin
_BEYOND_CHANCE = 2.0  # standard deviations
_MOMENT_TELLS = 2.0  # breaks worth of doubt about the moment of an event


@dataclass(frozen=True)
class Attribution:
    """Of B breaks and E events (B x E): the `share` of the event in the break, `candidate` where it could have
    caused it, and what the event did to the indicator of the break: whether it is `visible` there at all, and
    the pooled log `effect` with its standard error `se` (NaN where nothing broke with it).
    """

    share: Floats
    candidate: Bools
    visible: Bools
    effect: Floats
    se: Floats

    @classmethod
    def nothing(cls, breaks: int, events: int) -> Attribution:
        no, unknown = np.zeros((breaks, events), dtype=bool), np.full((breaks, events), np.nan)
        return cls(np.zeros((breaks, events)), no, no.copy(), unknown, unknown.copy())

    def cause(self) -> npt.NDArray[np.str_]:
        """explained, ambiguous (several events of comparable weight) or unexplained, per break."""
        if self.share.shape[1] == 0:
            return np.full(self.share.shape[0], UNEXPLAINED)
        ordered = np.sort(np.pad(self.share, ((0, 0), (1, 0))), axis=1)
        largest, second, total = ordered[:, -1], ordered[:, -2], ordered.sum(axis=1)
        clear = (largest >= _ENOUGH) & (largest >= _CLEARLY_LARGER * second)
        return np.where(clear, EXPLAINED, np.where(total >= _ENOUGH, AMBIGUOUS, UNEXPLAINED))


@dataclass(frozen=True)
class EventEffects:
    """What events did, one entry per `event` (index) and `indicator` of its scope: how many `series` of the
    scope were tested, how many of them are `broken` by it, whether that is more than chance (`visible`), and
    the pooled log `effect` with its standard error.
    """

    event: Ints
    indicator: npt.NDArray[np.str_]
    series: Ints
    broken: Ints
    visible: Bools
    effect: Floats
    se: Floats

    @classmethod
    def nothing(cls) -> EventEffects:
        whole, number = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(whole, np.empty(0, dtype="U1"), whole, whole, number.astype(bool), number, number)


@dataclass(frozen=True)
class Broken:
    """B breaks: the `cell` (series) each is in, its `indicator` and `ordinal` of the period, log `effect` and `se` (NaN
    where there is no size), and how `sure` it is (0 to 1) that anything broke.
    """

    cell: Ints
    indicator: Ints
    ordinal: Ints
    effect: Floats
    se: Floats
    sure: Floats

    @classmethod
    def without_size(cls, cell: Ints) -> Broken:
        """Sure breaks of one indicator and period, of unknown size."""
        same, unknown = np.zeros(cell.size, dtype=np.int64), np.full(cell.size, np.nan)
        return cls(cell, same, same, unknown, unknown, np.ones(cell.size))


@dataclass(frozen=True)
class Footprints:
    """The outcome for B breaks and E events: `share` and `candidate` (B x E); `fits` (B x E) how well moment and size
    of the break agree with the event; `footprint` (E) the part of its scope that an event broke, of `cells` (E); and
    the `background`, how often a series breaks per period for no registered reason.
    """

    share: Floats
    candidate: Bools
    fits: Floats
    broke: Floats
    cells: Floats
    background: float


def attribute(scope: Bools, broken: Broken, timing: Floats, periods: float) -> Footprints:
    """Shares of E events in B breaks.

    `scope` (C x E) tells which series an event covers, `timing` (B x E) how likely the event's effect begins in the
    period of the break by its window alone, `periods` how many periods a series has.
    """
    fits = timing * scope[broken.cell]
    candidate = fits > 0
    cells = scope.sum(axis=0).astype(np.float64)
    sure = broken.sure[:, None]
    possible = max(scope.shape[0] * periods, 1.0)
    background = (float(broken.sure.sum()) + _CHANCE) / (possible + 1.0)
    broke = _of_cells(candidate * sure, broken.cell, scope.shape[0])
    footprint = np.clip(broke / np.maximum(cells, 1), 1e-6, 1.0)
    agreeing = fits
    # What breaks in the window of an event anyway says nothing for it; of a narrow scope one series at least.
    expected = cells * background * _WINDOW
    by_chance = np.maximum(expected + _BEYOND_CHANCE * np.sqrt(expected), 1.0)
    for _ in range(_ROUNDS):
        weight = agreeing * footprint
        total = weight.sum(axis=1) + background
        share = weight / total[:, None]
        agreeing = fits * _at_its_moment(share * sure, candidate, broken.ordinal) * _of_its_size(share * sure, broken)
        broke = np.maximum(_of_cells(share * sure, broken.cell, scope.shape[0]) - by_chance, 0.0)
        footprint = (broke + 0.5) / (cells + 1.0)
        background = (float((broken.sure * background / total).sum()) + _CHANCE) / (possible + 1.0)
    weight = agreeing * footprint
    share = weight / (weight.sum(axis=1, keepdims=True) + background)
    return Footprints(
        share, candidate, agreeing, _of_cells(share * sure, broken.cell, scope.shape[0]), cells, background
    )


def _of_cells(share: Floats, cell: Ints, cells: int) -> Floats:
    """Per event the sum over series of the largest share it has in a break of that series."""
    largest = np.zeros((cells, share.shape[1]))
    np.maximum.at(largest, cell, share)
    return np.asarray(largest.sum(axis=0))


def _at_its_moment(weight: Floats, candidate: Bools, ordinal: Ints) -> Floats:
    """B x E: how much of what an event did began in the period of the break or beside it, against its window."""
    if not ordinal.size:
        return np.ones(weight.shape)
    at = ordinal - ordinal.min()
    began = np.zeros((int(at.max()) + 3, weight.shape[1]))
    np.add.at(began, at + 1, weight)
    near = began[1:-1] + 0.5 * (began[:-2] + began[2:])
    own = 1.0 * weight
    others = np.maximum(near[at] - own, 0.0)
    total = np.maximum(weight.sum(axis=0) - own, 0.0)
    moment = (others + _MOMENT_TELLS * 0.5) / (total + _MOMENT_TELLS)
    return np.where(candidate, 2 * moment, 1.0)


def _of_its_size(weight: Floats, broken: Broken) -> Floats:
    """B x E: how much better the size of a break is told by the other breaks of an event in that indicator than by
    what is usual.
    """
    known = np.isfinite(broken.effect) & np.isfinite(broken.se)
    pooled = _Pooled.of(weight, broken, known)
    effect, variance = np.where(known, broken.effect, 0.0)[:, None], np.where(known, broken.se, 0.0)[:, None] ** 2
    inside = weight * known[:, None] / (variance + pooled.between[broken.indicator])
    information = np.maximum(pooled.information[broken.indicator] - inside, 0.0)
    total = pooled.total[broken.indicator] - inside * effect
    prior = 1 / _USUAL_SIZE**2
    centre = total / (information + prior)
    spread = variance + pooled.between[broken.indicator] + 1 / (information + prior)
    usual = variance + _USUAL_SIZE**2
    ratio = np.exp(0.5 * (effect**2 / usual - (effect - centre) ** 2 / spread)) * np.sqrt(usual / spread)
    return np.where(known[:, None], np.clip(ratio, *_SIZE_TELLS), 1.0)


@dataclass(frozen=True)
class _Pooled:
    """Per indicator and event (I x E): the summed `information` and precision-weighted `total` of the sizes of its
    breaks, and the variance `between` them.
    """

    information: Floats
    total: Floats
    between: Floats

    @classmethod
    def of(cls, weight: Floats, broken: Broken, known: Bools) -> _Pooled:
        kinds = int(broken.indicator.max()) + 1 if broken.indicator.size else 1
        shape = (kinds, weight.shape[1])
        effect = np.where(known, broken.effect, 0.0)[:, None]
        variance = np.where(known, broken.se, 0.0)[:, None] ** 2
        usable = weight * known[:, None]
        between = np.full(shape, _SAME_SIZE**2)
        for _ in range(3):
            precision = usable / (variance + between[broken.indicator])
            information, total, square, number = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape)
            np.add.at(information, broken.indicator, precision)
            np.add.at(total, broken.indicator, precision * effect)
            mean = (total / np.maximum(information, 1e-9))[broken.indicator]
            np.add.at(square, broken.indicator, usable * ((effect - mean) ** 2 - variance))
            np.add.at(number, broken.indicator, usable)
            # With few breaks little is known of how much they differ; each counts against two of the least.
            between = np.maximum((square + 2 * _SAME_SIZE**2) / (number + 1.0), _SAME_SIZE**2)
        return cls(information, total, between)

    @cached_property
    def mean(self) -> Floats:
        return np.where(self.information > 0, self.total / np.maximum(self.information, 1e-9), np.nan)


def pooled_sizes(share: Floats, broken: Broken, indicators: int) -> tuple[Floats, Floats, Ints]:
    """Per indicator and event (I x E) the pooled log effect of the breaks it carries for the greater part, its standard
    error, and in how many series.
    """
    carried = (share >= _ENOUGH) & (broken.sure >= _ENOUGH)[:, None]
    known = np.isfinite(broken.effect) & np.isfinite(broken.se)
    pooled = _Pooled.of(carried.astype(np.float64), broken, known)
    effect, se = np.full((2, indicators, share.shape[1]), np.nan)
    size = pooled.mean.shape[0]
    effect[:size] = pooled.mean
    se[:size] = np.where(pooled.information > 0, np.maximum(pooled.information, 1e-9) ** -0.5, np.nan)
    # One break, as that of a cooperation, is told by itself: it does not differ from others.
    used = carried & known[:, None]
    alone, variance = np.zeros((2, size, share.shape[1]))
    np.add.at(alone, broken.indicator, used)
    np.add.at(variance, broken.indicator, used * np.where(known, broken.se, 0.0)[:, None] ** 2)
    se[:size] = np.where(alone == 1, np.sqrt(variance), se[:size])
    number = np.zeros((indicators, share.shape[1]), dtype=np.int64)
    row, event = np.nonzero(carried)
    once = np.unique(np.stack([broken.cell[row], broken.indicator[row], event]), axis=1)
    np.add.at(number, (once[1], once[2]), 1)
    return effect, se, number
