"""The values of elements: what a date, a number or a code looks like, and how much of a wrong one may be shown.

What belongs here: single values, a whole column of them at once. What does not: which column holds what (`events`,
`header`). A wrong value is shown only where it is short and looks like a value of its kind: a name that was typed into
the field of a code must not come out in a message about it.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_RETURN_CODE: Final = re.compile(r"[0-9A-Z]{4}")
_SHOWN_CODE: Final = r"^[0-9A-Z]{1,4}$"
_SHOWN_DATE: Final = r"^[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,4}$"
_SHOWN_NUMBER: Final = r"^-?[0-9]{1,7}([.,][0-9]{1,2})?$"


def as_date(text: str) -> dt.date | None:
    """The day that a text of the form 2026-07-01 is; None for any other text, and for days that do not exist."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def is_return_code(text: str) -> bool:
    """Whether a text has the form of a RetourCode (`0200`, `S300`)."""
    return _RETURN_CODE.fullmatch(text) is not None


def dates(texts: pa.Array) -> pa.Array:
    """Every text as a date; null where it is none, and where it is null."""
    encoded = pc.dictionary_encode(texts)
    days = [None if text is None else as_date(text) for text in encoded.dictionary.to_pylist()]
    return pa.array(days, pa.date32()).take(encoded.indices)


def whole_numbers(texts: pa.Array, digits: int) -> pa.Array:
    """Every text of at most so many digits as a number; null where it is something else, and where it is null."""
    right = pc.match_substring_regex(texts, f"^[0-9]{{1,{digits}}}$")
    return pc.if_else(pc.fill_null(right, False), texts, None).cast(pa.int64())


def shown_code(texts: pa.Array) -> pa.Array:
    return _shown(texts, _SHOWN_CODE)


def shown_date(texts: pa.Array) -> pa.Array:
    return _shown(texts, _SHOWN_DATE)


def shown_number(texts: pa.Array) -> pa.Array:
    return _shown(texts, _SHOWN_NUMBER)


def _shown(texts: pa.Array, form: str) -> pa.Array:
    """The texts as they may stand in a message, in quotation marks; of the others only how long they are."""
    length = pc.cast(pc.utf8_length(texts), pa.string())
    return pc.if_else(
        pc.match_substring_regex(texts, form),
        pc.binary_join_element_wise('"', texts, '"', ""),
        pc.binary_join_element_wise("a text of ", length, " characters", ""),
    )


def shown(text: str, form: str = _SHOWN_CODE) -> str:
    """One text as it may stand in a message."""
    told: str = _shown(pa.array([text], pa.string()), form)[0].as_py()
    return told
