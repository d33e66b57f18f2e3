"""How far municipalities are apart in structure, and which are nearest.

What belongs here: standardising, distances, ranks. What does not: where the characteristics come from (`tables`), and
what anything costs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def standardised(structure: FloatArray) -> FloatArray:
    """Characteristics in standard deviations from the mean of the municipalities of which all are known.

    `structure` is (municipalities, characteristics) with NaN for what is not known; such a municipality is NaN as a
    whole. A characteristic in which the municipalities do not differ is 0 for all: it tells none from another.
    """
    complete = np.isfinite(structure).all(axis=1)
    known = structure[complete]
    result = np.full(structure.shape, np.nan)
    if not len(known):
        return result
    centre, spread = known.mean(axis=0), known.std(axis=0)
    # What differs in its last digits only does not differ.
    differs = spread > 1e-12 * np.maximum(np.abs(centre), 1)
    result[complete] = np.where(differs, (known - centre) / np.where(differs, spread, 1), 0)
    return result


def distances(scores: FloatArray) -> FloatArray:
    """How many standard deviations any two are apart on average, shape (municipalities, municipalities).

    The root of the mean of the squared differences, so that it does not grow with the number of characteristics. NaN
    where the structure of either is not known.
    """
    if not scores.shape[1]:
        return np.full((len(scores), len(scores)), np.nan)
    apart: FloatArray = np.sqrt(((scores[:, None, :] - scores[None, :, :]) ** 2).mean(axis=2))
    return apart


def nearest(apart: FloatArray, candidates: BoolArray, size: int) -> IntArray:
    """The `size` nearest candidates of every municipality, nearest first, by position; never itself.

    Shape (municipalities, size); -1 in the places of a municipality that has not so many. Of two equally near the
    first in order counts.
    """
    usable = np.where(candidates[None, :] & np.isfinite(apart), apart, np.inf)
    np.fill_diagonal(usable, np.inf)
    order = np.argsort(usable, axis=1, kind="stable")[:, :size]
    if order.shape[1] < size:
        order = np.pad(order, ((0, 0), (0, size - order.shape[1])), constant_values=0)
    found = np.isfinite(usable).sum(axis=1) >= size
    return np.where(found[:, None], order, -1).astype(np.int64)
