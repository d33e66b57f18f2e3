"""One declared column: from cells to values of its type, and the cells that are not.

What belongs here: what a declaration of a column asks of its cells. What does not: how a text becomes a
number (`values`) and what is wrong with a row as a whole (`tabular`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Column, DelimitedReader, SpreadsheetReader
from pipelines.privacy import holds_bsn, passes_eleven_test
from pipelines.readers.faults import Faults, quoted
from pipelines.readers.grid import Cells, Mask
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import PERIOD_FORMS, normalise_periods
from pipelines.readers.values import as_integers, as_numbers, as_years, plain_numbers, trim

TabularReader = DelimitedReader | SpreadsheetReader

FIGURES: Final = ("integer", "number", "percentage")
REGIONS: Final = ("region_name", "region_code")

_NOT_ONE: Final = {
    "integer": "not_a_number",
    "number": "not_a_number",
    "percentage": "not_a_number",
    "year": "unknown_period",
    "period": "unknown_period",
    "region_name": "unknown_region",
    "region_code": "unknown_region",
}


@dataclass(frozen=True)
class TypedColumn:
    """The values of one column, null where missing or refused, and the regions where it holds regions."""

    values: pa.Array
    region_codes: pa.Array | None = None


def type_column(
    column: Column,
    cells: Cells,
    *,
    position: int,
    reader: TabularReader,
    lookup: RegionLookup,
    faults: Faults,
) -> TypedColumn:
    """Read one column of a grid, adding to `faults` what cannot be read. `position` counts from 0."""
    text = trim(cells.text)
    shown = quoted(text)
    if cells.fault is not None:
        faults.add(_mask(pc.is_valid(cells.fault)), position, "unreadable_cell", cells.fault, "a value")
    missing = _mask(pc.is_in(text, value_set=pa.array({"", *reader.missing})))
    if column.required and not column.nullable:
        found = pc.if_else(pc.equal(text, ""), "an empty cell", shown)
        faults.add(missing, position, "missing_value", found, _wanted(column, reader))
    present = ~missing if cells.fault is None else ~missing & ~_mask(pc.is_valid(cells.fault))

    region_codes: pa.Array | None = None
    if column.type in REGIONS:
        values = text
        resolve = lookup.resolve_names if column.type == "region_name" else lookup.resolve_codes
        region_codes = resolve(pc.if_else(pa.array(present), text, pa.scalar(None, pa.string())))
        wrong = present & ~_mask(pc.is_valid(region_codes))
        spellings = pc.unique(text.filter(pa.array(wrong)))
        nearest = _nearest(spellings.to_pylist(), column, lookup).take(pc.index_in(text, value_set=spellings))
        faults.add(wrong, position, "unknown_region", shown, nearest)
    else:
        values = _parse(column, cells, text, reader)
        wrong = present & ~_mask(pc.is_valid(values))
        faults.add(wrong, position, _NOT_ONE.get(column.type, ""), shown, _wanted(column, reader))
    good = present & ~wrong
    good &= ~faults.add(good & _could_be_bsn(column, values), position, "personal_data", *_bsn_words(column))
    if column.allowed:
        outside = good & ~_mask(pc.is_in(text, value_set=pa.array(column.allowed)))
        good &= ~faults.add(outside, position, "not_allowed", shown, _one_of(column.allowed))
    good &= ~faults.add(good & _out_of_range(column, values), position, "out_of_range", shown, _range(column))
    kept = pa.array(good)
    return TypedColumn(
        pc.if_else(kept, values, pa.scalar(None, values.type)),
        None if region_codes is None else pc.if_else(kept, region_codes, pa.scalar(None, pa.string())),
    )


def _parse(column: Column, cells: Cells, text: pa.Array, reader: TabularReader) -> pa.Array:
    if column.type == "text":
        return text
    if column.type == "period":
        return normalise_periods(text)
    if column.type == "year":
        return as_years(text)
    plain = plain_numbers(text, reader.decimal, reader.thousands, percent=column.type == "percentage")
    if column.type == "integer" and cells.number is None:
        return as_integers(plain)
    numbers = as_numbers(plain)
    if cells.number is not None:
        numbers = pc.coalesce(_own_numbers(column, cells), numbers)
    if column.type == "integer":
        whole = pc.equal(numbers, pc.floor(numbers))
        return pc.if_else(whole, numbers, pa.scalar(None, pa.float64())).cast(pa.int64())
    return numbers


def _own_numbers(column: Column, cells: Cells) -> pa.Array:
    """The numbers that a typed file holds; those shown as a percentage count only in a percentage column."""
    if cells.percent is None:
        return cells.number
    if column.type == "percentage":
        # 0.57 * 100 is not 57 in binary; no percentage is delivered with more than ten decimals.
        hundred = pc.round(pc.multiply(cells.number, 100.0), ndigits=10)
        return pc.if_else(cells.percent, hundred, cells.number)
    return pc.if_else(cells.percent, pa.scalar(None, pa.float64()), cells.number)


def _nearest(spellings: Sequence[str], column: Column, lookup: RegionLookup) -> pa.Array:
    """What was expected instead of spellings that name no region."""
    if column.type == "region_code":
        return pa.array(["the code of a known region, such as GM0373"] * len(spellings), pa.string())
    expected = []
    for spelling in spellings:
        if several := lookup.ambiguous(spelling):
            expected.append(f"a name that fits one region; this one fits {', '.join(several)}")
        elif near := lookup.suggest(spelling):
            expected.append(f"the name of a known region; near it come {', '.join(near)}")
        else:
            expected.append("the name of a known region")
    return pa.array(expected, pa.string())


def _could_be_bsn(column: Column, values: pa.Array) -> Mask:
    """Cells that hold a BSN for all that can be seen.

    A large whole number passes the eleven test by chance, once in eleven times. Only a declared maximum says
    that numbers so large are expected.
    """
    if column.type == "text":
        return _mask(holds_bsn(values))
    if column.type not in FIGURES or column.maximum is not None:
        return np.zeros(len(values), dtype=bool)
    numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    whole = np.where(np.abs(numbers) < 1e15, numbers, 0).astype(np.int64)
    return passes_eleven_test(whole) & (whole == numbers)


def _bsn_words(column: Column) -> tuple[str, str]:
    if column.type == "text":
        return "a text with a number in it that could be a BSN", "a text that names no person"
    return (
        "a number that could be a BSN",
        "a figure; where figures of eight digits or more are meant, the declaration gives a maximum",
    )


def _out_of_range(column: Column, values: pa.Array) -> Mask:
    low, high = _bounds(column)
    outside = np.zeros(len(values), dtype=bool)
    if low is not None:
        outside |= _mask(pc.less(values, low))
    if high is not None:
        outside |= _mask(pc.greater(values, high))
    return outside


def _bounds(column: Column) -> tuple[float | None, float | None]:
    if column.type not in (*FIGURES, "year"):
        return None, None
    if column.type == "percentage":
        return (
            0.0 if column.minimum is None else column.minimum,
            100.0 if column.maximum is None else column.maximum,
        )
    return column.minimum, column.maximum


def _range(column: Column) -> str:
    low, high = _bounds(column)
    if low is None or high is None:
        return f"at most {high:.15g}" if low is None and high is not None else f"at least {low or 0:.15g}"
    return f"between {low:.15g} and {high:.15g}"


def _wanted(column: Column, reader: TabularReader) -> str:
    mark, group = reader.decimal, reader.thousands
    written = f"1{group}234{group}567{mark}89"
    hint = "" if group else ", without a thousands mark"
    return {
        "text": "a text",
        "integer": f"a whole number like 1{group}234{hint}",
        "number": f"a number like {written}{hint}",
        "percentage": f"a percentage like 12{mark}5",
        "year": "a year like 2016",
        "period": PERIOD_FORMS,
        "region_name": "the name of a region",
        "region_code": "the code of a region",
    }[column.type]


def _one_of(allowed: tuple[str, ...]) -> str:
    return "one of " + ", ".join(f'"{value}"' for value in allowed)


def _mask(flags: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask
