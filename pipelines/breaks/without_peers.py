"""Grids with too few series to compare, such as the figures of one municipality: each series against its own past.

What belongs here: from such grids to the arrays of `alone`, and back. What does not: the test itself, or grids that
can be compared. What a country or a cooperation did, a handful of series cannot tell.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from pipelines.breaks.against_peers import PeerTest, ToTest, figures_to_test
from pipelines.breaks.alone import Alone, breaks_alone
from pipelines.breaks.groups import Shared
from pipelines.breaks.measured import Panel
from pipelines.breaks.panel import Floats
from pipelines.breaks.peers import median_over
from pipelines.breaks.quantity import SUPPRESSED_BELOW, filled_in_time, smoothed
from pipelines.breaks.search import Found

_HIGH = 2.0  # times the limit of suppression


def with_series_alone(cases: list[ToTest], compared: list[PeerTest | None], line: float) -> list[PeerTest]:
    """The tests of all grids: `compared`, and where a grid could not be (None) its series each alone.

    Grids over the same periods are tested in one batch: one municipality brings hundreds of indicators.
    """
    tests = dict(enumerate(compared))
    panels = {number: _panel(cases[number]) for number, test in tests.items() if test is None}
    alike: dict[tuple[int, ...], list[int]] = {}
    for number, panel in panels.items():
        alike.setdefault((panel.per_year, *panel.ordinals.tolist()), []).append(number)
    for numbers in alike.values():
        tests.update(zip(numbers, _tested([panels[number] for number in numbers], line), strict=True))
    return [test for test in tests.values() if test is not None]


def _panel(case: ToTest) -> Panel:
    """The series with enough figures, over all periods of the grid."""
    grid, quantity, delivered, errors = case
    log, present, rows = figures_to_test(quantity, delivered, errors)
    columns = np.arange(len(grid.periods))
    return Panel(grid, quantity, errors, log=log, present=present, rows=rows, columns=columns)


def _tested(panels: list[Panel], line: float) -> list[PeerTest]:
    """The tests of panels over the same periods, as one."""
    most = max(len(panel.lasting_errors) for panel in panels)
    figures = [_figures(panel) for panel in panels]
    alone = breaks_alone(
        np.concatenate([log for log, _ in figures]),
        np.concatenate([variance for _, variance in figures]),
        panels[0].ordinals,
        panels[0].per_year,
        line,
        np.concatenate([_steps(panel, most) for panel in panels]),
    )
    ends = np.cumsum([panel.rows.size for panel in panels])
    return [_of_panel(alone, panel, int(end) - panel.rows.size) for panel, end in zip(panels, ends, strict=True)]


def _figures(panel: Panel) -> tuple[Floats, Floats]:
    """Log rates (S x n, NaN missing) and what counting and rounding alone make them vary.

    A suppressed figure is taken as just under the limit where the last one known was at least twice that, so that a
    fall shows. Elsewhere it is missing: a slow decline or rise through the limit is no break.
    """
    level = median_over(panel.log, axis=1)
    seen = np.maximum.accumulate(np.isfinite(panel.log), axis=1)
    people = np.exp(filled_in_time(panel.log)) * panel.quantity.people
    fallen = panel.quantity.suppressed & seen & (people >= _HIGH * SUPPRESSED_BELOW)
    log = np.where(fallen, panel.quantity.at_least_hidden(level[:, None]), panel.log)
    return log, panel.quantity.variance(smoothed(log, level))


def _steps(panel: Panel, most: int) -> Floats:
    """S x most x n: lasting scale errors, whose rest is no break of its own."""
    steps = np.zeros((panel.rows.size, most, panel.columns.size))
    for turn, (series, period) in enumerate(panel.lasting_errors):
        steps[series, turn] = panel.columns >= period[:, None]
    return steps


def _of_panel(alone: Alone, panel: Panel, first: int) -> PeerTest:
    """What was found in the series of one panel, the first of which is `first` among all."""
    last = first + panel.rows.size
    own = slice(*np.searchsorted(alone.found.series, [first, last]))
    found = Found(**{item.name: getattr(alone.found, item.name)[own] for item in fields(Found)})
    detectable = np.full(panel.all_series, np.nan)
    detectable[panel.rows] = alone.detectable[first:last]
    return PeerTest(
        found=replace(found, series=panel.rows[found.series - first]),
        detectable=detectable,
        course=None,
        columns=panel.columns,
        shared=Shared.nothing(),
        apart=np.empty(0),
    )
