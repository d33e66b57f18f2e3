"""Events of a simulated register, some of which caused breaks and some of which did nothing.

What belongs here: events that compete for the same breaks, and the breaks of the ones that did it. What does not: how a
cause is found.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.breaks.evaluation.planted import LEVEL, Planted
from pipelines.breaks.events import EVERYTHING
from pipelines.breaks.panel import Bools, Ints
from pipelines.breaks.period import Period

EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("kind", pa.string()),
        ("nature", pa.string()),
        ("effective_date", pa.date32()),
        ("period_from", pa.string()),
        ("period_to", pa.string()),
        ("region_codes", pa.string()),
        ("indicator_ids", pa.string()),
    ]
)
_NATURES = ("measurement", "measurement", "measurement", "real_world", "mixed")
_SIZES = {  # regions, and the share of the indicators
    "ambtelijke_fusie": (4, 1.0),
    "system_harmonisation": (30, 0.0),
    "contract": (12, 0.5),
    "policy": (8, 0.34),
}
_POOL = 40


@dataclass(frozen=True)
class Event:
    """One event: what it touches (indices), between which periods it begins, and what it did."""

    kind: str
    nature: str
    regions: Ints
    indicators: Ints
    first: int
    last: int
    day: dt.date | None


def competing_events(
    rng: np.random.Generator, *, indicators: int, series: int, periods: tuple[Period, ...]
) -> tuple[list[Event], Planted]:
    """Per pool of about forty regions one or two events that break part of their scope, and two or three that break
    nothing.

    They overlap in time and partly in scope, so that neither the nearest date nor the narrowest scope tells which it
    was; each also covers series that did not move. A series is broken by one of them at most. Per three pools one event
    lies elsewhere in time, and one at the same time holds for the whole country; those break nothing either.
    """
    pools = np.array_split(rng.permutation(series), max(series // _POOL, 1))
    events: list[Event] = []
    planted: list[Planted] = []
    taken = np.zeros((indicators, series), dtype=bool)
    everything = np.arange(indicators)
    for number, pool in enumerate(pools):
        kinds = [str(kind) for kind in rng.permutation(list(_SIZES))]
        at = int(rng.integers(3, len(periods) - 2))
        true = _event(rng, kinds[0], pool, everything, at, periods)
        for turn, kind in enumerate(kinds):
            beside = _beside(rng, pool, true.regions, _SIZES[kind][0])
            reach = _beside(rng, everything, true.indicators, _number(indicators, _SIZES[kind][1]))
            own_at = at if turn == 0 else int(np.clip(at + rng.integers(-1, 2), 1, len(periods) - 2))
            event = true if turn == 0 else _event(rng, kind, beside, reach, own_at, periods, drawn=False)
            if turn == 0 or (turn == 1 and rng.random() < 0.7):
                planted.append(_breaks_of(rng, event, own_at, len(periods), len(events), taken))
                taken[planted[-1].indicator, planted[-1].region] = True
            events.append(event)
        if number % 3 == 0:
            elsewhere = (at + len(periods) // 2) % len(periods)
            events.append(_event(rng, kinds[-1], pool, everything, max(elsewhere, 1), periods))
            reach = rng.permutation(indicators)[: _number(indicators, 0.34)]
            events.append(_event(rng, "law", np.arange(series), reach, at, periods, drawn=False))
    return events, Planted.together(planted)


def _number(indicators: int, share: float) -> int:
    return max(1, round(indicators * share))


def _beside(rng: np.random.Generator, everything: Ints, taken: Ints, number: int) -> Ints:
    """A third to all of `number` from what the true event touches, the rest from what it leaves alone."""
    outside = rng.permutation(np.setdiff1d(everything, taken))
    inside = rng.permutation(np.intersect1d(everything, taken))
    shared = min(max(round(number * rng.uniform(0.3, 1.0)), 1), inside.size)
    return np.concatenate([inside[:shared], outside[: max(number - shared, 0)]])


def _event(
    rng: np.random.Generator,
    kind: str,
    regions: Ints,
    indicators: Ints,
    at: int,
    periods: tuple[Period, ...],
    *,
    drawn: bool = True,
) -> Event:
    """An event whose window holds the period `at`; with `drawn` its scope is drawn from what is handed in."""
    if drawn:
        number, share = _SIZES[kind]
        regions = rng.permutation(regions)[:number]
        indicators = rng.permutation(indicators)[: _number(indicators.size, share)]
    first = max(at - int(rng.integers(0, 3)), 0)
    last = min(at + int(rng.integers(0, 2)), len(periods) - 1)
    start = _first_day(periods[first])
    day = start + dt.timedelta(days=int(rng.integers(0, 90))) if rng.random() < 0.6 else None
    nature = _NATURES[int(rng.integers(len(_NATURES)))]
    return Event(kind, nature, np.sort(regions), np.sort(indicators), first, last, day)


def _breaks_of(rng: np.random.Generator, event: Event, at: int, periods: int, number: int, taken: Bools) -> Planted:
    """Level shifts of part of the scope: one size per indicator, and a little of its own for every series."""
    indicator = np.repeat(event.indicators, event.regions.size)
    region = np.tile(event.regions, event.indicators.size)
    size = rng.uniform(0.15, 0.6, event.indicators.size)
    common = np.where(rng.random(event.indicators.size) < 0.5, size, -size)
    effect = np.repeat(common, event.regions.size) + rng.normal(0.0, 0.04, region.size)
    hit = (rng.random(region.size) < rng.uniform(0.3, 1.0)) & ~taken[indicator, region]
    late = (rng.random(region.size) < 0.15) & (at + 1 <= event.last)
    indicator, region, effect = indicator[hit], region[hit], effect[hit]
    last = np.full(region.size, periods - 1)
    return Planted.of(indicator, region, at + late[hit], LEVEL, effect, last, number)


def _first_day(period: Period) -> dt.date:
    month = period.span(12)[0]
    return dt.date(month // 12, month % 12 + 1, 1)


def event_id(number: int) -> str:
    return f"event_{number + 1:03d}"


def event_table(
    events: list[Event], regions: list[str], indicators: list[str], periods: tuple[Period, ...]
) -> pa.Table:
    """The register as `detect` takes it."""
    rows = [
        {
            "event_id": event_id(number),
            "kind": event.kind,
            "nature": event.nature,
            "effective_date": event.day,
            "period_from": periods[event.first].code,
            "period_to": periods[event.last].code,
            "region_codes": _codes(event.regions, regions),
            "indicator_ids": _codes(event.indicators, indicators),
        }
        for number, event in enumerate(events)
    ]
    return pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)


def _codes(touched: Ints, names: list[str]) -> str:
    return EVERYTHING if touched.size == len(names) else "|".join(names[int(one)] for one in touched)
