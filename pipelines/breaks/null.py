"""How large a score gets in a series that did not break, learnt from the panel itself.

What belongs here: panels redrawn without breaks (same municipalities, levels, noise, counting, rounding and
suppression; tails as heavy as the bulk of the real scores shows), and the rarity of a score that follows.
What does not: what an alarm is; the caller draws that line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.level_shift import Scores, Shapes, informations, scores_of_pull
from pipelines.breaks.noise import Noise
from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.quantity import SUPPRESSED_BELOW, Quantity
from pipelines.breaks.search import Spread

# Degrees of freedom of a t distribution with the factor that gives it the quartiles of a normal.
_TAILS = ((200.0, 1.0), (10.0, 0.9638), (6.0, 0.9399), (4.0, 0.9106), (3.0, 0.8818), (2.3, 0.846))
_REDRAWN_TO_CHOOSE, _REDRAWN = 1000, 3000
_SEED = 2015
_COMPARED = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.9])  # quantiles of maxima
_PARTS_BROKEN = np.array([0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25])
_PLANTED = (0.1, 0.8)  # log effects of planted breaks
_WEIGHT_OF_NEIGHBOURS = 4.0
_USUAL_PART, _DOUBT_OF_PART = 0.1, 3.0
_UNDECIDED = 0.005  # a difference in misfit that decides little between two tails
_CORRECTION = (-0.1, 0.5)  # of the log of a maximum, for what the redrawing does not know
_KNEE = 0.97
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
        return cls(ordered, knee, max(float(beyond.mean()) if beyond.size else 0.0, 1e-3))

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
    """Rarity of studentised scores in one panel; `both` maps the rarer of the two to that of a whole
    series.
    """

    one_off: Tail
    level: Tail
    both: Tail

    def rarity(self, one_off: Floats, level: Floats) -> tuple[Floats, Floats]:
        return (
            self.both.rarity(self.one_off.rarity(one_off)),
            self.both.rarity(self.level.rarity(level)),
        )

    def level_line(self, rarity: float) -> float:
        """The studentised level score that is this rare."""
        return self.level.line(max(self.both.line(max(rarity, 1.53)), 1.0))


@dataclass(frozen=True)
class Redraw:
    """Everything that stays the same when a panel is drawn again without breaks."""

    precision: Floats
    course: Floats
    present: Bools
    shapes: Shapes
    noise: Noise
    ordinals: Ints
    quantity: Quantity


@dataclass(frozen=True)
class Case:
    """A panel whose null is wanted: how to redraw it, its real scores and the spread of its series."""

    redraw: Redraw
    scores: Scores
    spread: Spread


def nulls_of_panels(panels: list[Case]) -> list[Null]:
    """The null of each panel.

    How heavy the tails are and which part of the series broke are chosen together, so that redrawn series,
    that part of them with a break planted, have maxima like the real ones. One panel tells little of it, so
    that its neighbours have a say, and where several tails fit, each gives its share of the redrawn series.
    """
    if not panels:
        return []
    fits = [_Fit.of(case) for case in panels]
    misfits = np.stack([fit.misfit for fit in fits])
    total = misfits + _WEIGHT_OF_NEIGHBOURS * misfits.mean(axis=0)
    total = total / (1 + _WEIGHT_OF_NEIGHBOURS) + _DOUBT_OF_PART * (_PARTS_BROKEN - _USUAL_PART) ** 2
    weight = np.exp((total.min(axis=(1, 2), keepdims=True) - total) / _UNDECIDED)
    weight /= weight.sum(axis=(1, 2), keepdims=True)
    return [_null(case, fit, own) for case, fit, own in zip(panels, fits, weight, strict=True)]


@dataclass(frozen=True)
class _Fit:
    """Per tail and part broken: squared distance of redrawn and real maxima, and by how much (log) the real
    ones of one-offs and levels are larger in the bulk.
    """

    misfit: Floats
    larger: Floats

    @classmethod
    def of(cls, case: Case) -> _Fit:
        real = _studentised_maxima(case.scores, case.spread)
        wanted = np.log([np.quantile(maxima, _COMPARED) for maxima in real])
        off = np.zeros((len(_TAILS), len(_PARTS_BROKEN), 2, _COMPARED.size))
        for row, tail in enumerate(_TAILS):
            clean, broken = _redrawn_maxima(case, tail, _SEED, _REDRAWN_TO_CHOOSE, planted=True)
            for kind in (0, 1):
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


def _null(case: Case, fit: _Fit, weight: Floats) -> Null:
    """Redrawn maxima, with tails in proportion to their `weight` (tails x parts broken)."""
    correction = np.exp(np.clip(np.einsum("tp,tpk->k", weight, fit.larger), *_CORRECTION))
    one_off, level = np.empty(0), np.empty(0)
    for number, (tail, share) in enumerate(zip(_TAILS, weight.sum(axis=1), strict=True)):
        wanted = round(share * _REDRAWN)
        if not wanted:
            continue
        ones, levels = _redrawn_maxima(case, tail, _SEED + 1 + number, wanted, planted=False)[0]
        # Redrawn by whole panels: a regular choice keeps small and large municipalities in proportion.
        some = np.linspace(0, ones.size - 1, wanted).astype(np.int64)
        one_off = np.concatenate([one_off, ones[some] * correction[0]])
        level = np.concatenate([level, levels[some] * correction[1]])
    one_tail, level_tail = Tail.of(one_off), Tail.of(level)
    both = Tail.of(np.maximum(one_tail.rarity(one_off), level_tail.rarity(level)))
    return Null(one_tail, level_tail, both)


def _studentised_maxima(found: Scores, spread: Spread) -> tuple[Floats, Floats]:
    scale = spread.moderated(found.spread, found.freedom)
    return (
        np.maximum(found.one_off.max(axis=1) / scale, _TINY),
        np.maximum(found.level.max(axis=1) / scale, _TINY),
    )


def _redrawn_maxima(
    case: Case, tail: tuple[float, float], seed: int, wanted: int, *, planted: bool
) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Largest studentised one-off and level scores of at least `wanted` redrawn series: without a break,
    and (where `planted`) the same with a level shift or a one-off of random size and period.
    """
    redraw, spread = case.redraw, case.spread
    freedom, factor = tail
    rng = np.random.default_rng(seed)
    information = informations(redraw.precision)
    copies = -(-wanted // redraw.course.shape[0])
    series, size = redraw.course.shape
    flat = Noise(redraw.noise.jitter, redraw.noise.drift, redraw.noise.persistence, 0.0, 0.0, redraw.noise.per_year)
    root = np.linalg.cholesky(flat.covariance(redraw.ordinals) + 1e-12 * np.eye(size))
    time = redraw.ordinals - redraw.ordinals.mean()
    shape = (copies, series, size)
    draws = rng.standard_t(freedom, shape) if freedom < 100 else rng.standard_normal(shape)
    own = (draws * factor) @ root.T
    own += np.sqrt(redraw.noise.slope) * rng.standard_normal((copies, series, 1)) * time
    if redraw.noise.per_year > 1 and redraw.noise.season > 0:
        effects = rng.standard_normal((copies, series, redraw.noise.per_year)) * np.sqrt(redraw.noise.season)
        own += effects[:, :, redraw.ordinals % redraw.noise.per_year]
    rest = _counted_again(redraw.quantity, redraw.course, own, rng)
    rest = np.where(redraw.present, rest, 0.0)
    clean = _maxima(redraw, information, spread, rest)
    if not planted:
        return clean, clean
    at = rng.integers(0, size, (copies, series, 1))
    lasting = rng.random((copies, series, 1)) < 0.5
    effect = rng.uniform(*_PLANTED, (copies, series, 1)) * rng.choice([-1.0, 1.0], (copies, series, 1))
    columns = np.arange(size)
    shaped = np.where(lasting, columns >= np.clip(at, 2, size - 2), columns == at)
    return clean, _maxima(redraw, information, spread, rest + shaped * effect * redraw.present)


def _maxima(redraw: Redraw, information: tuple[Floats, Floats], spread: Spread, rest: Floats) -> tuple[Floats, Floats]:
    pull = np.matmul(redraw.precision, rest[..., None])[..., 0]
    ones, levels = [], []
    for copy in range(rest.shape[0]):
        found = scores_of_pull(
            pull[copy], rest[copy], redraw.shapes, redraw.present, information, information=information
        )
        one_off, level = _studentised_maxima(found, spread)
        ones.append(one_off)
        levels.append(level)
    return np.concatenate(ones), np.concatenate(levels)


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
