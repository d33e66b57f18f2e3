"""How series of a panel vary about their peers when nothing broke, pooled over the panel.

What belongs here: estimating over-dispersion, persistence, own slopes and own seasons robustly from
differences over 1, 2, 3 ... periods, and the covariance that follows. What does not: any test.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pipelines.breaks.panel import Floats, Ints

_MEDIAN_CHI2 = 0.45494
_PERSISTENCE = (0.3, 0.5, 0.7, 0.85, 0.98)
_LONGEST_LAG = 40  # only over many periods does an own trend part from a random walk
_MOST_STEPS = 4000  # that tell the spread over one lag


@dataclass(frozen=True)
class Noise:
    """Variances on the log scale, beyond counting and rounding, of one panel.

    `jitter` independent per period, `drift` and `persistence` an AR(1) process (persistence near 1 is a
    random walk), `slope` of an own trend per period, `season` of an own half-year (or quarter, month)
    effect.
    """

    jitter: float
    drift: float
    persistence: float
    slope: float
    season: float
    per_year: int

    def covariance(self, ordinals: Ints) -> Floats:
        """n x n covariance over periods with these ordinals, without counting and rounding."""
        apart = np.abs(ordinals[:, None] - ordinals[None, :])
        time = ordinals - ordinals.mean()
        matrix = self.jitter * np.eye(ordinals.size) + self.drift * self.persistence**apart
        matrix = matrix + self.slope * np.outer(time, time)
        if self.per_year > 1:
            matrix = matrix + self.season * (apart % self.per_year == 0)
        return np.asarray(matrix, dtype=np.float64)


def estimate_noise(rest: Floats, variance: Floats, ordinals: Ints, per_year: int) -> Noise:
    """Noise of a panel of peer-relative series `rest` (S x n, NaN missing) with known `variance` per cell.

    The median of squared differences gives what the bulk of the panel does; the series that broke hardly
    move it.
    """
    lags, growth, weight = [], [], []
    for lag in range(1, min(_LONGEST_LAG, rest.shape[1] - 2) + 1):
        regular = ordinals[lag:] - ordinals[:-lag] == lag
        step = (rest[:, lag:] - rest[:, :-lag])[:, regular]
        known = (variance[:, lag:] + variance[:, :-lag])[:, regular]
        present = np.isfinite(step)
        if present.sum() < 30:
            continue
        some = slice(None, None, max(int(present.sum()) // _MOST_STEPS, 1))
        square, variances = step[present][some] ** 2, known[present][some]
        lags.append(lag)
        growth.append(_excess(square, variances))
        weight.append(np.sqrt(present.sum()) / (np.median(variances) + growth[-1]))
    if not lags:
        return Noise(1e-4, 0.0, 0.5, 0.0, 0.0, per_year)
    return _fit(np.array(lags), np.array(growth), np.array(weight), per_year)


def _excess(squares: Floats, known: Floats) -> float:
    """The variance g for which the median of squares / (known + g) is that of a squared normal."""
    low, high = 0.0, float(np.median(squares)) / _MEDIAN_CHI2
    for _ in range(9):
        middle = (low + high) / 2
        if np.median(squares / (known + middle)) > _MEDIAN_CHI2:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fit(lags: Ints, growth: Floats, weight: Floats, per_year: int) -> Noise:
    best: tuple[float, Noise] | None = None
    seasonal = 2.0 * (lags % per_year != 0) if per_year > 1 else np.zeros(lags.size)
    for persistence in _PERSISTENCE:
        shapes = np.stack([np.full(lags.size, 2.0), 2.0 * (1 - persistence**lags), lags**2.0, seasonal], axis=1)
        allowed = [0, 1, 2] + ([3] if seasonal.any() else [])
        for size in range(1, len(allowed) + 1):
            for chosen in combinations(allowed, size):
                if 1 not in chosen and persistence != _PERSISTENCE[0]:
                    continue  # without drift its persistence does not matter
                columns = list(chosen)
                answer = np.linalg.lstsq(shapes[:, columns] * weight[:, None], growth * weight, rcond=None)[0]
                if (answer < 0).any():
                    continue
                error = float(np.sum((weight * (shapes[:, columns] @ answer - growth)) ** 2))
                # A simpler explanation wins unless the richer one is clearly closer.
                error = error * (1 + 0.1 * size) + 1e-9 * size
                if best is None or error < best[0]:
                    part = np.zeros(4)
                    part[columns] = answer
                    noise = Noise(float(part[0]), float(part[1]), persistence, float(part[2]), float(part[3]), per_year)
                    best = (error, noise)
    if best is None:
        return Noise(1e-4, 0.0, 0.5, 0.0, 0.0, per_year)
    noise = best[1]
    return Noise(max(noise.jitter, 1e-5), noise.drift, noise.persistence, noise.slope, noise.season, noise.per_year)
