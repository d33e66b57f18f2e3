"""How much a series speaks for a break of each shape at each period.

What belongs here: the evidence of one series on its own. What does not: how rare such evidence is without a break,
which the null of the panel tells, or what registered events add to it.

Evidence is the ratio of the marginal likelihoods of the series with and without that break (Bayes factor), with a
normal prior for its size and the spread of the series drawn towards that of the panel. Of two series with the same
|z| it so prefers the one in which breaks of the usual size can be seen at all. Arrays as in `shapes`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.shapes import LEVEL, ONE_OFF, SLOPE

# Standard deviation of the size of a break (log) when there is one; for a slope per period.
USUAL_SIZE = {ONE_OFF: 0.45, LEVEL: 0.4, SLOPE: 0.06}
USUAL_KIND = {ONE_OFF: 0.3, LEVEL: 0.5, SLOPE: 0.2}
_DISTINCT = 0.08  # a shape must keep this part of its information beside the breaks found before
_SMALLEST_SPREAD = 0.1
# Some series are always less quiet than the middle half of a panel tells.
_FREEDOM = (3.0, 50.0)
_NEIGHBOUR = 0.5  # how much the evidence for the periods beside counts for a lasting break


@dataclass(frozen=True)
class Spread:
    """What the panel knows about the spread of one series: the pooled mean square, worth `freedom` points."""

    pooled: float
    freedom: float

    def moderated(self, spread: Floats, freedom: Floats) -> Floats:
        """Standard deviation per series, its own mean square drawn towards that of the panel."""
        return np.sqrt((self.freedom * self.pooled + freedom * spread) / (self.freedom + freedom))

    def size_of_level(self, strength: float, error: Floats, freedom: Floats) -> Floats:
        """The estimated log size of a level shift with standard `error` that has this strength of evidence, in a
        series of `freedom` degrees of freedom that is as quiet as the panel.
        """
        signal = (USUAL_SIZE[LEVEL] / error) ** 2
        wanted = strength**2 / 2 + 0.5 * np.log1p(signal)
        known = freedom + self.freedom
        square = known * np.expm1(2 * wanted / known) * (1 + signal) / signal
        return np.asarray(error * np.sqrt(square))


def evidence(
    pull: Floats,
    information: Floats,
    allowed: Bools,
    total: Floats,
    present: Bools,
    spread: Spread,
    *,
    found: int | Ints = 0,
) -> Floats:
    """K x S x n, 0 where a shape cannot be: the root of twice the log of 1 + evidence, which behaves like the |z| of
    a lone test.

    `pull`, `information` and `allowed` are K x S x n, `total` (K x S) is the weighted sum of squares of the series,
    `found` (one number, or S) how many breaks are already projected out.
    """
    safe = np.where(allowed, information, 1.0)
    square = np.where(allowed, pull**2 / safe, 0.0)
    size = np.array([USUAL_SIZE[kind] for kind in (ONE_OFF, LEVEL, SLOPE)])[:, None, None]
    signal = safe * (size**2 / spread.pooled)
    gain = square * (signal / (1 + signal))
    freedom = np.maximum(present.sum(axis=1) - 1.0 - found, 1.0)
    prior = spread.freedom * spread.pooled
    whole = (np.maximum(total, 1e-12) + prior)[:, :, None]
    portion = np.minimum(gain / whole, 1 - 1e-9)
    logs = -0.5 * np.log1p(signal) - 0.5 * (freedom + spread.freedom)[:, None] * np.log1p(-portion)
    logs = np.where(allowed, logs, -np.inf)
    return _strength(logs)


def _strength(logs: Floats) -> Floats:
    """Strength of log evidence (K x S x n), that of lasting shapes with part of the evidence for the periods beside."""
    best = logs.max(axis=2, keepdims=True)
    best = np.where(np.isfinite(best), best, 0.0)
    ratio = np.exp(logs - best)
    lasting = ratio[LEVEL:]
    around = lasting.copy()
    around[..., 1:] += _NEIGHBOUR * lasting[..., :-1]
    around[..., :-1] += _NEIGHBOUR * lasting[..., 1:]
    ratio[LEVEL:] = np.where(np.isfinite(logs[LEVEL:]), around, 0.0)
    with np.errstate(divide="ignore"):
        whole = np.log(ratio) + best
    return np.asarray(np.sqrt(2 * (np.maximum(whole, 0.0) + np.log1p(np.exp(-np.abs(whole))))))


def spread_of_panel(total: Floats, present: Bools) -> Spread:
    """How much the mean square of series differs beyond chance, from the middle half of the panel.

    `total` (S) is the weighted sum of squares of series without their clear breaks.
    """
    freedom = np.maximum(present.sum(axis=1) - 1.0, 1.0)
    usual = float(np.median(freedom))
    square = np.maximum(total, 1e-12) / freedom
    # Counting alone makes figures vary; a panel of copies is no reason to call every change significant.
    pooled = max(float(np.median(square)) / (1 - 2 / (9 * usual)) ** 3, _SMALLEST_SPREAD)
    low, high = np.quantile(np.log(square), [0.2, 0.7])
    observed = ((high - low) / 1.366) ** 2  # the distance of these quantiles of a normal
    excess = observed - trigamma(usual / 2)
    return Spread(pooled, float(np.clip(2 * trigamma_inverse(excess), *_FREEDOM)))


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


def likeliest(strength: Floats) -> tuple[Ints, Ints]:
    """Shape and period (S each) of the break that the evidence (K x S x n) and what is usual speak for most."""
    odds = strength**2 / 2 + np.log([USUAL_KIND[kind] for kind in (ONE_OFF, LEVEL, SLOPE)])[:, None, None]
    best = odds.max(axis=2)
    order = np.array([LEVEL, ONE_OFF, SLOPE])
    kind = order[best[order].argmax(axis=0)]
    return kind, odds[kind, np.arange(kind.size)].argmax(axis=1)


def still_distinct(allowed: Bools, information: Floats, first: Floats) -> Bools:
    """Where a shape is not yet explained away by the breaks found before; `first` is its information at first."""
    return np.asarray(allowed & (information > np.maximum(_DISTINCT * first, 1e-9)))
