"""How the figures of a simulated panel vary where nothing breaks.

What belongs here: the noise models and the log rates drawn from them. What does not: counting, rounding, suppression
and planted breaks; nothing here knows how a detection thinks of noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Floats, Ints

_AREAS = 12


@dataclass(frozen=True)
class NoiseModel:
    """Standard deviations on the log scale, per period unless told otherwise.

    `jitter` is autocorrelated (`memory`) with Student's `tails` (None: normal); `walk` a random walk of each series,
    with the same tails; `slope` the own growth; `season` and `own_season` the half-year pattern of all and of one
    series; `regional` a random walk shared by one of twelve areas; `dispersion` the variance of counts beyond Poisson,
    as a multiple of the count; `spread` how much the noise differs between series. Each indicator draws its own
    strength of every part between the two of `strength`, so that no two indicators are alike.
    """

    jitter: float
    memory: float = 0.4
    tails: float | None = None
    walk: float = 0.0
    slope: float = 0.002
    season: float = 0.03
    own_season: float = 0.01
    regional: float = 0.0
    dispersion: float = 0.0
    spread: float = 0.0
    strength: tuple[float, float] = (1.0, 1.0)


NOISE_MODELS = {
    "plain": NoiseModel(jitter=0.035),
    "misspecified": NoiseModel(
        jitter=0.025,
        memory=0.3,
        tails=4.0,
        walk=0.014,
        slope=0.006,
        season=0.05,
        own_season=0.02,
        regional=0.01,
        dispersion=0.4,
        spread=0.25,
        strength=(0.4, 1.4),
    ),
    "severe": NoiseModel(
        jitter=0.03,
        memory=0.3,
        tails=3.0,
        walk=0.02,
        slope=0.008,
        season=0.05,
        own_season=0.025,
        regional=0.012,
        dispersion=0.5,
        spread=0.25,
        strength=(0.3, 1.3),
    ),
    "mild": NoiseModel(
        jitter=0.025,
        tails=5.0,
        walk=0.01,
        slope=0.005,
        own_season=0.02,
        regional=0.008,
        dispersion=0.3,
        spread=0.2,
    ),
    "heavy_tails": NoiseModel(jitter=0.04, memory=0.1, tails=2.2, spread=0.4, own_season=0.02),
    "random_walk": NoiseModel(jitter=0.01, walk=0.035, slope=0.01),
    "regional_shocks": NoiseModel(jitter=0.03, regional=0.035, slope=0.006),
    "overdispersed": NoiseModel(jitter=0.03, memory=0.0, dispersion=4.0, spread=0.5),
}


def drawn_log_rates(
    rng: np.random.Generator, model: NoiseModel, *, shape: tuple[int, int, int], per_year: int
) -> tuple[Floats, Floats]:
    """Deviations (I x S x n) of the log rate from a series' own level without the national course, and that course (I x
    n).
    """
    indicators, series, periods = shape
    strength = rng.uniform(*model.strength, size=(8, indicators, 1, 1))
    own = np.exp(rng.normal(0.0, model.spread, (indicators, series, 1)))
    steps = np.arange(periods)
    jitter = _autocorrelated(_tailed(rng, model.tails, shape), model.memory) * model.jitter * strength[0] * own
    walk = np.cumsum(_tailed(rng, model.tails, shape), axis=2) * model.walk * strength[1]
    slope = rng.normal(0.0, 1.0, (indicators, series, 1)) * (steps - periods / 2) * model.slope * strength[2]
    pattern = rng.normal(0.0, 1.0, (indicators, 1, per_year)) * model.season * strength[3]
    pattern = pattern + rng.normal(0.0, 1.0, (indicators, series, per_year)) * model.own_season * strength[4]
    season = (pattern - pattern.mean(axis=2, keepdims=True))[:, :, steps % per_year]
    shocks = np.cumsum(_tailed(rng, model.tails, (indicators, _AREAS, periods)), axis=2) * model.regional * strength[5]
    area = _areas(rng, series)
    course = np.cumsum(rng.normal(0.004, 0.008, (indicators, periods)), axis=1)
    return jitter + walk + slope + season + shocks[:, area], course


def _areas(rng: np.random.Generator, series: int) -> Ints:
    """Neighbours in number are mostly neighbours in space."""
    area = np.arange(series) * _AREAS // max(series, 1)
    elsewhere = rng.random(series) < 0.1
    return np.where(elsewhere, rng.integers(0, _AREAS, series), area)


def _tailed(rng: np.random.Generator, tails: float | None, shape: tuple[int, ...]) -> Floats:
    return rng.normal(size=shape) if tails is None else rng.standard_t(tails, shape)


def _autocorrelated(noise: Floats, memory: float) -> Floats:
    result = noise.copy()
    fresh = np.sqrt(1.0 - memory**2)
    for column in range(1, noise.shape[-1]):
        result[..., column] = memory * result[..., column - 1] + fresh * noise[..., column]
    return result
