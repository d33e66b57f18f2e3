"""From text to typed columns: numbers as they are written in Dutch or in English, and nothing in between.

What belongs here: what a text means, for a whole column at once. What does not: whether the value is wanted
there (required, allowed, in range), and what happens to the row. Null stands for "this is not one".

Nothing is guessed. `3.224` is a number of three decimals, or three thousand odd, by the declaration alone;
where the declaration knows neither, it is no number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SPACE: Final = r"[\p{Z}\t]"
_EDGES: Final = r"^[\p{Z}\p{Cc}\p{Cf}]+|[\p{Z}\p{Cc}\p{Cf}]+$"
_MINUS: Final = ("−", "–")
_MARK_NAMES: Final = {".": "points", ",": "commas", " ": "spaces"}

Marks = tuple[str, str]
"""A decimal mark and a thousands mark, the latter empty where there is none."""

# The likelier of two that read equally well comes first: decimal commas are what this country writes.
NUMBER_MARKS: Final[tuple[Marks, ...]] = ((",", ""), (",", "."), (".", ""), (".", ","), (",", " "))

# Below the first and from the second on, a byte may be part of something that cannot be seen.
_FIRST_VISIBLE: Final = 0x21
_FIRST_INVISIBLE_AGAIN: Final = 0x7F
# Of so many cells at most this share may differ, for a column to be worked out text by text.
_SAMPLE: Final = 4096
_MOST_DISTINCT: Final = 0.5


def trim(texts: pa.Array) -> pa.Array:
    """The texts without what cannot be seen at their ends: spaces, control and format characters."""
    edged = _may_need_trimming(texts)
    if edged is None:
        return pc.replace_substring_regex(texts, _EDGES, "")
    if not edged.any():
        return texts
    chosen = pa.array(edged)
    return pc.replace_with_mask(texts, chosen, pc.replace_substring_regex(texts.filter(chosen), _EDGES, ""))


def _may_need_trimming(texts: pa.Array) -> np.ndarray | None:
    """Which texts begin or end with a byte that is no visible ASCII; None where that cannot be seen at once."""
    if texts.type != pa.string() or texts.null_count or not len(texts):
        return None
    _, offsets, content = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    edged = np.zeros(len(texts), dtype=bool)
    if content is None or bounds[0] == bounds[-1]:
        return edged
    data = np.frombuffer(content, np.uint8)
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    for ends in (data[bounds[:-1][filled]], data[bounds[1:][filled] - 1]):
        edged[filled] |= (ends < _FIRST_VISIBLE) | (ends >= _FIRST_INVISIBLE_AGAIN)
    return edged


def distinct(texts: pa.Array) -> pa.DictionaryArray | None:
    """The distinct texts, and which of them each cell holds; None where most texts occur once.

    What depends on the text alone is then worked out for some hundreds of texts instead of a million cells.
    """
    sample = texts.slice(0, _SAMPLE)
    if len(texts) <= len(sample) or len(pc.unique(sample)) > _MOST_DISTINCT * len(sample):
        return None
    return pc.dictionary_encode(texts)


def by_distinct(texts: pa.Array, function: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """`function(texts)`, for a function whose every result depends on one text alone."""
    encoded = distinct(texts)
    return function(texts) if encoded is None else function(encoded.dictionary).take(encoded.indices)


def plain_numbers(texts: pa.Array, decimal: str, thousands: str = "", *, percent: bool = False) -> pa.Array:
    """Numbers in the one form that computers read (`-1234567.89`), as text; null for what is no number.

    Read are digits with the declared decimal mark, thousands in well-formed groups of three with the declared
    mark (any kind of space where that is a space), a euro sign in front, a minus sign in front or, as ledgers
    print it, behind, `,-` for no cents, and with `percent` a percent sign behind. At most fifteen digits may
    stand before the decimal mark: beyond that a number would no longer be kept exactly.
    """
    whole = "[0-9]{1,15}"
    if thousands in (".", ","):
        whole = rf"(?:[0-9]{{1,3}}(?:[{thousands}][0-9]{{3}}){{1,4}}|{whole})"
    bare = pc.match_substring_regex(texts, rf"^-?{whole}(?:[{decimal}][0-9]{{1,15}})?$")
    simple = texts if pc.all(bare, min_count=0).as_py() else pc.if_else(bare, texts, pa.scalar(None, pa.string()))
    if thousands in (".", ","):
        simple = pc.replace_substring(simple, thousands, "")
    if decimal != ".":
        simple = pc.replace_substring(simple, decimal, ".")
    others = pc.invert(pc.fill_null(bare, False))
    if not pc.any(others, min_count=0).as_py():
        return simple
    return pc.replace_with_mask(simple, others, _dressed_numbers(texts.filter(others), decimal, thousands, percent))


def _dressed_numbers(texts: pa.Array, decimal: str, thousands: str, percent: bool) -> pa.Array:
    """`plain_numbers` of texts that may have anything around their digits."""
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
    """Doubles from `plain_numbers`; minus nothing is nothing."""
    return pc.add(plain.cast(pa.float64()), 0.0)


def as_integers(plain: pa.Array) -> pa.Array:
    """64-bit integers from `plain_numbers`; null also for what has decimals, were they zero."""
    return pc.if_else(pc.match_substring(plain, "."), None, plain).cast(pa.int64())


def as_years(texts: pa.Array) -> pa.Array:
    """Calendar years of four digits, 1900 to 2099, as 64-bit integers; null for everything else."""
    text = trim(texts)
    return pc.if_else(pc.match_substring_regex(text, "^(?:19|20)[0-9]{2}$"), text, None).cast(pa.int64())


def described_marks(marks: Marks) -> str:
    """Marks in words, as they stand in messages."""
    decimal, thousands = marks
    named = f"a decimal {'comma' if decimal == ',' else 'point'}"
    return f"{named} and thousands {_MARK_NAMES[thousands]}" if thousands else named


def other_marks(texts: pa.Array, declared: Marks, *, whole: bool = False) -> list[tuple[Marks, ...]]:
    """For every text the other ways of writing numbers than the declared one by which it is a number (`whole`)."""
    readable: list[list[Marks]] = [[] for _ in range(len(texts))]
    for marks in NUMBER_MARKS:
        if marks == declared:
            continue
        plain = plain_numbers(texts, *marks, percent=True)
        is_number = pc.is_valid(as_integers(plain) if whole else plain)
        for place in np.flatnonzero(is_number.to_numpy(zero_copy_only=False)).tolist():
            # With a thousands mark that is not in the text it is the same once more.
            if (marks[0], "") not in readable[place]:
                readable[place].append(marks)
    return [tuple(several) for several in readable]
