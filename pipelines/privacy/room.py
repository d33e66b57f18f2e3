"""How much room the sums leave a hidden count, by linear programming, and what to hide where it is too little.

What belongs here: the proof that a hidden count can still be two numbers that lie k apart, and the search for the
cheapest further counts to hide where there is none. What does not: which counts are small, and how they are shown.

The proof is a pair of ways to fill in the hidden counts that both make all sums come out. Every count that is shown
keeps its exact value in them, so that they hold for a reader who knows more than is published: what he sees is
rounded. Hiding more takes no such way away, so that a count once proven needs no second look.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pipelines.privacy.counts import Bools, Counts, Floats, Ints

_SLACK: Final = 1e-6
_SEED: Final = 20150101
_SWEEPS: Final = 10
_IN_ONE_PROGRAM: Final = 2000
_NEAR: Final = 1500


@dataclass
class Room:
    """Per count the lowest and the highest value found in any way to fill in what is hidden."""

    counts: Counts
    low: Floats = field(init=False)
    high: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.low = self.counts.persons.astype(np.float64)
        self.high = self.low.copy()

    def lacks(self, hidden: Bools) -> Bools:
        """Which hidden counts have no proof yet."""
        return np.asarray(hidden & (self.high - self.low < self.counts.k - _SLACK))

    def found(self, columns: Ints, values: Floats) -> None:
        """One more way to fill in these counts."""
        self.low[columns] = np.minimum(self.low[columns], values)
        self.high[columns] = np.maximum(self.high[columns], values)


def hidden_with_room(counts: Counts, hidden: Bools, room: Room) -> Bools:
    """The hidden counts, and those to hide with them so that all the sums together leave each of them room of its k."""
    _look_around(counts, hidden, room)
    _look_at_each(counts, hidden, room)
    hidden = hidden.copy()
    # The largest first: what is hidden for its sake helps the smaller ones too.
    lacking = np.flatnonzero(room.lacks(hidden))
    for place in lacking[np.argsort(-counts.persons[lacking], kind="stable")]:
        if room.lacks(hidden)[place]:
            _hide_for(counts, hidden, room, int(place))
    return hidden


def _components(counts: Counts, moving: Bools) -> Ints:
    """Per count the number of the group that it moves with; -1 for one that does not move."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sums = counts.sums.tocoo()
    inside = moving[sums.col]
    # Counts and sums in one graph, the sums numbered after the counts: a sum joins all that move in it.
    size = moving.size + sums.shape[0]
    ends = (sums.col[inside].astype(np.int64), sums.row[inside].astype(np.int64) + moving.size)
    graph = coo_array((np.ones(inside.sum(), dtype=np.int8), ends), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return np.where(moving, labels[: moving.size], -1).astype(np.int64)


def _programs(counts: Counts, hidden: Bools, room: Room) -> list[tuple[Ints, Ints]]:
    """The counts that move with one that lacks proof, whole groups together, and their groups: one pair a program."""
    group = _components(counts, hidden | ~counts.published)
    lacking = np.unique(group[room.lacks(hidden)])
    places = np.flatnonzero(np.isin(group, lacking) & (group >= 0))
    places = places[np.argsort(group[places], kind="stable")]
    if not places.size:
        return []
    _, start, size = np.unique(group[places], return_index=True, return_counts=True)
    in_program = (np.cumsum(size) - 1) // _IN_ONE_PROGRAM
    cuts = start[1:][np.diff(in_program) > 0]
    return [(part, group[part]) for part in np.split(places, cuts)]


def _look_around(counts: Counts, hidden: Bools, room: Room) -> None:
    """Push all counts without proof at once, in arbitrary directions: most are proven in a few programs."""
    chance = np.random.default_rng(_SEED)
    for sweep in range(_SWEEPS):
        for places, _group in _programs(counts, hidden, room):
            # By turns all alike and some much harder than others.
            push = chance.choice((-1.0, 1.0), places.size) * chance.random(places.size) ** (1 + sweep % 3)
            push[~room.lacks(hidden)[places]] *= 0.01
            reach = counts.persons[places] + 2.0 * counts.k[places].max()
            for direction in (push, -push):
                _fill_in(counts, room, places, direction, reach)


def _look_at_each(counts: Counts, hidden: Bools, room: Room) -> None:
    """Find how low and how high each count without proof can go; in one program, one count of every group."""
    done = np.zeros(hidden.size, dtype=bool)
    while True:
        open_ = room.lacks(hidden) & ~done
        if not open_.any():
            return
        for places, group in _programs(counts, hidden, room):
            waiting = np.flatnonzero(open_[places])
            _, first = np.unique(group[waiting], return_index=True)
            chosen = waiting[first]
            for direction in (-1.0, 1.0):
                push = np.zeros(places.size)
                push[chosen] = direction
                reach = np.full(places.size, np.inf)
                reach[chosen] = (room.low[places] + counts.k[places])[chosen]
                _fill_in(counts, room, places, push, reach)
            done[places[chosen]] = True


def _fill_in(counts: Counts, room: Room, places: Ints, push: Floats, reach: Floats) -> None:
    """Fill in these counts as far as `push` says, up to `reach`, with all others at their value."""
    sums, _ = _touched(counts, places)
    true = counts.persons[places].astype(np.float64)
    bounds = np.column_stack((counts.lowest[places], np.maximum(reach, true)))
    values = _solve(-push, sums, sums @ true, bounds)
    if values is not None:
        room.found(places, values)


def _hide_for(counts: Counts, hidden: Bools, room: Room, place: int) -> None:
    """Hide what lets this one count rise as far as its k asks, at the least cost: first nearby, else anywhere."""
    nearby = _nearby(counts, place, _NEAR)
    everything = _nearby(counts, place, counts.persons.size)
    for places in (nearby, everything):
        values = _cheapest_rise(counts, hidden, room, places, place)
        if values is not None:
            moved = np.abs(values - counts.persons[places]) > _SLACK
            hidden[places[moved & counts.published[places]]] = True
            room.found(places, values)
            return
    # All of it hidden is always safe: any multiple of what it is makes every sum come out.
    hidden[everything] |= counts.published[everything] & (counts.persons[everything] > 0)
    room.high[everything] = np.where(counts.persons[everything] > 0, np.inf, room.high[everything])


def _cheapest_rise(counts: Counts, hidden: Bools, room: Room, places: Ints, place: int) -> Floats | None:
    """A way to fill in these counts with the one risen by what it lacks, and little moved that is shown; else None."""
    from scipy.sparse import hstack

    sums, _ = _touched(counts, places)
    true = counts.persons[places].astype(np.float64)
    shown = counts.published[places] & ~hidden[places]
    price = np.where(shown, 1.0 + np.log1p(true), 1e-4)
    fall = np.where(counts.published[places] & (true == 0), 0.0, true - counts.lowest[places])
    rise = np.where(counts.published[places] & (true == 0), 0.0, np.inf)
    here = np.flatnonzero(places == place)[0]
    bounds = np.column_stack((np.zeros(2 * places.size), np.concatenate([rise, fall])))
    bounds[here] = room.low[place] + counts.k[place] - true[here]
    bounds[places.size + here] = 0.0
    found = _solve(np.concatenate([price, price]), hstack([sums, -sums], format="csr"), np.zeros(sums.shape[0]), bounds)
    return None if found is None else true + found[: places.size] - found[places.size :]


def _nearby(counts: Counts, place: int, most: int) -> Ints:
    """The counts that hang together with one by sums, nearest first until there are `most`; zeros move nothing."""
    reached = np.zeros(counts.persons.size, dtype=bool)
    reached[place] = True
    moves = (counts.persons > 0) | ~counts.published
    edge = np.array([place])
    while edge.size and reached.sum() < most:
        _, rows = _touched(counts, edge)
        neighbours = np.unique(counts.by_sum[rows].indices)
        edge = neighbours[~reached[neighbours] & moves[neighbours]]
        reached[edge] = True
    return np.flatnonzero(reached)


def _touched(counts: Counts, places: Ints) -> tuple[Any, Ints]:
    """The sums in which any of these counts stands, with these columns only, and their numbers."""
    from scipy.sparse import csc_array

    inside = counts.sums[:, places]
    rows, row = np.unique(inside.indices, return_inverse=True)
    return csc_array((inside.data, row, inside.indptr), shape=(rows.size, places.size)).tocsr(), rows


def _solve(cost: Floats, sums: Any, totals: Floats, bounds: Floats) -> Floats | None:
    """The cheapest values within bounds that make the sums come out; None where the solver has none."""
    from scipy.optimize import linprog

    found = linprog(cost, A_eq=sums if sums.shape[0] else None, b_eq=totals if sums.shape[0] else None, bounds=bounds)
    return np.clip(found.x, bounds[:, 0], bounds[:, 1]) if found.status == 0 else None
