"""The event register as arrays: which regions, indicators and periods each event can have touched.

What belongs here: reading and checking the register's columns. What does not: which event caused a break.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.breaks.panel import (
    Bools,
    Floats,
    Ints,
    PanelError,
    as_arrow,
    country_of,
    is_country,
    require_columns,
)
from pipelines.breaks.period import Period

COLUMNS = (
    "event_id",
    "kind",
    "nature",
    "effective_date",
    "period_from",
    "period_to",
    "region_codes",
    "indicator_ids",
)
EVERYTHING = "*"
_NEAR = 0.4  # how likely an effect shows one period beside the window, against a period inside


@dataclass(frozen=True)
class Events:
    """E events. `first` and `last` are the periods between which an event's effect is expected to begin.

    `natures` tells a change of measurement from one of the world, `kinds` what happened.
    """

    event_ids: tuple[str, ...]
    first: tuple[Period, ...]
    last: tuple[Period, ...]
    regions: tuple[frozenset[str], ...]
    indicators: tuple[frozenset[str], ...]
    kinds: tuple[str, ...]
    natures: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.event_ids)

    def touching_regions(self, codes: npt.NDArray[np.str_]) -> Bools:
        """R x E: whether a region is in the scope of an event; a country code stands for all in it."""
        countries = np.array([country_of(str(code)) for code in codes], dtype=str)
        columns = [
            np.ones(codes.size, dtype=bool)
            if EVERYTHING in regions
            else np.isin(codes, list(regions)) | np.isin(countries, [c for c in regions if is_country(c)])
            for regions in self.regions
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((codes.size, 0), dtype=bool)

    def touching_countries(self, codes: npt.NDArray[np.str_]) -> Bools:
        """C x E: whether an event holds for a whole country."""
        columns = [
            np.full(codes.size, EVERYTHING in regions) | np.isin(codes, list(regions)) for regions in self.regions
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((codes.size, 0), dtype=bool)

    def touching_indicators(self, names: npt.NDArray[np.str_]) -> Bools:
        """I x E: whether an indicator is in the scope of an event."""
        columns = [
            np.full(names.size, EVERYTHING in indicators) | np.isin(names, list(indicators))
            for indicators in self.indicators
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((names.size, 0), dtype=bool)

    @cached_property
    def _spans(self) -> dict[int, Ints]:
        return {
            per_year: np.array(
                [(a.span(per_year)[0], b.span(per_year)[1]) for a, b in zip(self.first, self.last, strict=True)],
                dtype=np.int64,
            ).reshape(-1, 2)
            for per_year in (1, 2, 4, 12)
        }

    def timing(self, ordinals: Ints, per_year: Ints) -> Floats:
        """B x E: how likely an event's effect begins in just that period (0 outside its window).

        The window is from one period before the first to one period after the last.
        """
        likely = np.zeros((ordinals.size, len(self)))
        for kind, spans in self._spans.items():
            rows = np.flatnonzero(per_year == kind)
            first, last = spans[:, 0], spans[:, 1]
            at = ordinals[rows][:, None]
            inside = (at >= first) & (at <= last)
            beside = (at == first - 1) | (at == last + 1)
            likely[rows] = (inside + _NEAR * beside) / (last - first + 1 + 2 * _NEAR)
        return likely


def read_events(events: Any) -> Events:
    """The register of a table with COLUMNS; no events where it is None.

    An event without `period_from` begins at its `effective_date`; one without `period_to` ends where it
    begins. Raises PanelError for a missing column, an event without an id or without any date, or an id that occurs
    twice.
    """
    if events is None:
        return Events((), (), (), (), (), (), ())
    table = as_arrow(events, "events")
    require_columns(table, COLUMNS, "events")
    rows = table.select(list(COLUMNS)).to_pylist()
    ids = [str(row["event_id"] or "").strip() for row in rows]
    nameless = [name for name in ids if not name or "|" in name]
    if nameless:
        raise PanelError(f"events: found event_id {nameless[0]!r}, expected one without |, which separates ids")
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise PanelError(f"events: found event_id {', '.join(twice)} more than once, expected each once")
    first = [_period(row, "period_from") or _effective(row) for row in rows]
    last = [_period(row, "period_to") or begin for row, begin in zip(rows, first, strict=True)]
    for name, begin, end in zip(ids, first, last, strict=True):
        if end.span(12)[1] < begin.span(12)[0]:
            raise PanelError(f"events: found {name} ending in {end.code}, expected not before {begin.code}")
    return Events(
        tuple(ids),
        tuple(first),
        tuple(last),
        tuple(_listed(row["region_codes"]) for row in rows),
        tuple(_listed(row["indicator_ids"]) for row in rows),
        tuple(str(row["kind"] or "") for row in rows),
        tuple(str(row["nature"] or "") for row in rows),
    )


def _listed(text: str | None) -> frozenset[str]:
    return frozenset(part.strip() for part in (text or "").split("|") if part.strip())


def _period(row: dict[str, Any], name: str) -> Period | None:
    code = row[name]
    if code is None or not str(code).strip():
        return None
    try:
        return Period.parse(str(code).strip())
    except ValueError as error:
        raise PanelError(f"events: {row['event_id']} ({name}): {error}") from error


def _effective(row: dict[str, Any]) -> Period:
    value = row["effective_date"]
    if isinstance(value, dt.date):
        return Period(12, value.year * 12 + value.month - 1)
    try:
        day = dt.date.fromisoformat(str(value).strip())
    except ValueError as error:
        raise PanelError(
            f"events: {row['event_id']} (effective_date): found {value!r}, expected a date like 2017-01-01, "
            "or a period_from"
        ) from error
    return Period(12, day.year * 12 + day.month - 1)
