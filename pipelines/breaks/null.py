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
_REDRAWN_SERIES = 3000
_SEED = 1_2015
_BULK = (0.35, 0.5, 0.6, 0.7, 0.78)
_BROKEN = 0.10


@dataclass(frozen=True)
class Tail:
    """Chance that a maximum exceeds x without a break: counted in the bulk, exponential beyond the 90th percentile."""

    ordered: Floats
    knee: float
    mean_excess: float

    @classmethod
    def of(cls, maxima: Floats) -> Tail:
        ordered = np.sort(maxima)
        knee = float(np.quantile(ordered, 0.9))
        beyond = ordered[ordered > knee] - knee
        return cls(ordered, knee, max(float(beyond.mean()) if beyond.size else 0.0, 1e-3))

    def rarity(self, x: Floats) -> Floats:
        """Minus log10 of the chance; rises without bound, so that any line can be drawn."""
        above = 1.0 - np.searchsorted(self.ordered, x, side="right") / self.ordered.size
        bulk = -np.log10(np.maximum(above, 0.1))
        tail = 1.0 + (x - self.knee) / self.mean_excess / np.log(10.0)
        return np.asarray(np.where(x > self.knee, np.maximum(tail, 1.0), bulk))

    def line(self, rarity: float) -> float:
        """The x that is this rare (rarity of at least 1)."""
        return self.knee + (rarity - 1.0) * self.mean_excess * float(np.log(10.0))


@dataclass(frozen=True)
class Null:
    """Rarity of studentised scores in one panel; `both` maps the rarer of the two to that of a whole series."""

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
        return self.level.line(max(self.both.line(max(rarity, 1.0)), 1.0))


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


def null_of_panel(redraw: Redraw, real: Scores, spread: Spread) -> Null:
    """The null of a panel. The heaviness of the tails is the one under which redrawn maxima look like the real
    ones in the bulk, where series with a break do not come."""
    real_one, real_level = _studentised_maxima(real, spread)
    information = informations(redraw.precision)
    wanted = np.concatenate([np.quantile(real_one, _BULK), np.quantile(real_level, _BULK)])
    clean = [min(q / (1 - _BROKEN), 0.97) for q in _BULK]
    copies = max(1, round(_REDRAWN_SERIES / max(redraw.course.shape[0], 1)))
    best: tuple[float, Floats, Floats, Floats] | None = None
    for freedom, factor in _TAILS:
        rng = np.random.default_rng(_SEED)
        one_off, level = _redrawn_maxima(
            redraw, information, spread, freedom, factor, rng, max(1, copies // 3)
        )
        got = np.concatenate([np.quantile(one_off, clean), np.quantile(level, clean)])
        ratio = np.log(wanted / got)
        error = float(np.sum(ratio**2))
        if best is None or error < best[0]:
            best = (error, np.array([freedom, factor]), ratio[: len(_BULK)], ratio[len(_BULK) :])
    assert best is not None  # noqa: S101
    rng = np.random.default_rng(_SEED + 1)
    one_off, level = _redrawn_maxima(redraw, information, spread, best[1][0], best[1][1], rng, copies)
    one_off = one_off * np.exp(np.clip(best[2].mean(), -0.1, 0.5))
    level = level * np.exp(np.clip(best[3].mean(), -0.1, 0.5))
    one_tail, level_tail = Tail.of(one_off), Tail.of(level)
    both = Tail.of(np.maximum(one_tail.rarity(one_off), level_tail.rarity(level)))
    return Null(one_tail, level_tail, both)


def _studentised_maxima(found: Scores, spread: Spread) -> tuple[Floats, Floats]:
    scale = spread.moderated(found.spread, found.freedom)
    return found.one_off.max(axis=1) / scale, found.level.max(axis=1) / scale


def _redrawn_maxima(
    redraw: Redraw,
    information: tuple[Floats, Floats],
    spread: Spread,
    freedom: float,
    factor: float,
    rng: np.random.Generator,
    copies: int,
) -> tuple[Floats, Floats]:
    series, size = redraw.course.shape
    flat = Noise(
        redraw.noise.jitter, redraw.noise.drift, redraw.noise.persistence, 0.0, 0.0, redraw.noise.per_year
    )
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
    pull = np.matmul(redraw.precision, rest[..., None])[..., 0]
    ones, levels = [], []
    for copy in range(copies):
        found = scores_of_pull(
            pull[copy], rest[copy], redraw.shapes, information, information, 0, redraw.present
        )
        own_spread = Spread(float(np.median(found.spread)), spread.freedom)
        one_off, level = _studentised_maxima(found, own_spread)
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
            drawn = np.where(counted & (counts < SUPPRESSED_BELOW), np.minimum(ceiling, 0.0), drawn)
    return np.where(np.isfinite(drawn), drawn, 0.0)
