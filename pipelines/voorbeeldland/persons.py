"""Fictional persons of one municipality, and the stretches in which they had provisions of three laws.

What belongs here: who had what, when, and what it cost. What does not: how messages and tables about it are written
(`messages`). Nobody of them exists: their numbers are of the range that is kept for tests and given to no one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.voorbeeldland.chance import BoolArray, Chance, FloatArray, IntArray

FIRST_DAY: Final = np.datetime64("2024-01-01")
LAST_DAY: Final = np.datetime64("2025-12-31")
TOLD_ON: Final = (np.datetime64("2024-01-03"), np.datetime64("2024-12-30"), np.datetime64("2025-12-30"))
"""The days of the messages: what began before, and then once a year."""

_FIRST_NUMBER: Final = 99_990_100
_PERSONS: Final = 900
_EARLIEST: Final = -500
_ELEVEN_WEIGHTS: Final = np.arange(9, 1, -1)


@dataclass(frozen=True)
class Kind:
    """A provision as messages name it, and how many had it, for how many days and at what price."""

    category: str
    product: str
    persons: int
    shortest: int
    longest: int
    eur_per_quarter: int


@dataclass(frozen=True)
class Stretches:
    """N stretches of use of one law, in order of their start. `person` is a place among the numbers, `kind` among the
    kinds; `referrer` is a code of COD327, empty where nobody asked for an allocation.

    `end` is the last day that is known of, NaT where the use goes on; `quarter_eur` what each quarter costs.
    """

    person: IntArray
    kind: IntArray
    start: np.ndarray
    end: np.ndarray
    referrer: np.ndarray
    is_wijkteam: BoolArray
    quarter_eur: IntArray


WMO: Final = (
    Kind("01", "01A02", 190, 200, 900, 900),
    Kind("02", "02A05", 110, 90, 500, 2_400),
    Kind("07", "07A01", 60, 120, 700, 3_200),
    Kind("12", "12A10", 70, 300, 900, 350),
    Kind("15", "15A03", 46, 200, 800, 11_000),
    Kind("17", "17A01", 40, 5, 60, 3_000),
)
JEUGD: Final = (
    Kind("45", "45A48", 150, 60, 420, 1_500),
    Kind("54", "54002", 60, 60, 360, 2_100),
    Kind("43", "43A16", 74, 120, 600, 21_000),
    Kind("46", "46A03", 60, 5, 50, 5_500),
    Kind("48", "48A01", 22, 180, 700, 2_900),
)
PARTICIPATIE: Final = (
    Kind("bijstand", "", 230, 120, 1_200, 0),
    Kind("reintegratie", "", 90, 60, 300, 0),
    Kind("loonkostensubsidie", "", 26, 200, 800, 0),
    Kind("schuldhulp", "", 45, 150, 500, 0),
)
# Who refers, by how often; what is left over asked for nothing: the municipality allocated of its own accord.
_REFERRERS: Final = (("01", 0.28), ("02", 0.30), ("04", 0.14), ("05", 0.07), ("08", 0.05))


def numbers() -> list[str]:
    """The numbers of all persons, each with nine digits and as an eleven test asks."""
    at = _FIRST_NUMBER + np.arange(3 * _PERSONS)
    digits = at[:, None] // 10 ** np.arange(7, -1, -1) % 10
    rest = digits @ _ELEVEN_WEIGHTS % 11
    return [f"{number:08}{last}" for number, last in zip(at[rest < 10], rest[rest < 10], strict=True)][:_PERSONS]


def households(seed: int) -> IntArray:
    """The household of every person."""
    chance = Chance(seed, "households")
    return np.cumsum(chance.uniform(_PERSONS) < 0.6)


def stretches(law: str, kinds: tuple[Kind, ...], first: int, last: int, seed: int) -> Stretches:
    """Who of the persons `first` up to `last` had what under a law; some of them again, within a year or later."""
    chance = Chance(seed, f"stretches of {law}")
    kind = np.repeat(np.arange(len(kinds)), [one.persons for one in kinds])
    count = len(kind)
    person = np.concatenate([first + chance.order(last - first)[: one.persons] for one in kinds])
    shortest, longest, price = (
        np.array([getattr(one, name) for one in kinds])[kind] for name in ("shortest", "longest", "eur_per_quarter")
    )
    span = (LAST_DAY - FIRST_DAY).astype(int) + 1
    start = np.floor(_EARLIEST + (span - _EARLIEST) * chance.uniform(count)).astype(np.int64)
    days = np.floor(shortest + (longest - shortest) * chance.uniform(count)).astype(np.int64)
    again = np.flatnonzero((chance.uniform(count) < 0.22) & (start + days < span - 60))
    pause = np.floor(20 + 500 * chance.uniform(len(again))).astype(np.int64)
    person, kind, price = (np.concatenate([column, column[again]]) for column in (person, kind, price))
    start = np.concatenate([start, start[again] + days[again] + pause])
    days = np.concatenate([days, np.maximum(days[again] // 2, 5)])
    known = (start < span) & (start + days > 0)
    person, kind, price, start, days = (column[known] for column in (person, kind, price, start, days))
    order = np.lexsort((person, start))
    end = np.where(start + days <= span, start + days - 1, np.iinfo(np.int64).max)[order]
    return Stretches(
        person=person[order],
        kind=kind[order],
        start=FIRST_DAY + start[order].astype("timedelta64[D]"),
        end=np.where(end < span, FIRST_DAY + np.minimum(end, span).astype("timedelta64[D]"), np.datetime64("NaT", "D")),
        referrer=_referrers(chance.uniform(len(order))),
        is_wijkteam=chance.uniform(len(order)) < 0.12,
        quarter_eur=np.round(price[order] * (0.5 + 1.2 * chance.uniform(len(order)))).astype(np.int64),
    )


def _referrers(chance: FloatArray) -> np.ndarray:
    bounds = np.cumsum([share for _, share in _REFERRERS])
    codes = np.array([*(code for code, _ in _REFERRERS), ""])
    return codes[np.searchsorted(bounds, chance)]
