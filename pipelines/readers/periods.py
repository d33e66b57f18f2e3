"""The period codes of the publishers, and the one code that the warehouse has for each of them.

What belongs here: reading `2016HJ02`, `2016 H2`, `2016KW03` and their like. What does not: arithmetic with
periods (`pipelines.periods`), and saying whether a period is provisional.

Only forms that a publisher documents are read; `2016-2` could be a half-year, a quarter or a month, and is
none. Kinds stay apart: a school year, an Iv3 report and a day keep a code of their own, so that none of them
is ever taken for the calendar year it begins with. Where the figures of an Iv3 report go into the warehouse, its
code is split in two (`split_reports`).
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

PERIOD_FORMS: Final = "a period such as 2016, 2016H2, 2016Q3 or 2016M07"

_YEAR = r"^(?P<year>(?:19|20)[0-9]{2})"
# Per kind: the forms as publishers write them, and the warehouse's code made of year and number.
_FORMS: Final = (
    (_YEAR + r"(?P<number>)(?:JJ00)?$", ""),
    (_YEAR + r" ?(?:H|HJ0)(?P<number>[12])$", "H"),
    (_YEAR + r" ?(?:Q|KW0)(?P<number>[1-4])$", "Q"),
    (_YEAR + r" ?(?:M|MM)(?P<number>0[1-9]|1[0-2])$", "M"),
    (_YEAR + r"(?P<number>)SJ(?:00)?$", "SJ"),
    (_YEAR + r"(?P<number>X00[0-5])$", ""),
    (_YEAR + r"-?(?P<number>(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01]))$", "-"),
)


def normalise_periods(codes: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The warehouse's code for every publisher's period code; null for null and for what is no period.

    Takes and gives strings, of the same length. Read are years (`2016`, `2016JJ00`), half-years (`2016H2`,
    `2016 H2`, `2016HJ02`), quarters (`2016Q3`, `2016KW03`), months (`2016M07`, `2016MM07`), and, with a kind
    of their own, school years (`2016SJ00` becomes `2016SJ`), Iv3 reports (`2016X005` stays) and days
    (`20160101` becomes `2016-01-01`). Padding and case do not matter. Applying it twice changes nothing.
    """
    flat = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
    distinct = pc.dictionary_encode(flat.cast(pa.string()))
    found = distinct.dictionary
    text = pc.utf8_upper(pc.utf8_trim_whitespace(found))
    normal = pa.nulls(len(text), pa.string())
    for form, letter in _FORMS:
        parts = pc.extract_regex(text, form)
        number = pc.struct_field(parts, "number")
        if letter == "-":
            number = pc.replace_substring_regex(number, r"^(..)-?(..)$", r"\1-\2")
        code = pc.binary_join_element_wise(pc.struct_field(parts, "year"), letter, number, "")
        normal = pc.coalesce(normal, code)
    return _existing_days(normal).take(distinct.indices)


def split_reports(codes: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The period that a code is of, and the Iv3 report that it names beside it (null where it names none).

    Takes codes of `normalise_periods`. Budget (`2023X000`) and accounts (`2023X005`) are of their year. A quarterly
    report (`2023X001` to `2023X004`) is of its quarter, and counts from 1 January to the end of it: quarters are never
    added up. Other codes stay as they are. Whoever takes the period must keep the report with it, as a part of the
    period: a year has a budget as well as accounts.
    """
    parts = pc.extract_regex(codes, r"^(?P<year>[0-9]{4})X00(?P<number>[0-5])$")
    year, number = pc.struct_field(parts, "year"), pc.struct_field(parts, "number")
    quarterly = pc.match_substring_regex(number, "^[1-4]$")
    quarter = pc.binary_join_element_wise(year, number, "Q")
    period = pc.coalesce(pc.if_else(quarterly, quarter, year), codes)
    return period, pc.binary_join_element_wise("X00", number, "")


def _existing_days(codes: pa.Array) -> pa.Array:
    """The codes without days that no calendar has (`2015-02-29`)."""
    is_day = pc.match_substring_regex(codes, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    day = pc.if_else(is_day, codes, None)
    known = pc.strptime(day, format="%Y-%m-%d", unit="s", error_is_null=True)
    same = pc.equal(pc.strftime(known, format="%Y-%m-%d"), day)
    return pc.if_else(pc.and_(is_day, pc.invert(pc.fill_null(same, False))), None, codes)
