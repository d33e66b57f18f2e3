"""Causes and link factors by rule of thumb: the nearest date, the narrowest scope, the ratio of one year.

What belongs here: what attribution and linking are held against. What does not: attribution or linking by the
detection.
"""

from __future__ import annotations

import numpy as np

from pipelines.breaks.evaluation.baselines import values_of
from pipelines.breaks.evaluation.measure import (
    Axes,
    Share,
    candidates,
    event_scopes,
    known_factors,
    known_with_cause,
    text_of,
)
from pipelines.breaks.evaluation.simulate import Simulated
from pipelines.breaks.panel import Floats
from pipelines.breaks.period import Period


def by_nearest_date(simulated: Simulated) -> Share:
    """How often the event whose day, or else whose window, begins nearest to the true period is the cause."""
    known, _ = known_with_cause(simulated)
    calendar = [Period.parse(code) for code in Axes.of(simulated).periods.to_pylist()]
    months = np.array([period.span(12)[0] for period in calendar], dtype=np.float64)
    starts = [Period.parse(code).span(12)[0] for code in text_of(simulated.events["period_from"])]
    days = simulated.events["effective_date"].to_pylist()
    begun = [start if day is None else day.year * 12 + day.month - 1 for start, day in zip(starts, days, strict=True)]
    return _share_right(simulated, np.abs(months[known.period][:, None] - np.array(begun)[None, :]))


def by_narrowest_scope(simulated: Simulated) -> Share:
    """How often the event that covers the fewest series is the cause."""
    known, _ = known_with_cause(simulated)
    sizes = np.array([regions.size * indicators.size for indicators, regions in event_scopes(simulated)], dtype=float)
    return _share_right(simulated, np.broadcast_to(sizes, (known.series.size, sizes.size)))


def _share_right(simulated: Simulated, distance: Floats) -> Share:
    """Of the planted breaks with two or more candidates: how often the candidate with the least distance caused it."""
    known, cause = known_with_cause(simulated)
    fits = candidates(simulated, known)
    several = (fits.sum(axis=1) > 1) & (cause != "")
    named = text_of(simulated.events["event_id"])[np.where(fits, distance, np.inf).argmin(axis=1)]
    return Share.of((named == cause)[several])


def one_year_ratio_errors(simulated: Simulated, per_year: int = 2) -> Floats:
    """Errors of the log of a link factor that is the year from the break on over the year before it."""
    known, factor = known_factors(simulated)
    value = values_of(simulated, per_year).value
    columns = np.arange(per_year)
    padded = np.pad(value, ((0, 0), (per_year, per_year)), constant_values=np.nan)
    at = known.period[:, None] + per_year + columns
    after, before = padded[known.series[:, None], at], padded[known.series[:, None], at - per_year]
    both = np.isfinite(after) & np.isfinite(before)
    ratio = np.where(both, after, 0.0).sum(axis=1) / np.maximum(np.where(both, before, 0.0).sum(axis=1), 1e-9)
    usable = np.isfinite(factor) & both.any(axis=1) & (ratio > 0)
    return np.asarray(np.log(ratio[usable] / factor[usable]))
