"""A long panel as grids of regions by periods, one grid per indicator, kind of period and kind of region.

What belongs here: checking the columns, and laying the rows out as arrays. What does not: any judgement about
the figures; a grid holds exactly what the panel says, with an absent row as not delivered (L).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.breaks.period import Period

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

UNITS = ("count", "per_1000", "per_10000", "pct", "eur", "eur_per_inhabitant", "mean")
STATUSES = ("A", "P", "Q", "L", "M")
COLUMNS = (
    "indicator_id",
    "region_code",
    "period_code",
    "value",
    "numerator",
    "denominator",
    "unit",
    "obs_status",
)
_FICTIONAL_COUNTRIES = {"VB": "VB00"}
_COUNTRY = "NL01"
_COUNTRY_CODES = frozenset({_COUNTRY, "NL00", *_FICTIONAL_COUNTRIES.values()})
_LETTERS = re.compile(r"^[^0-9]*")


class PanelError(ValueError):
    """The panel or the event register cannot be used; the message says what was found and expected."""


@dataclass(frozen=True)
class Grid:
    """One indicator over comparable regions and periods of one kind.

    `regions` has S codes, `periods` n periods in order; the matrices are S x n. `value` is in `unit`,
    `numerator` and `denominator` are numbers of people (NaN where unknown). `status` holds one-letter SDMX
    codes; a cell without a value is Q, L or M.
    """

    indicator_id: str
    unit: str
    country: str
    regions: npt.NDArray[np.str_]
    periods: tuple[Period, ...]
    value: Floats
    numerator: Floats
    denominator: Floats
    status: npt.NDArray[np.str_]

    @property
    def per_year(self) -> int:
        return self.periods[0].per_year

    @property
    def period_codes(self) -> npt.NDArray[np.str_]:
        return np.array([period.code for period in self.periods])

    @property
    def ordinals(self) -> Ints:
        return np.array([period.ordinal for period in self.periods], dtype=np.int64)


def as_arrow(table: Any, what: str) -> pa.Table:
    """A pyarrow table of a pyarrow, polars or pandas frame. Raises PanelError for anything else."""
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if hasattr(table, "to_arrow"):
        converted: pa.Table = table.to_arrow()
        return converted
    if hasattr(table, "iloc"):
        return pa.Table.from_pandas(table, preserve_index=False)
    raise PanelError(f"{what}: found {type(table).__name__}, expected a pyarrow, polars or pandas table")


def require_columns(table: pa.Table, names: tuple[str, ...], what: str) -> None:
    """Raise PanelError when a column is missing."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise PanelError(f"{what}: found no column {', '.join(missing)}, expected {', '.join(names)}")


def country_of(region_code: str) -> str:
    """The country a municipal code belongs to: `VB0001` -> `VB00`, everything else -> `NL01`."""
    return _FICTIONAL_COUNTRIES.get(kind_of_region(region_code), _COUNTRY)


def is_country(region_code: str) -> bool:
    return region_code in _COUNTRY_CODES


def kind_of_region(region_code: str) -> str:
    """The letters before the number: municipalities (GM) are no peers of wijken (WK)."""
    match = _LETTERS.match(region_code)
    return match[0] if match else ""


def read_panel(panel: Any) -> Iterator[Grid]:
    """The grids of a long panel, in order of indicator. Country rows are left out: they are nobody's peer.

    Raises PanelError for a missing column, an unknown unit or status, a period that is none, two units within
    one indicator, two rows with one key, or a figure that is no number or endless.
    """
    table = as_arrow(panel, "panel")
    require_columns(table, COLUMNS, "panel")
    indicators, indicator_of = _codes(table, "indicator_id")
    regions, region_of = _codes(table, "region_code")
    period_codes, period_of = _codes(table, "period_code")
    units, unit_of = _codes(table, "unit")
    status = _statuses(table)
    for unit in units:
        if unit not in UNITS:
            raise PanelError(f"panel: found unit {unit!r}, expected one of {', '.join(UNITS)}")
    periods = _periods(period_codes)
    per_year_of = np.array([period.per_year for period in periods], dtype=np.int64)[period_of]
    kinds, kind_of = np.unique([kind_of_region(code) for code in regions] or [""], return_inverse=True)
    national = np.array([is_country(code) for code in regions], dtype=bool)
    numbers = {name: _floats(table, name) for name in ("value", "numerator", "denominator")}

    kept = np.flatnonzero(~national[region_of]) if regions else np.empty(0, dtype=np.int64)
    group = (indicator_of[kept] * 13 + per_year_of[kept]) * len(kinds) + kind_of[region_of[kept]]
    order = kept[np.argsort(group, kind="stable")]
    bounds = np.flatnonzero(np.diff(np.sort(group))) + 1
    for rows in np.split(order, bounds):
        if rows.size == 0:
            continue
        found_units = np.unique(unit_of[rows])
        indicator_id = indicators[int(indicator_of[rows[0]])]
        if found_units.size > 1:
            named = ", ".join(units[int(unit)] for unit in found_units)
            raise PanelError(f"panel: found units {named} for {indicator_id}, expected one")
        own_regions, row_of = np.unique(region_of[rows], return_inverse=True)
        own_periods, rank_of = np.unique(period_of[rows], return_inverse=True)
        by_time = np.argsort([periods[int(code)].ordinal for code in own_periods], kind="stable")
        column_of = np.argsort(by_time)[rank_of]
        cell = row_of * own_periods.size + column_of
        filled = np.bincount(cell, minlength=own_regions.size * own_periods.size)
        if filled.max() > 1:
            twice = rows[np.flatnonzero(filled[cell] > 1)[0]]
            raise PanelError(
                f"panel: found {indicator_id}, {regions[int(region_of[twice])]}, "
                f"{period_codes[int(period_of[twice])]} more than once, expected one row per key"
            )
        shape = (own_regions.size, own_periods.size)
        matrices = {}
        for name, numbers_of_panel in numbers.items():
            matrix = np.full(shape, np.nan)
            matrix.flat[cell] = numbers_of_panel[rows]
            matrices[name] = matrix
        states = np.full(shape, "L")
        states.flat[cell] = status[rows]
        # A row that says A or P but carries no value was not delivered, whatever it says.
        states[np.isnan(matrices["value"]) & np.isin(states, ("A", "P"))] = "L"
        matrices["value"][~np.isin(states, ("A", "P"))] = np.nan
        codes = np.array([regions[int(code)] for code in own_regions])
        yield Grid(
            indicator_id=indicator_id,
            unit=units[int(found_units[0])],
            country=country_of(str(codes[0])),
            regions=codes,
            periods=tuple(periods[int(own_periods[rank])] for rank in by_time),
            status=states,
            **matrices,
        )


def _codes(table: pa.Table, name: str) -> tuple[list[str], Ints]:
    column = table[name].cast(pa.string())
    if column.null_count:
        raise PanelError(f"panel: found {column.null_count} rows without {name}, expected none")
    encoded = pc.dictionary_encode(column).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks) if encoded.num_chunks else pa.array([]).dictionary_encode()
    # Sorted, so that the same panel in another row order gives the same result in the same order.
    values = np.array(encoded.dictionary.to_pylist(), dtype=str)
    order = np.argsort(values)
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    indices = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return [str(value) for value in values[order]], rank[indices]


def _statuses(table: pa.Table) -> npt.NDArray[np.str_]:
    names, status_of = _codes(table, "obs_status")
    for name in names:
        if name not in STATUSES:
            raise PanelError(f"panel: found obs_status {name!r}, expected one of {', '.join(STATUSES)}")
    return np.array(names or ["L"])[status_of]


def _periods(codes: list[str]) -> list[Period]:
    try:
        return [Period.parse(code) for code in codes]
    except ValueError as error:
        raise PanelError(f"panel: {error}") from error


def _floats(table: pa.Table, name: str) -> Floats:
    try:
        column = table[name].cast(pa.float64())
    except pa.ArrowException:
        raise PanelError(f"panel: {name}: found {_no_number(table[name])}, expected numbers") from None
    numbers: Floats = np.asarray(column.to_numpy(), dtype=np.float64).copy()
    endless = np.flatnonzero(np.isinf(numbers))
    if endless.size:
        key = ", ".join(str(table[part][int(endless[0])].as_py()) for part in COLUMNS[:3])
        raise PanelError(f"panel: {name}: found {numbers[endless[0]]:g} for {key}, expected a number or null")
    return numbers


def _no_number(column: pa.ChunkedArray) -> str:
    """The first text of a column that is no number, or its type."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return str(column.type)
    number = pc.match_substring_regex(column, r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$")
    wrong = pc.filter(column, pc.invert(number))
    return repr(wrong[0].as_py()) if len(wrong) else str(column.type)
