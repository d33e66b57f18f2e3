"""Seeded numbers that come out the same on every platform and with every version of NumPy.

What belongs here: turning a seed and a purpose into uniform, normal and Poisson numbers. What does not:
anything that knows what the numbers are for. Only the raw words of PCG64 are used, which NumPy keeps stable,
and not the distributions of its Generator, which it does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Chance:
    """One stream of numbers. Each purpose has its own, so a new purpose leaves the others as they were."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._words = np.random.PCG64(np.random.SeedSequence([seed, *purpose.encode()]))

    def uniform(self, *shape: int) -> FloatArray:
        """Numbers strictly between 0 and 1, with 53 random bits each."""
        raw = np.asarray(self._words.random_raw(shape), dtype=np.uint64) >> np.uint64(11)
        return np.asarray((raw.astype(np.float64) + 0.5) * 2.0**-53, dtype=np.float64)

    def normal(self, *shape: int) -> FloatArray:
        """Standard normal numbers, rounded early: the last bits of a logarithm differ between platforms."""
        from scipy.special import ndtri

        z: FloatArray = ndtri(self.uniform(*shape))
        return np.round(z, 9)

    def order(self, size: int) -> IntArray:
        """A random order of 0 .. size - 1."""
        return np.argsort(self.uniform(size), kind="stable").astype(np.int64)

    def poisson(self, mean: FloatArray) -> IntArray:
        """Poisson counts around `mean`, by the Cornish-Fisher expansion; meant for means of 10 and more."""
        z = self.normal(*mean.shape)
        return np.maximum(np.floor(mean + np.sqrt(mean) * z + (z * z - 1) / 6 + 0.5), 0).astype(np.int64)
