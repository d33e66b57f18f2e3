"""One panel tested against itself: what deviates from its peers more than series without a break do.

What belongs here: the two passes (a first look that takes clear breaks out, then the noise, the null and
the search proper). What does not: rules, causes, the shape of the result, or grids with too few series to compare
(`without_peers`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipelines.breaks.groups import Groups, Shared, shared_breaks
from pipelines.breaks.measured import Look, Panel
from pipelines.breaks.national import Course, course_variance, differing_changes
from pipelines.breaks.null import Null, nulls_of_panels
from pipelines.breaks.panel import Bools, Floats, Grid, Ints
from pipelines.breaks.peers import median_over
from pipelines.breaks.quantity import Quantity
from pipelines.breaks.rules import TEN, ScaleErrors
from pipelines.breaks.search import Found, Lines, search
from pipelines.breaks.side_by_side import side_by_side

FEWEST_PERIODS = 6
FEWEST_PEERS = 8
CANDIDATE = 0.7  # a fifth of the clean series has a score like this; kept so that another line can be drawn
_FEWEST_FIGURES = 4
_SURE = 1.5
_CLEAR = 3.7  # strength of evidence
_BLOCK = 8192  # series; n x n numbers each are held at a time

ToTest = tuple[Grid, Quantity, Bools, ScaleErrors]
"""A grid with its quantity, what counts as delivered, and the scale errors found."""


@dataclass(frozen=True)
class PeerTest:
    """Breaks of the tested series, with indices into the grid, and what could have been found.

    `detectable` (S) is the log effect of the smallest lasting shift found with 80 % power at `line`, NaN
    where a series was not tested. `course` is the common course for the national test over `columns` of the
    grid, None without peers. `shared` are the breaks of groups, `apart` (one per column of `columns`) how much
    municipalities differ in a change of that period, as a standard deviation of the log beyond their usual noise.
    """

    found: Found
    detectable: Floats
    course: Course | None
    columns: Ints
    shared: Shared
    apart: Floats


def compare_with_peers(cases: list[ToTest], groups: Groups, line: float) -> list[PeerTest | None]:
    """Level shifts, one-offs and slopes per grid; None where one has too few periods or peers to tell.

    `line` is the rarity (minus log10 of false alarms per series) at which the detectable effect is stated.
    """
    panels = [_panel(*case) for case in cases]
    looks = side_by_side(_second_look, (panel for panel in panels if panel))
    nulls = nulls_of_panels([look.to_redraw for look in looks], line)
    rows = [groups.rows(case[0].regions) for case, panel in zip(cases, panels, strict=True) if panel]
    tests = iter(side_by_side(lambda part: _test(*part, line), zip(looks, nulls, rows, strict=True)))
    return [next(tests) if panel else None for panel in panels]


def _panel(grid: Grid, quantity: Quantity, delivered: Bools, errors: ScaleErrors) -> Panel | None:
    log, present, rows = figures_to_test(quantity, delivered, errors)
    columns = np.flatnonzero(np.isfinite(log[rows]).sum(axis=0) * 2 >= min(rows.size, FEWEST_PEERS))
    if rows.size < FEWEST_PEERS or columns.size < FEWEST_PERIODS:
        return None
    return Panel(grid, quantity, errors, log=log, present=present, rows=rows, columns=columns)


def figures_to_test(quantity: Quantity, delivered: Bools, errors: ScaleErrors) -> tuple[Floats, Bools, Ints]:
    """Log rates without scale errors (S x n), where anything is known, and the series with enough figures to test."""
    log = np.where(delivered, without_scale_errors(quantity, errors), np.nan)
    present = np.isfinite(log) | (quantity.suppressed & delivered)
    tested = (np.isfinite(log).sum(axis=1) >= _FEWEST_FIGURES) & (present.sum(axis=1) >= FEWEST_PERIODS)
    return log, present, np.flatnonzero(tested)


def _second_look(panel: Panel) -> Look:
    """The panel measured with its clear breaks taken out, so that they do not count as noise."""
    look = panel.look(np.zeros(panel.log.shape))
    clear = _in_blocks(look, Lines(_as_it_is, _CLEAR, _CLEAR))
    return panel.look(clear.fitted(panel.log.shape))


def _as_it_is(strength: Floats) -> Floats:
    return strength


def _blocks(series: int) -> list[Ints]:
    return [np.arange(start, min(start + _BLOCK, series)) for start in range(0, series, _BLOCK)]


def _in_blocks(look: Look, lines: Lines) -> Found:
    """The search over all series of a panel, a bounded number at a time."""
    parts = [(search(look.searched(rows), lines), rows) for rows in _blocks(look.rest.shape[0])]
    return Found.together([replace(found, series=rows[found.series]) for found, rows in parts])


def _test(look: Look, null: Null, groups: list[Ints], line: float) -> PeerTest:
    panel = look.panel
    lines = Lines(null.rarity, CANDIDATE, min(line, _SURE))
    detectable = np.full(panel.all_series, np.nan)
    parts = []
    for rows in _blocks(look.rest.shape[0]):
        searched = look.searched(rows)
        found = search(searched, lines)
        parts.append(replace(found, series=rows[found.series]))
        detectable[panel.rows[rows]] = look.detectable(searched, null, line)
    found = Found.together(parts).that_matter(panel.columns.size, panel.per_year)
    variance = course_variance(look.clean_rest, look.variance)
    return PeerTest(
        replace(found, series=panel.rows[found.series], period=panel.columns[found.period]),
        detectable,
        Course(look.centre, variance, panel.ordinals, panel.per_year),
        panel.columns,
        _shared(look, null, groups),
        differing_changes(look.rest, panel.present),
    )


def _shared(look: Look, null: Null, groups: list[Ints]) -> Shared:
    """The breaks that groups share; `groups` places their members in the grid."""
    panel = look.panel
    place = np.full(panel.all_series, -1)
    place[panel.rows] = np.arange(panel.rows.size)
    parts = []
    for group, rows in enumerate(groups):
        own = place[rows][place[rows] >= 0]
        if own.size:
            parts.append(shared_breaks(group, look.searched(own), null, CANDIDATE))
    shared = Shared.together(parts)
    return replace(shared, period=panel.columns[shared.period])


def without_scale_errors(quantity: Quantity, errors: ScaleErrors) -> Floats:
    """The log rate with lasting scale errors divided out, and single wrong figures left out."""
    log = quantity.log.copy()
    off = errors.power_of_cell != 0
    if not off.any():
        return log
    # Where a sound numerator stands beside a wrongly scaled rate, the log rate was right to begin with.
    apart = quantity.log - quantity.log_value
    apart = apart - median_over(np.where(off, np.nan, apart), axis=1)[:, None]
    wrong = off & ~(np.abs(apart + errors.power_of_cell * TEN) < 0.5)
    log = np.where(wrong, log - errors.power_of_cell * TEN, log)
    short = wrong & (off.sum(axis=1, keepdims=True) <= 2)
    return np.where(short, np.nan, log)
