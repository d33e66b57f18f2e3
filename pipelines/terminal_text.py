"""Text of others as it may be printed at a terminal: nothing in it moves the cursor, hides or turns round what it says.

What belongs here: signs that a terminal obeys. What does not: persons (`privacy`), spreadsheets (`publish.formulas`).
"""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final, TypeVar

T = TypeVar("T")

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
# The controls but tab and new line, and the signs that turn the direction of what follows.
OBEYED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` with a replacement character for every sign that a terminal would obey instead of show."""
    return OBEYED.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def printable_on_one_line(text: str) -> str:
    """The same, with spaces for new lines and tabs: a cell of a table."""
    return printable(text.replace("\n", " ").replace("\t", " "))


def all_printable(value: T) -> T:
    """A value of data classes, mappings, sequences and texts with every text in it printable."""
    changed: Any = value
    if isinstance(value, str):
        changed = printable(value)
    elif is_dataclass(value) and not isinstance(value, type):
        changed = replace(value, **{part.name: all_printable(getattr(value, part.name)) for part in fields(value)})
    elif isinstance(value, dict):
        changed = {all_printable(key): all_printable(inner) for key, inner in value.items()}
    elif isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        changed = type(value)(all_printable(inner) for inner in value)
    return changed
