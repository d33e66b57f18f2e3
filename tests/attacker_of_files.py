"""An attacker who has the published file and nothing else, and knows by which rule counts are hidden and rounded.

What belongs here: what each published table says of counts of persons, shown and hidden, as bounds and as sums and
inequalities between them, read from the marts alone; and how far apart the lowest and the highest value are that all of
it together leaves a hidden count. What does not: how the project protects anything. Nothing of its code, of its
declarations or of its other tables is read here.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Floats = npt.NDArray[np.float64]
Name = tuple[Any, ...]

K = 10
ROUND_TO = 5
HALF = ROUND_TO // 2
_FAR = 1e5
_SWEEPS = 12
_SMALL = "Kleine aantallen zijn weggelaten"


@dataclass
class Knowledge:
    """What is known of counts: bounds of each, and bounds of weighted sums of several; and which of them are hidden."""

    bounds: dict[Name, tuple[float, float]] = field(default_factory=dict)
    relations: list[tuple[dict[Name, float], float, float]] = field(default_factory=list)
    hidden: set[Name] = field(default_factory=set)

    def within(self, name: Name, low: float = 0.0, high: float = _FAR) -> Name:
        """One count lies between these."""
        before_low, before_high = self.bounds.get(name, (0.0, _FAR))
        self.bounds[name] = (max(before_low, low), min(before_high, high))
        return name

    def shown(self, name: Name, count: float) -> Name:
        """One count is published: zero as zero, another one rounded and not below k."""
        return self.within(name, 0, 0) if count == 0 else self.within(name, max(K, count - HALF), count + HALF)

    def read(self, name: Name, count: float | None) -> Name:
        """One count as a table has it; where it is empty it is hidden, and not zero."""
        if count is not None:
            return self.shown(name, count)
        self.hidden.add(name)
        return self.within(name, 1)

    def relation(self, weights: Mapping[Name, float], low: float = 0.0, high: float = np.inf) -> None:
        """A weighted sum of counts lies between these."""
        for name in weights:
            self.within(name)
        self.relations.append((dict(weights), low, high))

    def at_least(self, whole: Name | Iterable[Name], parts: Iterable[Name]) -> None:
        """One count, or several together, is no less than others together."""
        wholes = [whole] if isinstance(whole, tuple) else list(whole)
        weights: dict[Name, float] = defaultdict(float)
        for name, weight in [*((one, 1.0) for one in wholes), *((one, -1.0) for one in parts)]:
            weights[name] += weight
        self.relation(weights)

    def adds_up(self, total: Name, parts: Iterable[Name]) -> None:
        """One count is the sum of others."""
        self.relation({total: -1.0, **dict.fromkeys(parts, 1.0)}, 0.0, 0.0)

    def changes(self, before: Name, now: Name, precision: float, percent: float) -> None:
        """From one count to another, both as they are shown, it is so many per cent."""
        factor, slack = 1 + percent / 100, precision / 100
        room = HALF * (1 + abs(factor)) + slack
        self.relation({now: 1.0, before: -(factor - slack)}, -room)
        self.relation({now: 1.0, before: -(factor + slack)}, -np.inf, room)

    def has(self, *names: Name) -> bool:
        """Whether anything was said of all of these."""
        return all(name in self.bounds for name in names)

    def widths(self, enough: float = K) -> dict[Name, float]:
        """How far apart the lowest and the highest value of every hidden count are, as far as `enough`.

        What is known contradicts itself: AssertionError.
        """
        names = list(self.bounds)
        place = {name: number for number, name in enumerate(names)}
        low, high = np.array([self.bounds[name] for name in names]).T
        assert (low <= high).all(), [names[at] for at in np.flatnonzero(low > high)][:5]
        entries = [
            (row, place[name], weight)
            for row, (weights, _, _) in enumerate(self.relations)
            for name, weight in weights.items()
        ]
        rows, columns, weights = np.array(entries).T if entries else np.empty((3, 0))
        matrix = csr_array(
            coo_array((weights, (rows.astype(int), columns.astype(int))), (len(self.relations), len(names)))
        )
        limits = np.array([(least, most) for _, least, most in self.relations]).reshape(-1, 2)
        found = {name: float(high[place[name]] - low[place[name]]) for name in self.hidden}
        for group in _groups(matrix, low < high):
            wanted = np.array([names[at] in self.hidden for at in group])
            if not wanted.any():
                continue
            part = matrix[:, group]
            inside = np.flatnonzero(np.diff(part.indptr))
            fixed = np.setdiff1d(np.arange(len(names)), group)
            known = matrix[inside][:, fixed] @ low[fixed]
            program = _Program(part[inside], limits[inside] - known[:, None], low[group], high[group])
            reached = program.reach(wanted, enough)
            found |= {names[group[at]]: float(reached[at]) for at in np.flatnonzero(wanted)}
        return found


@dataclass
class _Program:
    matrix: csr_array
    limits: Floats
    low: Floats
    high: Floats

    def reach(self, wanted: npt.NDArray[np.bool_], enough: float) -> Floats:
        """Width per count: all are pushed at once in arbitrary directions, and then by itself each that lacks room."""
        least, most = np.full(self.low.size, np.inf), np.full(self.low.size, -np.inf)
        chance = np.random.default_rng(7)
        for sweep in range(_SWEEPS):
            lacking = wanted & ~(most - least >= enough)
            if not lacking.any():
                break
            push = np.where(
                lacking, chance.choice((-1.0, 1.0), wanted.size) * chance.random(wanted.size) ** (sweep % 3), 0
            )
            for direction in (push, -push):
                values = self._solve(direction)
                least, most = np.minimum(least, values), np.maximum(most, values)
        for at in np.flatnonzero(wanted & (most - least < enough)):
            for cost in (1.0, -1.0):
                values = self._solve(np.where(np.arange(wanted.size) == at, cost, 0.0))
                least, most = np.minimum(least, values), np.maximum(most, values)
        return most - least

    def _solve(self, cost: Floats) -> Floats:
        # Beyond this nothing is gained by going on: a count that can rise so far is not known.
        found = milp(
            cost,
            constraints=LinearConstraint(self.matrix, self.limits[:, 0] - 1e-7, self.limits[:, 1] + 1e-7),
            bounds=Bounds(self.low, self.high),
        )
        assert found.status == 0, found.message
        return np.asarray(found.x, dtype=np.float64)


def _groups(matrix: csr_array, free: npt.NDArray[np.bool_]) -> Iterator[npt.NDArray[np.int64]]:
    """The counts that hang together by relations; one that is known to the person ties nothing together."""
    entries = matrix.tocoo()
    inside = free[entries.col]
    size = matrix.shape[0] + matrix.shape[1]
    ends = (entries.col[inside], entries.row[inside] + matrix.shape[1])
    graph = coo_array((np.ones(inside.sum()), ends), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][: matrix.shape[1]]
    labels = np.where(free, labels, -1)
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-2))
    for group in np.split(order, starts[1:]):
        if group.size and labels[group[0]] >= 0:
            yield group


def everything(published: duckdb.DuckDBPyConnection) -> Knowledge:
    """All that the published file says of counts of persons."""
    known = Knowledge()
    for table in (drill_down, stapeling, complaints, figures, surveys):
        table(published, known)
    return known


def _rows(published: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = published.execute(query)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


# -- who had which provision ---------------------------------------------------------------------------

_PARTS = {"returned": "returned_within_year_pct", "crisis": "crisis_start_pct", "wijkteam": "wijkteam_pct"}
_NOT_TOLD = {
    "returned": "Wie terugkwam, is niet bekend",
    "crisis": "De wet heeft geen voorziening",
    "wijkteam": "de verwijzer niet bekend is",
}
_MOVES = ("clients", "inflow", "outflow")
# What may be said of the costs where no amount stands; with none of these, nothing but the number of clients hides it.
_SAYS_NOTHING = "Waar het aantal cliënten niet is getoond"
_NOT_CLAIMED = "geen declaraties geleverd"
_FEW_CLAIM = "De kosten komen van te weinig personen"


def drill_down(published: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    """Clients, who began and who ended, with the shares of those who began; and who referred them."""
    use = {
        (row["region_code"], row["law"], row["provision"], row["period_code"]): row
        for row in _rows(published, "select * from marts.drill_down where obs_status != 'L'")
    }
    for key, row in use.items():
        for measure in _MOVES:
            known.read((measure, *key), row[measure])
        for measure in ("inflow", "outflow"):
            known.at_least(("clients", *key), [(measure, *key)])
        _claimants(known, key, row)
        for measure, column in _PARTS.items():
            _part_of_inflow(known, key, measure, row)
            known.at_least(("inflow", *key), [(measure, *key)])
            if row["inflow"] and row[column] is None and _is_hidden_part(measure, key, row):
                known.read((measure, *key), None)
                known.adds_up(("inflow", *key), [(measure, *key), known.read(("not", measure, *key), None)])
    _referrers(published, known)
    for key in use:
        _over_time(known, key)
        _over_provisions(known, key, use)


def _claimants(known: Knowledge, key: Name, row: Mapping[str, Any]) -> None:
    """Costs are those of clients: where they may be shown so many clients had some, and where nobody had any none."""
    claimants = ("claimants", *key)
    because = row["because"] or ""
    if row["cost_per_client_eur"] is not None or not any(
        sentence in because for sentence in (_SAYS_NOTHING, _NOT_CLAIMED, _FEW_CLAIM)
    ):
        known.at_least(("clients", *key), [known.within(claimants, K)])


def _is_hidden_part(measure: str, key: Name, row: Mapping[str, Any]) -> bool:
    because = row["because"] or ""
    if measure == "crisis" and key[2] != "totaal":
        return False
    return _SMALL in because and _NOT_TOLD[measure] not in because


def _part_of_inflow(known: Knowledge, key: Name, measure: str, row: Mapping[str, Any]) -> None:
    """A share of a rounded count tells the rounded part."""
    share = row[_PARTS[measure]]
    if share is None or not row["inflow"]:
        return
    fits = [part for part in range(0, row["inflow"] + 1, ROUND_TO) if abs(100 * part / row["inflow"] - share) < 0.0501]
    known.shown((measure, *key), fits[0])


def _referrers(published: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    of_use: dict[Name, list[Name]] = defaultdict(list)
    for row in _rows(published, "select * from marts.drill_down_referrer"):
        key = (row["region_code"], row["law"], row["provision"], row["period_code"])
        of_use[key].append(known.read(("referrer", row["referrer"], *key), row["inflow"]))
    for key, parts in of_use.items():
        known.adds_up(("inflow", *key), parts)
        if known.has(("referrer", "gemeente", *key)):
            known.at_least(("wijkteam", *key), [("referrer", "gemeente", *key)])


def _over_time(known: Knowledge, key: Name) -> None:
    *of, period = key
    later = (*of, _next(period))
    if known.has(("clients", *later)):
        # who did not end it goes on, and who did not begin had it
        known.at_least([("clients", *later), ("outflow", *key)], [("clients", *key)])
        known.at_least([("clients", *key), ("inflow", *later)], [("clients", *later)])
    halves = [(*of, f"{period}H1"), (*of, f"{period}H2")]
    if len(period) > 4 or not any(known.has(("clients", *half)) for half in halves):
        return
    for measure in (*_MOVES, *_PARTS):
        parts = [(measure, *half) for half in halves if known.has((measure, *half))]
        if not known.has((measure, *key)) or (measure in _PARTS and len(parts) < 2):
            continue
        known.at_least(parts, [(measure, *key)])
        for part in parts:
            known.at_least((measure, *key), [part])
    # in the year and not in one of its halves: began or ended there
    for half, measure in zip(halves, ("inflow", "outflow"), strict=True):
        in_half = [one for one in (("clients", *half),) if known.has(one)]
        moved = [one for one in ((measure, *half),) if known.has(one)]
        known.at_least([(measure, *key), *in_half], [("clients", *key), *moved])


def _next(period: str) -> str:
    if len(period) == 4:
        return str(int(period) + 1)
    return f"{period[:4]}H2" if period.endswith("H1") else f"{int(period[:4]) + 1}H1"


def _over_provisions(known: Knowledge, key: Name, use: Mapping[Name, Any]) -> None:
    region, law, provision, period = key
    parts = [one for one in use if (one[0], one[1], one[3]) == (region, law, period) and one[2] != "totaal"]
    if provision != "totaal" or not parts:
        return
    for measure in _MOVES:
        known.at_least([(measure, *one) for one in parts], [(measure, *key)])
    for one in parts:
        known.at_least(("clients", *key), [("clients", *one)])


# -- who had several laws ----------------------------------------------------------------------------


def stapeling(published: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    """Persons and households by the number of laws, tied to the clients of each law."""
    of_period: dict[Name, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in _rows(published, "select * from marts.stapeling where obs_status != 'L'"):
        of_period[row["region_code"], row["period_code"]][row["number_of_laws"]] = row
    for (region, period), rows in of_period.items():
        laws = rows[1]["laws_delivered"].split("|")
        combinations = [
            combination for size in range(1, len(laws) + 1) for combination in itertools.combinations(laws, size)
        ]
        counted = [("both", region, period, combination) for combination in combinations]
        persons, households = [], []
        for number, row in rows.items():
            persons.append(known.read(("persons", region, period, number), row["persons"]))
            known.adds_up(persons[-1], [one for one in counted if len(one[3]) == number])
            if row["households"] is not None or "huishouden geleverd" not in (row["because"] or ""):
                households.append(known.read(("households", region, period, number), row["households"]))
        for law in laws:
            of_law = ("clients", region, law, "totaal", period)
            if known.has(of_law):
                known.adds_up(of_law, [one for one in counted if law in one[3]])
        if households:
            known.at_least(persons, households)
            known.at_least(("persons", region, period, 1), [("households", region, period, 1)])


# -- complaints --------------------------------------------------------------------------------------


def complaints(published: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    """Complaints by law and subject with their totals, and the changes since the year before."""
    rows = _rows(published, "select * from marts.complaint")
    for row in rows:
        name = _complaint(row)
        known.read(name, row["complaints"])
        before = (*name[:2], row["previous_period"], *name[3:])
        if row["previous_complaints"] is not None:
            known.shown(before, row["previous_complaints"])
        if row["change_pct"] is not None:
            known.changes(before, name, 0.05, row["change_pct"])
    for row in rows:
        name = _complaint(row)
        *place, law, subject = name
        others = {_complaint(other) for other in rows if _complaint(other)[:3] == tuple(place)}
        if subject == "totaal":
            of_law = [one for one in others if one[3] == law and one[4] != "totaal"]
            laws = [one for one in others if one[3] != "totaal" and one[4] == "totaal"]
            for parts in (of_law, laws if law == "totaal" else []):
                if parts:
                    known.adds_up(name, parts)


def _complaint(row: Mapping[str, Any]) -> Name:
    return ("complaint", *(row[column] for column in ("region_code", "period_code", "law", "subject")))


# -- figures of indicators ---------------------------------------------------------------------------

_ITEM_SUMS = {"wijkteam_inwoners": ("wijkteam_advies", "wijkteam_begeleiding", "wijkteam_procesregie")}


def figures(published: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    """Counts of indicators of which some are hidden here, not by their publisher, wherever they or a rate stand."""
    protected = [
        row["indicator_id"]
        for row in _rows(published, "select distinct indicator_id from marts.observation where source_flag = 'hidden'")
    ]
    protected = sorted({*protected, *(part for one in protected for part in _ITEM_SUMS.get(one, ()))})
    published.execute(
        "create or replace temp table protected as select unnest(?::varchar[]) as indicator_id", [protected]
    )
    for row in _rows(
        published,
        "select indicator_id, region_code, period_code, coalesce(delivered_value, value) as value "
        "from marts.observation semi join protected using (indicator_id) where is_latest and obs_status in ('A', 'Q')",
    ):
        known.read(("figure", row["indicator_id"], row["region_code"], row["period_code"]), row["value"])
    delivered = {name[1:] for name in known.bounds if name[0] == "figure"}
    members = _members(published)
    for row in _readings(published):
        _reading(known, row, delivered, members)
    for row in _rows(
        published,
        "select indicator_id, region_code, period_code from marts.indicator_municipality semi join protected "
        "using (indicator_id) where geography != 'published' and obs_status = 'Q'",
    ):
        of = (row["indicator_id"], row["region_code"], row["period_code"])
        if of not in delivered:
            parts = [("figure", *one) for one in _parts(of, members) if one in delivered]
            known.adds_up(known.read(("together", *of), None), parts)
    for table in ("indicator_municipality", "indicator_wijk"):
        for row in _rows(
            published,
            f"select indicator_id, region_code, period_code, previous_period, change_pct from marts.{table} "
            "semi join protected using (indicator_id) where change_pct is not null",
        ):
            now, before = (
                ("figure", row["indicator_id"], row["region_code"], row[period])
                for period in ("period_code", "previous_period")
            )
            if known.has(now, before):
                known.changes(before, now, 1e-6, row["change_pct"])
    _rates(published, known, members)
    _sums(known, delivered)


def _members(published: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """Of a region that others became: these."""
    members: dict[str, list[str]] = defaultdict(list)
    for row in _rows(
        published, "select region_code, successor_codes from marts.region where successor_codes is not null"
    ):
        for successor in re.split(r"\W+", row["successor_codes"]):
            members[successor].append(row["region_code"])
    return members


# Columns with a figure of protected counts: the column with the period that it is of, and the region that it is of.
FIGURES = {
    "value": ("period_code", "region_code"),
    "delivered_value": ("period_code", "region_code"),
    "other_value": ("period_code", "region_code"),
    "old_value": ("period_code", "region_code"),
    "new_value": ("period_code", "region_code"),
    "value_linked": ("period_code", "region_code"),
    "previous_value": ("previous_period", "region_code"),
    "latest_value": ("latest_period", "region_code"),
    "baseline_value": ("baseline_period", "region_code"),
    "national_value": ("period_code", "if(region_code like 'VB%', 'VB00', 'NL01')"),
    "municipality_value": ("period_code", "municipality_code"),
}


def _readings(published: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Every number that any published table has of a protected count."""
    of_table: dict[str, set[str]] = defaultdict(set)
    for row in _rows(published, "select * from information_schema.columns where table_schema = 'marts'"):
        of_table[row["table_name"]].add(row["column_name"])
    for table, columns in of_table.items():
        if not {"indicator_id", "region_code"} <= columns:
            continue
        for column, (period, region) in FIGURES.items():
            if {column, period} <= columns:
                yield from _rows(
                    published,
                    f'select indicator_id, {region} as region_code, "{period}" as period_code, "{column}" as value '
                    f'from marts."{table}" semi join protected using (indicator_id) where "{column}" is not null',
                )


def _reading(known: Knowledge, row: Mapping[str, Any], delivered: set[Name], members: Mapping[str, list[str]]) -> None:
    """A number that stands anywhere: of the delivered count, or of those of the regions that went together."""
    of = (row["indicator_id"], row["region_code"], row["period_code"])
    parts = [one for one in _parts(of, members) if one in delivered]
    if of in delivered:
        known.shown(("figure", *of), row["value"])
    elif parts:
        slack = HALF * len(parts)
        known.relation(
            dict.fromkeys([("figure", *one) for one in parts], 1.0), row["value"] - slack, row["value"] + slack
        )


def _parts(of: Name, members: Mapping[str, list[str]]) -> list[Name]:
    return [(of[0], member, of[2]) for member in members.get(of[1], [])]


def _rates(published: duckdb.DuckDBPyConnection, known: Knowledge, members: Mapping[str, list[str]]) -> None:
    """A rate with the inhabitants beside it is a count, and no count is more than the inhabitants."""
    for table in ("indicator_municipality", "indicator_wijk"):
        for row in _rows(
            published,
            f"select numerator_id, rate.region_code, rate.period_code, rate.value, below.value as inhabitants, "
            f"indicator.rate_factor from marts.{table} as rate join marts.indicator using (indicator_id) "
            f"semi join protected on indicator.numerator_id = protected.indicator_id "
            f"join marts.{table} as below on below.indicator_id = indicator.denominator_id "
            f"and below.region_code = rate.region_code and below.geography = rate.geography "
            f"and below.period_code = left(rate.period_code, 4) where below.value is not null",
        ):
            of = (row["numerator_id"], row["region_code"], row["period_code"])
            parts = [of] if known.has(("figure", *of)) else _parts(of, members)
            names = [("figure", *part) for part in parts if known.has(("figure", *part))]
            if names:
                _rate(known, names, row)


def _rate(known: Knowledge, names: list[Name], row: Mapping[str, Any]) -> None:
    """One rate of these counts together."""
    together = dict.fromkeys(names, 1.0)
    known.relation(together, 0.0, row["inhabitants"])
    if row["value"] is None:
        return
    count = row["value"] * row["inhabitants"] / row["rate_factor"]
    # to how many decimals a rate is given shows in whether it makes a whole number of persons
    slack = 0.0 if abs(count - round(count)) < 1e-6 else 0.05 * row["inhabitants"] / row["rate_factor"]
    room = HALF * len(names) + slack if count > 0 else 0.0
    known.relation(together, count - room, count + room)


def _sums(known: Knowledge, delivered: set[Name]) -> None:
    """Items that add up, and buurten in wijken in municipalities."""
    of_whole: dict[Name, list[Name]] = defaultdict(list)
    for indicator, region, period in delivered:
        if found := re.fullmatch(r"(\w*?)(WK|BU)(\d{4})(\d{2})(\d{2})?", region):
            country, kind, town, wijk, buurt = found.groups()
            larger = f"{country}WK{town}{wijk}" if buurt else f"{country or 'GM'}{town}"
            assert (kind == "BU") == (buurt is not None)
            of_whole[indicator, larger, period].append((indicator, region, period))
        if indicator in _ITEM_SUMS:
            items: list[Name] = [(item, region, period) for item in _ITEM_SUMS[indicator]]
            assert delivered.issuperset(items), items
            known.adds_up(("figure", indicator, region, period), [("figure", *one) for one in items])
    for whole, parts in of_whole.items():
        if whole in delivered:
            known.adds_up(("figure", *whole), [("figure", *part) for part in parts])


# -- surveys -----------------------------------------------------------------------------------------

_ONE_ANSWER = ("yes_no", "good_fair_bad", "mark")


def surveys(published: duckdb.DuckDBPyConnection, known: Knowledge) -> None:
    """Answers as shares of those who answered: of marks the mean as well, of points how many can have given them."""
    questions: dict[Name, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(
        published,
        "select * from marts.survey_answer where because is null or because not like '%deze vraag%beantwoord%'",
    ):
        questions[tuple(row[name] for name in ("survey", "question_id", "region_code", "period_code"))].append(row)
    for key, rows in questions.items():
        kind, hides = rows[0]["question_kind"], any(row["share_pct"] is None for row in rows)
        respondents = rows[0]["respondents"]
        people = known.within(("people", *key), K)
        if respondents is not None:
            room = HALF if hides else 0
            known.within(people, respondents - room, respondents + room)
        for row in rows:
            _answer(known, key, row, people, (0.5 if hides else 1e-6) / 100)
        if kind in _ONE_ANSWER:
            known.adds_up(people, [("given", *key, row["answer"]) for row in rows])
        if kind == "points_100":
            points = {("points", *key, row["answer"]): 1.0 for row in rows}
            known.relation({**points, people: -100.0}, 0.0, 0.0)
        if kind == "mark" and rows[0]["mean_mark"] is not None:
            marks = {("given", *key, row["answer"]): float(row["answer"]) for row in rows}
            _tied(known, marks, people, rows[0]["mean_mark"], 0.05 if hides else 1e-6)


def _answer(known: Knowledge, key: Name, row: Mapping[str, Any], people: Name, slack: float) -> None:
    given = known.within(("given", *key, row["answer"]))
    known.at_least(people, [given])
    if row["share_pct"] is None:
        known.hidden.add(given)
        # of marks also those that nobody gave are hidden
        if row["question_kind"] != "mark":
            known.within(given, 1)
    elif row["question_kind"] != "points_100":
        _tied(known, {given: 1.0}, people, row["share_pct"] / 100, slack)
    if row["question_kind"] == "points_100":
        points = known.within(("points", *key, row["answer"]))
        # somebody gives one point at least, and a hundred at most
        known.at_least(points, [given])
        known.relation({given: 100.0, points: -1.0})
        if row["share_pct"] is not None:
            _tied(known, {points: 1.0}, people, row["share_pct"], 100 * slack)


def _tied(known: Knowledge, weights: Mapping[Name, float], people: Name, mean: float, slack: float) -> None:
    """A weighted sum is so much for each of the people, within a slack for each."""
    known.relation({**weights, people: -(mean - slack)}, 0.0, np.inf)
    known.relation({**weights, people: -(mean + slack)}, -np.inf, 0.0)
