"""Which registered events caused a break, by their footprint.

What belongs here: shares per break and candidate event. What does not: finding breaks, or what an event
means.

An event leaves a footprint: the part of its scope (regions by indicators) that broke in its window. Where
events compete for one break, the one that broke most of its own scope, and whose window is tight around the
break, takes the larger share; what is left over is what breaks without any registered cause. Footprints and
shares are found together, by expectation-maximisation of a noisy-or.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.breaks.panel import Bools, Floats, Ints

EXPLAINED, AMBIGUOUS, UNEXPLAINED = "explained", "ambiguous", "unexplained"
_ROUNDS = 30
_CHANCE = 0.1  # of a break that would come without a registered cause, where none was seen
_ENOUGH = 0.5  # of a break its events must carry before it has a cause
_CLEARLY_LARGER = 2.0


@dataclass(frozen=True)
class Attribution:
    """`share` (B x E) of each break per event, `candidate` (B x E) where an event could have caused it."""

    share: Floats
    candidate: Bools

    def cause(self) -> npt.NDArray[np.str_]:
        """explained, ambiguous (several events of comparable weight) or unexplained, per break."""
        if self.share.shape[1] == 0:
            return np.full(self.share.shape[0], UNEXPLAINED)
        ordered = np.sort(np.pad(self.share, ((0, 0), (1, 0))), axis=1)
        largest, second, total = ordered[:, -1], ordered[:, -2], ordered.sum(axis=1)
        clear = (largest >= _ENOUGH) & (largest >= _CLEARLY_LARGER * second)
        return np.where(clear, EXPLAINED, np.where(total >= _ENOUGH, AMBIGUOUS, UNEXPLAINED))


def attribute(scope: Bools, cell: Ints, timing: Floats, counted: Bools, periods: float) -> Attribution:
    """Shares of E events in B breaks.

    `scope` (C x E) tells which series an event covers, `cell` (B) the series of a break, `timing` (B x E) how
    likely the event's effect begins in the period of the break, `counted` (B) which breaks are sure enough to
    be part of a footprint, `periods` how many periods a series has.
    """
    fits = timing * scope[cell]
    candidate = fits > 0
    cells = scope.sum(axis=0)
    evidence = fits[counted]
    broken = float(counted.sum())
    possible = max(scope.shape[0] * periods, 1.0)
    background = (broken + _CHANCE) / (possible + 1.0)
    footprint = _broken_cells(evidence > 0, cell[counted], scope.shape[0]) / np.maximum(cells, 1)
    footprint = np.clip(footprint, 1e-6, 1.0)
    for _ in range(_ROUNDS):
        weight = evidence * footprint
        total = weight.sum(axis=1) + background
        share = weight / total[:, None]
        # One series that broke in a window is what chance alone brings to a wide scope.
        broke = np.maximum(_largest_per_cell(share, cell[counted], scope.shape[0]) - 1.0, 0.0)
        footprint = (broke + 0.5) / (cells + 1.0)
        background = (float((background / total).sum()) + _CHANCE) / (possible + 1.0)
    weight = fits * footprint
    return Attribution(weight / (weight.sum(axis=1, keepdims=True) + background), candidate)


def _broken_cells(near: Bools, cell: Ints, cells: int) -> Floats:
    return _largest_per_cell(near.astype(np.float64), cell, cells)


def _largest_per_cell(share: Floats, cell: Ints, cells: int) -> Floats:
    """Per event the sum over series of the largest share it has in a break of that series."""
    largest = np.zeros((cells, share.shape[1]))
    np.maximum.at(largest, cell, share)
    return np.asarray(largest.sum(axis=0))
