"""The benchmark between the tables of the warehouse: reads costs, structure and declared groups, writes `benchmark`.

What belongs here: laying tables out as arrays per country and year, and the reasons in Dutch where a figure cannot be
given. What does not: the arithmetic (`neighbours`, `regression`, `correction`), and reading a difference out in words,
which the mart does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.benchmark.correction import Estimate, corrected, expected
from pipelines.benchmark.neighbours import BoolArray, FloatArray, IntArray, distances, nearest, standardised
from pipelines.benchmark.regression import LeaveOneOut, leave_one_out, needed
from pipelines.benchmark.result import SCHEMAS
from pipelines.warehouse.load import replace_tables

if TYPE_CHECKING:
    import duckdb

TextArray = NDArray[np.object_]

_TEXT = pa.string()

_COSTS = """
    select region_code, country_code, fiscal_year::bigint as fiscal_year, item, eur_per_inhabitant
    from core.benchmark_cost
    order by all
"""
_STRUCTURE = """
    select region_code, fiscal_year::bigint as fiscal_year, characteristic, modelled_value
    from core.structure
    order by all
"""
_GROUPS = "select reference_group, kind, size from declared.reference_group order by all"
_MEMBERS = "select reference_group, region_code, member_code from declared.reference_group_member order by all"
_CHARACTERISTICS = "select characteristic, label_nl from declared.structure_characteristic order by sort_index"
_NAMES = "select region_code, region_name from core.region_name order by all"

_NO_STRUCTURE = "Niet geladen, dus geen structuur om mee te rekenen: {}."
_NOT_KNOWN = "Van deze gemeente is niet bekend: {}."
_NONE_DECLARED = "Er zijn geen structuurkenmerken gekozen."
_TOO_FEW_NEIGHBOURS = "Er zijn geen {} andere gemeenten met bekende structuur en lasten."
_LEFT_OUT = "Buiten deze groep gehouden, met de eerstvolgende in de plaats, omdat lasten over dit jaar ontbreken: {}."
_NO_DISTANCE = "De structuur van een van beide gemeenten is niet bekend."
_TOO_FEW = "Te weinig gemeenten voor een correctie: {}, nodig zijn er {}."
_ENTANGLED = "De kenmerken hangen zo samen dat hun invloed niet te scheiden is."
_ALONE = "Deze gemeente staat in haar structuur te zeer alleen om haar met andere te vergelijken."
_MEMBER_NOT_KNOWN = "Van een of meer referentiegemeenten zijn de lasten of de structuur niet bekend."


def benchmark_in_warehouse(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Replace the tables of the schema `benchmark` by those of the costs as they are now.

    Returns the number of rows of each.
    """
    given = [
        connection.execute(query).to_arrow_table()
        for query in (_COSTS, _STRUCTURE, _GROUPS, _MEMBERS, _CHARACTERISTICS, _NAMES)
    ]
    tables = benchmark(*given)
    replace_tables(connection, "benchmark", tables)
    return {name: table.num_rows for name, table in tables.items()}


def benchmark(
    costs: pa.Table,
    structure: pa.Table,
    groups: pa.Table,
    members: pa.Table,
    characteristics: pa.Table,
    names: pa.Table,
) -> dict[str, pa.Table]:
    """The tables of `benchmark`, by name, with the columns of SCHEMAS.

    `costs`: region_code, country_code, fiscal_year, item, eur_per_inhabitant (null where not known). `structure`:
    region_code, fiscal_year, characteristic, modelled_value. `groups`: reference_group, kind, size. `members`:
    reference_group, region_code, member_code. `characteristics`: characteristic and label_nl, in order. `names`:
    region_code, region_name; a region without one is called by its code.
    """
    parts: dict[str, list[pa.Table]] = {name: [] for name in SCHEMAS}
    declared = _Declared.of(groups, members, characteristics, names)
    for panel in _panels(costs, structure, declared):
        for name, table in _of_panel(panel, declared).items():
            parts[name].append(table)
    return {name: pa.concat_tables([SCHEMAS[name].empty_table(), *parts[name]]) for name in SCHEMAS}


@dataclass(frozen=True)
class _Declared:
    groups: Sequence[Mapping[str, object]]
    members: pa.Table
    characteristics: Sequence[str]
    labels: Sequence[str]
    names: Mapping[str, str]

    @classmethod
    def of(cls, groups: pa.Table, members: pa.Table, characteristics: pa.Table, names: pa.Table) -> _Declared:
        return cls(
            groups.to_pylist(),
            members,
            characteristics["characteristic"].to_pylist(),
            characteristics["label_nl"].to_pylist(),
            dict(zip(names["region_code"].to_pylist(), names["region_name"].to_pylist(), strict=True)),
        )


@dataclass(frozen=True)
class _Panel:
    """The municipalities of one country and year: `costs` (n, items), `structure` (n, characteristics), NaN for gaps.

    `counted` (n) are those that the costs speak of; a declared member that they do not know is there without any.
    """

    fiscal_year: int
    regions: TextArray
    counted: BoolArray
    items: TextArray
    costs: FloatArray
    structure: FloatArray


@dataclass(frozen=True)
class _Sets:
    """Who compares with whom, one entry per municipality and group.

    `because` is empty, or says why with nobody; `caution` is empty, or says who was left out.

    `places` and `member` are positions in the panel. `pair`, `member` and `rank` are one entry per member: of which of
    the sets, who, and the how many-th.
    """

    places: IntArray
    group: TextArray
    because: TextArray
    caution: TextArray
    pair: IntArray
    member: IntArray
    rank: IntArray

    def after(self, other: _Sets) -> _Sets:
        """Both, these behind the others."""
        return _Sets(
            np.concatenate([other.places, self.places]),
            np.concatenate([other.group, self.group]),
            np.concatenate([other.because, self.because]),
            np.concatenate([other.caution, self.caution]),
            np.concatenate([other.pair, self.pair + len(other.places)]),
            np.concatenate([other.member, self.member]),
            np.concatenate([other.rank, self.rank]),
        )

    def as_matrix(self, municipalities: int) -> FloatArray:
        """1 for a member, shape (sets, municipalities)."""
        matrix = np.zeros((len(self.places), municipalities))
        matrix[self.pair, self.member] = 1
        return matrix


def _panels(costs: pa.Table, structure: pa.Table, declared: _Declared) -> Iterator[_Panel]:
    names = np.array(declared.characteristics, dtype=object)
    keys = costs.group_by(["country_code", "fiscal_year"]).aggregate([])
    for key in keys.sort_by([("country_code", "ascending"), ("fiscal_year", "ascending")]).to_pylist():
        year = int(key["fiscal_year"])
        here = pc.and_(pc.equal(costs["country_code"], key["country_code"]), pc.equal(costs["fiscal_year"], year))
        mine = costs.filter(here)
        there = pc.unique(mine["region_code"])
        chosen = declared.members.filter(pc.is_in(declared.members["region_code"], value_set=there))
        regions = np.unique(_texts(pa.chunked_array([there, *chosen["member_code"].chunks], pa.string())))
        items = np.unique(_texts(mine["item"]))
        of_year = structure.filter(pc.equal(structure["fiscal_year"], year))
        yield _Panel(
            year,
            regions,
            np.isin(regions, _texts(there)),
            items,
            _pivot(mine, "item", "eur_per_inhabitant", regions, items),
            _pivot(of_year, "characteristic", "modelled_value", regions, names),
        )


def _texts(column: pa.Array | pa.ChunkedArray) -> TextArray:
    return np.array(column.to_numpy(zero_copy_only=False), dtype=object)


def _pivot(table: pa.Table, column: str, value: str, regions: TextArray, names: TextArray) -> FloatArray:
    found = np.full((len(regions), len(names)), np.nan)
    row, place = (
        pc.index_in(table[key].combine_chunks(), value_set=pa.array(known, pa.string()))
        for key, known in (("region_code", regions), (column, names))
    )
    inside = pc.and_(pc.is_valid(row), pc.is_valid(place))
    numbers = pc.cast(table[value], pa.float64()).filter(inside).to_numpy()
    found[row.filter(inside).to_numpy(), place.filter(inside).to_numpy()] = numbers
    return found


def _of_panel(panel: _Panel, declared: _Declared) -> dict[str, pa.Table]:
    scores = standardised(panel.structure)
    apart = distances(scores)
    unknown = _why_unknown(panel, declared.labels)
    sets = _sets(panel, declared, apart, unknown)
    fit = leave_one_out(scores, panel.costs)
    because = _why_no_fit(fit, unknown)
    return {
        "reference_set": _set_table(panel, sets),
        "reference_member": _member_table(panel, sets, apart),
        "structure_expected": _expected_table(panel, fit, because),
        "corrected": _corrected_table(panel, fit, sets, because),
    }


def _why_unknown(panel: _Panel, labels: Sequence[str]) -> TextArray:
    """Per municipality why its structure is not known; empty where it is."""
    because = np.full(len(panel.regions), "", dtype=object)
    if not labels:
        because[:] = _NONE_DECLARED
        return because
    missing = ~np.isfinite(panel.structure)
    names = np.array(labels, dtype=object)
    nowhere = missing[panel.counted].all(axis=0)
    if nowhere.any():
        because[:] = _NO_STRUCTURE.format(", ".join(names[nowhere]))
        return because
    patterns, of_region = np.unique(missing, axis=0, return_inverse=True)
    texts = [_NOT_KNOWN.format(", ".join(names[pattern])) if pattern.any() else "" for pattern in patterns]
    return np.array(texts, dtype=object)[of_region.ravel()]


def _sets(panel: _Panel, declared: _Declared, apart: FloatArray, unknown: TextArray) -> _Sets:
    nobody = np.zeros(0, np.int64)
    nothing = np.zeros(0, object)
    sets = _Sets(nobody, nothing, nothing, nothing, nobody, nobody, nobody)
    for group in declared.groups:
        name = str(group["reference_group"])
        if group["kind"] == "nearest":
            found = _nearest(panel, name, int(str(group["size"])), apart, unknown, declared.names)
        else:
            found = _chosen(panel, name, declared.members.filter(pc.equal(declared.members["reference_group"], name)))
        sets = found.after(sets)
    return sets


def _chosen(panel: _Panel, name: str, members: pa.Table) -> _Sets:
    region, member = (
        pc.index_in(members[key].combine_chunks(), value_set=pa.array(panel.regions, pa.string()))
        for key in ("region_code", "member_code")
    )
    there = pc.is_valid(region)
    at, who = (codes.filter(there).to_numpy().astype(np.int64) for codes in (region, member))
    mine = panel.counted[at]
    places, pair = np.unique(at[mine], return_inverse=True)
    nothing = np.full(len(places), "", dtype=object)
    group = np.full(len(places), name, dtype=object)
    # Members come in the order of their codes, so that their rank is their place within the set.
    order = np.lexsort((who[mine], pair))
    pair, who = pair[order].astype(np.int64), who[mine][order]
    first = np.searchsorted(pair, np.arange(len(places)))
    return _Sets(places, group, nothing, nothing, pair, who, np.arange(len(pair)) - first[pair] + 1)


def _nearest(
    panel: _Panel, name: str, size: int, apart: FloatArray, unknown: TextArray, names: Mapping[str, str]
) -> _Sets:
    spent = np.asarray(np.isfinite(panel.costs).any(axis=1), np.bool_)
    found = nearest(apart, panel.counted & spent, size)
    places = np.flatnonzero(panel.counted)
    has = found[places, 0] >= 0
    why = np.where(unknown[places] == "", _TOO_FEW_NEIGHBOURS.format(size), unknown[places])
    because = np.where(has, "", why)
    left_out = _left_out(panel, nearest(apart, panel.counted, size)[places], ~spent, names)
    return _Sets(
        places,
        np.full(len(places), name, dtype=object),
        because,
        np.where(has, left_out, ""),
        np.repeat(np.flatnonzero(has), size),
        found[places][has].ravel(),
        np.tile(np.arange(1, size + 1), int(has.sum())),
    )


def _left_out(panel: _Panel, wanted: IntArray, silent: BoolArray, names: Mapping[str, str]) -> TextArray:
    """Per row of `wanted`, the nearest by structure alone, the silent ones among them as a text; empty without any."""
    row, place = np.nonzero((wanted >= 0) & silent[wanted])
    passed = np.zeros((len(wanted), len(panel.regions)), np.bool_)
    passed[row, wanted[row, place]] = True
    called = np.array([names.get(region) or region for region in panel.regions], dtype=object)
    patterns, of_row = np.unique(passed, axis=0, return_inverse=True)
    texts = [_LEFT_OUT.format(", ".join(called[pattern])) if pattern.any() else "" for pattern in patterns]
    return np.array(texts, dtype=object)[of_row.ravel()]


def _why_no_fit(fit: LeaveOneOut, unknown: TextArray) -> TextArray:
    """Per municipality and item why structure says nothing about it; empty where it does. Shape (n, k)."""
    shape = fit.usable.shape
    counts, of_cell = np.unique(fit.municipalities, return_inverse=True)
    take = needed(fit.design.shape[1])
    too_few = np.array([_TOO_FEW.format(count, take) for count in counts], dtype=object)[of_cell.reshape(shape)]
    own = np.broadcast_to(unknown[:, None], shape)
    reasons = np.full(shape, _ALONE, dtype=object)
    reasons = np.where(fit.solvable[None, :], reasons, _ENTANGLED)
    reasons = np.where(fit.enough, reasons, too_few)
    reasons = np.where(own == "", reasons, own)
    return np.where(fit.usable, "", reasons)


def _set_table(panel: _Panel, sets: _Sets) -> pa.Table:
    return _table(
        "reference_set",
        panel.regions[sets.places],
        np.full(len(sets.places), panel.fiscal_year),
        sets.group,
        np.bincount(sets.pair, minlength=len(sets.places)),
        sets.because,
        sets.caution,
    )


def _member_table(panel: _Panel, sets: _Sets, apart: FloatArray) -> pa.Table:
    place = sets.places[sets.pair]
    distance = apart[place, sets.member]
    return _table(
        "reference_member",
        panel.regions[place],
        np.full(len(place), panel.fiscal_year),
        sets.group[sets.pair],
        panel.regions[sets.member],
        sets.rank,
        distance,
        np.where(np.isfinite(distance), "", _NO_DISTANCE),
    )


def _expected_table(panel: _Panel, fit: LeaveOneOut, because: TextArray) -> pa.Table:
    places = np.flatnonzero(panel.counted)
    found = expected(fit)
    shape = (len(places), len(panel.items))
    explained = np.where(fit.usable, 100 * fit.explained[None, :], np.nan)
    return _table(
        "structure_expected",
        np.repeat(panel.regions[places], shape[1]),
        np.full(shape[0] * shape[1], panel.fiscal_year),
        np.tile(panel.items, shape[0]),
        *(part[places].ravel() for part in (found.value, found.low, found.high)),
        fit.municipalities[places].ravel(),
        explained[places].ravel(),
        because[places].ravel(),
    )


def _corrected_table(panel: _Panel, fit: LeaveOneOut, sets: _Sets, because: TextArray) -> pa.Table:
    found: Estimate = corrected(fit, panel.costs, sets.places, sets.as_matrix(len(panel.regions)))
    shape = (len(sets.places), len(panel.items))
    why = because[sets.places]
    of_set = np.broadcast_to(sets.because[:, None], shape)
    reasons = np.where(why == "", _MEMBER_NOT_KNOWN, why)
    reasons = np.where(of_set == "", reasons, of_set)
    return _table(
        "corrected",
        np.repeat(panel.regions[sets.places], shape[1]),
        np.full(shape[0] * shape[1], panel.fiscal_year),
        np.tile(panel.items, shape[0]),
        np.repeat(sets.group, shape[1]),
        *(part.ravel() for part in (found.value, found.low, found.high)),
        np.where(np.isfinite(found.value), "", reasons).ravel(),
    )


def _table(name: str, *columns: np.ndarray) -> pa.Table:
    """The columns in the order of the schema; NaN and the empty text are null."""
    schema = SCHEMAS[name]
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        values = column.astype(object if field.type == _TEXT else np.float64)
        arrays.append(pa.array(values, mask=values == "" if field.type == _TEXT else np.isnan(values)).cast(field.type))
    return pa.table(arrays, schema=schema)
