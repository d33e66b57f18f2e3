"""How Swing writes a period, an area, and a value that is none: the same in its files and over OData.

What belongs here: what a text of Swing's means, for whole columns at once. What does not: where the texts stand
(`swing` for files, `swing_odata` for answers), and what happens to a row with a text that means nothing.

Only forms that are documented, or that can mean one thing only, are read: `2016-2` could be a half-year, a quarter or
a month, and is none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import passes_eleven_test
from pipelines.readers.grid import Mask
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import normalise_periods
from pipelines.readers.values import as_numbers, plain_numbers, trim

SPECIAL_VALUES: Final = {-99996: "empty", -99997: "hidden", -99998: "not_applicable", -99999: "unknown"}
SPECIAL_VALUES_TEXT: Final = ", ".join(f"{number} ({meaning})" for number, meaning in SPECIAL_VALUES.items())

COUNTRY: Final = "NL01"
_COUNTRY_LEVELS: Final = ("nederland", "land")
_COUNTRY_ITEMS: Final = ("1", "nl", "nl01", "nederland", "nederland_1", "land_1")
# A level may carry the year of its borders: `gemeente2018`, or in two digits `gemeente18`.
_YEAR: Final = "(?:(?:19|20)[0-9]{2}|[0-9]{2})"

_MONTH: Final = r"^m(0[1-9]|1[0-2])y((?:19|20)[0-9]{2})$"
_KINDS: Final = {"year": "", "halfyear": "H[12]", "quarter": "Q[1-4]", "month": "M[0-9]{2}"}

# Beneath this, Swing has special values and no figures.
_LOWEST_FIGURE: Final = -99990
_NINE_DIGITS: Final = 100_000_000


@dataclass(frozen=True)
class Areas:
    """The region of every row, null where it is not known; and whether its level is one that is read."""

    region_codes: pa.Array
    is_country: pa.Array
    has_known_level: Mask


@dataclass(frozen=True)
class Figures:
    """The values of a column, null where there is none; `special` says why; and what is neither.

    `special` is `empty`, `hidden`, `not_applicable` or `unknown`, null where there is a figure.
    """

    values: pa.Array
    special: pa.Array
    is_no_number: Mask
    is_too_low: Mask
    could_be_bsn: Mask


def swing_periods(texts: pa.Array) -> pa.Array:
    """The warehouse's code of every period; null for what is no year, half-year, quarter or month.

    Swing's own months (`m07y2016`) are read beside the forms of `periods`. Days are not: in a workbook they are what
    became of another period when somebody opened it.
    """
    lower = pc.utf8_lower(trim(texts))
    codes = normalise_periods(pc.replace_substring_regex(lower, _MONTH, r"\2M\1"))
    counts = pc.match_substring_regex(codes, f"^[0-9]{{4}}(?:{'|'.join(filter(None, _KINDS.values()))})?$")
    return pc.if_else(counts, codes, pa.scalar(None, pa.string()))


def of_level(codes: pa.Array, levels: pa.Array) -> Mask:
    """Which periods are of the kind that their level names; a level nobody documents says nothing."""
    level = pc.utf8_lower(trim(pc.fill_null(levels, "")))
    wrong = np.zeros(len(codes), dtype=bool)
    for name, form in _KINDS.items():
        is_level = as_mask(pc.equal(level, name))
        wrong |= is_level & ~as_mask(pc.match_substring_regex(codes, f"^[0-9]{{4}}{form}$"))
    return ~wrong


def swing_areas(levels: pa.Array, items: pa.Array, lookup: RegionLookup) -> Areas:
    """The regions that pairs of level and item mean: `gemeente2016` and `373`, `nederland` and `1`.

    The year of a level is that of its borders, and says nothing about the figure's period. An item may be written
    with its level in front (`gemeente_106`) and without the zeros of its code.
    """
    nothing = pa.scalar(None, pa.string())
    plain = pc.replace_substring_regex(pc.utf8_lower(trim(levels)), f"{_YEAR}$", "")
    is_country = pc.is_in(plain, value_set=pa.array(_COUNTRY_LEVELS))
    is_municipality = pc.equal(plain, "gemeente")
    item = pc.utf8_lower(trim(items))
    country = pc.if_else(pc.is_in(item, value_set=pa.array(_COUNTRY_ITEMS)), pa.scalar(COUNTRY), nothing)
    number = pc.replace_substring_regex(item, f"^gemeente{_YEAR}?_", "")
    municipality = lookup.resolve_codes(pc.if_else(is_municipality, number, nothing))
    return Areas(
        region_codes=pc.if_else(is_country, country, municipality),
        is_country=is_country,
        has_known_level=as_mask(pc.or_(is_country, is_municipality)),
    )


def swing_figures(texts: pa.Array, decimal: str, numbers: pa.Array | None = None) -> Figures:
    """The figures of a column of trimmed texts. `numbers` are those that a typed file holds, null elsewhere."""
    nothing = pa.scalar(None, pa.string())
    special = pc.if_else(pc.equal(texts, ""), "empty", pc.if_else(pc.equal(texts, "?"), "unknown", nothing))
    read = as_numbers(plain_numbers(texts, decimal))
    if numbers is not None:
        read = pc.coalesce(numbers, read)
    for number, meaning in SPECIAL_VALUES.items():
        stands_for = pc.fill_null(pc.equal(read, float(number)), False)
        special = pc.coalesce(special, pc.if_else(stands_for, meaning, nothing))
    is_figure = as_mask(pc.is_null(special))
    # No area of the country counts a hundred million of anything; eight digits can be its inhabitants.
    whole = pc.fill_null(read, 0.0).to_numpy(zero_copy_only=False)
    as_integer = np.where(np.abs(whole) < 1e15, whole, 0.0).astype(np.int64)
    passes = passes_eleven_test(as_integer) & (as_integer == whole) & (as_integer >= _NINE_DIGITS)
    return Figures(
        values=pc.if_else(pa.array(is_figure), read, pa.scalar(None, pa.float64())),
        special=special,
        is_no_number=is_figure & as_mask(pc.is_null(read)),
        is_too_low=is_figure & as_mask(pc.less(read, _LOWEST_FIGURE)),
        could_be_bsn=is_figure & passes,
    )


def repeated_keys(periods: pa.Array, regions: pa.Array) -> Mask:
    """Which rows share their period and region with another; rows without either share nothing."""
    key = pc.binary_join_element_wise(periods, regions, "|")
    counts = pc.value_counts(key.drop_null())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return as_mask(pc.is_in(key, value_set=repeated)) & as_mask(pc.is_valid(key))


def as_mask(flags: pa.Array) -> Mask:
    """Flags as numpy has them, with null for no."""
    mask: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return mask
