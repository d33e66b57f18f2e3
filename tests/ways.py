"""An attacker who knows how one person can go through the half-years: in, out, back, or there all along.

What belongs here: what such a person learns of the hidden counts of one provision. What does not: what is learned from
sums alone (`attacker`).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Floats = npt.NDArray[np.float64]
Count = tuple[str, str]
MEASURES = ("clients", "inflow", "outflow")

# of one half-year: whether somebody has the provision, began, ended, had it before, and has it afterwards
_HALF_YEAR = (
    *((0, 0, 0, 0, 0), (1, 0, 0, 1, 1), (1, 1, 0, 0, 1), (1, 0, 1, 1, 0)),
    *((1, 1, 1, 0, 0), (1, 1, 1, 1, 1), (1, 1, 1, 1, 0), (1, 1, 1, 0, 1)),
)


def ways(half_years: Sequence[str]) -> dict[Count, Floats]:
    """For each count (period, measure) which of all ways through the half-years (successive ones) it counts."""
    possible = [
        way
        for way in itertools.product(_HALF_YEAR, repeat=len(half_years))
        if all(one[4] == other[3] for one, other in itertools.pairwise(way))
    ]
    table = np.array(possible, dtype=float)
    counted = {
        (period, measure): table[:, number, column]
        for number, period in enumerate(half_years)
        for column, measure in enumerate(MEASURES)
    }
    for year in {period[:4] for period in half_years}:
        for measure in MEASURES:
            counted[year, measure] = np.max([counted[year + half, measure] for half in ("H1", "H2")], axis=0)
    return counted


def widths_by_ways(
    counted: Mapping[Count, Floats], shown: Mapping[Count, int | None], k: int, round_to: int
) -> dict[Count, float]:
    """How far apart the lowest and the highest value of every hidden count of one provision are.

    `shown` has null for what is hidden, and lacks what is zero.
    """
    names = list(counted)
    matrix = np.array([counted[name] for name in names])
    low, high = np.array([_bounds(shown.get(name, 0), k, round_to) for name in names]).T
    known = np.isfinite(high)
    rows, limits = np.vstack([matrix[known], -matrix]), np.concatenate([high[known], -low])
    found = {}
    for at in (at for at, name in enumerate(names) if shown.get(name, 0) is None):
        least = linprog(matrix[at], A_ub=rows, b_ub=limits)
        most = linprog(-matrix[at], A_ub=rows, b_ub=limits)
        assert least.status == 0 and most.status in (0, 3), (least.message, most.message)
        found[names[at]] = float(-most.fun - least.fun) if most.status == 0 else np.inf
    return found


def _bounds(count: int | None, k: int, round_to: int) -> tuple[float, float]:
    if count is None:
        return 1.0, np.inf
    return (0.0, 0.0) if count == 0 else (max(float(k), count - round_to // 2), count + round_to // 2)
