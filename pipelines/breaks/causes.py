"""From findings and the register to causes: what each event did, and what it says about a finding before it is seen.

What belongs here: which findings compete for which events (series with series, countries with countries, cooperations
with cooperations), and the prior odds an event gives. What does not: the weighing itself (`attribution`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import poisson

from pipelines.breaks.attribution import Attribution, Broken, EventEffects, Footprints, attribute, pooled_sizes
from pipelines.breaks.events import Events
from pipelines.breaks.groups import Groups
from pipelines.breaks.panel import Bools, Floats, Ints
from pipelines.breaks.result import COPY, GAP, LEVEL, ONE_OFF, ROUNDING, SLOPE, Findings

_BY_CHANCE = 0.05  # of so many broken series in a scope, where an event is said to show
_MOST_FAVOURED = 10.0  # how much more a break is to be expected where an event shows
_WORTH = 2.0  # series of scope that the other events are worth for what one event does
_WINDOW = 3.0  # periods in which what an event does may begin
_NEARLY = 0.75  # of its members, where an event covers a cooperation
_NARROW = 60  # series of a scope that tells what events usually do


@dataclass(frozen=True)
class Scope:
    """What findings of one kind can be about: C pairs of `indicator` and `region` (a municipality, a country or a
    cooperation), and which events cover them (`covered`, C x E). `rows` are the findings.
    """

    indicator: npt.NDArray[np.str_]
    region: npt.NDArray[np.str_]
    covered: Bools
    rows: Ints

    def cell_of(self, found: Findings) -> Ints:
        """The place of each finding of `rows` among the pairs, which are in order."""
        keys = np.char.add(np.char.add(self.indicator, "|"), self.region)
        order = np.argsort(keys)
        own = np.char.add(np.char.add(found.indicator[self.rows], "|"), found.region[self.rows])
        return np.asarray(order[np.searchsorted(keys[order], own)])


@dataclass(frozen=True)
class Causes:
    attribution: Attribution
    effects: EventEffects
    found: Findings


def scopes(
    found: Findings, tested: list[tuple[str, str, npt.NDArray[np.str_]]], register: Events, groups: Groups
) -> list[Scope]:
    """The scopes of series, countries and cooperations. `tested` holds indicator, country and regions per grid."""
    names = np.array([name for name, _, _ in tested])
    sizes = [regions.size for _, _, regions in tested]
    municipal = np.unique(np.stack([np.repeat(names, sizes), np.concatenate([r for *_, r in tested])]), axis=1)
    national = np.unique(np.stack([names, np.array([country for _, country, _ in tested])]), axis=1)
    every = np.unique(names)
    codes = np.array(groups.codes, dtype=str)
    common = np.stack([np.repeat(every, codes.size), np.tile(codes, every.size)])
    parts = []
    for (indicator, region), reach, rows in (
        (municipal, register.touching_regions, ~(found.national | found.grouped)),
        (national, register.touching_countries, found.national),
        (common, lambda own: _touching_groups(register, groups, own), found.grouped),
    ):
        of_indicator, of_region = (np.unique(values, return_inverse=True) for values in (indicator, region))
        covered = register.touching_indicators(of_indicator[0])[of_indicator[1]] & reach(of_region[0])[of_region[1]]
        parts.append(Scope(indicator, region, covered, np.flatnonzero(rows)))
    return parts


def _touching_groups(register: Events, groups: Groups, codes: npt.NDArray[np.str_]) -> Bools:
    """G x E: whether an event names a cooperation, or covers nearly all of its members."""
    named = register.touching_countries(codes)
    members = dict(zip(groups.codes, groups.members, strict=True))
    covers = [register.touching_regions(np.array(sorted(members[str(code)]))).mean(axis=0) >= _NEARLY for code in codes]
    return named | np.stack(covers) if covers else named


def causes_of(found: Findings, parts: list[Scope], register: Events, periods: float, line: float) -> Causes:
    """Shares per finding, what each event did, and the findings with scores that reckon with the register.

    `periods` is how many periods a series has, `line` the score from which a finding alarms.
    """
    whole = Attribution.nothing(found.ordinal.size, len(register))
    sure = surety(found, parts[0].region.size)
    timing = register.timing(found.ordinal, found.per_year)
    effects = []
    for number, part in enumerate(parts):
        if not part.region.size:
            continue
        rows = part.rows
        names, at_of_cell = np.unique(part.indicator, return_inverse=True)
        sized = np.isin(found.kind[rows], (LEVEL, ONE_OFF))
        broken = Broken(
            part.cell_of(found),
            np.searchsorted(names, found.indicator[rows]),
            found.ordinal[rows],
            np.where(sized, found.effect[rows], np.nan),
            np.where(sized, found.se[rows], np.nan),
            sure[rows],
        )
        marks = attribute(part.covered, broken, timing[rows], periods)
        shown = _effects(part.covered, at_of_cell, names, marks, broken)
        whole.share[rows], whole.candidate[rows] = marks.share, marks.candidate
        table = np.zeros((3, names.size, len(register)))
        table[1:] = np.nan
        table[:, np.searchsorted(names, shown.indicator), shown.event] = shown.visible, shown.effect, shown.se
        whole.visible[rows] = (table[0] > 0)[broken.indicator] & marks.candidate
        whole.effect[rows], whole.se[rows] = table[1][broken.indicator], table[2][broken.indicator]
        effects.append(shown)
        if number == 0:
            found = _favoured(found, rows, marks, broken, part.region.size * periods, line)
    return Causes(whole, _together(effects), found)


def surety(found: Findings, series: int) -> Floats:
    """How sure it is that a finding is no chance: one minus the false discoveries among those as strong.

    A score s is reached by chance in 10 ** -s of the series without a break. A gap is not what an event leaves.
    """
    statistical = np.isin(found.kind, (LEVEL, ONE_OFF, SLOPE))
    own = statistical & ~(found.national | found.grouped)
    ranked = np.sort(found.score[own])
    as_strong = ranked.size - np.searchsorted(ranked, found.score, side="left")
    false = series * 10.0**-found.score
    sure = np.where(own, np.clip(1 - false / np.maximum(as_strong, 1), 0.0, 1.0), 1.0)
    return np.where(np.isin(found.kind, (GAP, ROUNDING, COPY)), 0.0, sure)


def _effects(
    covered: Bools, at_of_cell: Ints, names: npt.NDArray[np.str_], marks: Footprints, broken: Broken
) -> EventEffects:
    """What each event did to each indicator of its scope."""
    effect, se, number = pooled_sizes(marks.share, broken, names.size)
    series = np.zeros((names.size, covered.shape[1]), dtype=np.int64)
    np.add.at(series, at_of_cell, covered)
    indicator, event = np.nonzero(series)
    tested, did = series[indicator, event], number[indicator, event]
    expected = tested * marks.background * _WINDOW
    visible = (did > 0) & (poisson.sf(did - 1, expected) < _BY_CHANCE)
    return EventEffects(event, names[indicator], tested, did, visible, effect[indicator, event], se[indicator, event])


def _together(parts: list[EventEffects]) -> EventEffects:
    """Of series, country and cooperation the entry in which most of the scope broke, per event and indicator."""
    joined = {item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(EventEffects)}
    rank = np.concatenate([np.full(part.event.size, number) for number, part in enumerate(parts)])
    # A change of a whole country shows in the finding for the country, not in what is left of its members.
    better = -(joined["visible"].astype(np.int64) * (1 + (rank > 0)))
    order = np.lexsort((rank, better, joined["indicator"], joined["event"]))
    first = np.ones(order.size, dtype=bool)
    event, indicator = joined["event"][order], joined["indicator"][order]
    first[1:] = (event[1:] != event[:-1]) | (indicator[1:] != indicator[:-1])
    return EventEffects(**{name: values[order[first]] for name, values in joined.items()})


def _favoured(found: Findings, rows: Ints, marks: Footprints, broken: Broken, possible: float, line: float) -> Findings:
    """The findings of series with scores that reckon with events that show elsewhere in their scope.

    Scores are those of weighted tests: in proportion to how much more a break is to be expected than elsewhere, with
    the weights of all series without a break one on average, so that the false alarms of the panel stay what they
    were. What a series
    itself adds to the footprint of an event does not count for it.
    """
    narrow = (marks.cells > 0) & (marks.cells <= _NARROW)
    usual = float(marks.broke[narrow].sum() / max(marks.cells[narrow].sum(), 1.0)) if narrow.any() else 0.0
    others = np.maximum(marks.broke - marks.share * broken.sure[:, None], 0.0)
    footprint = (others + _WORTH * min(usual, 0.5)) / (np.maximum(marks.cells - 1, 0) + _WORTH)
    hazard = (marks.fits * footprint).sum(axis=1)
    weight = np.minimum(1 + hazard / max(marks.background, 1e-9), _MOST_FAVOURED)
    per_event = (marks.broke + _WORTH * min(usual, 0.5)) / (marks.cells + _WORTH)
    spent = np.minimum(per_event / max(marks.background, 1e-9), (_MOST_FAVOURED - 1) * _WINDOW)
    spent = spent * np.maximum(marks.cells - marks.broke, 0.0)
    average = 1 + float(spent.sum()) / possible
    statistical = np.isin(found.kind[rows], (LEVEL, ONE_OFF, SLOPE))
    score = found.score.copy()
    score[rows] += np.where(statistical, np.log10(weight / average), 0.0)
    score = np.maximum(score, 0.0)
    decided = np.zeros(score.size, dtype=bool)
    decided[rows[statistical]] = True
    alarm = np.where(decided, (score >= line) & ~found.part, found.alarm)
    return replace(found, score=score, alarm=alarm)
