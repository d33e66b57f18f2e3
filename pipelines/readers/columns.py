"""One declared column: from cells to values of its type, and the cells that are not.

What belongs here: what a declaration of a column asks of its cells. What does not: how a text becomes a
number (`values`) and what is wrong with a row as a whole (`tabular`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Column, DelimitedReader, SpreadsheetReader
from pipelines.privacy import holds_bsn, passes_eleven_test
from pipelines.readers.faults import Faults, Hints, Texts, quoted
from pipelines.readers.grid import Cells, Mask
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import PERIOD_FORMS, normalise_periods
from pipelines.readers.pseudonyms import BSN_FORM, DAY_FORM, PERSONS, days, household_pseudonyms, person_pseudonyms
from pipelines.readers.values import (
    as_integers,
    as_numbers,
    as_years,
    described_marks,
    other_marks,
    plain_numbers,
    trim,
)

if TYPE_CHECKING:
    from pipelines.privacy.pseudonym import PseudonymKey

TabularReader = DelimitedReader | SpreadsheetReader

FIGURES: Final = ("integer", "number", "percentage")
REGIONS: Final = ("region_name", "region_code")

# A BSN has eight digits at least, its leading zero lost.
_FEWEST_DIGITS: Final = 10_000_000
_INEXACT_FROM: Final = 1e15
_MOST_COMPARED: Final = 50

_TIMES: Final = {"period": normalise_periods, "year": as_years, "date": days}

_NOT_ONE: Final = {
    "integer": "not_a_number",
    "number": "not_a_number",
    "percentage": "not_a_number",
    "year": "unknown_period",
    "period": "unknown_period",
    "date": "not_a_date",
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
    key: PseudonymKey | None = None,
) -> TypedColumn:
    """Read one column of a grid, adding to `faults` what cannot be read. `position` counts from 0.

    `key` is what the pseudonyms of persons and households are made with; columns of those need one.
    """
    encoded = cells.distinct
    if encoded is None:
        judged = _judge(column, cells, reader, lookup, key)
        for verdict in judged.verdicts:
            faults.add(verdict.mask, position, verdict.reason, verdict.found, verdict.expected)
        return judged.typed
    # What a cell is depends on its text alone, and a million rows hold some hundreds of texts.
    judged = _judge(column, Cells(encoded.dictionary), reader, lookup, key)
    places = encoded.indices
    each = places.to_numpy(zero_copy_only=False)
    for verdict in judged.verdicts:
        faults.add(
            verdict.mask[each],
            position,
            verdict.reason,
            _of_cells(verdict.found, places),
            _hints_of_cells(verdict.expected, places),
        )
    codes = judged.typed.region_codes
    return TypedColumn(judged.typed.values.take(places), None if codes is None else codes.take(places))


@dataclass(frozen=True)
class _Verdict:
    """Cells that are not what the declaration asks for, and what to say of them."""

    mask: Mask
    reason: str
    found: Texts
    expected: Texts | Hints


@dataclass(frozen=True)
class _Judged:
    """A column read, and the cells of it that are refused; a cell is in one verdict at most."""

    typed: TypedColumn
    verdicts: tuple[_Verdict, ...]


def _of_cells(texts: Texts, places: pa.Array) -> Texts:
    """Texts of distinct cells as texts of all cells, of which `places` says which distinct one each is."""
    if isinstance(texts, str):
        return texts
    if isinstance(texts, pa.Array):
        return lambda rows: texts.take(places.take(rows))
    return lambda rows: texts(places.take(rows))


def _hints_of_cells(expected: Texts | Hints, places: pa.Array) -> Texts | Hints:
    if isinstance(expected, Hints):
        of = expected.of
        return Hints(lambda rows: of(places.take(rows)), expected.explain)
    return _of_cells(expected, places)


def _judge(
    column: Column, cells: Cells, reader: TabularReader, lookup: RegionLookup, key: PseudonymKey | None
) -> _Judged:
    text = trim(cells.text)
    verdicts: list[_Verdict] = []

    def shown(rows: pa.Array) -> pa.Array:
        return quoted(text.take(rows))

    def refuse(mask: Mask, reason: str, found: Texts, expected: Texts | Hints) -> None:
        if mask.any():
            verdicts.append(_Verdict(mask, reason, found, expected))

    present = np.ones(len(text), dtype=bool)
    if cells.fault is not None:
        present = ~_mask(pc.is_valid(cells.fault))
        refuse(~present, "unreadable_cell", cells.fault, "a value")
    missing = present & _mask(pc.is_in(text, value_set=pa.array({"", *reader.missing})))
    present &= ~missing
    # An item without its part could be any of them.
    if column.name in reader.item_columns or (column.required and not column.nullable):
        refuse(missing, "missing_value", lambda rows: _shown_missing(text.take(rows)), _wanted(column, reader))

    if column.type == "open_text":
        # what somebody wrote stops here
        return _Judged(TypedColumn(pa.array(present.astype(np.int64))), tuple(verdicts))
    region_codes: pa.Array | None = None
    if column.type in REGIONS:
        values = text
        resolve = lookup.resolve_names if column.type == "region_name" else lookup.resolve_codes
        region_codes = resolve(pc.if_else(pa.array(present), text, pa.scalar(None, pa.string())))
        wrong = present & ~_mask(pc.is_valid(region_codes))
        hints = Hints(text.take, lambda spellings: _nearest(spellings, column, lookup))
        refuse(wrong, "unknown_region", shown, hints)
    elif column.type in PERSONS:
        assert key is not None  # noqa: S101 - the file is refused without one
        made = person_pseudonyms if column.type == "person" else household_pseudonyms
        values = made(pc.if_else(pa.array(present), text, pa.scalar(None, pa.string())), key)
        wrong = present & ~_mask(pc.is_valid(values))
        refuse(wrong, "not_a_bsn", "something else than a BSN", BSN_FORM)
    else:
        values = _parse(column, cells, text, reader)
        wrong = present & ~_mask(pc.is_valid(values))
        expected: Texts | Hints = _wanted(column, reader)
        if column.type in FIGURES:
            expected = Hints(text.take, lambda texts: _number_hints(texts, column, reader))
        refuse(wrong, _NOT_ONE.get(column.type, ""), shown, expected)
    good = present & ~wrong

    bsn = good & _could_be_bsn(column, values)
    refuse(bsn, "personal_data", *_bsn_words(column))
    good &= ~bsn
    if allowed := column.allowed or tuple(column.codes):
        other = good & ~_mask(pc.is_in(text, value_set=pa.array(allowed)))
        refuse(other, "not_allowed", shown, _one_of(allowed))
        good &= ~other
    outside = good & _out_of_range(column, values)
    refuse(outside, "out_of_range", shown, _range(column))
    kept = pa.array(good & ~outside)
    return _Judged(
        TypedColumn(_where(kept, values), None if region_codes is None else _where(kept, region_codes)),
        tuple(verdicts),
    )


def _where(kept: pa.Array, values: pa.Array) -> pa.Array:
    if pc.all(kept, min_count=0).as_py():
        return values
    return pc.if_else(kept, values, pa.scalar(None, values.type))


def _shown_missing(text: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(text, ""), "an empty cell", quoted(text))


def _parse(column: Column, cells: Cells, text: pa.Array, reader: TabularReader) -> pa.Array:
    if column.type == "text":
        return text
    if column.type in _TIMES:
        return _TIMES[column.type](text)
    plain = plain_numbers(text, reader.decimal, reader.thousands, percent=column.type == "percentage")
    if column.type == "integer" and cells.number is None:
        return as_integers(plain)
    numbers = as_numbers(plain)
    if cells.number is not None:
        numbers = pc.coalesce(_own_numbers(column, cells), numbers)
    if column.type == "integer":
        # From here on a double no longer tells one whole number from the next.
        exact = pc.less(pc.abs(numbers), _INEXACT_FROM)
        whole = pc.and_(pc.equal(numbers, pc.floor(numbers)), exact)
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


def _nearest(spellings: Sequence[str], column: Column, lookup: RegionLookup) -> Sequence[str]:
    """What was expected instead of spellings that name no region."""
    if column.type == "region_code":
        return ["the code of a known region, such as GM0373"] * len(spellings)
    expected, compared = [], 0
    for spelling in spellings:
        if several := lookup.ambiguous(spelling):
            expected.append(f"a name that fits one region; this one fits {', '.join(several)}")
            continue
        # Comparing takes long, and after so many spellings the column holds something else than regions.
        near = lookup.suggest(spelling) if compared < _MOST_COMPARED else ()
        compared += 1
        expected.append(
            f"the name of a known region; near it come {', '.join(near)}" if near else "the name of a known region"
        )
    return expected


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
    could = (numbers >= _FEWEST_DIGITS) & (numbers < _INEXACT_FROM)
    if not could.any():
        return np.zeros(len(values), dtype=bool)
    whole = np.where(could, numbers, 0).astype(np.int64)
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
    outside: Mask = np.zeros(len(values), dtype=bool)
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
        "date": DAY_FORM,
        "person": BSN_FORM,
        "household": "a key of a household",
        "open_text": "a text",
        "region_name": "the name of a region",
        "region_code": "the code of a region",
    }[column.type]


def _number_hints(texts: Sequence[str], column: Column, reader: TabularReader) -> Sequence[str]:
    """What was expected instead of texts that are no number as declared, and how they would be one."""
    wanted, declared = _wanted(column, reader), (reader.decimal, reader.thousands)
    others = other_marks(pa.array(texts, pa.string()), declared, whole=column.type == "integer")
    return [
        f"{wanted}, with {described_marks(declared)} as declared; this is one with "
        f"{' or '.join(map(described_marks, several[:2]))}"
        if several
        else wanted
        for several in others
    ]


def _one_of(allowed: tuple[str, ...]) -> str:
    return "one of " + ", ".join(f'"{value}"' for value in allowed)


def _mask(flags: pa.Array) -> Mask:
    mask: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask
