"""What the peers do together: the robust centre of a panel per period, and the own level of each series.

What belongs here: removing what is common. What does not: deciding whether the common part itself broke.
"""

from __future__ import annotations

import numpy as np

from pipelines.breaks.panel import Floats

_ROUNDS = 3


def median_over(matrix: Floats, axis: int) -> Floats:
    """Median along an axis of a 2-d matrix, ignoring NaN; NaN where there is nothing. Faster than
    nanmedian.
    """
    values = np.sort(matrix, axis=axis)  # NaN sorts last
    count = np.sum(~np.isnan(matrix), axis=axis)
    low = np.maximum((count - 1) // 2, 0)
    high = np.minimum(count // 2, matrix.shape[axis] - 1)
    taken = [np.take_along_axis(values, np.expand_dims(at, axis), axis).squeeze(axis) for at in (low, high)]
    middle: Floats = (taken[0] + taken[1]) / 2
    return middle


def centre_and_level(log: Floats, weight: Floats | None = None) -> tuple[Floats, Floats]:
    """Common course (n) and own levels (S) of a matrix S x n: log = level + centre + rest.

    The common course is a weighted Huber mean over the series, so that large and precise municipalities tell
    most of it and a broken one next to nothing. `weight` is one over the variance of a cell.
    """
    level = median_over(log, axis=1)
    centre = np.nan_to_num(median_over(log - level[:, None], axis=0))
    for _ in range(_ROUNDS):
        level = median_over(log - centre, axis=1)
        rest = log - level[:, None]
        if weight is None:
            centre = np.nan_to_num(median_over(rest, axis=0))
            continue
        off = np.sqrt(weight) * np.abs(rest - centre)
        scale = np.nanmedian(off) / 0.6745 if np.isfinite(off).any() else 1.0
        pull = weight * np.minimum(1.0, 1.5 / np.maximum(off / max(scale, 1e-12), 1e-9)) ** 2
        pull = np.where(np.isfinite(rest), pull, 0.0)
        total = pull.sum(axis=0)
        centre = np.where(
            total > 0, np.where(pull > 0, rest * pull, 0.0).sum(axis=0) / np.maximum(total, 1e-12), centre
        )
    return centre, median_over(log - centre, axis=1)
