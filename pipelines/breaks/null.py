"""How large a score gets in a series that did not break, learnt from the panel itself.

What belongs here: panels redrawn without breaks (same municipalities, levels, noise, counting, rounding and
suppression; tails as heavy as the bulk of the real scores shows), and the rarity of a score that follows.
What does not: what an alarm is; the caller draws that line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.breaks.evidence import Spread, evidence
from pipelines.breaks.noise import Noise
from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.quantity import SUPPRESSED_BELOW, Quantity
from pipelines.breaks.shapes import LEVEL, ONE_OFF, SHAPES, SLOPE, informations, pulls, shape_of, totals, without_spikes
from pipelines.breaks.side_by_side import side_by_side

# Degrees of freedom of a t distribution with the factor that gives it the quartiles of a normal.
_TAILS = ((200.0, 1.0), (10.0, 0.9638), (6.0, 0.9399), (4.0, 0.9106), (3.0, 0.8818), (2.3, 0.846))
_REDRAWN_TO_CHOOSE = 1000  # series per panel and tail
_REDRAWN, _REDRAWN_IN_ALL = (1000, 4000), 100_000  # series per panel: fewer where there are many panels
_PANELS_TO_CHOOSE = 24  # whose own maxima say how heavy the tails are
_SEED = 2015
_COMPARED = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.9])  # quantiles of maxima
_PARTS_BROKEN = np.array([0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25])
_PLANTED = (0.1, 0.8)  # log effects of planted breaks; of a slope over half the series
_PLANTED_KINDS = (0.3, 0.5, 0.2)
_WEIGHT_OF_NEIGHBOURS = 4.0
_USUAL_PART, _DOUBT_OF_PART = 0.13, 3.0
_UNDECIDED = 0.005  # a difference in misfit that decides little between two tails
_CORRECTION = (-0.1, 0.5)  # of the log of a maximum, for what the redrawing does not know
_KNEE = 0.97
_TELLING = float(np.sqrt(2 * np.log(2)))  # evidence that speaks for a break at all
_LEAST_EXCESS = 0.1  # of the evidence beyond the knee, where redrawn series hardly differ
_RESTLESS = (0.3, 3.0)
_TINY = 1e-6  # the largest score of a series that never moves


@dataclass(frozen=True)
class Tail:
    """Chance that a maximum exceeds x without a break: counted, and exponential beyond the knee."""

    ordered: Floats
    knee: float
    mean_excess: float

    @classmethod
    def of(cls, maxima: Floats) -> Tail:
        ordered = np.sort(maxima)
        knee = float(np.quantile(ordered, _KNEE))
        beyond = ordered[ordered > knee] - knee
        return cls(ordered, knee, max(float(beyond.mean()) if beyond.size else 0.0, _LEAST_EXCESS))

    def rarity(self, x: Floats) -> Floats:
        """Minus log10 of the chance; rises without bound, so that any line can be drawn."""
        above = 1.0 - np.searchsorted(self.ordered, x, side="right") / self.ordered.size
        bulk = -np.log10(np.maximum(above, 1 - _KNEE))
        tail = -np.log10(1 - _KNEE) + (x - self.knee) / self.mean_excess / np.log(10.0)
        return np.asarray(np.where(x > self.knee, tail, bulk))

    def line(self, rarity: float) -> float:
        """The x that is this rare (rarity of at least 1)."""
        return self.knee + (rarity + np.log10(1 - _KNEE)) * self.mean_excess * float(np.log(10.0))


@dataclass(frozen=True)
class Null:
    """Rarity of evidence in one panel: `kinds` has a tail per shape; `both` maps the rarest of the shapes to the
    rarity in a whole series.
    """

    kinds: tuple[Tail, ...]
    both: Tail

    def rarity(self, strength: Floats) -> Floats:
        """Scores (K x ...) of evidence."""
        own = np.stack([tail.rarity(part) for tail, part in zip(self.kinds, strength, strict=True)])
        return np.where(strength > _TELLING, self.both.rarity(own), 0.0)

    def level_line(self, rarity: float) -> float:
        """The strength of evidence for a level shift that is this rare."""
        return self.kinds[LEVEL].line(max(self.both.line(max(rarity, 1.53)), 1.0))


@dataclass(frozen=True)
class Redraw:
    """Everything that stays the same when a panel is drawn again without breaks."""

    precision: Floats
    course: Floats
    present: Bools
    allowed: Bools
    noise: Noise
    ordinals: Ints
    quantity: Quantity


@dataclass(frozen=True)
class Case:
    """A panel whose null is wanted: how to redraw it, its real evidence (K x S) and the spread of its series."""

    redraw: Redraw
    real: Floats
    spread: Spread


def nulls_of_panels(panels: list[Callable[[], Case]]) -> list[Null]:
    """The null of each panel, which hands over its case when it is its turn: cases of many panels are large.

    How heavy the tails are and which part of the series broke are chosen together, so that redrawn series,
    that part of them with a break planted, have maxima like the real ones. One panel tells little of it, so
    that its neighbours have a say, and where several tails fit, each gives its share of the redrawn series.
    """
    if not panels:
        return []
    chosen = np.unique(np.linspace(0, len(panels) - 1, _PANELS_TO_CHOOSE).round().astype(np.int64))
    fits = side_by_side(lambda number: _Fit.of(panels[number]()), chosen)
    misfits = np.stack([fit.misfit for fit in fits])
    usual = misfits.mean(axis=0), np.stack([fit.larger for fit in fits]).mean(axis=0)
    own = np.broadcast_to(usual[0], (len(panels), *usual[0].shape)).copy()
    own[chosen] = misfits
    larger = np.broadcast_to(usual[1], (len(panels), *usual[1].shape)).copy()
    larger[chosen] = np.stack([fit.larger for fit in fits])
    total = own + _WEIGHT_OF_NEIGHBOURS * usual[0]
    total = total / (1 + _WEIGHT_OF_NEIGHBOURS) + _DOUBT_OF_PART * (_PARTS_BROKEN - _USUAL_PART) ** 2
    weight = np.exp((total.min(axis=(1, 2), keepdims=True) - total) / _UNDECIDED)
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    wanted = int(np.clip(_REDRAWN_IN_ALL // len(panels), *_REDRAWN))
    parts = zip(panels, larger, weight, strict=True)
    return side_by_side(lambda part: _null(part[0](), part[1], part[2], wanted), parts)


@dataclass(frozen=True)
class _Fit:
    """Per tail and part broken: squared distance of redrawn and real maxima, and by how much (log) the real
    ones of each shape are larger in the bulk.
    """

    misfit: Floats
    larger: Floats

    @classmethod
    def of(cls, case: Case) -> _Fit:
        wanted = np.log(np.quantile(case.real, _COMPARED, axis=1)).T
        off = np.zeros((len(_TAILS), len(_PARTS_BROKEN), SHAPES, _COMPARED.size))
        copies = -(-_REDRAWN_TO_CHOOSE // case.redraw.course.shape[0])
        for row, tail in enumerate(_TAILS):
            clean, broken = _redrawn_maxima(case, tail, _SEED, copies, planted=True)
            for kind in range(SHAPES):
                mixed = _quantiles_of_mixtures(clean[kind], broken[kind])
                off[row, :, kind, :] = wanted[kind] - np.log(mixed)
        return cls((off**2).sum(axis=(2, 3)), off[..., : _COMPARED.size // 2].mean(axis=3))


def _quantiles_of_mixtures(clean: Floats, broken: Floats) -> Floats:
    """Quantiles _COMPARED where each of _PARTS_BROKEN of the series is broken, the rest clean."""
    values = np.concatenate([clean, broken])
    order = np.argsort(values)
    is_broken = (order >= clean.size).astype(np.float64)
    weight = (
        _PARTS_BROKEN[:, None] * is_broken / broken.size + (1 - _PARTS_BROKEN[:, None]) * (1 - is_broken) / clean.size
    )
    position = np.argmax(np.cumsum(weight, axis=1)[:, None, :] >= _COMPARED[None, :, None], axis=2)
    return np.asarray(values[order][position])


def _null(case: Case, larger: Floats, weight: Floats, redrawn: int) -> Null:
    """Redrawn maxima, with tails in proportion to their `weight` (tails x parts broken)."""
    correction = np.exp(np.clip(np.einsum("tp,tpk->k", weight, larger), *_CORRECTION))
    copies = -(-redrawn // case.redraw.course.shape[0])
    parts = []
    for number, (tail, share) in enumerate(zip(_TAILS, _shared_out(weight.sum(axis=1), copies), strict=True)):
        if share:
            clean, _ = _redrawn_maxima(case, tail, _SEED + 1 + number, int(share), planted=False)
            parts.append(clean * correction[:, None])
    maxima = np.concatenate(parts, axis=1)
    tails = tuple(Tail.of(own) for own in maxima)
    both = Tail.of(np.stack([tail.rarity(own) for tail, own in zip(tails, maxima, strict=True)]).max(axis=0))
    return Null(tails, both)


def _shared_out(weight: Floats, copies: int) -> Ints:
    """Whole copies in proportion to `weight`, by the largest remainders."""
    exact = weight / weight.sum() * copies
    whole = np.floor(exact).astype(np.int64)
    first = np.argsort(whole - exact, kind="stable")[: copies - int(whole.sum())]
    whole[first] += 1
    return whole


def maxima_of(strength: Floats) -> Floats:
    """The largest evidence of each series per shape (K x ... x S)."""
    return np.maximum(strength.max(axis=-1), _TINY)


def _redrawn_maxima(
    case: Case, tail: tuple[float, float], seed: int, copies: int, *, planted: bool
) -> tuple[Floats, Floats]:
    """Largest evidence (K x series) of the panel redrawn `copies` times: without a break, and (where `planted`) the
    same with a break of random shape, size and period.
    """
    redraw = case.redraw
    freedom, factor = tail
    rng = np.random.default_rng(seed)
    information = informations(redraw.precision)
    series, size = redraw.course.shape
    flat = Noise(redraw.noise.jitter, redraw.noise.drift, redraw.noise.persistence, 0.0, 0.0, redraw.noise.per_year)
    root = np.linalg.cholesky(flat.covariance(redraw.ordinals) + 1e-12 * np.eye(size))
    time = redraw.ordinals - redraw.ordinals.mean()
    shape = (copies, series, size)
    draws = rng.standard_t(freedom, shape) if freedom < 100 else rng.standard_normal(shape)
    own = (draws * factor) @ root.T * _restless(rng, case.spread.freedom, (copies, series, 1))
    own += np.sqrt(redraw.noise.slope) * rng.standard_normal((copies, series, 1)) * time
    if redraw.noise.per_year > 1 and redraw.noise.season > 0:
        effects = rng.standard_normal((copies, series, redraw.noise.per_year)) * np.sqrt(redraw.noise.season)
        own += effects[:, :, redraw.ordinals % redraw.noise.per_year]
    rest = _counted_again(redraw.quantity, redraw.course, own, rng)
    rest = np.where(redraw.present, rest, 0.0)
    clean = _maxima(redraw, information, case.spread, rest)
    if not planted:
        return clean, clean
    kind = rng.choice(SHAPES, copies * series, p=_PLANTED_KINDS)
    at = rng.integers(0, size, copies * series)
    at = np.where(kind == ONE_OFF, at, np.clip(at, 2, size - 2))
    effect = rng.uniform(*_PLANTED, at.size) * rng.choice([-1.0, 1.0], at.size)
    effect = np.where(kind == SLOPE, effect * 2 / size, effect)
    shaped = (shape_of(kind, at, size) * effect[:, None]).reshape(shape) * redraw.present
    return clean, _maxima(redraw, information, case.spread, rest + shaped)


def _restless(rng: np.random.Generator, freedom: float, shape: tuple[int, ...]) -> Floats:
    """How much more (or less) one series moves than another, as a factor with a median of about 1."""
    usual = (1 - 2 / (9 * freedom)) ** 3
    return np.clip(np.sqrt(usual * freedom / rng.chisquare(freedom, shape)), *_RESTLESS)


def _maxima(redraw: Redraw, information: Floats, spread: Spread, rest: Floats) -> Floats:
    """Largest evidence (K x series) of redrawn panels `rest` (copies x S x n)."""
    allowed = redraw.allowed & (information > 1e-9)
    parts = []
    for copy in rest:
        calm = without_spikes(copy, redraw.present, redraw.precision)
        pull = pulls(redraw.precision, copy, calm)
        total = totals(redraw.precision, copy, calm)
        parts.append(maxima_of(evidence(pull, information, allowed, total, redraw.present, spread)))
    return np.concatenate(parts, axis=1)


def _counted_again(quantity: Quantity, course: Floats, own: Floats, rng: np.random.Generator) -> Floats:
    """The redrawn log rate minus its course, after counting, rounding and suppression."""
    true = course + own
    people = np.broadcast_to(quantity.people, true.shape)
    printed = np.broadcast_to(quantity.printed, true.shape)
    expected = np.exp(np.minimum(true, 700)) * people
    counted = np.isfinite(expected)
    mean = np.where(counted, np.minimum(expected, 1e12), 1.0)
    noise = np.sqrt(np.maximum(mean, 0.5))
    if quantity.share:
        noise = noise * np.sqrt(np.clip(1 - np.exp(course) / 100, 0.02, 1.0))
        counts = np.maximum(mean + noise * rng.standard_normal(mean.shape), 0.0)
    else:
        counts = rng.poisson(mean).astype(np.float64)
    figure = np.where(counted, counts / np.where(counted, people, 1.0), np.exp(true)) * printed
    if quantity.rounding > 0:
        figure = np.round(figure / quantity.rounding) * quantity.rounding
    floor = quantity.rounding / 4 if quantity.rounding > 1 else 0.5 if quantity.rounding == 1 else 1e-12
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.log(np.maximum(figure, floor) / printed) - course
        if quantity.suppressed.any():
            ceiling = np.log(0.7 * SUPPRESSED_BELOW) - np.log(people) - course
            hidden = quantity.suppressed & counted & (counts < SUPPRESSED_BELOW)
            drawn = np.where(hidden, np.minimum(ceiling, 0.0), drawn)
    return np.where(np.isfinite(drawn), drawn, 0.0)
