"""The smallest lasting shift that would be found in a series.

What belongs here: its size, by theory and then as it is found in panels drawn again with such shifts in them. What does
not: drawing panels again (`null`).

The smallest detectable effect is the rise (log) that alarms at the line asked for, within one period of where it
begins, with a chance of 80 %: on average over all periods in which a lasting shift may begin, those with two figures or
more on either side, and over the series of the panel. It holds for a series with no other break, as noisy as is usual
in its panel; at the second or last but one figure more is needed, in the middle less.
"""

from __future__ import annotations

import numpy as np

from pipelines.breaks.evidence import Spread
from pipelines.breaks.panel import Bools, Floats
from pipelines.breaks.peers import median_over

POWER = 0.8
_QUANTILE = 0.8416  # 80 % of a normal
TIMES = (0.6, 2.0)  # the sizes tried, as multiples of what theory says
_STEPS = 25
_SLIGHTLY = 1e-3  # keeps the fit finite where every shift tried is found, or none


def by_theory(information: Floats, allowed: Bools, present: Bools, spread: Spread, strength: float) -> Floats:
    """Log size (S) of a level shift that gives this `strength` of evidence with a chance of 80 %, for the median of
    the periods where it may begin; NaN where there is none.

    `information` and `allowed` are those of a level shift (S x n).
    """
    possible = allowed & (information > 1e-9)
    error = np.where(possible, 1 / np.sqrt(np.where(possible, information, 1.0)), np.nan) * np.sqrt(spread.pooled)
    freedom = present.sum(axis=1, keepdims=True) - 1.0
    return median_over(spread.size_of_level(strength, error, freedom) + _QUANTILE * error, axis=1)


def times_needed(times: Floats, found: Bools) -> float:
    """How many times the size by theory is found with a chance of 80 %, where shifts of so many `times` that size were
    `found` or not: a logistic regression on the log of `times`.
    """
    x = np.stack([np.ones(times.size), np.log(times)], axis=1)
    ridge = np.diag([_SLIGHTLY, _SLIGHTLY])
    fit = np.array([1.4, 4.0])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(x @ fit, -30, 30)))
        weight = np.maximum(chance * (1 - chance), 1e-6)
        step = np.linalg.solve((x * weight[:, None]).T @ x + ridge, x.T @ (found - chance) - ridge @ fit)
        fit = fit + np.clip(step, -2.0, 2.0)
    wanted = (np.log(POWER / (1 - POWER)) - fit[0]) / max(float(fit[1]), 0.5)
    return float(np.exp(np.clip(wanted, *np.log(TIMES))))
