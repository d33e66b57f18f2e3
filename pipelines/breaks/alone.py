"""Breaks of series that have no peers: each tested against its own growth, season and persistent noise.

What belongs here: grids with too few series to compare, all series in one batch, each by itself. What does not:
long series outside a panel (`segmentation` cuts those), rules, causes.

Without peers nothing tells a national change or the usual wandering of an indicator from a break of this series.
So the test is a cautious one: growth and season are fitted freely, noise may persist, and its size and persistence
are chosen anew for every break that is tried. With six to twelve figures only large changes can be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, stdtr, stdtrit

from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.search import Found
from pipelines.breaks.shapes import LEVEL, SHAPES, admissible, informations, shape_of, without

FEWEST_FIGURES = 6
MOST_BREAKS = 3
CANDIDATE = 0.7  # kept so that another line can be drawn
_PERSISTENCE = (0.2, 0.4, 0.6, 0.8, 0.9)
_OWN_SHARES = (2.0, np.inf)  # noise of its own as a multiple of counting noise; inf: nothing but noise of its own
_YEARS_FOR_SEASON = 3
_TESTS_PER_FIGURE = 2.0
_DOUBT = np.array([0.0, 4.0, 10.0])  # per shape, in twice the log likelihood, of noise that does not persist
_USUAL_PERSISTENCE = 0.7
_TAILS_OF_ONE_FIGURE = 8.0  # degrees of freedom; single figures stray further than a normal lets them
_SMALLEST = 1e-10  # variance of a log
_POWER = 0.8416  # 80 % of a normal
_LOST = 1.3  # on the detectable effect: choosing the noise anew for every break takes that off, by simulation
_TWO_SIDED = 1.96
_CHOSEN = 1.08  # on an error, as the persistence of the noise was chosen by the same figures; by simulation
_NATS = float(np.log(10.0))
_CELLS = 2_000_000  # of matrices that are held at a time


@dataclass(frozen=True)
class Alone:
    """Breaks of series without peers, and per series (S) the smallest lasting shift, as a log effect, found with
    80 % power or more at the line; NaN where a series has too few figures to test.
    """

    found: Found
    detectable: Floats


def breaks_alone(
    log: Floats, variance: Floats, ordinals: Ints, per_year: int, line: float, steps: Floats | None = None
) -> Alone:
    """One-offs, level shifts and slope changes in series without peers.

    `log` (S x n, NaN missing) is the log of a figure, `variance` (S x n) what counting and rounding alone make of
    it, `ordinals` (n) the periods, of which `per_year` make a year. `line` is the score at which the detectable effect
    is stated. `steps` (S x k x n, zeros where there is none) are known already and no break. A score is minus log10 of
    the chance of such a score anywhere in a series without a break. Breaks come in order of series.

    Of 1,000 simulated series of 6 to 24 figures with growth of their own and no break, at most 18 reach the score that
    15 should (1.82) where the noise is white or has a persistence of .5, up to 34 at .7 or .8 and up to 57 at .9; where
    counting makes them vary as well, 0 to 17.
    A series is never judged by another one: the answer for many is the answer for each.
    """
    present = np.isfinite(log)
    tested = present.sum(axis=1) >= FEWEST_FIGURES
    detectable = np.full(log.shape[0], np.nan)
    known = np.zeros((log.shape[0], 0, log.shape[1])) if steps is None else steps
    parts = [Found.nothing()]
    for rows in _blocks(np.flatnonzero(tested), log.shape[1]):
        batch = _Batch.of(log[rows], variance[rows], ordinals, per_year, known[rows])
        found = _together(batch, _chosen(batch))
        detectable[rows] = _detectable(batch, found, line)
        parts.append(_indexed(found, rows))
    return Alone(Found.together(parts), detectable)


def _blocks(rows: Ints, size: int) -> list[Ints]:
    """The rows in parts of which the matrices (n x n each) are held at a time."""
    most = max(_CELLS // size**2, 1)
    return [rows[start : start + most] for start in range(0, rows.size, most)]


@dataclass(frozen=True)
class _Batch:
    """Series to test: `rest` (S x n, 0 where missing), relative counting variances and their mean `usual` (S)."""

    rest: Floats
    present: Bools
    allowed: Bools
    relative: Floats
    usual: Floats
    apart: Ints
    nuisance: Floats  # S x shapes x n: growth, season and known steps

    @classmethod
    def of(cls, log: Floats, variance: Floats, ordinals: Ints, per_year: int, steps: Floats) -> _Batch:
        present = np.isfinite(log)
        count = present.sum(axis=1, keepdims=True)
        mean = np.where(present, log, 0.0).sum(axis=1, keepdims=True) / count
        known = np.where(present & np.isfinite(variance), np.maximum(variance, _SMALLEST), 0.0)
        number = np.maximum((known > 0).sum(axis=1, keepdims=True), 1)
        usual = np.maximum(known.sum(axis=1, keepdims=True) / number, _SMALLEST)
        relative = np.where(known > 0, known / usual, 1.0)
        return cls(
            rest=np.where(present, log - mean, 0.0),
            present=present,
            allowed=admissible(present),
            relative=relative,
            usual=usual[:, 0],
            apart=np.abs(ordinals[:, None] - ordinals[None, :]),
            nuisance=np.concatenate(
                [_growth_and_season(present, ordinals, per_year), steps * present[:, None]], axis=1
            ),
        )

    def part(self, rows: Ints) -> _Batch:
        return _Batch(
            self.rest[rows],
            self.present[rows],
            self.allowed[:, rows],
            self.relative[rows],
            self.usual[rows],
            self.apart,
            self.nuisance[rows],
        )


def _growth_and_season(present: Bools, ordinals: Ints, per_year: int) -> Floats:
    time = (ordinals - ordinals.mean()) / max(float(np.ptp(ordinals)), 1.0)
    shapes = [np.where(present, time, 0.0)]
    seasonal = present.sum(axis=1, keepdims=True) >= _YEARS_FOR_SEASON * per_year
    shapes += [present & seasonal & (ordinals % per_year == part) for part in range(1, per_year)]
    return np.stack([shape.astype(np.float64) for shape in shapes], axis=1)


@dataclass(frozen=True)
class _Evidence:
    """Per shape, series and period (K x S x n): the score, the size and its standard error. 0 where not allowed."""

    score: Floats
    effect: Floats
    se: Floats
    freedom: Floats


def _evidence(batch: _Batch, taken: Floats) -> _Evidence:
    """Every shape tried beside growth, season and the shapes `taken` (S x breaks x n, zeros where there is none).

    With and without a break the noise is chosen by likelihood among the same models. What a break adds beyond that
    is put as a t score; a score never exceeds what counting noise alone allows.
    """
    count = batch.present.sum(axis=1).astype(np.float64)
    series, size = batch.rest.shape
    without_break = np.full(series, np.inf)
    with_break = np.full((SHAPES, series, size), np.inf)
    effect = np.zeros((SHAPES, series, size))
    error = np.full((SHAPES, series, size), np.inf)
    fitted = np.concatenate([batch.nuisance, taken], axis=1)
    freedom = count - 2 - _independent(fitted)
    for persistence, covariance in _noise_models(batch):
        doubt = (_DOUBT * max(_USUAL_PERSISTENCE - persistence, 0.0))[:, None, None]
        precision, log_determinant = _precision(covariance, batch.present)
        before = informations(precision)
        for shape in np.moveaxis(fitted, 1, 0):
            precision = without(precision, shape)
        information = informations(precision)
        usable = batch.allowed & (information > np.maximum(1e-6 * before, 1e-12))
        information = np.where(usable, information, np.inf)
        pull = _pulls(precision, batch.rest)
        floor = _SMALLEST * count
        left = np.maximum(np.einsum("si,sij,sj->s", batch.rest, precision, batch.rest), floor)
        after = np.maximum(left[:, None] - pull**2 / information, floor[:, None])
        without_break = np.minimum(without_break, count * np.log(left) + log_determinant)
        likelihood = np.where(usable, count[:, None] * np.log(after) + log_determinant[:, None] + doubt, np.inf)
        better = likelihood < with_break
        with_break = np.where(better, likelihood, with_break)
        effect = np.where(better, pull / information, effect)
        error = np.where(better, np.sqrt(after / np.maximum(freedom, 1.0)[:, None] / information), error)
    gain = np.maximum(without_break[:, None] - with_break, 0.0)
    studentised = np.sqrt(np.maximum(freedom, 1.0)[:, None] * np.expm1(np.minimum(gain / count[:, None], 600.0)))
    counted = _counting_error(batch, fitted)
    error = np.maximum(error, counted)
    tails = np.stack([np.minimum(freedom, _TAILS_OF_ONE_FIGURE), freedom, freedom])
    own = _rarity(studentised, tails[:, :, None])
    by_counting = -(log_ndtr(-np.abs(effect) / counted) + np.log(2.0)) / _NATS
    score = np.minimum(own, by_counting) - np.log10(_TESTS_PER_FIGURE * count)[:, None]
    known = np.isfinite(with_break) & (freedom >= 2)[:, None]
    return _Evidence(np.where(known, np.maximum(score, 0.0), 0.0), np.where(known, effect, 0.0), error, freedom)


def _pulls(precision: Floats, rest: Floats) -> Floats:
    """K x S x n: the inner product of each shape with the precision times the series."""
    one_off = np.matmul(precision, rest[:, :, None])[:, ::-1, 0]
    level = np.cumsum(one_off, axis=1)
    return np.stack([one_off, level, np.cumsum(level, axis=1)])[:, :, ::-1]


def _independent(shapes: Floats) -> Floats:
    return np.asarray((np.abs(shapes).max(axis=2) > 0).sum(axis=1), dtype=np.float64)


def _noise_models(batch: _Batch) -> Iterator[tuple[float, Floats]]:
    """Persistence and covariance (S x n x n) up to a factor: counting alone, noise of its own with and without it."""
    diagonal = batch.relative[:, :, None] * np.eye(batch.rest.shape[1])
    yield 0.0, diagonal
    for persistence in _PERSISTENCE:
        own = np.broadcast_to(persistence**batch.apart, diagonal.shape)
        for share in _OWN_SHARES:
            yield persistence, own if np.isinf(share) else (diagonal + share * own) / (1 + share)


def _precision(covariance: Floats, present: Bools) -> tuple[Floats, Floats]:
    """Precision with the own level projected out, and the log determinant of the covariance, of present cells."""
    both = present[:, :, None] & present[:, None, :]
    whole = np.where(both, covariance, np.eye(present.shape[1]))
    precision = np.linalg.inv(whole) * both
    return without(precision, present.astype(np.float64)), np.linalg.slogdet(whole)[1]


def _counting_error(batch: _Batch, fitted: Floats) -> Floats:
    """Standard error (K x S x n) of each shape if there were no noise but that of counting; inf where not allowed."""
    precision = (batch.present / batch.relative)[:, :, None] * np.eye(batch.rest.shape[1])
    precision = without(precision, batch.present.astype(np.float64))
    for shape in np.moveaxis(fitted, 1, 0):
        precision = without(precision, shape)
    information = informations(precision)
    usable = batch.allowed & (information > 1e-9)
    return np.sqrt(np.where(usable, batch.usual[:, None] / np.where(usable, information, 1.0), np.inf))


def _rarity(studentised: Floats, freedom: Floats) -> Floats:
    """Minus log10 of the two-sided chance of a t score."""
    chance = 2 * stdtr(np.maximum(freedom, 1.0), -studentised)
    return np.asarray(-np.log10(np.maximum(chance, 1e-300)))


@dataclass(frozen=True)
class _Chosen:
    """Breaks per series (S x MOST_BREAKS), strongest first; `period` is -1 where there is none."""

    kind: Ints
    period: Ints
    score: Floats

    def shapes(self, size: int) -> Floats:
        """S x MOST_BREAKS x n, zeros where there is none."""
        flat = shape_of(self.kind.ravel(), self.period.ravel(), size).reshape(*self.kind.shape, size)
        return flat * (self.period >= 0)[:, :, None]


def _chosen(batch: _Batch) -> _Chosen:
    series, size = batch.rest.shape
    kind = np.zeros((series, MOST_BREAKS), dtype=np.int64)
    period = np.full((series, MOST_BREAKS), -1)
    score = np.zeros((series, MOST_BREAKS))
    active = np.arange(series)
    for turn in range(MOST_BREAKS):
        part = _Chosen(kind[active], period[active], score[active])
        seen = _evidence(batch.part(active), part.shapes(size)[:, :turn])
        flat = np.moveaxis(seen.score, 0, 1).reshape(active.size, -1)
        # A shift at a one-off that was taken out and one right after it are the same; the first of equals is chosen.
        best = flat.round(6).argmax(axis=1)
        strongest = flat[np.arange(active.size), best]
        going = strongest >= CANDIDATE
        active, best = active[going], best[going]
        if not active.size:
            break
        kind[active, turn], period[active, turn] = np.divmod(best, size)
        score[active, turn] = strongest[going]
    return _Chosen(kind, period, score)


@dataclass(frozen=True)
class _Fitted:
    """The chosen breaks with sizes estimated beside each other (S x MOST_BREAKS)."""

    chosen: _Chosen
    used: Bools
    effect: Floats
    se: Floats


def _together(batch: _Batch, chosen: _Chosen) -> _Fitted:
    used = chosen.period >= 0
    effect, se, score = np.zeros(used.shape), np.full(used.shape, np.inf), chosen.score.copy()
    shapes = chosen.shapes(batch.rest.shape[1])
    for turn in range(MOST_BREAKS):
        rows = np.flatnonzero(used[:, turn])
        if not rows.size:
            break
        others = np.delete(shapes[rows], turn, axis=1)
        seen = _evidence(batch.part(rows), others)
        at = (chosen.kind[rows, turn], np.arange(rows.size), chosen.period[rows, turn])
        effect[rows, turn], se[rows, turn] = seen.effect[at], seen.se[at] * _widened(seen.freedom)
        # A break that needs the others to be seen is no surer than when it was found.
        score[rows, turn] = np.minimum(score[rows, turn], seen.score[at])
    return _Fitted(_Chosen(chosen.kind, chosen.period, score), used & (score >= CANDIDATE), effect, se)


def _widened(freedom: Floats) -> Floats:
    """By how much an error is multiplied so that 1.96 of it hold 95 %, though so few figures tell it, and one of them
    is spent on the period.
    """
    return np.asarray(_CHOSEN * stdtrit(np.maximum(freedom - 1, 1.0), 0.975) / _TWO_SIDED)


def _detectable(batch: _Batch, fitted: _Fitted, line: float) -> Floats:
    """Log effect of a lasting shift found with 80 % power, for the median of the periods where it may begin."""
    shapes = fitted.chosen.shapes(batch.rest.shape[1]) * (fitted.used & (fitted.chosen.score >= line))[:, :, None]
    seen = _evidence(batch, shapes)
    allowed = batch.allowed[LEVEL] & np.isfinite(seen.se[LEVEL])
    error = np.ma.median(np.ma.array(seen.se[LEVEL], mask=~allowed), axis=1).filled(np.nan)
    chance = 10.0**-line / (_TESTS_PER_FIGURE * batch.present.sum(axis=1))
    return np.asarray(_LOST * (-stdtrit(np.maximum(seen.freedom, 1.0), chance / 2) + _POWER) * error)


def _indexed(fitted: _Fitted, rows: Ints) -> Found:
    used = fitted.used
    series = np.broadcast_to(rows[:, None], used.shape)
    return Found(
        series=series[used],
        period=fitted.chosen.period[used],
        kind=fitted.chosen.kind[used],
        effect=fitted.effect[used],
        se=fitted.se[used],
        score=fitted.chosen.score[used],
    )
