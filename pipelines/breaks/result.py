"""The tables that a detection hands over, and the findings they are made from.

What belongs here: columns, units and order of the result. What does not: how anything in it was found.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.breaks.attribution import Attribution, EventEffects
from pipelines.breaks.panel import Bools, Floats, Ints

LEVEL, ONE_OFF, SLOPE, SCALE = "level", "one_off", "slope", "scale"
GAP, ROUNDING, COPY = "gap", "rounding", "copy"
KINDS = (LEVEL, ONE_OFF, SLOPE, SCALE, GAP, ROUNDING, COPY)
EVENT_SEPARATOR = "|"
_TWO_SIDED = 1.96

BREAK_SCHEMA = pa.schema(
    [
        ("indicator_id", pa.string()),
        ("region_code", pa.string()),
        ("period_code", pa.string()),
        ("kind", pa.string()),
        ("returned_in", pa.string()),
        ("effect_log", pa.float64()),
        ("se", pa.float64()),
        ("effect_pct", pa.float64()),
        ("effect_low", pa.float64()),
        ("effect_high", pa.float64()),
        ("score", pa.float64()),
        ("alarm", pa.bool_()),
        ("cause", pa.string()),
        ("event_ids", pa.string()),
        ("event_shares", pa.string()),
        ("link_factor", pa.float64()),
        ("link_low", pa.float64()),
        ("link_high", pa.float64()),
        ("series_median_count", pa.float64()),
    ]
)
DETECTABLE_SCHEMA = pa.schema(
    [("indicator_id", pa.string()), ("region_code", pa.string()), ("detectable_effect_pct", pa.float64())]
)
ATTRIBUTION_SCHEMA = pa.schema(
    [
        ("indicator_id", pa.string()),
        ("region_code", pa.string()),
        ("period_code", pa.string()),
        ("kind", pa.string()),
        ("event_id", pa.string()),
        ("share", pa.float64()),
        ("visible", pa.bool_()),
        ("effect_log", pa.float64()),
        ("se", pa.float64()),
    ]
)
EVENT_SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("indicator_id", pa.string()),
        ("series", pa.int64()),
        ("broken", pa.int64()),
        ("visible", pa.bool_()),
        ("effect_log", pa.float64()),
        ("se", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Detection:
    """What a detection found.

    `breaks`: one row per break, ordered by indicator, region, period and kind. `region_code` is the country's
    where a whole panel broke, a cooperation's where its members broke together. `period_code` is the first
    period of the new regime. `kind`: `level` (lasting; a deviation of the newest figure counts as one until a
    next figure tells), `one_off`, `slope` (the growth changed), `scale` (off by a power of ten), `gap` (not
    delivered), `rounding` (figures became multiples of another number) or `copy` (the figures of an earlier
    period again). `returned_in` is the period in which a gap or a wrong scale ended, null where it has not.
    `effect_log` and `se` are on the log scale, for a slope per period; `effect_pct` with `effect_low` and
    `effect_high` (95 %) is the same in percent; null for gap, rounding and copy. `score` is minus log10 of the
    chance of such a score anywhere in a series without a break (1.82 is 15 in 1,000), so that any line can be
    drawn; `alarm` is the line that was asked for. A scale error scores RULE_SCORE; gap, rounding and copy are
    findings without alarm. `event_ids` and `event_shares` name candidate events, separated by `|`, largest
    share first, together at most 1; `cause` is explained, ambiguous or unexplained. `link_factor` (with 95 %
    interval) is by how much figures before the break are multiplied to compare with those after it, null where
    there is no sound factor. `series_median_count` is the median number of people behind the series, null
    where no numbers are known and for a country or cooperation.

    `detectable`: per series the smallest lasting shift, in percent upwards, that would have been found with
    80 % power; null where nothing could be tested.

    `attribution`: one row per break and candidate event, in the order of `breaks`, largest share first, with
    what that event did to the indicator.

    `events`: per event and indicator in its scope how many series were tested, how many of them broke with it,
    whether that is more than chance (`visible`), and the size pooled over the series that broke with it.

    `mirrors`: one row per break and indicator of the same region that moved the other way in that period by an amount
    that makes up for it (`pipelines.breaks.mirrors`): probably the same booked elsewhere. A hint, which changes neither
    `alarm` nor `cause`.

    `left_out`: sentences on what was found in the tables and could not be used.
    """

    breaks: pa.Table
    detectable: pa.Table
    attribution: pa.Table
    events: pa.Table
    mirrors: pa.Table
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """Breaks as arrays of one length. `per_year` and `ordinal` say which period, `part` that a finding is
    but a member's part of what its country or cooperation shows. `national` marks a finding for a country,
    `grouped` one for a cooperation. Empty strings and NaN stand for null.
    """

    indicator: npt.NDArray[np.str_]
    region: npt.NDArray[np.str_]
    national: Bools
    grouped: Bools
    period: npt.NDArray[np.str_]
    per_year: Ints
    ordinal: Ints
    kind: npt.NDArray[np.str_]
    returned_in: npt.NDArray[np.str_]
    effect: Floats
    se: Floats
    score: Floats
    alarm: Bools
    part: Bools
    median_count: Floats

    @classmethod
    def together(cls, parts: list[Findings]) -> Findings:
        """All findings, ordered by indicator, region, period and kind."""
        joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)}
        order = np.lexsort((joined["kind"], joined["ordinal"], joined["region"], joined["indicator"]))
        return cls(**{name: values[order] for name, values in joined.items()})

    @classmethod
    def nothing(cls) -> Findings:
        text, number, truth = np.empty(0, dtype="U1"), np.empty(0), np.empty(0, dtype=bool)
        whole = np.empty(0, dtype=np.int64)
        return cls(
            text, text, truth, truth, text, whole, whole, text, text, number, number, number, truth, truth, number
        )


def break_table(
    found: Findings,
    attribution: Attribution,
    event_ids: tuple[str, ...],
    links: tuple[Floats, Floats, Floats],
) -> pa.Table:
    """The findings with their candidate events and link factors (factor, low, high), one row each."""
    low, high = found.effect - _TWO_SIDED * found.se, found.effect + _TWO_SIDED * found.se
    names, shares = _listed(attribution, event_ids)
    return pa.Table.from_arrays(
        [
            pa.array(found.indicator, pa.string()),
            pa.array(found.region, pa.string()),
            pa.array(found.period, pa.string()),
            pa.array(found.kind, pa.string()),
            _text(found.returned_in),
            _number(found.effect),
            _number(found.se),
            _number(percent(found.effect)),
            _number(percent(low)),
            _number(percent(high)),
            pa.array(found.score),
            pa.array(found.alarm),
            pa.array(attribution.cause(), pa.string()),
            names,
            shares,
            *(_number(part) for part in links),
            _number(found.median_count),
        ],
        schema=BREAK_SCHEMA,
    )


def _listed(attribution: Attribution, event_ids: tuple[str, ...]) -> tuple[pa.Array, pa.Array]:
    """Per finding its candidate events and their shares as text, largest first; empty without one."""
    order = np.argsort(-np.where(attribution.candidate, attribution.share, -1.0), axis=1, kind="stable")
    number = attribution.candidate.sum(axis=1)
    kept = np.arange(attribution.candidate.shape[1])[None, :] < number[:, None]
    offsets = pa.array(np.concatenate([[0], np.cumsum(number)]), pa.int32())
    names = np.array(event_ids, dtype=object)[order[kept]] if event_ids else np.empty(0, dtype=object)
    # Rounded down, so that what is printed never adds up to more than the whole.
    printed = np.floor(np.take_along_axis(attribution.share, order, axis=1)[kept] * 1000 + 1e-6) / 1000
    texts = np.char.mod("%.3f", printed) if printed.size else np.empty(0, dtype="U1")
    joined = [
        pc.binary_join(pa.ListArray.from_arrays(offsets, pa.array(part, pa.string())), EVENT_SEPARATOR)
        for part in (names, texts)
    ]
    return joined[0], joined[1]


def attribution_table(found: Findings, attribution: Attribution, event_ids: tuple[str, ...]) -> pa.Table:
    """One row per break and candidate event."""
    row, event = np.nonzero(attribution.candidate)
    order = np.lexsort((event, -attribution.share[row, event], row))
    row, event = row[order], event[order]
    names = np.array(event_ids, dtype=object)
    return pa.Table.from_arrays(
        [
            pa.array(found.indicator[row], pa.string()),
            pa.array(found.region[row], pa.string()),
            pa.array(found.period[row], pa.string()),
            pa.array(found.kind[row], pa.string()),
            pa.array(names[event], pa.string()),
            pa.array(attribution.share[row, event], pa.float64()),
            pa.array(attribution.visible[row, event], pa.bool_()),
            _number(attribution.effect[row, event]),
            _number(attribution.se[row, event]),
        ],
        schema=ATTRIBUTION_SCHEMA,
    )


def event_table(shown: EventEffects, event_ids: tuple[str, ...]) -> pa.Table:
    """What each event did to each indicator of its scope, ordered as the register, then by indicator."""
    return pa.Table.from_arrays(
        [
            pa.array(np.array(event_ids, dtype=object)[shown.event], pa.string()),
            pa.array(shown.indicator, pa.string()),
            pa.array(shown.series, pa.int64()),
            pa.array(shown.broken, pa.int64()),
            pa.array(shown.visible, pa.bool_()),
            _number(shown.effect),
            _number(shown.se),
        ],
        schema=EVENT_SCHEMA,
    )


def detectable_table(indicator: npt.NDArray[np.str_], region: npt.NDArray[np.str_], effect_log: Floats) -> pa.Table:
    """Per series the smallest detectable lasting shift in percent."""
    return pa.Table.from_arrays(
        [pa.array(indicator, pa.string()), pa.array(region, pa.string()), _number(percent(effect_log))],
        schema=DETECTABLE_SCHEMA,
    )


def percent(effect_log: Floats) -> Floats:
    """A log effect as a change in percent."""
    return np.asarray(100.0 * np.expm1(np.minimum(effect_log, 50.0)))


def _text(values: npt.NDArray[np.str_]) -> pa.Array:
    return pa.array(values, pa.string(), mask=values == "")


def _number(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))
