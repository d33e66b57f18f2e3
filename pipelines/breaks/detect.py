"""Trend breaks of a panel: the rules first, then the test against the peers (or alone), then the causes.

What belongs here: the order of the steps. What does not: any step itself, or the shape of the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.breaks import shapes
from pipelines.breaks.against_peers import PeerTest, compare_with_peers
from pipelines.breaks.attribution import Attribution, EventEffects
from pipelines.breaks.causes import Causes, causes_of, scopes
from pipelines.breaks.copies import Copies, find_copies
from pipelines.breaks.events import Events, read_events
from pipelines.breaks.groups import Groups, members_of, read_groups
from pipelines.breaks.left_out import left_out
from pipelines.breaks.link import link_factors
from pipelines.breaks.mirrors import mirrors, wholes_of
from pipelines.breaks.national import CommonBreak, common_breaks, common_to_several, typical_step
from pipelines.breaks.panel import Bools, Floats, Grid, Ints, PanelError, read_panel
from pipelines.breaks.peers import median_over
from pipelines.breaks.quantity import Quantity, quantity_of
from pipelines.breaks.result import (
    COPY,
    GAP,
    LEVEL,
    ONE_OFF,
    ROUNDING,
    SCALE,
    SLOPE,
    Detection,
    Findings,
    attribution_table,
    break_table,
    detectable_table,
    event_table,
)
from pipelines.breaks.rounding import RoundingChanges, find_rounding_changes
from pipelines.breaks.rules import TEN, Gaps, ScaleErrors, find_gaps, find_scale_errors
from pipelines.breaks.without_peers import with_series_alone

RULE_SCORE = 100.0
_ABOUT_A_POWER_OF_TEN = 0.12
_COUNTRY = -1  # stands for a series; below that stands a group, the first as -2
_DIFFERING = 3.0  # standard deviations by which members may differ from a change of their country
_NONE = np.empty(0, dtype=np.int64)
_NAMES = np.array([ONE_OFF, LEVEL, SLOPE])  # in the order of `shapes`


def detect(panel: Any, events: Any = None, groups: Any = None, *, false_alarms_per_1000: float = 15.0) -> Detection:
    """Detect and attribute trend breaks in a long panel on harmonised geography.

    `panel` is a pyarrow (or polars, pandas) table with the columns `pipelines.breaks.panel.COLUMNS`, one
    row per indicator, region and period; an absent row counts as not delivered. Indicators, kinds of period
    and kinds of region are tested apart, with fewer than eight regions each series against its own past; country
    rows are left out. A column `whole` may say of which whole an indicator is a part, for the mirrors; without it all
    of one unit are taken for one. `events` has the columns `pipelines.breaks.events.COLUMNS`. `false_alarms_per_1000`
    is how many of a thousand series without a break may be flagged anywhere. The comparison with peers follows the
    homogenisation of climate series (Menne and Williams 2009, doi:10.1175/2008JCLI2263.1).

    Raises PanelError when a table cannot be used.
    """
    if not 0 < false_alarms_per_1000 <= 500:
        raise PanelError(f"found false_alarms_per_1000 {false_alarms_per_1000}, expected above 0, at most 500")
    line = -float(np.log10(false_alarms_per_1000 / 1000.0))
    register, cooperations = read_events(events), read_groups(groups)
    tested = _tested(panel, cooperations, line)
    common = _common_breaks(tested, line)
    found = Findings.together(
        [
            Findings.nothing(),
            *(part for one, own in zip(tested, common, strict=True) for part in one.findings(own, line)),
        ]
    )
    caused = _caused(found, tested, register, cooperations, line)
    found, attribution = caused.found, caused.attribution
    series = [(one.grid.indicator_id, one.grid.regions, one.peers.detectable) for one in tested]
    breaks = break_table(found, attribution, register.event_ids, link_factors(found, attribution, register))
    wrong = [one.errors.power_of_cell != 0 for one in tested]
    return Detection(
        breaks=breaks,
        detectable=detectable_table(
            np.concatenate([np.full(regions.size, name) for name, regions, _ in series] or [np.empty(0, "U1")]),
            np.concatenate([regions for _, regions, _ in series] or [np.empty(0, "U1")]),
            np.concatenate([effect for _, _, effect in series] or [np.empty(0)]),
        ),
        attribution=attribution_table(found, attribution, register.event_ids),
        events=event_table(caused.effects, register.event_ids),
        mirrors=mirrors([one.grid for one in tested], wrong, breaks, wholes_of(panel)),
        left_out=left_out([one.grid for one in tested], register, cooperations),
    )


@dataclass(frozen=True)
class _Tested:
    """A grid and everything that was found in it."""

    grid: Grid
    quantity: Quantity
    gaps: Gaps
    errors: ScaleErrors
    peers: PeerTest
    rounding: RoundingChanges
    copies: Copies
    groups: Groups

    def findings(self, common: list[CommonBreak], line: float) -> list[Findings]:
        return [
            self._gaps(),
            self._rounding(),
            self._copies(),
            self._scale_errors(),
            self._deviations(common, line),
            self._shared(line),
            self._common(common, line),
        ]

    def _gaps(self) -> Findings:
        gaps, national = self.gaps, self.gaps.national
        return self._noted(
            GAP, gaps.series, gaps.period, np.concatenate([gaps.returned, np.full(national.size, -1)]), national
        )

    def _rounding(self) -> Findings:
        changes = self.rounding
        # A figure ten times too high is a multiple of ten as well.
        own = ~np.isin(changes.series, self.errors.series)
        lasting = np.full(int(own.sum()) + changes.national.size, -1)
        return self._noted(ROUNDING, changes.series[own], changes.period[own], lasting, changes.national)

    def _copies(self) -> Findings:
        return self._noted(COPY, self.copies.series, self.copies.period, self.copies.returned)

    def _noted(self, kind: str, series: Ints, period: Ints, returned: Ints, national: Ints = _NONE) -> Findings:
        """Findings without a size and without alarm, of series and then of the country."""
        series = np.concatenate([series, np.full(national.size, _COUNTRY)])
        empty = np.full(series.size, np.nan)
        return self._of(
            kind=np.full(series.size, kind),
            series=series,
            period=np.concatenate([period, national]),
            returned=returned,
            effect=empty,
            se=empty,
            score=np.zeros(series.size),
            alarm=np.zeros(series.size, dtype=bool),
        )

    def _scale_errors(self) -> Findings:
        errors = self.errors
        sure = np.ones(errors.series.size, dtype=bool)
        return self._of(
            kind=np.full(errors.series.size, SCALE),
            series=errors.series,
            period=errors.period,
            returned=errors.returned,
            effect=errors.power.astype(np.float64) * TEN,
            se=np.zeros(errors.series.size),
            score=np.full(errors.series.size, RULE_SCORE),
            alarm=sure,
        )

    def _deviations(self, common: list[CommonBreak], line: float) -> Findings:
        found = self.peers.found
        delivered = self.gaps.delivered
        newest = delivered.shape[1] - 1 - np.argmax(delivered[:, ::-1], axis=1)
        at_newest = (found.kind == shapes.ONE_OFF) & (found.period == newest[found.series])
        counted = found.score >= line
        rows = self.groups.rows(self.grid.regions)
        part = members_of(self.peers.shared, rows, found.series, found.period, found.effect)
        for one in (one for one in common if one.score >= line):
            near = np.abs(found.period - self.peers.columns[one.period]) <= 1
            part |= near & (np.abs(found.effect) < _DIFFERING * self.peers.apart[one.period])
        return self._of(
            kind=np.where(at_newest, LEVEL, _NAMES[found.kind]),
            series=found.series,
            period=found.period,
            returned=np.full(found.series.size, -1),
            effect=found.effect,
            se=found.se,
            score=found.score,
            alarm=counted & ~part,
            part=part,
        )

    def _shared(self, line: float) -> Findings:
        shared = self.peers.shared
        alarm = shared.score >= line
        return self._of(
            kind=_NAMES[shared.kind],
            series=_COUNTRY - 1 - shared.group,
            period=shared.period,
            returned=np.full(shared.group.size, -1),
            effect=shared.effect,
            se=shared.se,
            score=shared.score,
            alarm=alarm,
        )

    def _common(self, found: list[CommonBreak], line: float) -> Findings:
        columns = self.peers.columns
        effect = np.array([one.effect for one in found], dtype=np.float64)
        power = np.rint(effect / TEN)
        scale = (power != 0) & (np.abs(effect - power * TEN) < _ABOUT_A_POWER_OF_TEN)
        shape = np.array([one.kind for one in found], dtype=np.int64)
        score = np.array([one.score for one in found], dtype=np.float64)
        return self._of(
            kind=np.where(scale, SCALE, _NAMES[shape]),
            series=np.full(effect.size, _COUNTRY),
            period=columns[np.array([one.period for one in found], dtype=np.int64)],
            returned=np.full(effect.size, -1),
            effect=effect,
            se=np.array([one.se for one in found], dtype=np.float64),
            score=score,
            alarm=score >= line,
        )

    def _of(
        self,
        *,
        kind: npt.NDArray[np.str_],
        series: Ints,
        period: Ints,
        returned: Ints,
        effect: Floats,
        se: Floats,
        score: Floats,
        alarm: Bools,
        part: Bools | None = None,
    ) -> Findings:
        codes = self.grid.period_codes
        national, grouped = series == _COUNTRY, series < _COUNTRY
        names = np.array([*self.groups.codes, self.grid.country])
        common = names[np.where(grouped, _COUNTRY - 1 - series, -1)]
        counts = self.quantity.log + np.log(self.quantity.people)
        median_count = np.round(np.exp(median_over(counts, axis=1)), 6)
        return Findings(
            indicator=np.full(series.size, self.grid.indicator_id),
            region=np.where(series < 0, common, self.grid.regions[np.maximum(series, 0)]),
            national=national,
            grouped=grouped,
            period=codes[period],
            per_year=np.full(series.size, self.grid.per_year),
            ordinal=self.grid.ordinals[period],
            kind=kind,
            returned_in=np.where(returned >= 0, codes[returned], ""),
            effect=effect,
            se=se,
            score=score,
            alarm=alarm,
            part=np.zeros(series.size, dtype=bool) if part is None else part,
            median_count=np.where(series < 0, np.nan, median_count[np.maximum(series, 0)]),
        )


def _tested(panel: Any, groups: Groups, line: float) -> list[_Tested]:
    grids = list(read_panel(panel))
    quantities = [quantity_of(grid) for grid in grids]
    gaps = [find_gaps(grid, quantity) for grid, quantity in zip(grids, quantities, strict=True)]
    errors = [find_scale_errors(quantity, gap.delivered) for quantity, gap in zip(quantities, gaps, strict=True)]
    cases = [
        (grid, quantity, gap.delivered, error)
        for grid, quantity, gap, error in zip(grids, quantities, gaps, errors, strict=True)
    ]
    peers = with_series_alone(cases, compare_with_peers(cases, groups, line), line)
    rounding = [find_rounding_changes(grid) for grid in grids]
    copies = find_copies(grids)
    parts = zip(grids, quantities, gaps, errors, peers, rounding, copies, strict=True)
    return [
        _Tested(grid, quantity, gap, error, test, change, copy, groups)
        for grid, quantity, gap, error, test, change, copy in parts
    ]


def _common_breaks(tested: list[_Tested], line: float) -> list[list[CommonBreak]]:
    """Per grid the breaks of its common course; none where there is no course to test."""
    courses = [one.peers.course for one in tested if one.peers.course is not None]
    typical = typical_step(courses)
    found = iter(common_to_several([common_breaks(course, typical) for course in courses], courses, line))
    return [[] if one.peers.course is None else next(found) for one in tested]


def _caused(found: Findings, tested: list[_Tested], register: Events, groups: Groups, line: float) -> Causes:
    if not len(register) or not tested:
        return Causes(Attribution.nothing(found.ordinal.size, len(register)), EventEffects.nothing(), found)
    grids = [(one.grid.indicator_id, one.grid.country, one.grid.regions) for one in tested]
    periods = float(np.mean([len(one.grid.periods) for one in tested]))
    return causes_of(found, scopes(found, grids, register, groups), register, periods, line)
