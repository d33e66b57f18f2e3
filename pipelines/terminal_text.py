"""Text of others as it may be printed at a terminal: nothing in it moves the cursor, hides or turns round what it says.

What belongs here: signs that a terminal obeys. What does not: persons (`privacy`), spreadsheets (`publish.formulas`).
"""

from __future__ import annotations

import re
from typing import Final

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
# The controls but tab and new line, and the signs that turn the direction of what follows.
OBEYED: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """`text` with a replacement character for every sign that a terminal would obey instead of show."""
    return OBEYED.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def printable_on_one_line(text: str) -> str:
    """The same, with spaces for new lines and tabs: a cell of a table."""
    return printable(text.replace("\n", " ").replace("\t", " "))
