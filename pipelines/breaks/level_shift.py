"""Score tests for a level shift or a one-off at every period of every series at once.

What belongs here: the algebra of generalised least squares over a stack of short series, and the search that
takes the strongest break out and looks again. What does not: thresholds, which the null of the panel gives.

Shapes: S series, n periods; a precision is S x n x n with the own level (and every break already found)
projected out, so that a break found earlier cannot raise a later score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Ints

_DISTINCT = 0.08  # a shape must keep this part of its information beside the breaks found before
FREE_AFTER_LEVEL = 2


def precision_of(covariance: Floats, variance: Floats, present: Bools) -> Floats:
    """S x n x n precision given the common covariance (n x n), own variances and which cells are present."""
    size = covariance.shape[0]
    full = covariance[None, :, :] + np.eye(size) * np.where(present, variance, 1e6)[:, :, None]
    precision = np.asarray(np.linalg.inv(full), dtype=np.float64) * (present[:, :, None] & present[:, None, :])
    return without(np.asarray(precision), present.astype(np.float64))


def without(precision: Floats, shape: Floats) -> Floats:
    """The precision with one shape per series (S x n) projected out, where there is anything to project."""
    pull = np.matmul(precision, shape[:, :, None])[:, :, 0]
    information = np.einsum("si,si->s", pull, shape)
    usable = information > 1e-9
    scaled = pull / np.sqrt(np.where(usable, information, np.inf))[:, None]
    return np.asarray(precision - scaled[:, :, None] * scaled[:, None, :])


@dataclass(frozen=True)
class Shapes:
    """Where a break can be: `one_off` and `level` are S x n, true where that shape may start at that
    period.
    """

    one_off: Bools
    level: Bools


def admissible(present: Bools) -> Shapes:
    """A level needs two present points on each side; a single deviating point, the newest too, is
    `one_off`.
    """
    before: Ints = np.cumsum(present, axis=1) - present
    after = present.sum(axis=1, keepdims=True) - before
    return Shapes(one_off=present.copy(), level=present & (before >= 2) & (after >= 2))


@dataclass(frozen=True)
class Scores:
    """|z| of a one-off and of a level at every period (S x n, 0 where it cannot be), and what is left.

    `spread` is the mean square of what remains after the strongest shape, on `freedom` degrees of freedom.
    """

    one_off: Floats
    level: Floats
    spread: Floats
    freedom: Floats


def informations(precision: Floats) -> tuple[Floats, Floats]:
    """Information (S x n) on a one-off and on a level shift at every period: one over the variance."""
    one_off = np.einsum("sii->si", precision)
    reversed_sums = np.cumsum(np.cumsum(precision[:, ::-1, ::-1], axis=1), axis=2)
    return one_off, np.einsum("sii->si", reversed_sums)[:, ::-1]


def scores(
    precision: Floats,
    rest: Floats,
    shapes: Shapes,
    present: Bools,
    first: tuple[Floats, Floats],
    *,
    found: int = 0,
) -> Scores:
    """Scores of all shapes. `first` is the information before any break, `found` how many are projected
    out.
    """
    pull = np.matmul(precision, rest[:, :, None])[:, :, 0]
    information = informations(precision) if found else first
    return scores_of_pull(pull, rest, shapes, present, first, information=information, found=found)


def scores_of_pull(
    pull: Floats,
    rest: Floats,
    shapes: Shapes,
    present: Bools,
    first: tuple[Floats, Floats],
    *,
    information: tuple[Floats, Floats],
    found: int = 0,
) -> Scores:
    """The same where the precision times `rest` is known already; `information` is that of now."""
    level_pull = np.cumsum(pull[:, ::-1], axis=1)[:, ::-1]
    results = []
    for push, now, before, allowed in (
        (pull, information[0], first[0], shapes.one_off),
        (level_pull, information[1], first[1], shapes.level),
    ):
        usable = allowed & (now > np.maximum(_DISTINCT * before, 1e-9))
        results.append(np.where(usable, np.abs(push) / np.sqrt(np.where(usable, now, 1.0)), 0.0))
    left = np.einsum("si,si->s", pull, rest)
    best = np.maximum(results[0].max(axis=1), results[1].max(axis=1))
    freedom = np.maximum(present.sum(axis=1) - FREE_AFTER_LEVEL - found, 1).astype(np.float64)
    return Scores(results[0], results[1], np.maximum(left - best**2, 1e-12) / freedom, freedom)
