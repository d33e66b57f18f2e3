"""Breaks that need no statistics: deliveries that stop and return, figures off by a factor 10, 100 or 1000.

What belongs here: findings that hold whatever the noise of the panel. What does not: anything with a
threshold on rarity. A suppressed figure (Q) is a delivery; one that cannot exist (M) is not a gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Bools, Floats, Grid, Ints
from pipelines.breaks.peers import centre_and_level, median_over
from pipelines.breaks.quantity import Quantity

TEN = float(np.log(10.0))
_LARGEST_FACTOR = 3  # 10 ** 3
_TOLERANCE = (0.3, 0.5)  # of the log: between 7.4 and 13.5 times is ten times
_QUIET, _LARGE = 1.3, 1.2  # changes of the log: a factor of 3.7 and of 3.3
_MOST_BY_CHANCE = 0.3  # of the jumps near a power of ten that jumps of other sizes lead one to expect anyway
_FEWEST_PEERS = 3
_LARGE_ENOUGH_TO_MISS = 25.0
_MONEY = ("eur", "eur_per_inhabitant")


@dataclass(frozen=True)
class Gaps:
    """Runs of missing deliveries: `series`, first missing `period`, and `returned` (-1: not yet).

    `national` lists columns that most of the panel did not deliver; they are no gap of a single series.
    `delivered` (S x n) is what counts as delivered, without zeros that stand for nothing delivered.
    """

    series: Ints
    period: Ints
    returned: Ints
    national: Ints
    delivered: Bools


def find_gaps(grid: Grid, quantity: Quantity) -> Gaps:
    """Missing deliveries within series that delivered before, and when they came back."""
    delivered = np.isin(grid.status, ("A", "P", "Q")) & ~unlikely_zeros(grid, quantity)
    before = np.cumsum(delivered, axis=1) - delivered > 0
    expected = before & (grid.status != "M")
    missing = expected & ~delivered
    of_how_many = expected.sum(axis=0)
    national = (missing.sum(axis=0) * 2 > of_how_many) & (of_how_many > _FEWEST_PEERS)
    own = missing & ~national
    # A run goes on through a period that nobody delivered and through one that cannot exist.
    series, period, returned = runs(own, delivered)
    return Gaps(series, period, returned, np.flatnonzero(national), delivered)


def unlikely_zeros(grid: Grid, quantity: Quantity) -> Bools:
    """Zeros where the series counts dozens, or books money: a form handed in empty."""
    zero = grid.value == 0
    if not zero.any():
        return zero
    positive = np.where(grid.value > 0, grid.value, np.nan)
    usual = median_over(positive, axis=1)[:, None]
    mostly_there = np.isfinite(positive).sum(axis=1, keepdims=True) > zero.sum(axis=1, keepdims=True)
    if grid.unit in _MONEY:
        return np.asarray(zero & mostly_there & (usual > 0))
    people = quantity.people / quantity.printed if grid.unit == "count" else quantity.people
    return np.asarray(zero & mostly_there & (usual * people >= _LARGE_ENOUGH_TO_MISS))


def runs(marked: Bools, ending: Bools) -> tuple[Ints, Ints, Ints]:
    """Runs of marked cells per row, up to the next cell in `ending`: row, first column, ending column or
    -1.
    """
    size = marked.shape[1]
    rows: list[Ints] = []
    firsts: list[Ints] = []
    open_run = np.zeros(marked.shape[0], dtype=bool)
    ends = np.full(marked.shape, -1)
    upcoming = np.full(marked.shape[0], -1)
    for column in range(size - 1, -1, -1):
        ends[:, column] = upcoming
        upcoming = np.where(ending[:, column], column, upcoming)
    for column in range(size):
        open_run &= ~ending[:, column]
        starts = np.flatnonzero(marked[:, column] & ~open_run)
        rows.append(starts)
        firsts.append(np.full(starts.size, column))
        open_run[starts] = True
    row, first = np.concatenate(rows), np.concatenate(firsts)
    order = np.lexsort((first, row))
    row, first = row[order], first[order]
    return row, first, ends[row, first]


@dataclass(frozen=True)
class ScaleErrors:
    """Figures off by a power of ten: `series`, first `period`, `returned` (-1: lasting) and `power` (+ too
    high).

    `power_of_cell` (S x n) is by which power each cell is off against the greater part of its own series.
    """

    series: Ints
    period: Ints
    returned: Ints
    power: Ints
    power_of_cell: Ints


def find_scale_errors(quantity: Quantity, delivered: Bools) -> ScaleErrors:
    """Jumps of a power of ten against both the neighbours in time and the peers."""
    log = np.where(delivered, quantity.log_value, np.nan)
    series, size = log.shape
    centre = centre_and_level(log)[0] if series >= _FEWEST_PEERS else np.zeros(size)
    rest = log - centre
    level = median_over(rest, axis=1)
    # The smaller of level and cell: the count on the low side of a jump decides how sure the jump is.
    low = np.fmin(rest, np.where(np.isfinite(level), level, 0.0)[:, None]) + centre
    variance = quantity.variance(np.where(np.isfinite(low), low, 0.0))
    usual = _usual_step(rest)
    state = np.zeros(log.shape, dtype=np.int64)
    current = np.zeros(series, dtype=np.int64)
    last, last_variance = np.full(series, np.nan), np.zeros(series)
    for column in range(size):
        here = np.isfinite(rest[:, column])
        step = rest[:, column] - last
        known = np.isfinite(step)
        power = np.where(known, np.rint(np.where(known, step, 0.0) / TEN), 0).astype(np.int64)
        noise = np.sqrt(variance[:, column] + last_variance + usual**2)
        off = np.abs(np.where(known, step, 0.0) - power * TEN)
        jump = (np.abs(power) >= 1) & (np.abs(power) <= _LARGEST_FACTOR)
        jump &= (off < np.clip(3 * noise, *_TOLERANCE)) & (np.abs(power) * TEN > 5 * noise)
        current = current + np.where(jump, power, 0)
        state[:, column] = current
        last = np.where(here, rest[:, column], last)
        last_variance = np.where(here, variance[:, column], last_variance)
    present = np.isfinite(rest)
    state = np.where(_believable(rest, state, usual)[:, None], state, 0)
    beside = _beside_a_sound_count(quantity, present)
    state = np.where(beside != 0, beside, state)
    if not state.any():
        nothing = np.empty(0, dtype=np.int64)
        return ScaleErrors(nothing, nothing, nothing, nothing, state)
    off_by = np.where(present, state - _usual_state(state, present)[:, None], 0)
    row, first, returned = runs(off_by != 0, present & (off_by == 0))
    power = off_by[row, first]
    # Wrong from the first figure on, and longer than that one: the new regime is where it became right.
    opening = (np.cumsum(present, axis=1)[row, first] == 1) & (returned - first > 1)
    period = np.where(opening, returned, first)
    return ScaleErrors(
        series=row,
        period=period,
        returned=np.where(opening, -1, returned),
        power=np.where(opening, -power, power),
        power_of_cell=off_by,
    )


def _beside_a_sound_count(quantity: Quantity, present: Bools) -> Ints:
    """The power of ten by which a published rate differs from that of the numerator delivered beside it (S x n)."""
    apart = np.where(present, quantity.log_value - quantity.log, np.nan)
    apart = np.nan_to_num(apart - median_over(apart, axis=1)[:, None])
    power = np.rint(apart / TEN)
    sure = (np.abs(power) <= _LARGEST_FACTOR) & (np.abs(apart - power * TEN) < _TOLERANCE[0])
    return np.where(sure, power, 0).astype(np.int64)


def _believable(rest: Floats, state: Ints, usual: Floats) -> Bools:
    """Series whose jumps are mistakes of scale (S): quiet once these are undone, in a panel where jumps of other
    sizes are rarer.

    Where amounts are small and booked by the lump, seven or fifteen times is as common as ten times.
    """
    off = np.any(state != 0, axis=1)
    if not off.any():
        return off
    undone = np.abs(_steps(rest - state * TEN))
    quiet = np.nanmax(undone, axis=1, initial=0.0) < np.maximum(_QUIET, 5 * usual)
    raw = np.abs(_steps(rest))
    power = np.maximum(np.rint(raw / TEN), 1.0)
    apart = np.abs(raw - power * TEN)
    large = (raw > _LARGE) & (power <= _LARGEST_FACTOR)
    near, beside = large & (apart < _TOLERANCE[0]), large & (apart >= _TOLERANCE[0]) & (apart < 3 * _TOLERANCE[0])
    # The bands beside are twice as wide as those around the powers of ten.
    by_chance = beside.sum() / 2 / max(near.sum(), 1)
    return np.asarray(off & quiet & (by_chance < _MOST_BY_CHANCE))


def _steps(rest: Floats) -> Floats:
    """Changes between figures that follow each other (S x n), NaN where there is none."""
    return np.asarray(rest - _previous(rest))


def _previous(rest: Floats) -> Floats:
    """The figure before each one, over holes."""
    before = np.full(rest.shape, np.nan)
    last = np.full(rest.shape[0], np.nan)
    for column in range(rest.shape[1]):
        before[:, column] = last
        last = np.where(np.isfinite(rest[:, column]), rest[:, column], last)
    return before


def _usual_step(rest: Floats) -> Floats:
    """Typical change per period of each series, by the median, so that one jump does not count.

    At most a few times that of the panel: in a series of five figures two of the four changes are the error.
    """
    steps = np.abs(np.diff(rest, axis=1))
    if not np.isfinite(steps).any():
        return np.zeros(rest.shape[0])
    own = np.nan_to_num(median_over(steps, axis=1))
    return 1.4826 * np.minimum(own, 3 * float(np.nanmedian(steps)))


def _usual_state(state: Ints, present: Bools) -> Ints:
    """The power most cells of a series share; of two as frequent, the later one."""
    lowest, highest = int(state.min()), int(state.max())
    best, usual = np.full(state.shape[0], -1), np.zeros(state.shape[0], dtype=np.int64)
    for power in range(lowest, highest + 1):
        at = (state == power) & present
        latest = np.where(at, np.arange(state.shape[1]), -1).max(axis=1)
        often = at.sum(axis=1) * state.shape[1] + latest
        usual = np.where(often > best, power, usual)
        best = np.maximum(best, often)
    return usual
