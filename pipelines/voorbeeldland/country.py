"""Voorbeeldland: its municipalities, their inhabitants and the one herindeling.

What belongs here: names, codes, borders and population, all of them fictional. What does not: use of care
and support (counts.py) and what goes wrong with the figures (plan.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.voorbeeldland.chance import BoolArray, Chance, IntArray

NOTICE = "Fictief voorbeeld, geen echte gemeenten"
COUNTRY_CODE = "VB00"
COUNTRY_NAME = "Voorbeeldland"
YEARS = tuple(range(2015, 2026))
HALF_YEARS = tuple((year, half) for year in range(2015, 2025) for half in (1, 2))
HERINDELING_YEAR = 2019
MERGED_NAME = "Tweelanden (VB)"

_STEMS = (
    *("Amber", "Donder", "Fluister", "Kwik", "Mist", "Nevel"),
    *("Raven", "Spiegel", "Sterren", "Vonk", "Wolken", "Zilver"),
)
_ENDINGS = ("brug", "donk", "hage", "loo", "oord", "rade", "stede", "vaart", "waard", "zijl")
_SMALLEST, _LARGEST, _MEDIAN, _SPREAD = 5_000, 400_000, 33_000, 0.9
_MERGING = (12_000, 45_000)


@dataclass(frozen=True)
class Country:
    """Municipalities by position: the 120 that exist in 2015, then the one that the herindeling makes.

    `population` (121, 11) is on 1 January of each of YEARS, in persons. The two `parts` keep their own
    figures after the herindeling, although nobody publishes them: the merged municipality is their sum.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    population: IntArray
    hectares: IntArray
    parts: tuple[int, int]

    @property
    def merged(self) -> int:
        """The position of the municipality that the herindeling makes: the last one."""
        return len(self.codes) - 1

    def exists_in_years(self) -> BoolArray:
        """Which municipality exists on 1 January of which of YEARS; shape (121, 11)."""
        return self._exists(np.array(YEARS))

    def exists_in_half_years(self) -> BoolArray:
        """Which municipality exists in which of HALF_YEARS; shape (121, 20)."""
        return self._exists(np.array([year for year, _ in HALF_YEARS]))

    def _exists(self, years: IntArray) -> BoolArray:
        exists = np.ones((len(self.codes), len(years)), dtype=np.bool_)
        exists[list(self.parts)] = years < HERINDELING_YEAR
        exists[self.merged] = years >= HERINDELING_YEAR
        return exists


def found(seed: int) -> Country:
    """The country of this seed. Raises ValueError for a seed without two neighbours fit to merge."""
    names = sorted(f"{stem}{ending} (VB)" for stem in _STEMS for ending in _ENDINGS)
    population = _population(len(names), seed)
    parts = _parts(population, seed)
    hectares = 2_000 + (8_000 * Chance(seed, "hectares").uniform(len(names))).astype(np.int64)
    return Country(
        codes=tuple(f"VB{number:04d}" for number in range(1, len(names) + 2)),
        names=(*names, MERGED_NAME),
        population=np.vstack([population, population[list(parts)].sum(axis=0)]),
        hectares=np.append(hectares, hectares[list(parts)].sum()),
        parts=parts,
    )


def _population(municipalities: int, seed: int) -> IntArray:
    """Lognormal sizes, one from each of as many equal slices so that every seed has large and small ones."""
    from scipy.special import ndtri

    chance = Chance(seed, "population")
    slices = (np.arange(municipalities) + chance.uniform(municipalities)) / municipalities
    size = np.exp(_SPREAD * ndtri(slices)) * _MEDIAN
    smallest = _SMALLEST * (1 + 0.2 * chance.uniform(municipalities))
    first = np.round(np.clip(size, smallest, _LARGEST / 1.15))[chance.order(municipalities)]
    own_growth = 0.005 + 0.004 * chance.normal(municipalities, 1)
    growth = own_growth + 0.001 * chance.normal(municipalities, len(YEARS) - 1)
    # Cumulated year by year and rounded each year, as a register would have it.
    years = [first]
    for year in range(len(YEARS) - 1):
        years.append(np.floor(years[-1] * (1 + growth[:, year]) + 0.5))
    return np.clip(np.stack(years, axis=1), _SMALLEST, _LARGEST).astype(np.int64)


def _parts(population: IntArray, seed: int) -> tuple[int, int]:
    low, high = _MERGING
    fit = (population.min(axis=1) > low) & (population.max(axis=1) < high)
    order = Chance(seed, "herindeling").order(len(fit) - 1)
    pairs = order[fit[order] & fit[order + 1]]
    if not len(pairs):
        raise ValueError(f"seed {seed}: found no two neighbours of {low} to {high} inhabitants that could merge")
    return int(pairs[0]), int(pairs[0]) + 1
