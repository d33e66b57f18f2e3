"""Breaks that are put into a simulated panel, and the truth about them.

What belongs here: which series break, when, how and by which event. What does not: the figures themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from pipelines.breaks.panel import Bools, Floats, Ints

LEVEL, ONE_OFF, SLOPE, SCALE, GAP = "level", "one_off", "slope", "scale", "gap"
KINDS = (LEVEL, ONE_OFF, SLOPE, SCALE)
COUNTRY = -1
_SHARES = (0.5, 0.2, 0.15, 0.15)
_TWO = 0.08


@dataclass(frozen=True)
class Planted:
    """B breaks. `indicator` and `region` index the panel; region COUNTRY is everyone, and below that stands a group
    (`group_row`). `first` and `last` are the first and the last period that differ, `effect` the change of the log (for
    a slope per period), `event` the index of the causing event or -1.
    """

    indicator: Ints
    region: Ints
    first: Ints
    last: Ints
    kind: npt.NDArray[np.str_]
    effect: Floats
    event: Ints

    @classmethod
    def together(cls, parts: list[Planted]) -> Planted:
        return cls(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)})

    @classmethod
    def of(
        cls, indicator: Ints, region: Ints, first: Ints, kind: str, effect: Floats, last: Ints, event: int = -1
    ) -> Planted:
        return cls(indicator, region, first, last, np.full(region.size, kind), effect, np.full(region.size, event))

    def of_kinds(self, *kinds: str) -> Planted:
        kept = np.isin(self.kind, kinds)
        return Planted(**{item.name: getattr(self, item.name)[kept] for item in fields(self)})

    def log_effects(self, shape: tuple[int, int, int], groups: list[Ints]) -> Floats:
        """What the breaks add to the log of each cell (I x S x n); `groups` holds the members of each group."""
        total = np.zeros(shape)
        time = np.arange(shape[2])
        since = time - self.first[:, None]
        inside = (since >= 0) & (time <= self.last[:, None])
        height = np.where(self.kind == SLOPE, self.effect, 0.0)[:, None] * since
        added = inside * (self.effect[:, None] + height)
        own = self.region >= 0
        np.add.at(total, (self.indicator[own], self.region[own]), added[own])
        for common in np.flatnonzero(~own):
            region = int(self.region[common])
            members = np.arange(shape[1]) if region == COUNTRY else groups[group_row(region)]
            total[self.indicator[common], members] += added[common]
        return total


def group_row(region: int) -> int:
    """The index of a group that stands as a region below COUNTRY, and the reverse."""
    return COUNTRY - 1 - region


def percent_either_way(rng: np.random.Generator, low: float, high: float, size: int) -> Floats:
    """Log effects of changes between `low` and `high` percent, up or down by the toss of a coin."""
    change = rng.uniform(low, high, size) / 100.0
    return np.where(rng.random(size) < 0.5, np.log1p(change), np.log1p(-np.minimum(change, 0.95)))


def plant(rng: np.random.Generator, free: Bools, periods: int, share: float, sizes: tuple[float, float]) -> Planted:
    """Breaks in a `share` of the series marked `free` (I x S); one in twelve of those gets a second one.

    Level shifts and one-offs begin anywhere, the newest period included; a slope leaves itself four periods to show.
    `sizes` are the least and the greatest level shift in percent.
    """
    indicator, region = np.nonzero(free & (rng.random(free.shape) < share))
    again = rng.random(indicator.size) < (_TWO if periods >= 12 else 0.0)
    ahead = rng.integers(1, max(periods // 2 - 2, 2), indicator.size)
    first = np.where(again, ahead, rng.integers(1, periods, indicator.size))
    one = _drawn(rng, indicator, region, first, periods, sizes)
    late = rng.integers(periods // 2 + 1, periods, int(again.sum()))
    two = _drawn(rng, indicator[again], region[again], late, periods, sizes)
    return Planted.together([one, two])


def _drawn(
    rng: np.random.Generator, indicator: Ints, region: Ints, first: Ints, periods: int, sizes: tuple[float, float]
) -> Planted:
    size = indicator.size
    kind = np.array(KINDS)[rng.choice(len(KINDS), size, p=_SHARES)]
    first = np.where(kind == SLOPE, np.clip(first, 2, periods - 4), first)
    lasting = np.full(size, periods - 1)
    level = percent_either_way(rng, *sizes, size)
    one_off = percent_either_way(rng, 20.0, 70.0, size)
    slope = np.where(rng.random(size) < 0.5, 1.0, -1.0) * rng.uniform(0.04, 0.15, size)
    power = np.where(rng.random(size) < 0.8, 1.0, 2.0) * np.where(rng.random(size) < 0.6, 1.0, -1.0)
    effect = np.select([kind == LEVEL, kind == ONE_OFF, kind == SLOPE], [level, one_off, slope], power * np.log(10.0))
    ends = np.where(rng.random(size) < 0.6, np.minimum(first + rng.integers(0, 2, size), periods - 1), periods - 1)
    last = np.select([kind == ONE_OFF, kind == SCALE], [first, ends], lasting)
    return Planted(indicator, region, first, last, kind, effect, np.full(size, -1))


def common_steps(rng: np.random.Generator, indicators: int, periods: int, groups: int) -> Planted:
    """One lasting step of all members of each group, in one indicator."""
    row = np.arange(groups)
    first = rng.integers(3, periods - 2, groups)
    effect = percent_either_way(rng, 20.0, 50.0, groups)
    last = np.full(groups, periods - 1)
    return Planted.of(rng.integers(0, indicators, groups), COUNTRY - 1 - row, first, LEVEL, effect, last)


def national_steps(rng: np.random.Generator, indicators: int, periods: int) -> Planted:
    """One lasting step of everyone in every second indicator, the first included."""
    indicator = np.arange(0, indicators, 2)
    first = rng.integers(3, periods - 2, indicator.size)
    effect = np.where(rng.random(indicator.size) < 0.5, 1.0, -1.0) * rng.uniform(0.12, 0.45, indicator.size)
    everyone, last = np.full(indicator.size, COUNTRY), np.full(indicator.size, periods - 1)
    return Planted.of(indicator, everyone, first, LEVEL, effect, last)
