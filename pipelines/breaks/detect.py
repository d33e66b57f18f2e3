"""Trend breaks of a panel: the rules first, then the test against the peers, then the causes.

What belongs here: the order of the steps. What does not: any step itself, or the shape of the result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.breaks.against_peers import PeerTest, compare_with_peers
from pipelines.breaks.attribution import Attribution, attribute
from pipelines.breaks.events import Events, read_events
from pipelines.breaks.national import common_breaks, typical_step
from pipelines.breaks.panel import Bools, Floats, Grid, Ints, PanelError, read_panel
from pipelines.breaks.peers import median_over
from pipelines.breaks.quantity import Quantity, quantity_of
from pipelines.breaks.result import (
    GAP,
    LEVEL,
    ONE_OFF,
    SCALE,
    Detection,
    Findings,
    attribution_table,
    break_table,
    detectable_table,
)
from pipelines.breaks.rules import TEN, Gaps, ScaleErrors, find_gaps, find_scale_errors

RULE_SCORE = 100.0
_ABOUT_A_POWER_OF_TEN = 0.12
_COUNTRY = -1


def detect(panel: Any, events: Any = None, *, false_alarms_per_1000: float = 15.0) -> Detection:
    """Detect and attribute trend breaks in a long panel on harmonised geography.

    `panel` is a pyarrow (or polars, pandas) table with the columns `pipelines.breaks.panel.COLUMNS`, one
    row per indicator, region and period; an absent row counts as not delivered. Indicators, kinds of period
    and kinds of region are tested apart; country rows are left out. `events` has the columns
    `pipelines.breaks.events.COLUMNS`. `false_alarms_per_1000` is how many of a thousand series without a
    break may be flagged anywhere. The comparison with peers follows the homogenisation of climate series
    (Menne and Williams 2009, doi:10.1175/2008JCLI2263.1).

    Raises PanelError when a table cannot be used.
    """
    if not 0 < false_alarms_per_1000 <= 500:
        raise PanelError(f"found false_alarms_per_1000 {false_alarms_per_1000}, expected above 0, at most 500")
    line = -float(np.log10(false_alarms_per_1000 / 1000.0))
    register = read_events(events)
    tested = _tested(panel, line)
    typical = typical_step([one.peers.course for one in tested if one.peers.course is not None])
    found = Findings.together([Findings.nothing(), *(part for one in tested for part in one.findings(typical, line))])
    attribution = _attributed(found, tested, register)
    series = [(one.grid.indicator_id, one.grid.regions, one.peers.detectable) for one in tested]
    return Detection(
        breaks=break_table(found, attribution, register.event_ids),
        detectable=detectable_table(
            np.concatenate([np.full(regions.size, name) for name, regions, _ in series] or [np.empty(0, "U1")]),
            np.concatenate([regions for _, regions, _ in series] or [np.empty(0, "U1")]),
            np.concatenate([effect for _, _, effect in series] or [np.empty(0)]),
        ),
        attribution=attribution_table(found, attribution, register.event_ids),
    )


@dataclass(frozen=True)
class _Tested:
    """A grid and everything that was found in it."""

    grid: Grid
    quantity: Quantity
    gaps: Gaps
    errors: ScaleErrors
    peers: PeerTest

    def findings(self, typical: float, line: float) -> list[Findings]:
        return [self._gaps(), self._scale_errors(), self._deviations(line), self._common(typical, line)]

    def _gaps(self) -> Findings:
        national = self.gaps.national
        series = np.concatenate([self.gaps.series, np.full(national.size, _COUNTRY)])
        empty = np.full(series.size, np.nan)
        return self._of(
            kind=np.full(series.size, GAP),
            series=series,
            period=np.concatenate([self.gaps.period, national]),
            returned=np.concatenate([self.gaps.returned, np.full(national.size, -1)]),
            effect=empty,
            se=empty,
            score=np.zeros(series.size),
            alarm=np.zeros(series.size, dtype=bool),
            counted=np.ones(series.size, dtype=bool),
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
            counted=sure,
        )

    def _deviations(self, line: float) -> Findings:
        found = self.peers.found
        delivered = self.gaps.delivered
        newest = delivered.shape[1] - 1 - np.argmax(delivered[:, ::-1], axis=1)
        lasting = found.lasting | (found.period == newest[found.series])
        alarm = found.score >= line
        return self._of(
            kind=np.where(lasting, LEVEL, ONE_OFF),
            series=found.series,
            period=found.period,
            returned=np.full(found.series.size, -1),
            effect=found.effect,
            se=found.se,
            score=found.score,
            alarm=alarm,
            counted=alarm,
        )

    def _common(self, typical: float, line: float) -> Findings:
        course = self.peers.course
        found = [] if course is None else common_breaks(course, typical)
        columns = self.peers.columns
        effect = np.array([one.effect for one in found], dtype=np.float64)
        power = np.rint(effect / TEN)
        scale = (power != 0) & (np.abs(effect - power * TEN) < _ABOUT_A_POWER_OF_TEN)
        lasting = np.array([one.lasting for one in found], dtype=bool)
        score = np.array([one.score for one in found], dtype=np.float64)
        return self._of(
            kind=np.where(scale, SCALE, np.where(lasting, LEVEL, ONE_OFF)),
            series=np.full(effect.size, _COUNTRY),
            period=columns[np.array([one.period for one in found], dtype=np.int64)],
            returned=np.full(effect.size, -1),
            effect=effect,
            se=np.array([one.se for one in found], dtype=np.float64),
            score=score,
            alarm=score >= line,
            counted=score >= line,
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
        counted: Bools,
    ) -> Findings:
        codes = self.grid.period_codes
        national = series == _COUNTRY
        counts = self.quantity.log + np.log(self.quantity.people)
        median_count = np.round(np.exp(median_over(counts, axis=1)), 6)
        return Findings(
            indicator=np.full(series.size, self.grid.indicator_id),
            region=np.where(national, self.grid.country, self.grid.regions[series]),
            national=national,
            period=codes[period],
            per_year=np.full(series.size, self.grid.per_year),
            ordinal=self.grid.ordinals[period],
            kind=kind,
            returned_in=np.where(returned >= 0, codes[returned], ""),
            effect=effect,
            se=se,
            score=score,
            alarm=alarm,
            counted=counted,
            median_count=np.where(national, np.nan, median_count[series]),
        )


def _tested(panel: Any, line: float) -> list[_Tested]:
    grids = list(read_panel(panel))
    quantities = [quantity_of(grid) for grid in grids]
    gaps = [find_gaps(grid, quantity) for grid, quantity in zip(grids, quantities, strict=True)]
    errors = [find_scale_errors(quantity, gap.delivered) for quantity, gap in zip(quantities, gaps, strict=True)]
    cases = [
        (grid, quantity, gap.delivered, error)
        for grid, quantity, gap, error in zip(grids, quantities, gaps, errors, strict=True)
    ]
    peers = compare_with_peers(cases, line)
    return [_Tested(*parts) for parts in zip(grids, quantities, gaps, errors, peers, strict=True)]


def _attributed(found: Findings, tested: list[_Tested], register: Events) -> Attribution:
    """Shares per finding. A finding for the country competes with findings for the country alone."""
    share = np.zeros((found.ordinal.size, len(register)))
    candidate = np.zeros(share.shape, dtype=bool)
    if not len(register) or not tested:
        return Attribution(share, candidate)
    names, indicator_of = np.unique([one.grid.indicator_id for one in tested], return_inverse=True)
    touched = register.touching_indicators(names)
    timing = register.timing(found.ordinal, found.per_year)
    sizes = [one.grid.regions.size for one in tested]
    codes, region_of = np.unique(np.concatenate([one.grid.regions for one in tested]), return_inverse=True)
    own = (np.repeat(indicator_of, sizes), region_of, codes, register.touching_regions(codes))
    countries, country_of = np.unique([one.grid.country for one in tested], return_inverse=True)
    common = (indicator_of, country_of, countries, register.touching_countries(countries))
    for national, (of_indicator, of_region, regions, reached) in ((False, own), (True, common)):
        cells, first = np.unique(of_indicator * regions.size + of_region, return_index=True)
        scope = touched[of_indicator[first]] & reached[of_region[first]]
        rows = np.flatnonzero(found.national == national)
        if not rows.size:
            continue
        key = np.searchsorted(names, found.indicator[rows]) * regions.size
        cell = np.searchsorted(cells, key + np.searchsorted(regions, found.region[rows]))
        periods = float(np.mean([len(one.grid.periods) for one in tested]))
        part = attribute(scope, cell, timing[rows], found.counted[rows], periods)
        share[rows], candidate[rows] = part.share, part.candidate
    return Attribution(share, candidate)
