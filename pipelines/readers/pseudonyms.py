"""Columns that say who somebody is, and days: what a table about persons has beside what every table has.

What belongs here: making pseudonyms of a whole column, and reading its days. What does not: the key (`privacy`), and
which columns those are (the declaration). Of what stands in a column of persons or households nothing is ever told.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import passes_eleven_test

if TYPE_CHECKING:
    from pipelines.privacy.pseudonym import PseudonymKey

PERSONS: Final = ("person", "household")
BSN_FORM: Final = "a BSN of nine digits that passes the eleven test"
DAY_FORM: Final = "a day like 2026-07-01 or 01-07-2026"

_BETWEEN_DIGITS: Final = r"[ .]"
_ISO: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00:00)?")
_DUTCH: Final = re.compile(r"([0-9]{1,2})[-/]([0-9]{1,2})[-/]([0-9]{4})")


def person_pseudonyms(texts: pa.Array, key: PseudonymKey) -> pa.Array:
    """The pseudonym of every BSN; null for what is none, and for null. An old one may lack its leading zero."""
    bare = pc.replace_substring_regex(texts, _BETWEEN_DIGITS, "")
    shaped = pc.fill_null(pc.match_substring_regex(bare, "^[0-9]{8,9}$"), False)
    numbers = pc.if_else(shaped, bare, "0").cast(pa.int64())
    is_bsn = pa.array(passes_eleven_test(numbers.to_numpy(zero_copy_only=False)))
    padded = pc.utf8_lpad(bare, 9, "0")
    return _hashed(pc.if_else(is_bsn, padded, pa.scalar(None, pa.string())), key.person)


def household_pseudonyms(texts: pa.Array, key: PseudonymKey) -> pa.Array:
    """The pseudonym of every household, by what the deliverer calls it; null for null."""
    return _hashed(texts, key.household)


def days(texts: pa.Array) -> pa.Array:
    """Every text as a day; null where it is none, and where it is null."""
    encoded = pc.dictionary_encode(texts)
    found = [None if text is None else _day(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.date32()).take(encoded.indices)


def ends_before(start: pa.Array, end: pa.Array) -> npt.NDArray[np.bool_]:
    """Which stretches end before they begin."""
    turned: npt.NDArray[np.bool_] = pc.fill_null(pc.less(end, start), False).to_numpy(zero_copy_only=False)
    return turned


def _day(text: str) -> dt.date | None:
    if match := _ISO.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := _DUTCH.fullmatch(text):
        day, month, year = map(int, match.groups())
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _hashed(texts: pa.Array, hashed: Callable[[str], str]) -> pa.Array:
    encoded = pc.dictionary_encode(texts)
    found = [None if text is None else hashed(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(found, pa.string()).take(encoded.indices)
