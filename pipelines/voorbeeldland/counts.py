"""How many people use what: the true counts, before anybody rounds, hides or mistypes them.

What belongs here: expected and drawn counts per indicator, municipality and half-year. What does not: which
of them are disturbed (plan.py) and how they are published (observations.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.voorbeeldland.chance import Chance, FloatArray, IntArray
from pipelines.voorbeeldland.country import HALF_YEARS, Country
from pipelines.voorbeeldland.subjects import SUBJECTS

_LEVEL_SPREAD = 0.20
_SLOPE_SPREAD = 0.003
_CARRY_OVER, _SHOCK = 0.3, 0.02


def expected(country: Country, seed: int) -> FloatArray:
    """Expected persons, shape (8, 120, 20), for the municipalities of 2015.

    Rate x population, times a level and a slope of the municipality's own, the national trend and season, and
    a little AR(1) noise. Rounded to thousandths, so that the drawn counts do not depend on the last bits.
    """
    inhabitants = country.population[: country.merged].astype(np.float64)
    halves = np.stack([inhabitants[:, :-1], (inhabitants[:, :-1] + inhabitants[:, 1:]) / 2], axis=2)
    inhabitants = halves.reshape(len(inhabitants), len(HALF_YEARS))
    shape = (len(SUBJECTS), *inhabitants.shape)

    chance = Chance(seed, "own level and slope")
    level = np.clip(1 + _LEVEL_SPREAD * chance.normal(*shape[:2], 1), 0.6, 1.5)
    time = np.arange(shape[2]) - (shape[2] - 1) / 2
    slope = 1 + _SLOPE_SPREAD * chance.normal(*shape[:2], 1) * time
    return np.round(_national() * inhabitants * level * slope * (1 + _noise(shape, seed)), 3)


def drawn(mean: FloatArray, country: Country, seed: int) -> IntArray:
    """True counts, shape (8, 121, 20), drawn around the mean; the merged municipality sums its parts."""
    counts = Chance(seed, "counts").poisson(mean)
    merged = counts[:, list(country.parts)].sum(axis=1, keepdims=True)
    return np.concatenate([counts, merged], axis=1)


def _national() -> FloatArray:
    """Persons per inhabitant in the country as a whole, shape (8, 1, 20)."""
    traits = np.array([[s.per_1000, s.growth, s.wave, s.second_half] for s in SUBJECTS])
    per_1000, growth, wave, second_half = (traits[:, place, None] for place in range(4))
    progress = np.arange(len(HALF_YEARS)) / (len(HALF_YEARS) - 1)
    season = np.array([-1.0 if half == 1 else 1.0 for _, half in HALF_YEARS])
    trend = 1 + growth * progress + wave * 4 * progress * (1 - progress)
    national: FloatArray = (per_1000 / 1000 * trend * (1 + second_half * season))[:, None, :]
    return national


def _noise(shape: tuple[int, int, int], seed: int) -> FloatArray:
    shocks = _SHOCK * Chance(seed, "noise").normal(*shape)
    noise = shocks.copy()
    for period in range(1, shape[2]):
        noise[:, :, period] += _CARRY_OVER * noise[:, :, period - 1]
    return noise
