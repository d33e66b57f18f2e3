"""How large a score gets in a series that did not break, learnt from the panel itself.

What belongs here: panels redrawn without breaks (same municipalities, levels, noise, counting, rounding and
suppression; tails as heavy as the bulk of the real scores shows), and the rarity of a score that follows.
What does not: what an alarm is; the caller draws that line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipelines.breaks.evidence import Spread, evidence, likeliest
from pipelines.breaks.noise import Noise
from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.power import TIMES, by_theory, times_needed
from pipelines.breaks.quantity import SUPPRESSED_BELOW, Quantity
from pipelines.breaks.shapes import LEVEL, ONE_OFF, SHAPES, SLOPE, informations, pulls, shape_of, totals, without_spikes
from pipelines.breaks.side_by_side import side_by_side

# Degrees of freedom of a t distribution with the factor that gives it the quartiles of a normal, and how often, and
# how many times, a draw of it is larger than that.
_TAILS = (
    (200.0, 1.0, 0.0, 1.0),
    (10.0, 0.9638, 0.0, 1.0),
    (6.0, 0.9399, 0.0, 1.0),
    (4.0, 0.9106, 0.0, 1.0),
    (3.0, 0.8818, 0.0, 1.0),
    (2.3, 0.846, 0.0, 1.0),
    (200.0, 1.0, 0.015, 3.0),
    (200.0, 1.0, 0.03, 3.0),
)
_REDRAWN_TO_CHOOSE = 1000  # series per panel and tail
_REDRAWN, _REDRAWN_IN_ALL = (1000, 4000), 100_000  # series per panel: fewer where there are many panels
_REDRAWN_FOR_POWER = 700  # series per panel
_PANELS_TO_CHOOSE = 24  # whose own maxima say how heavy the tails are
_SEED = 2015
_COMPARED = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.9])  # quantiles of maxima
_COMPARED_CELLS = np.array([0.8, 0.9, 0.95, 0.975, 0.985, 0.992])  # quantiles of single figures
_WEIGHT_OF_CELLS = 4.0
_PARTS_BROKEN = np.array([0.0, 0.04, 0.08, 0.12, 0.16, 0.2, 0.25, 0.32])
_PLANTED = (0.1, 0.8)  # log effects of planted breaks; of a slope over half the series
_PLANTED_KINDS = (0.3, 0.5, 0.2)
_WEIGHT_OF_NEIGHBOURS = 4.0
_USUAL_PART, _DOUBT_OF_PART = 0.13, 1.0
_UNDECIDED = 0.005  # a difference in misfit that decides little between two tails
_CORRECTION = (-0.1, 0.5)  # of the log of a maximum, for what the redrawing does not know
_KNEE = 0.97
_TELLING = float(np.sqrt(2 * np.log(2)))  # evidence that speaks for a break at all
_LEAST_EXCESS = 0.1  # of the evidence beyond the knee, where redrawn series hardly differ
_RESTLESS = (0.3, 3.0)
# Redrawn series reach a score more often than real ones without a break do, by a seventh (as a log10; tuning panels).
_OVERSTATED = 0.06
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
    rarity in a whole series. `lost` is how many times the size by theory a shift must have to be found as often as
    theory says.
    """

    kinds: tuple[Tail, ...]
    both: Tail
    lost: float = 1.0

    def rarity(self, strength: Floats) -> Floats:
        """Scores (K x ...) of evidence."""
        own = np.stack([tail.rarity(part) for tail, part in zip(self.kinds, strength, strict=True)])
        return np.where(strength > _TELLING, self.both.rarity(own) + _OVERSTATED, 0.0)

    def level_line(self, rarity: float) -> float:
        """The strength of evidence for a level shift that is this rare."""
        return self.kinds[LEVEL].line(max(self.both.line(max(rarity - _OVERSTATED, 1.53)), 1.0))


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
    """A panel whose null is wanted: how to redraw it, its real evidence (K x S), how far single figures are off
    (`deviations`), and the spread of its series.
    """

    redraw: Redraw
    real: Floats
    deviations: Floats
    spread: Spread


def nulls_of_panels(panels: list[Callable[[], Case]], line: float) -> list[Null]:
    """The null of each panel, and what is found at `line`. A panel hands over its case when it is its turn: cases of
    many panels are large.

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
    return side_by_side(lambda part: _null(part[0](), part[1], part[2], wanted, line), parts)


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
        wanted_cells = np.log(np.quantile(case.deviations, _COMPARED_CELLS))
        off_cells = np.zeros((len(_TAILS), len(_PARTS_BROKEN), _COMPARED_CELLS.size))
        off = np.zeros((len(_TAILS), len(_PARTS_BROKEN), SHAPES, _COMPARED.size))
        copies = -(-_REDRAWN_TO_CHOOSE // case.redraw.course.shape[0])
        for row, tail in enumerate(_TAILS):
            clean, broken = _redrawn_maxima(case, tail, _SEED, copies, planted=True)
            for kind in range(SHAPES):
                mixed = _quantiles_of_mixtures(clean.maxima[kind], broken.maxima[kind], _COMPARED)
                off[row, :, kind, :] = wanted[kind] - np.log(mixed)
            mixed = _quantiles_of_mixtures(clean.deviations, broken.deviations, _COMPARED_CELLS)
            off_cells[row] = wanted_cells - np.log(mixed)
        misfit = (off**2).sum(axis=(2, 3)) + _WEIGHT_OF_CELLS * (off_cells**2).sum(axis=2)
        return cls(misfit, off[..., : _COMPARED.size // 2].mean(axis=3))


def _quantiles_of_mixtures(clean: Floats, broken: Floats, compared: Floats) -> Floats:
    """Quantiles `compared` where each of _PARTS_BROKEN of the series is broken, the rest clean."""
    values = np.concatenate([clean, broken])
    order = np.argsort(values)
    is_broken = (order >= clean.size).astype(np.float64)
    weight = (
        _PARTS_BROKEN[:, None] * is_broken / broken.size + (1 - _PARTS_BROKEN[:, None]) * (1 - is_broken) / clean.size
    )
    position = np.argmax(np.cumsum(weight, axis=1)[:, None, :] >= compared[None, :, None], axis=2)
    return np.asarray(values[order][position])


def _null(case: Case, larger: Floats, weight: Floats, redrawn: int, line: float) -> Null:
    """Redrawn maxima, with tails in proportion to their `weight` (tails x parts broken)."""
    correction = np.exp(np.clip(np.einsum("tp,tpk->k", weight, larger), *_CORRECTION))
    copies = -(-redrawn // case.redraw.course.shape[0])
    parts = []
    for number, (tail, share) in enumerate(zip(_TAILS, _shared_out(weight.sum(axis=1), copies), strict=True)):
        if share:
            clean, _ = _redrawn_maxima(case, tail, _SEED + 1 + number, int(share), planted=False)
            parts.append(clean.maxima * correction[:, None])
    maxima = np.concatenate(parts, axis=1)
    tails = tuple(Tail.of(own) for own in maxima)
    both = Tail.of(np.stack([tail.rarity(own) for tail, own in zip(tails, maxima, strict=True)]).max(axis=0))
    null = Null(tails, both)
    return replace(null, lost=_lost(case, null, weight.sum(axis=1), line))


def _lost(case: Case, null: Null, weight: Floats, line: float) -> float:
    """How many times the size by theory is found with 80 % power, in the panel redrawn with shifts of many sizes."""
    redraw, spread = case.redraw, case.spread
    series, size = redraw.course.shape
    information = informations(redraw.precision)
    allowed = redraw.allowed & (information > 1e-9)
    told = by_theory(information[LEVEL], allowed[LEVEL], redraw.present, spread, null.level_line(line))
    usable = np.flatnonzero(np.isfinite(told))
    copies = -(-_REDRAWN_FOR_POWER // series)
    rng = np.random.default_rng(_SEED - 1)
    all_times, all_found = [], []
    for number, (tail, share) in enumerate(zip(_TAILS, _shared_out(weight, copies), strict=True)):
        for turn in range(int(share)):
            times = np.exp(rng.uniform(np.log(TIMES[0]), np.log(TIMES[1]), series))
            chance = np.where(allowed[LEVEL], rng.random((series, size)), -1.0)
            at = chance.argmax(axis=1)
            shift = shape_of(np.full(series, LEVEL), at, size) * np.nan_to_num(told * times)[:, None]
            own = _own_course(case, tail, np.random.default_rng([_SEED, number, turn]), 1)[0]
            rest = _counted_again(redraw.quantity, redraw.course, (own + shift)[None], rng)[0]
            rest = np.where(redraw.present, rest, 0.0)
            calm = without_spikes(rest, redraw.present, redraw.precision)
            pull, total = pulls(redraw.precision, rest, calm), totals(redraw.precision, rest, calm)
            strength = evidence(pull, information, allowed, total, redraw.present, spread)
            found = null.rarity(strength).max(axis=(0, 2)) >= line
            found &= np.abs(likeliest(strength)[1] - at) <= 1
            all_times.append(times[usable])
            all_found.append(found[usable])
    times, found = np.concatenate(all_times), np.concatenate(all_found)
    return times_needed(times, found) if times.size else 1.0


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
    case: Case, tail: tuple[float, float, float, float], seed: int, copies: int, *, planted: bool
) -> tuple[Drawn, Drawn]:
    """The panel redrawn `copies` times: without a break, and (where `planted`) the same with a break of random shape,
    size and period.
    """
    redraw = case.redraw
    rng = np.random.default_rng(seed)
    information = informations(redraw.precision)
    series, size = redraw.course.shape
    shape = (copies, series, size)
    own = _own_course(case, tail, rng, copies)
    rest = _counted_again(redraw.quantity, redraw.course, own, rng)
    rest = np.where(redraw.present, rest, 0.0)
    clean = _drawn(redraw, information, case.spread, rest, with_deviations=planted)
    if not planted:
        return clean, clean
    kind = rng.choice(SHAPES, copies * series, p=_PLANTED_KINDS)
    at = rng.integers(0, size, copies * series)
    at = np.where(kind == ONE_OFF, at, np.clip(at, 2, size - 2))
    effect = rng.uniform(*_PLANTED, at.size) * rng.choice([-1.0, 1.0], at.size)
    effect = np.where(kind == SLOPE, effect * 2 / size, effect)
    shaped = (shape_of(kind, at, size) * effect[:, None]).reshape(shape) * redraw.present
    return clean, _drawn(redraw, information, case.spread, rest + shaped, with_deviations=True)


def _own_course(case: Case, tail: tuple[float, float, float, float], rng: np.random.Generator, copies: int) -> Floats:
    """How every series goes its own way without a break (copies x S x n), before anybody is counted."""
    redraw = case.redraw
    freedom, factor, often, times = tail
    series, size = redraw.course.shape
    flat = Noise(redraw.noise.jitter, redraw.noise.drift, redraw.noise.persistence, 0.0, 0.0, redraw.noise.per_year)
    root = np.linalg.cholesky(flat.covariance(redraw.ordinals) + 1e-12 * np.eye(size))
    time = redraw.ordinals - redraw.ordinals.mean()
    shape = (copies, series, size)
    draws = rng.standard_t(freedom, shape) if freedom < 100 else rng.standard_normal(shape)
    if often:
        draws *= np.where(rng.random(shape) < often, times, 1.0)
    own = (draws * factor) @ root.T * _restless(rng, case.spread.freedom, (copies, series, 1))
    own += np.sqrt(redraw.noise.slope) * rng.standard_normal((copies, series, 1)) * time
    if redraw.noise.per_year > 1 and redraw.noise.season > 0:
        effects = rng.standard_normal((copies, series, redraw.noise.per_year)) * np.sqrt(redraw.noise.season)
        own += effects[:, :, redraw.ordinals % redraw.noise.per_year]
    return own


def _restless(rng: np.random.Generator, freedom: float, shape: tuple[int, ...]) -> Floats:
    """How much more (or less) one series moves than another, as a factor with a median of about 1."""
    usual = (1 - 2 / (9 * freedom)) ** 3
    return np.clip(np.sqrt(usual * freedom / rng.chisquare(freedom, shape)), *_RESTLESS)


@dataclass(frozen=True)
class Drawn:
    """Largest evidence per shape (K x series) and how far single figures are off (any number of them)."""

    maxima: Floats
    deviations: Floats


def _drawn(redraw: Redraw, information: Floats, spread: Spread, rest: Floats, *, with_deviations: bool) -> Drawn:
    """Redrawn panels `rest` (copies x S x n)."""
    allowed = redraw.allowed & (information > 1e-9)
    maxima, deviations = [], []
    for copy in rest:
        calm = without_spikes(copy, redraw.present, redraw.precision)
        pull = pulls(redraw.precision, copy, calm)
        total = totals(redraw.precision, copy, calm)
        maxima.append(maxima_of(evidence(pull, information, allowed, total, redraw.present, spread)))
        if with_deviations:
            deviations.append(deviations_of(pull[ONE_OFF], information[ONE_OFF], allowed[ONE_OFF]))
    return Drawn(np.concatenate(maxima, axis=1), np.concatenate(deviations or [np.empty(0)]))


def deviations_of(pull: Floats, information: Floats, allowed: Bools) -> Floats:
    """How many standard errors each figure is off from what the others of its series lead one to expect."""
    return np.maximum(np.abs(pull[allowed]) / np.sqrt(information[allowed]), _TINY)


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
