"""What is wrong, on purpose, with the figures of Voorbeeldland: the planted breaks, gaps and errors.

What belongs here: choosing where each disturbance falls and how large it is, under rules that keep them
apart. What does not: carrying it out on published figures (observations.py) and writing it down (truth.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipelines.voorbeeldland.chance import BoolArray, Chance, FloatArray
from pipelines.voorbeeldland.country import HALF_YEARS, HERINDELING_YEAR, Country
from pipelines.voorbeeldland.subjects import HUISHOUDEN, SUBJECTS, of_law

FUSION_GROUP = "SV-VB-VIERSTROMEN"
FUSION_EVENT = "vb_fusie_vierstromen"
HERINDELING_EVENT = "vb_herindeling_tweelanden"
FUSION_START = HALF_YEARS.index((2018, 1))
HERINDELING_START = HALF_YEARS.index((HERINDELING_YEAR, 1))
NOT_DELIVERED = HALF_YEARS.index((2020, 1))
CONFLICT_PERIOD = HALF_YEARS.index((2023, 2))
CONFLICT_PCT = 20

_MEMBERS = 4
_FUSION_SIZE = (25_000, 120_000)
_FUSION_COUNT = 70
_EACH_SIDE = 4

Kind = Literal["large", "small", "ambtelijke_fusie", "herindeling", "non_delivery", "factor_10", "conflict"]
LEVEL_KINDS: frozenset[Kind] = frozenset({"large", "small", "ambtelijke_fusie"})


@dataclass(frozen=True)
class _ShiftRule:
    """How many shifts, between which sizes in per cent, and the least count expected on either side."""

    number: int
    smallest_pct: int
    largest_pct: int
    least_count: int


_LARGE = _ShiftRule(number=10, smallest_pct=30, largest_pct=60, least_count=240)
_SMALL = _ShiftRule(number=6, smallest_pct=10, largest_pct=15, least_count=120)


@dataclass(frozen=True)
class Planted:
    """One disturbance of one series, by positions; `subject` None stands for the population.

    `effect_pct` is the size relative to what it would have been: of all periods from this one on for a level
    shift, of this period alone for a factor 10 or a conflict, and None where no size applies.
    """

    kind: Kind
    subject: int | None
    region: int
    period: int
    effect_pct: int | None
    event_id: str | None
    note: str


@dataclass(frozen=True)
class Plan:
    """All that is planted, and the four members of the ambtelijke fusie by position."""

    planted: tuple[Planted, ...]
    fusion: tuple[int, ...]

    def of_kind(self, kind: Kind) -> list[Planted]:
        """The disturbances of one kind, in the order in which they were planted."""
        return [planted for planted in self.planted if planted.kind == kind]

    def level_factors(self, shape: tuple[int, int, int]) -> FloatArray:
        """By what the expected counts are multiplied, of the shape of those counts (8, 120, 20)."""
        factors = np.ones(shape)
        for shift in self.planted:
            if shift.kind in LEVEL_KINDS and shift.effect_pct is not None:
                factors[shift.subject, shift.region, shift.period :] *= 1 + shift.effect_pct / 100
        return factors


def made(country: Country, mean: FloatArray, seed: int) -> Plan:
    """The plan of this seed, given the undisturbed expected counts (8, 120, 20).

    Every kind falls on municipalities of its own. Raises ValueError for a seed where one finds no place.
    """
    free = np.ones(mean.shape[1], dtype=np.bool_)
    free[list(country.parts)] = False
    members = _fusion_members(country, free, seed)
    free[list(members)] = False
    planted = [*_herindeling(country), *_fusion(members, mean, seed)]
    planted += _shifts("large", _LARGE, mean, free, seed)
    planted += _shifts("small", _SMALL, mean, free, seed)
    planted += _single_errors(mean, free, seed)
    return Plan(tuple(planted), members)


def _fusion_members(country: Country, free: BoolArray, seed: int) -> tuple[int, ...]:
    """Four neighbours, which is to say four consecutive codes, of middling size."""
    low, high = _FUSION_SIZE
    population = country.population[: len(free)]
    fit = free & (population.min(axis=1) > low) & (population.max(axis=1) < high)
    starts = np.arange(len(fit) - _MEMBERS + 1)
    starts = starts[np.all([fit[starts + place] for place in range(_MEMBERS)], axis=0)]
    if not len(starts):
        raise ValueError(f"seed {seed}: found no four neighbours of {low} to {high} inhabitants for the fusie")
    first = int(starts[Chance(seed, "fusion members").order(len(starts))[0]])
    return tuple(range(first, first + _MEMBERS))


def _herindeling(country: Country) -> list[Planted]:
    first, second = (country.codes[part] for part in country.parts)
    note = f"{first} en {second} gaan op in {country.codes[country.merged]}; op nieuwe grenzen geen breuk"
    return [
        Planted("herindeling", subject, country.merged, HERINDELING_START, None, HERINDELING_EVENT, note)
        for subject in (*range(len(SUBJECTS)), None)
    ]


def _fusion(members: tuple[int, ...], mean: FloatArray, seed: int) -> list[Planted]:
    """One registration from now on: an indicator rises, or falls, for all members, but not equally far."""
    chance = Chance(seed, "fusion effects")
    wmo = of_law("wmo")
    rises = chance.uniform(len(wmo), 1) < 0.5
    size = chance.uniform(len(wmo), len(members))
    effects = np.where(rises, 25 + np.floor(21 * size), -25 - np.floor(11 * size)).astype(np.int64)
    planted = []
    for row, subject in enumerate(wmo):
        for column, region in enumerate(members):
            effect = int(effects[row, column])
            after = float(np.median(mean[subject, region])) * (1 + min(effect, 0) / 100)
            if after > _FUSION_COUNT:
                note = "een organisatie en een registratie voor vier gemeenten"
                planted.append(Planted("ambtelijke_fusie", subject, region, FUSION_START, effect, FUSION_EVENT, note))
    return planted


def _shifts(
    kind: Literal["large", "small"], rule: _ShiftRule, mean: FloatArray, free: BoolArray, seed: int
) -> list[Planted]:
    """Level shifts that no event explains: spread over indicators, periods, municipalities and directions."""
    chance = Chance(seed, f"{kind} shifts")
    subjects = np.resize(chance.order(mean.shape[0]), rule.number)
    inner = mean.shape[2] - 2 * _EACH_SIDE + 1
    periods = _EACH_SIDE + chance.order(inner)[: rule.number]
    width = rule.largest_pct - rule.smallest_pct + 1
    size = rule.smallest_pct + np.floor(width * chance.uniform(rule.number)).astype(np.int64)
    effects = np.where(np.arange(rule.number) % 2 == 0, size, -size)
    planted = []
    # The scarcest indicators choose first: few municipalities are large enough for them.
    for slot in np.argsort([SUBJECTS[subject].per_1000 for subject in subjects], kind="stable"):
        subject, period, effect = int(subjects[slot]), int(periods[slot]), int(effects[slot])
        before = np.median(mean[subject, :, :period], axis=1)
        after = np.median(mean[subject, :, period:], axis=1) * (1 + effect / 100)
        region = _first(free & (np.minimum(before, after) > rule.least_count), chance, f"a {kind} shift", seed)
        free[region] = False
        planted.append(Planted(kind, subject, region, period, effect, None, "geen bekende oorzaak"))
    return planted


def _single_errors(mean: FloatArray, free: BoolArray, seed: int) -> list[Planted]:
    """The non-delivery, the factor 10 and the figure on which two tables do not agree."""
    chance = Chance(seed, "single errors")
    size = np.median(mean, axis=2)
    middling = (size[HUISHOUDEN] > 300) & (size[HUISHOUDEN] < 2000)

    absent = _first(free & middling, chance, "the non-delivery", seed)
    free[absent] = False
    note = "niet aangeleverd; de rijen ontbreken in VB01NED"
    planted = [Planted("non_delivery", subject, absent, NOT_DELIVERED, None, None, note) for subject in of_law("wmo")]

    mistyped = _first(free & middling, chance, "the factor 10", seed)
    free[mistyped] = False
    subject = of_law("participatie")[int(2 * chance.uniform(1)[0])]
    period = _EACH_SIDE + int(chance.order(mean.shape[2] - 2 * _EACH_SIDE)[0])
    planted.append(Planted("factor_10", subject, mistyped, period, 900, None, "een nul te veel"))

    disputed = _first(free & middling, chance, "the conflict", seed)
    free[disputed] = False
    note = "VB05NED wijkt af van VB01NED; VB01NED is juist"
    planted.append(Planted("conflict", HUISHOUDEN, disputed, CONFLICT_PERIOD, CONFLICT_PCT, None, note))
    return planted


def _first(fit: BoolArray, chance: Chance, purpose: str, seed: int) -> int:
    order = chance.order(len(fit))
    places = order[fit[order]]
    if not len(places):
        raise ValueError(f"seed {seed}: found no municipality fit for {purpose}")
    return int(places[0])
