"""Where the records of a JSON document stand, which a JSON parser does not tell.

What belongs here: places in text. What does not: what the document says (`from_json`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.readers.iv3.records import Numbers

_ESCAPED: Final = re.compile(rb"\\.", re.DOTALL)
_OPENING: Final = np.frombuffer(b"{[", dtype=np.uint8)
_CLOSING: Final = np.frombuffer(b"}]", dtype=np.uint8)
_IS_MARK: Final = np.isin(np.arange(256), np.frombuffer(b'{}[]"', dtype=np.uint8))
_QUOTE: Final = ord('"')


@dataclass(frozen=True)
class Places:
    """Physical lines and places within them, both from 1, of things in the order of the document."""

    lines: Numbers
    columns: Numbers


def objects_at_depth(text: str, depth: int) -> Places:
    """Where every object begins that stands `depth` brackets deep; the outermost object is 1 deep.

    The text must be valid JSON. Brackets within strings do not count.
    """
    data = text.encode("utf-8")
    # Two bytes for two, so that places stay where they are: an escaped quotation mark ends no string.
    plain = np.frombuffer(_ESCAPED.sub(b"  ", data), dtype=np.uint8)
    marks = np.flatnonzero(_IS_MARK[plain])
    signs = plain[marks]
    outside = np.cumsum(signs == _QUOTE) % 2 == 0
    opening = np.isin(signs, _OPENING) & outside
    level = np.cumsum(opening.astype(np.int64) - (np.isin(signs, _CLOSING) & outside))
    at = marks[opening & (level == depth) & (signs == _OPENING[0])]
    breaks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n"))
    before = np.searchsorted(breaks, at)
    starts = np.concatenate(([0], breaks + 1))[before]
    return Places((before + 1).astype(np.int64), (at - starts + 1).astype(np.int64))


def place_of_key(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """Line and place of the last key of a path, looked for one key after the other; (1, 1) where it is not there."""
    at = 0
    for key in path:
        found = re.compile(rf'"{re.escape(key)}"\s*:').search(text, at)
        if found is None:
            break
        at = found.start()
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
