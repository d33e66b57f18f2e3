"""An attacker on published counts of persons, and random panels to set him on.

What belongs here: everything that somebody outside can know of a panel, in one linear program per hidden count; and
panels with what the marts have: regions on two borders, laws and provisions with totals, persons under both laws,
stocks and flows of half-years, rates per 1,000 inhabitants. What does not: how the project protects anything. Nothing
of its code is used to attack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import SupportsInt

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.optimize import linprog
from scipy.sparse import block_diag, coo_array

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LAWS = ("wmo", "jeugd")


@dataclass
class Panel:
    """Counts by name, the sums between them as (total, {part: sign}), and the inhabitants behind the rates."""

    k: int = 10
    round_to: int = 5
    persons: dict[str, int] = field(default_factory=dict)
    unpublished: set[str] = field(default_factory=set)
    sums: list[tuple[str, dict[str, int]]] = field(default_factory=list)
    inhabitants: dict[str, int] = field(default_factory=dict)

    def put(self, name: str, persons: SupportsInt, *, published: bool = True) -> str:
        """One count."""
        self.persons[name] = int(persons)
        if not published:
            self.unpublished.add(name)
        return name

    def total(self, name: str, parts: Iterable[str]) -> str:
        """A published count that is the sum of others."""
        signs = dict.fromkeys(parts, 1)
        self.put(name, sum(self.persons[part] for part in signs))
        self.sums.append((name, signs))
        return name

    @property
    def cells(self) -> pa.Table:
        """The counts as the project takes them."""
        size = len(self.persons)
        return pa.table(
            {
                "cell_id": list(self.persons),
                "persons": pa.array(self.persons.values(), pa.int64()),
                "k": pa.array([self.k] * size, pa.int64()),
                "round_to": pa.array([self.round_to] * size, pa.int64()),
                "is_published": [name not in self.unpublished for name in self.persons],
            }
        )

    @property
    def relations(self) -> pa.Table:
        """The sums as the project takes them."""
        rows = [
            {"sum_id": str(number), "total_cell_id": total, "part_cell_id": part, "sign": sign}
            for number, (total, parts) in enumerate(self.sums)
            for part, sign in parts.items()
        ]
        columns = [(name, pa.string()) for name in ("sum_id", "total_cell_id", "part_cell_id")]
        return pa.Table.from_pylist(rows, schema=pa.schema([*columns, ("sign", pa.int64())]))


def random_panel(seed: int) -> Panel:
    """A panel of its own for each number: three to five municipalities, of which the first two merge."""
    chance = np.random.default_rng(seed)
    panel = Panel(round_to=int(chance.choice([1, 5, 5, 5, 10])))
    towns = [f"VB{number}" for number in range(int(chance.integers(3, 6)))]
    size = dict(zip(towns, chance.lognormal(0, 1, len(towns)), strict=True))
    level = float(chance.choice([4, 10, 30]))
    periods = [f"{2020 + half // 2}H{1 + half % 2}" for half in range(int(chance.integers(1, 3)))]
    for town in towns:
        panel.inhabitants[town] = int(1000 * size[town]) + 500
    for period in periods:
        for town in towns:
            _use(panel, chance, town, period, level * size[town], int(chance.integers(1, 4)))
        _both_borders(panel, towns, period)
    for town in towns:
        _flows(panel, chance, town, periods, level * size[town])
    return panel


def _use(panel: Panel, chance: np.random.Generator, town: str, period: str, level: float, provisions: int) -> None:
    """Clients by law and provision, and clients of either law: some have both, so that these do not add up."""
    for law in LAWS:
        parts = [
            panel.put(f"{town} {law}{number} {period}", chance.poisson(level * chance.lognormal(-0.5, 1)))
            for number in range(provisions)
        ]
        panel.total(f"{town} {law} {period}", parts)
    of_law = [f"{town} {law} {period}" for law in LAWS]
    smallest = min(panel.persons[name] for name in of_law)
    both = panel.put(f"{town} beide {period}", chance.integers(0, smallest + 1))
    panel.put(f"{town} samen {period}", sum(panel.persons[name] for name in of_law) - panel.persons[both])
    panel.sums.append((f"{town} samen {period}", {of_law[0]: 1, of_law[1]: 1, both: -1}))
    for name in of_law:
        only = panel.put(f"{name} alleen", panel.persons[name] - panel.persons[both], published=False)
        panel.sums.append((name, {both: 1, only: 1}))


def _both_borders(panel: Panel, towns: list[str], period: str) -> None:
    """All of it for the country, and once more on later borders: what did not change stands there twice."""
    for law in LAWS:
        old = [f"{town} {law} {period}" for town in towns]
        panel.total(f"VB00 {law} {period}", old)
        merged = panel.total(f"VB90 {law} {period} 2026", old[:2])
        panel.inhabitants["VB90"] = sum(panel.inhabitants[town] for town in towns[:2])
        same = [panel.total(f"{name} 2026", [name]) for name in old[2:]]
        panel.total(f"VB00 {law} {period} 2026", [merged, *same])


def _flows(panel: Panel, chance: np.random.Generator, town: str, periods: list[str], level: float) -> None:
    """Begin and in is out and end, and each end is the next begin."""
    end = panel.put(f"{town} stand {periods[0]} begin", chance.poisson(level))
    for period in periods:
        begin, came = end, panel.put(f"{town} in {period}", chance.poisson(level / 3))
        went = panel.put(f"{town} uit {period}", chance.binomial(panel.persons[begin] + panel.persons[came], 0.2))
        end = panel.put(f"{town} stand {period}", panel.persons[begin] + panel.persons[came] - panel.persons[went])
        panel.sums.append((end, {begin: 1, came: 1, went: -1}))


def _region(name: str) -> str:
    return name.partition(" ")[0]


def published_rates(panel: Panel, shown: Mapping[str, int | None]) -> dict[str, float]:
    """Clients per 1,000 inhabitants to one decimal, as the marts give them beside the counts: of what is shown."""
    return {
        name: round(1000 * count / panel.inhabitants[_region(name)], 1)
        for name, count in shown.items()
        if count is not None and _region(name) in panel.inhabitants
    }


def widths(
    panel: Panel, shown: Mapping[str, int | None], rates: Mapping[str, float], only: Iterable[str] | None = None
) -> dict[str, float]:
    """How far apart the lowest and the highest value of every hidden count are, after all that is published.

    `only` are the hidden counts to attack, where not all of them.
    """
    names = list(panel.persons)
    place = {name: number for number, name in enumerate(names)}
    bounds = np.array([_known(panel, name, shown, rates) for name in names])
    entries = [
        (row, place[name], sign)
        for row, (total, parts) in enumerate(panel.sums)
        for name, sign in [*parts.items(), (total, -1)]
    ]
    rows, columns, signs = np.array(entries).T
    sums = coo_array((signs, (rows, columns)), shape=(len(panel.sums), len(names)))
    hidden = [name for name, count in shown.items() if count is None] if only is None else list(only)
    at_once = max(1, _IN_ONE_PROGRAM // len(names))
    return {
        name: width
        for start in range(0, len(hidden), at_once)
        for name, width in _reach(hidden[start : start + at_once], place, sums, bounds).items()
    }


def _reach(hidden: list[str], place: Mapping[str, int], sums: coo_array, bounds: Floats) -> dict[str, float]:
    """The widths of a few counts: each has its own two programs, which have nothing to do with each other."""
    copies = 2 * len(hidden)
    goal = np.zeros((copies, len(place)))
    goal[np.arange(copies), [place[name] for name in hidden for _ in range(2)]] = [1.0, -1.0] * len(hidden)
    found = linprog(
        goal.ravel(),
        A_eq=block_diag([sums] * copies, format="csr"),
        b_eq=np.zeros(copies * sums.shape[0]),
        bounds=np.tile(bounds, (copies, 1)),
    )
    assert found.status == 0, found.message
    reached = (goal * found.x.reshape(copies, -1)).sum(axis=1)
    return {name: float(-reached[2 * at] - reached[2 * at + 1]) for at, name in enumerate(hidden)}


_IN_ONE_PROGRAM = 5000
_FAR = 1e5


def _known(panel: Panel, name: str, shown: Mapping[str, int | None], rates: Mapping[str, float]) -> tuple[float, float]:
    """The lowest and the highest that a count can be by what is shown of it, for somebody who knows the rule.

    A zero is shown as zero, so that what is hidden is one at least; what is shown is zero or at least k, a whole
    number, and rounded.
    """
    if name in panel.unpublished:
        return 0.0, _FAR
    count = shown[name]
    if count is None:
        return 1.0, _FAR
    if count == 0:
        return 0.0, 0.0
    half = (panel.round_to - 1) // 2
    low, high = count - panel.round_to // 2, count + half
    if name in rates:
        inhabitants = panel.inhabitants[_region(name)]
        low = max(low, np.ceil((rates[name] - 0.05) * inhabitants / 1000 - 1e-9) - panel.round_to // 2)
        high = min(high, np.floor((rates[name] + 0.05) * inhabitants / 1000 + 1e-9) + half)
    return float(max(low, panel.k)), float(high)
