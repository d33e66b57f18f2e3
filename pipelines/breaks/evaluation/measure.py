"""How well findings match the planted breaks of a panel.

What belongs here: the operating point, F1, recall, and the measures of attribution, linking and common breaks. What
does not: making panels or running a method.

A planted break counts as found by an alarm on its series within one period of its first one, two for a slope. A false
alarm is one series that is flagged anywhere without such a break; a return to normal (of a one-off or of a wrong scale)
is neither.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.breaks.evaluation.planted import GAP, LEVEL, SCALE, SLOPE
from pipelines.breaks.evaluation.simulate import Simulated
from pipelines.breaks.events import EVERYTHING
from pipelines.breaks.panel import Bools, Floats, Ints

FALSE_ALARMS_PER_1000 = 20.0
NOT_COUNTED = ("gap", "rounding", "copy")


@dataclass(frozen=True)
class Known:
    """B planted breaks on `total` series; `returned` is the first period that is as before, or -1."""

    series: Ints
    period: Ints
    returned: Ints
    kind: npt.NDArray[np.str_]
    effect: Floats
    count: Floats
    total: int

    @property
    def clean(self) -> Bools:
        marked = np.ones(self.total, dtype=bool)
        marked[self.series] = False
        return marked


@dataclass(frozen=True)
class Alarms:
    """F findings on series: where, how strong, and whether the method's own threshold alarms. `row` is the place in the
    table they come from.
    """

    series: Ints
    period: Ints
    score: Floats
    alarm: Bools
    row: Ints


@dataclass(frozen=True)
class Axes:
    """The indicators, regions and periods of a panel, to turn codes into indices."""

    indicators: pa.Array
    regions: pa.Array
    periods: pa.Array

    @classmethod
    def of(cls, simulated: Simulated) -> Axes:
        panel = simulated.panel
        return cls(*(pc.unique(panel[name]).sort() for name in ("indicator_id", "region_code", "period_code")))

    def series(self, table: pa.Table) -> Ints:
        """Index of the series of each row; -1 for a country or a group."""
        indicator = _index(table["indicator_id"], self.indicators)
        region = _index(table["region_code"], self.regions)
        return np.where(region < 0, -1, indicator * len(self.regions) + region)

    def period(self, table: pa.Table, name: str = "period_code") -> Ints:
        return _index(table[name], self.periods)


def _index(column: pa.ChunkedArray, values: pa.Array) -> Ints:
    found = pc.fill_null(pc.index_in(column, values), -1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def known_breaks(simulated: Simulated) -> Known:
    """The planted breaks of single series; gaps and common breaks are left out."""
    axes, truth = Axes.of(simulated), _own_truth(simulated)
    return Known(
        series=axes.series(truth),
        period=axes.period(truth),
        returned=axes.period(truth, "returned_in"),
        kind=truth["kind"].to_numpy().astype(str),
        effect=_floats(truth["effect_log"]),
        count=_floats(truth["median_count"]),
        total=simulated.series,
    )


def _own_truth(simulated: Simulated) -> pa.Table:
    single = Axes.of(simulated).series(simulated.truth) >= 0
    return simulated.truth.filter(pa.array(single & (text_of(simulated.truth["kind"]) != GAP)))


def alarms_of(simulated: Simulated, breaks: pa.Table) -> Alarms:
    """The findings of a detection on single series, without gaps, roundings and copies."""
    axes = Axes.of(simulated)
    series = axes.series(breaks)
    rows = np.flatnonzero((series >= 0) & ~np.isin(breaks["kind"].to_numpy().astype(str), NOT_COUNTED))
    alarm = np.asarray(breaks["alarm"].to_numpy(), dtype=bool)
    return Alarms(series[rows], axes.period(breaks)[rows], _floats(breaks["score"])[rows], alarm[rows], rows)


def pooled(panels: list[tuple[Alarms, Known]]) -> tuple[Alarms, Known]:
    """Several panels as one, so that the operating point is drawn over all of them."""
    offsets = np.cumsum([0, *(known.total for _, known in panels)])
    alarms, known = {}, {}
    for item in fields(Alarms):
        alarms[item.name] = np.concatenate([getattr(one, item.name) for one, _ in panels])
    for item in fields(Known):
        if item.name != "total":
            known[item.name] = np.concatenate([getattr(one, item.name) for _, one in panels])
    for parts, which in ((alarms, 0), (known, 1)):
        sizes = [panel[which].series.size for panel in panels]
        parts["series"] = parts["series"] + np.repeat(offsets[:-1], sizes)
    return Alarms(**alarms), Known(**known, total=int(offsets[-1]))


@dataclass(frozen=True)
class Outcome:
    """What a set of alarms amounts to; `hit` tells which planted breaks were found."""

    f1: float
    precision: float
    recall: float
    false_per_1000: float
    hit: Bools


class Scoring:
    """Findings held against the planted breaks, for any line on the score."""

    def __init__(self, alarms: Alarms, known: Known) -> None:
        self.alarms, self.known = alarms, known
        found, planted = pairs(alarms, known)
        apart = alarms.period[found] - known.period[planted]
        near = np.abs(apart) <= np.where(known.kind[planted] == SLOPE, 2, 1)
        returned = known.returned[planted]
        back = (returned >= 0) & (np.abs(alarms.period[found] - returned) <= 1)
        self.found, self.planted = found[near], planted[near]
        self.excused = np.zeros(alarms.series.size, dtype=bool)
        self.excused[found[near | back]] = True

    def line(self, per_1000: float = FALSE_ALARMS_PER_1000) -> float:
        """The score that at most so many of a thousand clean series exceed."""
        strongest = np.full(self.known.total, -np.inf)
        np.maximum.at(strongest, self.alarms.series, self.alarms.score)
        clean = np.sort(strongest[self.known.clean])[::-1]
        allowed = int(np.floor(per_1000 * clean.size / 1000.0))
        return float(clean[allowed]) if allowed < clean.size else -np.inf

    def at(self, line: float) -> Outcome:
        return self._outcome(self.alarms.score > line)

    def at_own_threshold(self) -> Outcome:
        return self._outcome(self.alarms.alarm)

    def _outcome(self, chosen: Bools) -> Outcome:
        hit = np.zeros(self.known.series.size, dtype=bool)
        hit[self.planted[chosen[self.found]]] = True
        wrong = np.unique(self.alarms.series[chosen & ~self.excused])
        flagged_clean = int(self.known.clean[wrong].sum())
        true = int(hit.sum())
        precision = true / max(true + wrong.size, 1)
        recall = true / max(hit.size, 1)
        f1 = 2 * precision * recall / (precision + recall) if true else 0.0
        return Outcome(f1, precision, recall, 1000.0 * flagged_clean / max(int(self.known.clean.sum()), 1), hit)


def pairs(alarms: Alarms, known: Known) -> tuple[Ints, Ints]:
    """Every finding with every planted break of the same series, as indices into both."""
    order = np.argsort(known.series, kind="stable")
    start = np.searchsorted(known.series[order], alarms.series, side="left")
    number = np.searchsorted(known.series[order], alarms.series, side="right") - start
    found = np.repeat(np.arange(alarms.series.size), number)
    within = np.arange(found.size) - np.repeat(np.cumsum(number) - number, number)
    return found, order[start[found] + within]


@dataclass(frozen=True)
class Share:
    """A number of cases and how many of them hold."""

    holds: int
    cases: int

    @property
    def value(self) -> float:
        return self.holds / self.cases if self.cases else float("nan")

    @classmethod
    def of(cls, holds: Bools) -> Share:
        return cls(int(holds.sum()), int(holds.size))

    def __add__(self, other: Share) -> Share:
        return Share(self.holds + other.holds, self.cases + other.cases)


NOTHING = Share(0, 0)
COUNTS = ((0.0, 50.0), (50.0, 100.0), (100.0, 200.0), (200.0, 500.0), (500.0, np.inf))
SIZES = ((10.0, 15.0), (15.0, 20.0), (20.0, 30.0), (30.0, 40.0), (40.0, 60.0))


def recall_by_kind(outcome: Outcome, known: Known) -> dict[str, Share]:
    return {str(kind): Share.of(outcome.hit[known.kind == kind]) for kind in np.unique(known.kind)}


def recall_by_size_and_count(outcome: Outcome, known: Known) -> dict[tuple[int, int], Share]:
    """Recall of level shifts per class of SIZES (percent, either way) and of COUNTS (people in the median period)."""
    percent = 100.0 * np.abs(np.expm1(known.effect))
    level = known.kind == LEVEL
    table = {}
    for row, (least, most) in enumerate(SIZES):
        for column, (few, many) in enumerate(COUNTS):
            own = level & (percent >= least) & (percent < most) & (known.count >= few) & (known.count < many)
            table[row, column] = Share.of(outcome.hit[own])
    return table


def newest_point(simulated: Simulated, breaks: pa.Table, least_count: float) -> Share:
    """Planted shifts at the newest period, in series above `least_count`, that alarm by the own threshold."""
    scoring = Scoring(alarms_of(simulated, breaks), known_breaks(simulated))
    return Share.of(scoring.at_own_threshold().hit[scoring.known.count > least_count])


@dataclass(frozen=True)
class Common:
    """Common breaks of a country or of groups: planted, found exactly once, other findings for those codes, and clean
    member series that alarm beside a planted common break.
    """

    once: Share
    others: int
    members: Share

    def __add__(self, other: Common) -> Common:
        return Common(self.once + other.once, self.others + other.others, self.members + other.members)


def common_breaks(simulated: Simulated, breaks: pa.Table) -> Common:
    """Alarms for a country or a group against the planted common breaks, within one period."""
    axes = Axes.of(simulated)
    truth = simulated.truth.filter(pa.array(axes.series(simulated.truth) < 0))
    own = (axes.series(breaks) < 0) & np.asarray(breaks["alarm"].to_numpy(), dtype=bool)
    own &= ~np.isin(breaks["kind"].to_numpy().astype(str), NOT_COUNTED)
    found = breaks.filter(pa.array(own))
    planted_keys, found_keys = _cells(truth), _cells(found)
    near = np.abs(axes.period(truth)[:, None] - axes.period(found)[None, :]) <= 1
    same = (planted_keys[:, None] == found_keys[None, :]) & near
    alarms, known = alarms_of(simulated, breaks), known_breaks(simulated)
    touched = np.zeros((known.total, len(axes.periods)), dtype=bool)
    members = _members(simulated, axes, truth)
    time = np.arange(len(axes.periods))
    for row, at in zip(members, axes.period(truth), strict=True):
        touched[row] |= (np.abs(time - at) <= 1)[None, :]
    touched &= known.clean[:, None]
    flagged = alarms.alarm & touched[alarms.series, alarms.period]
    return Common(
        once=Share.of(same.sum(axis=1) == 1),
        others=int((~same.any(axis=0)).sum()) + int(np.maximum(same.sum(axis=1) - 1, 0).sum()),
        members=Share(np.unique(alarms.series[flagged]).size, int(touched.any(axis=1).sum())),
    )


def _cells(table: pa.Table) -> npt.NDArray[np.str_]:
    return np.char.add(np.char.add(text_of(table["indicator_id"]), "/"), text_of(table["region_code"]))


def text_of(column: pa.ChunkedArray) -> npt.NDArray[np.str_]:
    return np.array(pc.fill_null(column.cast(pa.string()), "").to_pylist(), dtype=str)


def _members(simulated: Simulated, axes: Axes, truth: pa.Table) -> list[Ints]:
    """The series that each common break holds for."""
    group, member = text_of(simulated.groups["group_code"]), _index(simulated.groups["region_code"], axes.regions)
    indicator = _index(truth["indicator_id"], axes.indicators) * len(axes.regions)
    everyone = np.arange(len(axes.regions))
    return [
        first + (everyone if code == simulated.country else member[group == code])
        for first, code in zip(indicator, text_of(truth["region_code"]), strict=True)
    ]


@dataclass(frozen=True)
class Causes:
    """Planted breaks with a registered cause that alarmed: `first` names the cause first, where two or more events
    could have done it and where only one could. `explained` tells how often a break `explained` by one event was its
    doing, `blamed` how often one without a registered cause was explained all the same.
    """

    competing: Share
    alone: Share
    explained: Share
    blamed: Share

    def __add__(self, other: Causes) -> Causes:
        return Causes(*(getattr(self, item.name) + getattr(other, item.name) for item in fields(self)))


def causes(simulated: Simulated, breaks: pa.Table) -> Causes:
    """Whether the event named first for an alarm is the one that caused the planted break (gives NaN without such
    breaks).
    """
    known, every_cause = known_with_cause(simulated)
    _, found, row = _matched(simulated, breaks)
    cause = every_cause[found]
    listed = text_of(breaks["event_ids"])[row]
    first = np.array([text.partition("|")[0] for text in listed], dtype=str)
    explained = text_of(breaks["cause"])[row] == "explained"
    several = candidates(simulated, known)[found].sum(axis=1) > 1
    caused, right = cause != "", first == cause
    return Causes(
        competing=Share.of(right[caused & several]),
        alone=Share.of(right[caused & ~several]),
        explained=Share.of(right[caused & explained]),
        blamed=Share.of(explained[~caused]),
    )


def known_with_cause(simulated: Simulated) -> tuple[Known, npt.NDArray[np.str_]]:
    """The planted breaks of single series and the event that caused each, empty for none."""
    return known_breaks(simulated), text_of(_own_truth(simulated)["event_id"])


def known_factors(simulated: Simulated) -> tuple[Known, Floats]:
    """The planted breaks of single series and the true link factor of each, NaN where there is none."""
    return known_breaks(simulated), _floats(_own_truth(simulated)["factor"])


def _matched(simulated: Simulated, breaks: pa.Table) -> tuple[pa.Table, Ints, Ints]:
    """The truth of single series; of every planted break that alarmed the index, and the row of its nearest alarm."""
    truth, known = _own_truth(simulated), known_breaks(simulated)
    scoring = Scoring(alarms_of(simulated, breaks), known)
    kept = scoring.alarms.alarm[scoring.found]
    alarm, planted = scoring.found[kept], scoring.planted[kept]
    apart = np.abs(scoring.alarms.period[alarm] - known.period[planted])
    order = np.lexsort((-scoring.alarms.score[alarm], apart, planted))
    found, nearest = np.unique(planted[order], return_index=True)
    return truth, found, scoring.alarms.row[alarm[order][nearest]]


def candidates(simulated: Simulated, known: Known) -> Bools:
    """Which events hold each planted break in their scope and, give or take one period, in their window (B x E)."""
    axes = Axes.of(simulated)
    indicator, region = np.divmod(known.series, len(axes.regions))
    first, last = axes.period(simulated.events, "period_from"), axes.period(simulated.events, "period_to")
    fits = (known.period[:, None] >= first - 1) & (known.period[:, None] <= last + 1)
    for column, (indicators, regions) in enumerate(event_scopes(simulated)):
        fits[:, column] &= np.isin(indicator, indicators) & np.isin(region, regions)
    return np.asarray(fits)


def event_scopes(simulated: Simulated) -> list[tuple[Ints, Ints]]:
    """Indices of the indicators and the regions of every event."""
    axes = Axes.of(simulated)
    listed = (text_of(simulated.events[name]) for name in ("indicator_ids", "region_codes"))
    return [
        (_listed(indicators, axes.indicators), _listed(regions, axes.regions))
        for indicators, regions in zip(*listed, strict=True)
    ]


def _listed(codes: str, values: pa.Array) -> Ints:
    if codes == EVERYTHING:
        return np.arange(len(values))
    return _index(pa.chunked_array([codes.split("|")]), values)


@dataclass(frozen=True)
class Links:
    """Factors of measurement events: how many of those due were given, how many of the given intervals hold the true
    factor, how many were given for breaks that were no change of measurement (nor of scale, whose factor is exact), and
    the errors of the log.
    """

    given: Share
    covered: Share
    undue: Share
    errors: Floats

    @property
    def error(self) -> float:
        """Root mean square error of the log of the factor."""
        return float(np.sqrt(np.mean(self.errors**2))) if self.errors.size else float("nan")

    def __add__(self, other: Links) -> Links:
        return Links(
            self.given + other.given,
            self.covered + other.covered,
            self.undue + other.undue,
            np.concatenate([self.errors, other.errors]),
        )


def links(simulated: Simulated, breaks: pa.Table) -> Links:
    """Link factors of alarms that match a planted break, against the true factors."""
    truth, found, row = _matched(simulated, breaks)
    true = _floats(truth["factor"])[found]
    factor, low, high = (_floats(breaks[name])[row] for name in ("link_factor", "link_low", "link_high"))
    due, given = np.isfinite(true), np.isfinite(factor)
    both = due & given
    return Links(
        given=Share.of(given[due]),
        covered=Share.of((low[both] <= true[both]) & (true[both] <= high[both])),
        undue=Share.of(given[~due & (text_of(truth["kind"])[found] != SCALE)]),
        errors=np.log(factor[both] / true[both]),
    )


def detectable_per_series(simulated: Simulated, detectable: pa.Table) -> Floats:
    """The smallest detectable shift in percent as indicators x regions, NaN where none is known."""
    axes = Axes.of(simulated)
    sizes = np.full(simulated.series, np.nan)
    series = axes.series(detectable)
    sizes[series[series >= 0]] = _floats(detectable["detectable_effect_pct"])[series >= 0]
    return sizes.reshape(len(axes.indicators), len(axes.regions))
