"""The shapes a break can have, and how strongly each series of a stack pulls at each shape.

What belongs here: the algebra of generalised least squares over a stack of short series, for a one-off, a level
shift and a change of slope at every period. What does not: how large a break is thought to be, thresholds, or the
order in which breaks are taken out.

Arrays: S series, n periods, K = 3 shapes in the order ONE_OFF, LEVEL, SLOPE; a precision is S x n x n with the own
level (and every break already found) projected out, so that a break found earlier cannot raise a later score.
"""

from __future__ import annotations

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Ints

ONE_OFF, LEVEL, SLOPE = 0, 1, 2
SHAPES = 3
_LASTING_NEEDS = 2  # present points on each side of a level shift
_SLOPE_NEEDS = 3
_SPIKE = 2.0


def precision_of(covariance: Floats, variance: Floats, present: Bools) -> Floats:
    """S x n x n precision given the common covariance (n x n), own variances and which cells are present."""
    size = covariance.shape[0]
    full = covariance[None, :, :] + np.eye(size) * np.where(present, variance, 1e6)[:, :, None]
    precision = np.asarray(np.linalg.inv(full), dtype=np.float64)
    precision *= present[:, :, None] & present[:, None, :]
    return without(precision, present.astype(np.float64))


def without(precision: Floats, shape: Floats) -> Floats:
    """The precision with one shape per series (S x n) projected out, where there is anything to project."""
    pull = np.matmul(precision, shape[:, :, None])[:, :, 0]
    information = np.einsum("si,si->s", pull, shape)
    usable = information > 1e-9
    scaled = pull / np.sqrt(np.where(usable, information, np.inf))[:, None]
    return np.asarray(precision - scaled[:, :, None] * scaled[:, None, :])


def admissible(present: Bools) -> Bools:
    """K x S x n: where each shape may begin. A single deviating point, the newest too, is a one-off."""
    before: Ints = np.cumsum(present, axis=1) - present
    after = present.sum(axis=1, keepdims=True) - before
    lasting = [present & (before >= least) & (after >= least) for least in (_LASTING_NEEDS, _SLOPE_NEEDS)]
    return np.stack([present, *lasting])


def shape_of(kind: Ints, period: Ints, size: int) -> Floats:
    """One shape per entry (entries x n): 1 in one period, 1 from a period on, or 1, 2, 3 ... from it on."""
    since = np.arange(size) - period[:, None] + 1
    lasting = (since > 0).astype(np.float64)
    chosen = np.where(kind[:, None] == SLOPE, np.maximum(since, 0), lasting)
    return np.asarray(np.where(kind[:, None] == ONE_OFF, since == 1, chosen), dtype=np.float64)


def informations(precision: Floats) -> Floats:
    """K x S x n: information on each shape at each period, that is one over the variance of its size."""
    series, size = precision.shape[:2]
    period = np.arange(size)
    lasting = np.concatenate([shape_of(np.full(size, kind), period, size) for kind in (LEVEL, SLOPE)])
    information = np.einsum("ska,ka->sk", np.matmul(lasting, precision), lasting).reshape(series, 2, size)
    return np.stack([np.einsum("sii->si", precision), information[:, 0], information[:, 1]])


def pulls(precision: Floats, rest: Floats, calm: Floats) -> Floats:
    """K x S x n: the inner product of each shape with the precision times the series (S x n): `rest` for a one-off,
    `calm` (the same without its spikes) for what lasts.
    """
    pull = np.matmul(precision, np.stack([rest, calm], axis=2))
    level = np.cumsum(pull[:, ::-1, 1], axis=1)
    slope = np.cumsum(level, axis=1)
    return np.stack([pull[:, :, 0], level[:, ::-1], slope[:, ::-1]])


def totals(precision: Floats, rest: Floats, calm: Floats) -> Floats:
    """K x S: the weighted sum of squares of what each shape is fitted to."""
    square = [np.einsum("si,si->s", np.matmul(precision, x[:, :, None])[:, :, 0], x) for x in (rest, calm)]
    return np.stack([square[0], square[1], square[1]])


def without_spikes(rest: Floats, present: Bools, precision: Floats) -> Floats:
    """The series with single points that stand out above (or below) both sides drawn in.

    A point may deviate by _SPIKE standard errors, given all others, from the nearer of what comes before and after;
    so a shift stays as it is, but one wild figure does not pass for a piece of one.
    """
    known = np.where(present, rest, np.nan)
    apart = np.stack([known - _before(known), known - _before(known[:, ::-1])[:, ::-1]])
    same = np.sign(apart[0]) == np.sign(apart[1])
    nearer = np.where(same, np.sign(apart[0]) * np.abs(apart).min(axis=0), 0.0)
    diagonal = np.einsum("sii->si", precision)
    allowed = _SPIKE / np.sqrt(np.maximum(diagonal, 1e-12))
    excess = np.sign(nearer) * np.maximum(np.abs(nearer) - allowed, 0.0)
    return np.asarray(rest - np.where(np.isfinite(excess), excess, 0.0))


def _before(known: Floats) -> Floats:
    """The median of the last three figures before each one (of fewer at the start); NaN where there is none."""
    last = [np.full(known.shape[0], np.nan) for _ in range(3)]
    before = np.full(known.shape, np.nan)
    for column in range(known.shape[1]):
        one, two, three = last
        before[:, column] = np.fmax(np.fmin(one, two), np.fmin(np.fmax(one, two), three))
        here = known[:, column]
        there = np.isfinite(here)
        last = [np.where(there, here, one), np.where(there, one, two), np.where(there, two, three)]
    return before
