"""Breaks that another indicator of the same region mirrors: what one loses, another gains in the same period.

What belongs here: amounts and numbers that add up, and which opposite changes cancel. What does not: causes, alarms or
texts. A mirror is a hint that figures were booked or counted elsewhere, and nothing more: a total and its parts move
together, so that they are never taken for it.

An opposite change is a mirror when it is out of the ordinary, for its own series and beside that of peers in that
period, and when regions of about that size hardly ever have a change that cancels as well. What is common to all
regions is taken out first. Several mirrors may share one break.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.breaks.panel import Bools, Floats, Grid, Ints, PanelError, as_arrow, kind_of_region
from pipelines.breaks.peers import median_over

ADDITIVE = ("count", "eur")
MIRROR_SCHEMA = pa.schema(
    [
        ("indicator_id", pa.string()),
        ("region_code", pa.string()),
        ("period_code", pa.string()),
        ("kind", pa.string()),
        ("mirror_indicator_id", pa.string()),
        ("share", pa.float64()),
        ("change", pa.float64()),
        ("mirror_change", pa.float64()),
    ]
)
BY_CHANCE = 0.1  # of the findings without a mirror get one, at most; a fiftieth in real accounts
_SHAPES = ("one_off", "level")
_REMARKABLE = 3.0  # times what is usual, as standard deviations
_AS_GOOD = 0.25  # a smaller part left over is no better: amounts never cancel to the last euro
_LEFT_OVER = 0.5  # of a break, after all its mirrors
_SPREAD = 1.4826  # standard deviations in a median absolute deviation
_MOST_MIRRORS = 3
_FEWEST_REGIONS = 8
_FEWEST_STEPS = 4
_DRAWN = 4.0  # changes in a class of regions, for each that may be needed to tell how rare one is
_SMALLEST_CLASS = 40  # regions of about one size

Texts = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Claims:
    """Mirrors of findings, one per entry: which finding (`row`), by which `indicator`, what part of it, and by how
    much both changed beyond what peers did, in their unit.
    """

    row: Ints
    indicator: Ints
    share: Floats
    change: Floats
    mirror_change: Floats


def mirrors(
    grids: list[Grid], wrong: list[Bools], breaks: pa.Table, wholes: Mapping[str, str] | None = None
) -> pa.Table:
    """One row per break and mirror, in the order of `breaks`, largest share first.

    `grids` are the panel, `wrong` (S x n each) its cells that are not to be trusted, `breaks` is `Detection.breaks`.
    Mirrors are looked for among indicators of one unit and of one of `wholes` (see `wholes_of`), in the same region.
    `share` is the part of the change that the mirror takes up, together at most 1; `change` and `mirror_change` are in
    the unit of the indicators, beyond what peers did. Only level shifts and one-offs of numbers and amounts can have a
    mirror.
    """
    names = ("indicator_id", "region_code", "period_code", "kind")
    found = [np.array(breaks[name].to_pylist(), dtype=np.str_) for name in names]
    effect = np.asarray(breaks["effect_log"].to_numpy(), dtype=np.float64)
    rows: list[Ints] = [np.empty(0, dtype=np.int64)]
    parts = [MIRROR_SCHEMA.empty_table()]
    for family in _families(grids, wrong, wholes):
        at = family.place(found, effect)
        claims = family.claims(at, at.region)
        rows.append(at.row[claims.row])
        columns = [
            *(breaks[name].take(pa.array(rows[-1])) for name in names),
            pa.array(family.indicators[claims.indicator], pa.string()),
            *(pa.array(part) for part in (claims.share, claims.change, claims.mirror_change)),
        ]
        parts.append(pa.Table.from_arrays(columns, schema=MIRROR_SCHEMA))
    table = pa.concat_tables(parts)
    return table.take(pa.array(np.lexsort((-table["share"].to_numpy(), np.concatenate(rows)))))


def wholes_of(panel: Any) -> dict[str, str] | None:
    """Per indicator of which whole it is a part, from the column `whole` of a panel; None where there is none.

    Amounts of one whole can go from one part to another: the taakvelden of the accounts of a year. An indicator without
    a whole has no mirrors. Raises PanelError where an indicator is part of two.
    """
    table = as_arrow(panel, "panel")
    if "whole" not in table.column_names:
        return None
    pairs = table.select(["indicator_id", "whole"]).group_by(["indicator_id", "whole"]).aggregate([])
    wholes: dict[str, str] = {}
    for indicator, whole in sorted(
        zip(*(pairs[name].to_pylist() for name in pairs.column_names), strict=True), key=str
    ):
        known = wholes.setdefault(str(indicator), str(whole)) if whole is not None else whole
        if known != whole:
            raise PanelError(f"panel: found wholes {known} and {whole} for {indicator}, expected one")
    return wholes


@dataclass(frozen=True)
class Places:
    """Findings of one family: their `row` among all, and where they are in its figures; `shape` as in _SHAPES."""

    row: Ints
    indicator: Ints
    region: Ints
    period: Ints
    shape: Ints
    effect: Floats


@dataclass(frozen=True)
class Family:
    """J indicators of one unit over S regions and n periods.

    `moves` (2 x J x S x n) is by how much a figure is beyond what it was before (for a one-off: before and after) and
    what peers did since, for each of _SHAPES; `steps` (J x S x n) is the same against the figure before alone. `size`
    (S) is what the figures of a region usually add up to, `size_class` (S) numbers the regions of about that size.
    """

    indicators: Texts
    regions: Texts
    periods: Texts
    moves: Floats
    steps: Floats
    size: Floats
    size_class: Ints

    def place(self, found: list[Texts], effect: Floats) -> Places:
        """Where findings (indicator, region, period, kind) are; those that are none of this family are left out."""
        names = (self.indicators, self.regions, self.periods, np.array(_SHAPES))
        at = [_position(name, part) for name, part in zip(names, found, strict=True)]
        row = np.flatnonzero(np.all([place >= 0 for place in at], axis=0))
        indicator, region, period, shape = (place[row] for place in at)
        return Places(row, indicator, region, period, shape, effect[row])

    def claims(self, at: Places, beside: Ints) -> Claims:
        """The mirrors of the findings `at`, looked for in the other figures of the regions `beside`.

        These are the regions of the findings; others, brought to the size of those, tell how often chance claims one.
        """
        change = self.moves[at.shape, at.indicator, at.region, at.period]
        change = np.where(np.sign(change) == np.sign(at.effect), change, np.nan)
        row, other, opposite = self._candidates(at, beside, change)
        left = change.copy()
        free = np.ones(row.size, dtype=bool)
        rows, others, shares, amounts = [], [], [], []
        for _ in range(_MOST_MIRRORS):
            rest = left[row]
            after = np.abs(rest + opposite)
            better = free & (after < np.abs(rest)) & (np.abs(rest) > _AS_GOOD * np.abs(change[row]))
            better[better] = self._rare(at, row[better], other[better], rest[better], after[better])
            best = _first_of_each(row, np.where(better, after, np.inf))
            best = best[better[best]]
            chosen = row[best]
            rows.append(chosen)
            others.append(other[best])
            shares.append(np.minimum(np.abs(opposite[best]), np.abs(left[chosen])) / np.abs(change[chosen]))
            amounts.append(opposite[best])
            left[chosen] += opposite[best]
            free[best] = False
        whole = np.concatenate(rows)
        kept = np.abs(left[whole]) <= _LEFT_OVER * np.abs(change[whole])
        whole = whole[kept]
        mirrored = np.concatenate(amounts)[kept]
        return Claims(whole, np.concatenate(others)[kept], np.concatenate(shares)[kept], change[whole], mirrored)

    def _candidates(self, at: Places, beside: Ints, change: Floats) -> tuple[Ints, Ints, Floats]:
        """Opposite changes out of the ordinary: finding, indicator and amount."""
        scale = self.size[at.region] / self.size[beside]
        parts = []
        for other in range(self.indicators.size):
            moves = self.moves[:, other]
            remarkable = np.abs(moves) >= _REMARKABLE * self._usual(other)
            row = np.flatnonzero(remarkable[at.shape, beside, at.period] & (at.indicator != other))
            opposite = moves[at.shape[row], beside[row], at.period[row]] * scale[row]
            # Twice as far the other way leaves as much as there was.
            fits = (np.sign(opposite) == -np.sign(change[row])) & (np.abs(opposite) < 2 * np.abs(change[row]))
            parts.append((row[fits], np.full(int(fits.sum()), other), opposite[fits]))
        row, other_of, amount = (np.concatenate(part) for part in zip(*parts, strict=True))
        return row, other_of, amount

    def _usual(self, other: int) -> Floats:
        """What an indicator usually changes by (S x n): in the series or among peers in that period, the larger."""
        # Of steps, since one shift makes one of them; a few figures have no usual step of their own.
        steps = np.abs(self.steps[other])
        told = np.isfinite(steps).sum(axis=1) >= _FEWEST_STEPS
        own = np.where(told, np.nan_to_num(median_over(steps, axis=1)), 0.0)
        relative = steps / self.size[:, None]
        classes = [relative[self.size_class == number] for number in range(int(self.size_class.max()) + 1)]
        peers = np.stack([np.nan_to_num(median_over(one, axis=0)) for one in classes])
        return np.asarray(_SPREAD * np.fmax(own[:, None], peers[self.size_class] * self.size[:, None]))

    def _rare(self, at: Places, row: Ints, other: Ints, rest: Floats, after: Floats) -> Bools:
        """Whether regions of that size hardly ever have a change of `other` that leaves so little of `rest`."""
        size = self.size[at.region[row]]
        reach = np.maximum(after, _AS_GOOD * np.abs(rest)) / size * (1 + 1e-9)
        middle = -rest / size
        chance = np.ones(row.size)
        number = int(self.size_class.max()) + 1
        pool = (at.shape[row] * number + self.size_class[at.region[row]]) * self.indicators.size + other
        for one in np.unique(pool):
            mine = pool == one
            shape, kind = divmod(int(one) // self.indicators.size, number)
            inside = self.size_class == kind
            drawn = self.moves[shape, int(one) % self.indicators.size, inside] / self.size[inside, None]
            drawn = np.sort(drawn[np.isfinite(drawn)])
            within = np.searchsorted(drawn, middle[mine] + reach[mine], side="right")
            within = within - np.searchsorted(drawn, middle[mine] - reach[mine], side="left")
            chance[mine] = np.maximum(within, 1) / max(drawn.size, 1)
        looked_at = np.isfinite(self.moves).sum(axis=1)[at.shape[row], at.region[row], at.period[row]] - 1
        return np.asarray(chance * looked_at <= BY_CHANCE)


def _families(grids: list[Grid], wrong: list[Bools], wholes: Mapping[str, str] | None) -> list[Family]:
    """The panel by whole, unit, kind of period and kind of region; where nothing can be compared, nothing."""
    of = dict.fromkeys((grid.indicator_id for grid in grids), "") if wholes is None else wholes
    kinds = [
        (of.get(grid.indicator_id), grid.unit, grid.per_year, kind_of_region(str(grid.regions[0]))) for grid in grids
    ]
    families = []
    for kind in dict.fromkeys(kind for kind in kinds if kind[0] is not None and kind[1] in ADDITIVE):
        own = [(grid, cells) for grid, cells, other in zip(grids, wrong, kinds, strict=True) if other == kind]
        regions = np.unique(np.concatenate([grid.regions for grid, _ in own]))
        ordinals, first = np.unique(np.concatenate([grid.ordinals for grid, _ in own]), return_index=True)
        # Among so many indicators that no change would be rare enough, none is looked for.
        rare_enough = len(own) - 1 <= BY_CHANCE * regions.size * ordinals.size
        if len(own) > 1 and regions.size >= _FEWEST_REGIONS and ordinals.size > 1 and rare_enough:
            periods = np.concatenate([grid.period_codes for grid, _ in own])[first]
            figures = np.full((len(own), regions.size, ordinals.size), np.nan)
            for figure, (grid, cells) in zip(figures, own, strict=True):
                places = np.ix_(np.searchsorted(regions, grid.regions), np.searchsorted(ordinals, grid.ordinals))
                figure[places] = np.where(cells, np.nan, grid.value)
            names = np.array([grid.indicator_id for grid, _ in own])
            families.append(family_of(names, regions, periods, figures))
    return families


def family_of(indicators: Texts, regions: Texts, periods: Texts, figures: Floats) -> Family:
    """A family of J indicators, from its figures (J x S x n; NaN where there is none)."""
    # A form handed in empty moves every figure at once.
    empty = np.all(np.isnan(figures) | (figures == 0), axis=0)
    figures = np.where(empty, np.nan, figures)
    number = np.isfinite(figures).sum(axis=2)
    usual = np.nansum(np.abs(figures), axis=2) / np.maximum(number, 1)
    size = usual.sum(axis=0)
    size = np.where(size > 0, size, np.nan)
    # Enough changes in a class to tell how rare one is, where many indicators are looked at.
    needed = _DRAWN * indicators.size / BY_CHANCE / max(periods.size - 1, 1)
    classes = max(int(regions.size // max(needed, _SMALLEST_CLASS)), 1)
    rank = np.argsort(np.argsort(np.nan_to_num(size), kind="stable"), kind="stable")
    course = np.stack([_course(one) for one in figures])[:, None, :]
    level = figures / course
    moves = np.stack([_one_off(level), _lasting(level)]) * course
    steps = _step(level) * course
    return Family(indicators, regions, periods, moves, steps, size, rank * classes // regions.size)


def _step(level: Floats) -> Floats:
    return level - _shifted(level, 1)


def _one_off(level: Floats) -> Floats:
    return level - _mean(_shifted(level, 1), _shifted(level, -1))


def _lasting(level: Floats) -> Floats:
    after = np.where(np.isfinite(level), _mean(level, _shifted(level, -1)), np.nan)
    return np.asarray(after - _mean(_shifted(level, 1), _shifted(level, 2)))


def _course(figures: Floats) -> Floats:
    """How the figures of all regions grew since the first period, as a factor (n)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(np.where(figures > 0, figures, np.nan))
    steps = np.nan_to_num(median_over(np.diff(log, axis=1), axis=0))
    return np.exp(np.concatenate([[0.0], np.cumsum(steps)]))


def _shifted(level: Floats, periods: int) -> Floats:
    """The figures so many periods earlier (later where negative), NaN where there are none."""
    moved = np.full(level.shape, np.nan)
    if periods > 0:
        moved[..., periods:] = level[..., :-periods]
    else:
        moved[..., :periods] = level[..., -periods:]
    return moved


def _mean(first: Floats, second: Floats) -> Floats:
    """Of both, or of the one that there is."""
    return np.asarray((np.where(np.isnan(first), second, first) + np.where(np.isnan(second), first, second)) / 2)


def _first_of_each(row: Ints, by: Floats) -> Ints:
    """The place of the entry with the least `by`, for each row."""
    order = np.lexsort((by, row))
    first = np.concatenate([[True], np.diff(row[order]) != 0]) if row.size else np.empty(0, dtype=bool)
    return order[first]


def _position(names: Texts, wanted: Texts) -> Ints:
    """The place of each wanted name, -1 where it is not among them."""
    if not names.size:
        return np.full(wanted.size, -1)
    order = np.argsort(names, kind="stable")
    at = order[np.minimum(np.searchsorted(names, wanted, sorter=order), names.size - 1)]
    return np.where(names[at] == wanted, at, -1)
