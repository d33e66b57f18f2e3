"""Text that a spreadsheet would run as a formula, made text that it shows.

What belongs here: which texts are dangerous in a file without types (CSV), and what is put before them. What does not:
workbooks, in which a cell says by itself that it is text (`exports`), and what is written where.

Labels, names of regions and raw text of refused rows come from files of others. `=HYPERLINK(...)` or `+cmd|...` among
them runs on the machine of whoever opens the export. An apostrophe before such a text makes it text, the way Excel
and LibreOffice write that themselves. It is also put within a text, where a separator is followed by a formula: an
Excel that takes `;` for the separator cuts a comma-separated file there, whatever quotes stand around it.
"""

from __future__ import annotations

import re
from typing import Final

# The wide forms are those of East Asian keyboards, which Excel takes for the same signs.
_SIGNS: Final = "=+\\-@＝＋－＠"
# What a program skips, or may, before it looks whether a cell is a formula; none of it can be seen.
_SKIPPED: Final = '"\\s\x00-\x1f\x7f\u00a0\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff'
_START: Final = re.compile(f"[{_SKIPPED}]*[{_SIGNS}]")
_SEPARATORS: Final = ";,|\t\r\n"
# A run of these is looked at once and as a whole: texts of others may have a million of them.
_BETWEEN: Final = f"{_SEPARATORS}{_SKIPPED}"
_WITHIN: Final = re.compile(f"(?<![{_BETWEEN}])[{_BETWEEN}]++(?=[{_SIGNS}])")
_SEPARATES: Final = frozenset(_SEPARATORS)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")


def neutral(text: str) -> str:
    """`text` as a cell that no spreadsheet runs. A number stays as it is, a negative one too."""
    if _NUMBER.fullmatch(text):
        return text
    within = _WITHIN.sub(lambda run: f"{run[0]}'" if not _SEPARATES.isdisjoint(run[0]) else run[0], text)
    return f"'{within}" if _START.match(within) else within
