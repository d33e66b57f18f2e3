"""Arithmetic with the period codes of the warehouse: `2016`, `2016H2`, `2016Q3`, `2016M07`.

What belongs here: which kind a code is, when it begins and ends, which one comes before, and the table of
periods. What does not: reading the period codes of publishers (`2016HJ02`), which is the business of the
readers.

Kinds never mix: the period before a half-year is a half-year, and a range holds one kind only.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PeriodKind = Literal["year", "half_year", "quarter", "month"]

_FORM = r"^(?P<year>[12][0-9]{3})(?P<part>H[12]|Q[1-4]|M0[1-9]|M1[0-2])?$"
_CODE = re.compile(_FORM)
_KINDS: dict[str, PeriodKind] = {"": "year", "H": "half_year", "Q": "quarter", "M": "month"}
_MONTHS = {"": 12, "H": 6, "Q": 3, "M": 1}
_EXPECTED = "a period such as 2016, 2016H2, 2016Q3 or 2016M07"

# A day for ranges without an end where only their form matters, not how far they go.
SOME_DAY = dt.date(2050, 12, 31)

PERIOD_SCHEMA = pa.schema(
    [
        ("period_code", pa.string()),
        ("period_kind", pa.string()),
        ("start_date", pa.date32()),
        ("end_date", pa.date32()),
        ("previous_code", pa.string()),
        ("year_before_code", pa.string()),
        ("sort_index", pa.int64()),
    ]
)


def _parse(code: str) -> tuple[str, int]:
    """The letter of the kind ("" for a year), and the number of periods of that kind since the year 0."""
    match = _CODE.fullmatch(code)
    if match is None:
        raise ValueError(f"found {code!r}, expected {_EXPECTED}")
    part = match["part"] or ""
    letter, number = part[:1], int(part[1:] or 1)
    return letter, int(match["year"]) * (12 // _MONTHS[letter]) + number - 1


def _code(letter: str, ordinal: int) -> str:
    year, index = divmod(ordinal, 12 // _MONTHS[letter])
    number = {"": "", "M": f"{index + 1:02d}"}.get(letter, str(index + 1))
    return f"{year:04d}{letter}{number}"


def period_kind(code: str) -> PeriodKind:
    """The kind of one code. Raises ValueError when it is no period code."""
    return _KINDS[_parse(code)[0]]


def period_range(first: str, last: str) -> tuple[str, ...]:
    """All periods from `first` to `last`, both included, in order of time.

    Raises ValueError when the two are of different kinds, or the last is before the first.
    """
    (kind, begin), (other, end) = _parse(first), _parse(last)
    if kind != other:
        raise ValueError(f"found {first}..{last}, expected a first and a last period of one kind")
    if end < begin:
        raise ValueError(f"found {first}..{last}, expected the first period not to be after the last")
    return tuple(_code(kind, ordinal) for ordinal in range(begin, end + 1))


def expand_periods(expressions: Iterable[str], until: dt.date | None = None) -> tuple[str, ...]:
    """The periods that declared expressions stand for: single codes, and ranges such as `2015H1..2024H2`.

    A range without an end (`2015H1..`) goes up to the period in which `until` falls; it is empty where the first one
    has not begun by then. Each period once, in the order of the expressions. Raises ValueError for what is neither, and
    for a range without an end where no `until` is given.
    """
    periods: dict[str, None] = {}
    for expression in expressions:
        periods.update(dict.fromkeys(_expanded(expression, until)))
    return tuple(periods)


def _expanded(expression: str, until: dt.date | None) -> tuple[str, ...]:
    first, dots, last = expression.partition("..")
    if last or not dots:
        return period_range(first, last or first)
    if until is None:
        raise ValueError(f"found no last period in {expression}, expected {_EXPECTED}")
    letter, begin = _parse(first)
    now = (until.year * 12 + until.month - 1) // _MONTHS[letter]
    return tuple(_code(letter, ordinal) for ordinal in range(begin, now + 1))


def period_bounds(code: str) -> tuple[dt.date, dt.date]:
    """The first and the last day of a period. Raises ValueError when it is no period code."""
    letter, ordinal = _parse(code)
    months = _MONTHS[letter]
    return _first_day(ordinal * months), _first_day((ordinal + 1) * months) - dt.timedelta(days=1)


def _first_day(month: int) -> dt.date:
    return dt.date(month // 12, month % 12 + 1, 1)


def period_table(codes: Iterable[str] | pa.Array | pa.ChunkedArray) -> pa.Table:
    """One row per distinct period code, sorted by time (PERIOD_SCHEMA).

    `previous_code` is the period of the same kind just before, `year_before_code` the same part of the year
    one year earlier; both are codes by the calendar, whether or not they occur in `codes`. `sort_index`
    orders by last day and then from short to long, so that 2016M12 < 2016Q4 < 2016H2 < 2016.
    Raises ValueError naming the first code that is no period code.
    """
    given = codes if isinstance(codes, pa.Array | pa.ChunkedArray) else pa.array(list(codes), pa.string())
    unique = pc.unique(given.cast(pa.string()))
    parts = pc.extract_regex(unique, _FORM)
    if parts.null_count:
        wrong = unique.filter(pc.is_null(parts))[0].as_py()
        raise ValueError(f"found {wrong!r}, expected {_EXPECTED}")
    part = pc.struct_field(parts, "part")
    letter = pc.utf8_slice_codeunits(part, 0, 1)
    number = pc.if_else(pc.equal(part, ""), "1", pc.utf8_slice_codeunits(part, 1)).cast(pa.int64())
    letters = pa.array(list(_MONTHS), pa.string())
    rank = pc.index_in(letter, letters).cast(pa.int64()).to_numpy(zero_copy_only=False)
    months = np.array(list(_MONTHS.values()), dtype=np.int64)[rank]
    year = pc.struct_field(parts, "year").cast(pa.int64()).to_numpy(zero_copy_only=False)
    start = (year - 1970) * 12 + (number.to_numpy(zero_copy_only=False) - 1) * months
    end = (start + months).astype("datetime64[M]").astype("datetime64[D]") - np.timedelta64(1, "D")
    table = pa.Table.from_arrays(
        [
            unique,
            pa.array(list(_KINDS.values()), pa.string()).take(pa.array(rank)),
            pa.array(start.astype("datetime64[M]").astype("datetime64[D]")),
            pa.array(end),
            _codes(letter, start - months, months),
            _codes(letter, start - 12, months),
            pa.array((start + months) * len(_MONTHS) + (len(_MONTHS) - 1 - rank)),
        ],
        schema=PERIOD_SCHEMA,
    )
    return table.sort_by("sort_index")


def _codes(letter: pa.Array, month: np.ndarray, months: np.ndarray) -> pa.Array:
    """Period codes from the kind's letter and the months since January 1970 at which they begin."""
    year = pc.utf8_lpad(pa.array(month // 12 + 1970).cast(pa.string()), 4, "0")
    number = pa.array(month % 12 // months + 1).cast(pa.string())
    padded = pc.if_else(pc.equal(letter, "M"), pc.utf8_lpad(number, 2, "0"), number)
    shown = pc.if_else(pc.equal(letter, ""), "", padded)
    return pc.binary_join_element_wise(year, letter, shown, "")
