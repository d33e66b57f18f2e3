"""Numbers as a reader of Dutch expects them, for messages and pages. Figures for machines never pass here."""

from __future__ import annotations

import math

_SWAP = str.maketrans(",.", ".,")


def dutch_number(value: float, *, signed: bool = False) -> str:
    """`41.26` as `41,3`, `61769188.0` as `61.769.188`: at least two significant digits, whole from 100 on.

    Whole numbers below 10,000 have no thousands point, because they may be a year. `signed` adds a plus sign.
    """
    if not math.isfinite(value):
        return "geen getal"
    size = abs(value)
    if float(value).is_integer() or size >= 100:
        digits = 0
    elif size >= 1:
        digits = 1
    else:
        digits = 1 - math.floor(math.log10(size))
    return f"{value:{'+' if signed else ''}{',' if size >= 10_000 else ''}.{digits}f}".translate(_SWAP)


def dutch_count(count: int) -> str:
    """`1.960`: a number of things, which is never a year."""
    return f"{count:,}".translate(_SWAP)
