"""What structure makes of a reference: what a municipality like this one would spend.

What belongs here: the expected costs of a municipality, and the mean of its reference group moved to its structure,
both with the interval that one municipality would lie in. What does not: the fit (`regression`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.benchmark.neighbours import FloatArray, IntArray
from pipelines.benchmark.regression import LeaveOneOut


@dataclass(frozen=True)
class Estimate:
    """A figure in euros per inhabitant with its 95 % prediction interval; NaN where there is none."""

    value: FloatArray
    low: FloatArray
    high: FloatArray


def expected(fit: LeaveOneOut) -> Estimate:
    """What the municipalities with the same structure spend, for every municipality and item, shape (n, k)."""
    everyone = np.arange(len(fit.design))
    value = np.einsum("np,nkp->nk", fit.design, fit.coefficients)
    variance = 1 + fit.quadratic(everyone, fit.design, fit.design)
    return _around(value, fit.half_width(variance, everyone), fit.usable)


def corrected(fit: LeaveOneOut, costs: FloatArray, places: IntArray, members: FloatArray) -> Estimate:
    """The unweighted mean of a reference group, plus what its structure differs in; shape (pairs, k).

    `places` (pairs) are the municipalities that compare, `members` (pairs, n) is 1 for those they compare with. Of
    these all costs and structure must be known, else there is nothing to correct. The members are part of the fit, so
    that the interval counts what their mean and the coefficients share.
    """
    number = members.sum(axis=1, keepdims=True)
    share = members / np.maximum(number, 1)
    known = np.isfinite(costs) & (fit.design[:, :1] == 1)
    complete = (members @ (~known).astype(np.float64) == 0) & (number > 0)
    mean = share @ np.where(known, costs, 0)
    centre = share @ fit.design
    apart = fit.design[places] - centre
    value = mean + np.einsum("mp,mkp->mk", apart, fit.coefficients[places])
    variance = (
        1 + 1 / np.maximum(number, 1) + fit.quadratic(places, apart, apart) + 2 * fit.quadratic(places, apart, centre)
    )
    return _around(value, fit.half_width(variance, places), fit.usable[places] & complete)


def _around(value: FloatArray, half_width: FloatArray, usable: np.ndarray) -> Estimate:
    return Estimate(
        value=np.where(usable, value, np.nan),
        low=np.where(usable, value - half_width, np.nan),
        high=np.where(usable, value + half_width, np.nan),
    )
