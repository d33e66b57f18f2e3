"""An attacker on published counts of persons, and random panels to set him on.

What belongs here: everything that somebody outside can know of a panel, in one linear program per hidden count; and
panels with what the marts have: buurten, municipalities and the country, on two borders; provisions and laws with
totals both ways; persons under both laws; stocks and flows of half-years and years; rates per 1,000 inhabitants. What
does not: how the project protects anything. Nothing of its code is used to attack.
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
    """A panel of its own for each number: three or four municipalities, of which the first two merge."""
    chance = np.random.default_rng(seed)
    panel = Panel(round_to=int(chance.choice([1, 5, 5, 5, 10])))
    towns = [f"VB{number}" for number in range(int(chance.integers(3, 5)))]
    size = dict(zip(towns, chance.lognormal(0, 1, len(towns)), strict=True))
    level = float(chance.choice([4, 10, 30]))
    periods = [f"{2020 + half // 2}H{1 + half % 2}" for half in range(int(chance.integers(1, 3)))]
    for town in towns:
        panel.inhabitants[town] = int(1000 * size[town]) + 500
    for period in periods:
        provisions = {town: int(chance.integers(1, 3)) for town in towns}
        for town in towns:
            _use(panel, chance, town, period, level * size[town], provisions[town])
        _buurten(panel, chance, towns[0], period)
        _both_borders(panel, towns, period, provisions)
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


def _buurten(panel: Panel, chance: np.random.Generator, town: str, period: str) -> None:
    """The first provision of one municipality by buurt, and by law: a table with both its totals in another one."""
    number = int(chance.integers(2, 4))
    panel.inhabitants |= {f"{town}/{buurt}": panel.inhabitants[town] // number for buurt in range(number)}
    for law in LAWS:
        whole = panel.persons[f"{town} {law}0 {period}"]
        shares = chance.multinomial(whole, chance.dirichlet([1.0] * number))
        parts = [panel.put(f"{town}/{buurt} {law}0 {period}", part) for buurt, part in enumerate(shares)]
        panel.sums.append((f"{town} {law}0 {period}", dict.fromkeys(parts, 1)))
    for buurt in range(number):
        panel.total(f"{town}/{buurt} eerste {period}", [f"{town}/{buurt} {law}0 {period}" for law in LAWS])
    panel.total(f"{town} eerste {period}", [f"{town}/{buurt} eerste {period}" for buurt in range(number)])
    panel.sums.append((f"{town} eerste {period}", {f"{town} {law}0 {period}": 1 for law in LAWS}))


def _both_borders(panel: Panel, towns: list[str], period: str, provisions: Mapping[str, int]) -> None:
    """All of it for the country, and once more on later borders: what did not change stands there twice.

    Provisions and laws alike, so that the country and the merged municipality are tables with totals both ways.
    """
    panel.inhabitants["VB90"] = sum(panel.inhabitants[town] for town in towns[:2])
    panel.inhabitants["VB00"] = sum(panel.inhabitants[town] for town in towns)
    for law in LAWS:
        numbered = [f"{law}{number}" for number in range(max(provisions.values()))]
        for what in (*numbered, law):
            having = {town: f"{town} {what} {period}" for town in towns if f"{town} {what} {period}" in panel.persons}
            panel.total(f"VB00 {what} {period}", having.values())
            after = [panel.total(f"{having[town]} 2026", [having[town]]) for town in towns[2:] if town in having]
            if merging := [having[town] for town in towns[:2] if town in having]:
                after.append(panel.total(f"VB90 {what} {period} 2026", merging))
            panel.total(f"VB00 {what} {period} 2026", after)
        for whole in (f"VB00 {{}} {period}", f"VB00 {{}} {period} 2026", f"VB90 {{}} {period} 2026"):
            parts = [whole.format(what) for what in numbered if whole.format(what) in panel.persons]
            panel.sums.append((whole.format(law), dict.fromkeys(parts, 1)))


def _flows(panel: Panel, chance: np.random.Generator, town: str, periods: list[str], level: float) -> None:
    """Begin and in is out and end, each end is the next begin, and who came or went in a year is so in its halves."""
    end = panel.put(f"{town} stand {periods[0]} begin", chance.poisson(level))
    for period in periods:
        begin, came = end, panel.put(f"{town} in {period}", chance.poisson(level / 3))
        went = panel.put(f"{town} uit {period}", chance.binomial(panel.persons[begin] + panel.persons[came], 0.2))
        end = panel.put(f"{town} stand {period}", panel.persons[begin] + panel.persons[came] - panel.persons[went])
        panel.sums.append((end, {begin: 1, came: 1, went: -1}))
    for year in sorted({period[:4] for period in periods}):
        for what in ("in", "uit"):
            panel.total(
                f"{town} {what} {year}", [f"{town} {what} {period}" for period in periods if period[:4] == year]
            )


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
    panel: Panel,
    shown: Mapping[str, int | None],
    rates: Mapping[str, float],
    only: Iterable[str] | None = None,
    enough: float = np.inf,
) -> dict[str, float]:
    """How far apart the lowest and the highest value of every hidden count are, after all that is published.

    `only` are the hidden counts to attack, where not all of them. A count that can be two numbers that lie `enough`
    apart is not looked at any further.
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
    found = _reach_together(hidden, place, sums, bounds) if enough < np.inf else {}
    hidden = [name for name in hidden if found.get(name, 0.0) < enough]
    at_once = max(1, _IN_ONE_PROGRAM // len(names))
    for start in range(0, len(hidden), at_once):
        found |= _reach(hidden[start : start + at_once], place, sums, bounds)
    return found


def _reach_together(hidden: list[str], place: Mapping[str, int], sums: coo_array, bounds: Floats) -> dict[str, float]:
    """Widths at least: how far apart each count comes to lie when all are pushed at once, in arbitrary directions."""
    chance = np.random.default_rng(len(hidden))
    columns = [place[name] for name in hidden]
    least, most = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    for _ in range(_PUSHES):
        goal = np.zeros(len(place))
        goal[columns] = chance.choice((-1.0, 1.0), len(columns)) * chance.random(len(columns))
        for direction in (goal, -goal):
            found = linprog(direction, A_eq=sums, b_eq=np.zeros(sums.shape[0]), bounds=bounds)
            assert found.status == 0, found.message
            least, most = np.minimum(least, found.x[columns]), np.maximum(most, found.x[columns])
    return dict(zip(hidden, (most - least).tolist(), strict=True))


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


_PUSHES = 6
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
