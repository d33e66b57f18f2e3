"""Where the figures of every region go on the borders of 1 January of one year.

What belongs here: the shares by which counts of abolished codes are divided over their successors. What does
not: the history itself (`history`), and multiplying observations by weights (the warehouse does that in SQL).

Choices, and why:
- Shares follow the inhabitants that the source says moved at the abolition, whatever the indicator and the
  period: the only figure known for every split since 1988. Where inhabitants are unknown or all zero,
  dwellings count, then hectares; where none of them decides, it is an error and nothing is guessed.
- Boundary corrections between municipalities that both stay move no figures. Since 2007 two of them moved more than
  1 % of the inhabitants at an end: Slochteren to Groningen in 2017 (1,033: 6.6 % of the one, 0.5 % of the other) and
  Nissewaard to Hellevoetsluis in 2018 (1,209: 1.4 % and 3.1 %); none of the others moved more than 0.3 %. Moving their
  shares would make an estimate of every figure of four municipalities in all years before, and a wrong one where the
  piece was still being built on. And as the codes stay, figures that were brought to the new borders once would be
  moved again. `core_boundary_correction` has all of them with their shares, so that a comparison across a large one
  can be refused.
- A code that began after the reference date is not mapped backwards: a merged figure cannot be taken apart.
  It stands in `unmapped_regions`. For the same reason weights hold for figures of periods up to the reference
  year only: a municipality that grew later keeps its code, and its later figures are of the later borders.
- Only counts and amounts may be multiplied by weights. Rates are recomputed from harmonised counts or, where those are
  unknown, averaged with weight times denominator.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.geography.history import History, continuations, validity_mask

FIRST_YEAR = 1988
"""The first year on whose 1 January the source knows all municipalities."""

WEIGHTS_SCHEMA = pa.schema(
    [
        ("from_code", pa.string()),
        ("to_code", pa.string()),
        ("reference_year", pa.int32()),
        ("weight", pa.float64()),
    ]
)
UNMAPPED_SCHEMA = pa.schema(
    [
        ("region_code", pa.string()),
        ("region_name", pa.string()),
        ("reference_year", pa.int32()),
        ("because", pa.string()),
    ]
)

_Floats = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]
_Booleans = npt.NDArray[np.bool_]

_SPLIT_BY = ("inhabitants", "dwellings", "hectares")


def region_weights(history: History, reference_year: int) -> pa.Table:
    """Weights from every code of the history to the codes valid on 1 January of `reference_year`.

    One row per from_code and to_code with a weight above 0; the weights of one from_code add up to 1. A code
    that is valid then, of whatever type, goes to itself with weight 1; an abolished one follows its
    successors, a renamed one its new code, through as many steps as it takes. Codes in `unmapped_regions`
    have no row. Raises ValueError for a year before FIRST_YEAR, for codes that succeed each other in a
    circle, and for a split that no quantity decides.
    """
    graph = _graph(history, reference_year)
    origin = np.flatnonzero(graph.placeable)
    position, weight = origin, np.ones(len(origin))
    while not (arrived := graph.valid[position]).all():
        row, edge = _edges_leaving(graph, position[~arrived])
        origin = np.concatenate([origin[arrived], origin[~arrived][row]])
        weight = np.concatenate([weight[arrived], weight[~arrived][row] * graph.share[edge]])
        position = np.concatenate([position[arrived], graph.to[edge]])
        origin, position, weight = _added_up(origin, position, weight, graph.size)
    return pa.table(
        {
            "from_code": graph.codes.take(pa.array(origin)),
            "to_code": graph.codes.take(pa.array(position)),
            "reference_year": np.full(len(origin), reference_year, np.int32),
            "weight": weight,
        },
        schema=WEIGHTS_SCHEMA,
    ).sort_by([("from_code", "ascending"), ("to_code", "ascending")])


def unmapped_regions(history: History, reference_year: int) -> pa.Table:
    """The codes without weights for `reference_year`, one row each, with the reason in Dutch.

    They began after 1 January of that year, or ended before it without a successor that the source names.
    Raises ValueError as `region_weights` does.
    """
    graph = _graph(history, reference_year)
    rows = history.regions.filter(pa.array(~graph.placeable))
    at = dt.date(reference_year, 1, 1)
    began_later = pc.fill_null(pc.greater(rows["valid_from"], pa.scalar(at, pa.date32())), False)
    began = pc.binary_join_element_wise("bestaat pas sinds", pc.cast(rows["valid_from"], pa.string()), " ")
    ended = pc.binary_join_element_wise(
        "opgeheven per",
        pc.cast(rows["valid_to"], pa.string()),
        f"zonder dat de bron een opvolger noemt die op {at} bestond",
        " ",
    )
    return pa.table(
        {
            "region_code": rows["region_code"],
            "region_name": rows["region_name"],
            "reference_year": np.full(rows.num_rows, reference_year, np.int32),
            "because": pc.if_else(began_later, began, ended),
        },
        schema=UNMAPPED_SCHEMA,
    )


@dataclass(frozen=True)
class _Graph:
    """Codes as nodes; as edges, sorted by the node they leave, the ways codes ended up to the reference date.

    `to` is `size` for a successor that is no code of the history. Per node: `valid` on the reference date and
    `placeable` (every path from it ends at a valid code). Per edge: `start`, `to` and `share`, above 0.
    """

    codes: pa.Array
    valid: _Booleans
    placeable: _Booleans
    start: _Integers
    to: _Integers
    share: _Floats

    @property
    def size(self) -> int:
        return len(self.valid)


def _graph(history: History, reference_year: int) -> _Graph:
    if reference_year < FIRST_YEAR:
        raise ValueError(f"reference year: found {reference_year}, expected {FIRST_YEAR} or later")
    at = dt.date(reference_year, 1, 1)
    regions = history.regions
    codes = regions["region_code"].combine_chunks()
    valid = np.append(_numpy(validity_mask(regions, at)), False)
    start, to, share = _edges(history, codes, at)
    placeable = _placeable(codes, valid, start, to, at)
    return _Graph(codes, valid[:-1], placeable[:-1], start, to, share)


def _edges(history: History, codes: pa.Array, at: dt.date) -> tuple[_Integers, _Integers, _Floats]:
    flows = continuations(history.changes)
    ended_on = history.regions["valid_to"].take(pc.index_in(flows["from_code"], codes))
    # A code that was abolished and that an older sentence calls renamed went where its abolition says.
    counts = pc.and_(
        pc.equal(flows["effective_date"], ended_on),
        pc.less_equal(flows["effective_date"], pa.scalar(at, pa.date32())),
    )
    flows = flows.filter(counts).sort_by([("from_code", "ascending"), ("to_code", "ascending")])
    start = _positions(flows["from_code"], codes)
    order = np.argsort(start, kind="stable")
    flows, start = flows.take(pa.array(order)), start[order]
    share = _shares(flows, start, codes)
    above_zero = share > 0
    return start[above_zero], _positions(flows["to_code"], codes)[above_zero], share[above_zero]


def _shares(flows: pa.Table, start: _Integers, codes: pa.Array) -> _Floats:
    """What part of the code it leaves follows each flow; per code 1 in all."""
    nodes = len(codes) + 1
    ways = np.bincount(start, minlength=nodes)
    share = np.where(ways[start] == 1, 1.0, np.nan)
    for quantity in _SPLIT_BY:
        moved = _numpy(pc.fill_null(pc.cast(flows[quantity], pa.float64()), np.nan))
        # NaN makes the total of a code NaN: a quantity that one flow lacks decides nothing for that code.
        total = np.bincount(start, weights=moved, minlength=nodes)[start]
        decides = np.isnan(share) & (total > 0)
        share[decides] = moved[decides] / total[decides]
    if np.isnan(share).any():
        undecided = ", ".join(sorted({str(codes[int(node)]) for node in start[np.isnan(share)]}))
        raise ValueError(
            f"region history: found no inhabitants, dwellings or hectares for every part of {undecided}, "
            "expected one of them to divide it over its successors"
        )
    return share


def _placeable(codes: pa.Array, valid: _Booleans, start: _Integers, to: _Integers, at: dt.date) -> _Booleans:
    """Which nodes lead to valid codes only, settled from the ends of the chains backwards."""
    nodes = len(valid)
    placeable = valid.copy()
    settled = valid | (np.bincount(start, minlength=nodes) == 0)
    while not settled.all():
        waiting = np.bincount(start[~settled[to]], minlength=nodes) > 0
        ready = ~settled & ~waiting
        if not ready.any():
            circle = " > ".join(str(codes[node]) for node in _circle(start, to, settled))
            raise ValueError(
                f"region history: found {circle} succeeding each other in a circle, "
                f"expected every chain of successors to end at a code valid on {at}"
            )
        leads_nowhere = np.bincount(start[~placeable[to]], minlength=nodes) > 0
        placeable |= ready & ~leads_nowhere
        settled |= ready
    return placeable


def _circle(start: _Integers, to: _Integers, settled: _Booleans) -> list[int]:
    """One circle among the nodes that are not settled; each of those has an edge to another of them."""
    unsettled = ~settled[to]
    onward = dict(zip(start[unsettled].tolist(), to[unsettled].tolist(), strict=True))
    path = [next(node for node in onward if not settled[node])]
    while onward[path[-1]] not in path:
        path.append(onward[path[-1]])
    first = path.index(onward[path[-1]])
    return [*path[first:], path[first]]


def _edges_leaving(graph: _Graph, nodes: _Integers) -> tuple[_Integers, _Integers]:
    """For every edge that leaves one of `nodes`: the position in `nodes`, and the edge."""
    first = np.searchsorted(graph.start, nodes, "left")
    count = np.searchsorted(graph.start, nodes, "right") - first
    row = np.repeat(np.arange(len(nodes)), count)
    within = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, np.repeat(first, count) + within


def _added_up(
    origin: _Integers, position: _Integers, weight: _Floats, size: int
) -> tuple[_Integers, _Integers, _Floats]:
    """One row per origin and position: paths that come together are one weight."""
    pair, path = np.unique(origin * size + position, return_inverse=True)
    return pair // size, pair % size, np.asarray(np.bincount(path, weights=weight), np.float64)


def _positions(values: pa.ChunkedArray, codes: pa.Array) -> _Integers:
    """Where each value stands in `codes`; one past the end where it does not."""
    return _numpy(pc.fill_null(pc.index_in(values, codes), len(codes))).astype(np.int64)


def _numpy(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    return column.combine_chunks().to_numpy(zero_copy_only=False)
