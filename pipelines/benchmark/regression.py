"""The costs of many items against structure, by ordinary least squares over all municipalities at once.

What belongs here: the fit, and the fit without one municipality, which follows from the fit with all of them. What
does not: standardising (`neighbours`), reference groups (`correction`), and anything that is not a number.

A municipality is never in the fit that it is held against: with its own costs in it, one that spends much would
raise the bar that it is measured by.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.benchmark.neighbours import BoolArray, FloatArray, IntArray

# Municipalities for every coefficient: with fewer, chance fits.
MUNICIPALITIES_PER_COEFFICIENT = 10
COVERAGE = 0.95
# Of the eigenvalues of a well-posed problem on standardised characteristics none is this much smaller than another.
_SINGULAR = 1e-10
_OWN_WEIGHT = 1e-9


@dataclass(frozen=True)
class LeaveOneOut:
    """Per municipality and item the fit on all others; `design` includes the intercept.

    Shapes: n municipalities, k items, p coefficients. `coefficients` (n, k, p), `spread` (n, k) is the standard
    deviation of what the structure leaves unexplained, `degrees` (n, k), `municipalities` (n, k) those in the fit,
    `explained` (k) the share of the variance that the fit on all explains, `inverse` (k, p, p) that of all,
    `own` (n, k) how much the municipality itself weighs in that, 0 where it was not in it. `usable` (n, k) is where
    there is a fit; what is not usable is NaN elsewhere.
    """

    design: FloatArray
    coefficients: FloatArray
    spread: FloatArray
    degrees: IntArray
    municipalities: IntArray
    explained: FloatArray
    inverse: FloatArray
    own: FloatArray
    enough: BoolArray
    solvable: BoolArray
    usable: BoolArray

    def quadratic(self, places: IntArray, left: FloatArray, right: FloatArray) -> FloatArray:
        """left' A right for the inverse A without the municipality at each place.

        `places` (m), `left` and `right` (m, p); the result is (m, k).
        """
        own_design = self.design[places]
        whole = np.einsum("mp,kpq,mq->mk", left, self.inverse, right)
        to_left = np.einsum("mp,kpq,mq->mk", own_design, self.inverse, left)
        to_right = np.einsum("mp,kpq,mq->mk", own_design, self.inverse, right)
        in_fit = self.own[places] > 0
        return np.asarray(whole + np.where(in_fit, to_left * to_right / (1 - self.own[places]), 0), dtype=np.float64)

    def half_width(self, variance: FloatArray, places: IntArray) -> FloatArray:
        """Half of the interval that holds a municipality like this one in 95 of 100 cases.

        `variance` (m, k) is in units of the spread's square.
        """
        # scipy.stats has the same quantile, and takes seconds to import.
        from scipy.special import stdtrit

        quantile = stdtrit(np.maximum(self.degrees[places], 1), (1 + COVERAGE) / 2)
        return np.asarray(quantile * self.spread[places] * np.sqrt(np.maximum(variance, 0)), dtype=np.float64)


def needed(coefficients: int) -> int:
    """How many municipalities a fit takes."""
    return MUNICIPALITIES_PER_COEFFICIENT * coefficients


def leave_one_out(scores: FloatArray, costs: FloatArray) -> LeaveOneOut:
    """The fits of all items, for every municipality on all others.

    `scores` (n, characteristics) standardised, NaN as a whole row where not known; `costs` (n, k) in euros per
    inhabitant, NaN where not known.
    """
    design = np.column_stack([np.ones(len(scores)), scores])
    known: BoolArray = np.asarray(np.isfinite(design).all(axis=1))
    seen = known[:, None] & np.isfinite(costs)
    x = np.where(known[:, None], design, 0)
    y = np.where(seen, costs, 0)
    weight = seen.astype(np.float64)
    width = x.shape[1]

    gram = np.einsum("nk,np,nq->kpq", weight, x, x)
    eigenvalues = np.linalg.eigvalsh(gram)
    solvable: BoolArray = np.asarray(eigenvalues[:, 0] > _SINGULAR * np.maximum(eigenvalues[:, -1], 1))
    inverse = np.zeros_like(gram)
    inverse[solvable] = np.linalg.inv(gram[solvable])
    whole = np.einsum("kpq,nk,nq->kp", inverse, y, x)
    fitted = x @ whole.T
    residual = np.where(seen, y - fitted, 0)
    own = np.where(seen, np.einsum("np,kpq,nq->nk", x, inverse, x), 0)
    apart = 1 - own
    alone = apart > _OWN_WEIGHT
    scaled = residual / np.where(alone, apart, 1)

    count = seen.sum(axis=0)
    municipalities = count[None, :] - seen
    degrees = municipalities - width
    squares = (residual**2).sum(axis=0)[None, :] - residual * scaled
    spread = np.sqrt(np.maximum(squares, 0) / np.maximum(degrees, 1))
    enough = municipalities >= needed(width)
    usable: BoolArray = np.asarray(known[:, None] & solvable[None, :] & enough & alone)
    coefficients = whole[None] - np.einsum("kpq,nq,nk->nkp", inverse, x, scaled)
    mean = y.sum(axis=0) / np.maximum(count, 1)
    about = (np.where(seen, y - mean, 0) ** 2).sum(axis=0)
    explained = np.where(about > 0, 1 - (residual**2).sum(axis=0) / np.where(about > 0, about, 1), np.nan)
    return LeaveOneOut(
        design=x,
        coefficients=np.where(usable[:, :, None], coefficients, np.nan),
        spread=np.where(usable, spread, np.nan),
        degrees=degrees.astype(np.int64),
        municipalities=municipalities.astype(np.int64),
        explained=explained,
        inverse=inverse,
        own=own,
        enough=enough,
        solvable=solvable,
        usable=usable,
    )
