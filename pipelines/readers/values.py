"""From text to typed columns: numbers as they are written in Dutch or in English, and nothing in between.

What belongs here: what a text means, for a whole column at once. What does not: whether the value is wanted
there (required, allowed, in range), and what happens to the row. Null stands for "this is not one".

Nothing is guessed. `3.224` is a number of three decimals, or three thousand odd, by the declaration alone;
where the declaration knows neither, it is no number.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_SPACE: Final = r"[\p{Z}\t]"
_EDGES: Final = r"^[\p{Z}\p{Cc}\p{Cf}]+|[\p{Z}\p{Cc}\p{Cf}]+$"
_MINUS: Final = ("−", "–")


def trim(texts: pa.Array) -> pa.Array:
    """The texts without what cannot be seen at their ends: spaces, control and format characters."""
    return pc.replace_substring_regex(texts, _EDGES, "")


def plain_numbers(texts: pa.Array, decimal: str, thousands: str = "", *, percent: bool = False) -> pa.Array:
    """Numbers in the one form that computers read (`-1234567.89`), as text; null for what is no number.

    Read are digits with the declared decimal mark, thousands in well-formed groups of three with the declared
    mark (any kind of space where that is a space), a euro sign in front, a minus sign in front or, as ledgers
    print it, behind, `,-` for no cents, and with `percent` a percent sign behind. At most fifteen digits may
    stand before the decimal mark: beyond that a number would no longer be kept exactly.
    """
    text = trim(texts)
    for minus in _MINUS:
        text = pc.replace_substring(text, minus, "-")
    whole = r"[0-9]{1,15}"
    if thousands:
        mark = r"\p{Zs}" if thousands == " " else rf"[{thousands}]"
        whole = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}}){{1,4}}|{whole}"
    no_cents = r"|,-" if decimal == "," and not percent else ""
    parts = pc.extract_regex(
        text,
        rf"^(?P<sign>[+-]?){_SPACE}*(?:(?:€|EUR){_SPACE}*)?(?P<inner>[+-]?){_SPACE}*(?P<whole>{whole})"
        rf"(?:[{decimal}](?P<cents>[0-9]{{1,15}}){no_cents})?{_SPACE}*(?P<behind>-?)"
        rf"{(_SPACE + '*%?') if percent else ''}$",
    )
    signs = pc.binary_join_element_wise(*(pc.struct_field(parts, n) for n in ("sign", "inner", "behind")), "")
    cents = pc.struct_field(parts, "cents")
    number = pc.binary_join_element_wise(
        pc.if_else(pc.equal(signs, "-"), "-", ""),
        pc.replace_substring_regex(pc.struct_field(parts, "whole"), "[^0-9]", ""),
        pc.if_else(pc.equal(cents, ""), "", "."),
        cents,
        "",
    )
    return pc.if_else(pc.less_equal(pc.utf8_length(signs), 1), number, None)


def as_numbers(plain: pa.Array) -> pa.Array:
    """Doubles from `plain_numbers`."""
    return plain.cast(pa.float64())


def as_integers(plain: pa.Array) -> pa.Array:
    """64-bit integers from `plain_numbers`; null also for what has decimals, were they zero."""
    return pc.if_else(pc.match_substring(plain, "."), None, plain).cast(pa.int64())


def as_years(texts: pa.Array) -> pa.Array:
    """Calendar years of four digits, 1900 to 2099, as 64-bit integers; null for everything else."""
    text = trim(texts)
    return pc.if_else(pc.match_substring_regex(text, "^(?:19|20)[0-9]{2}$"), text, None).cast(pa.int64())
