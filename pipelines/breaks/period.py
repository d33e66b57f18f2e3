"""Period codes as numbers: `2016`, `2016H2`, `2016Q3`, `2016M07`.

What belongs here: the order of periods, and on which periods of one kind a period of another kind falls.
What does not: which periods a source publishes, or labels that people read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CODE = re.compile(r"^(\d{4})(?:([HQM])(\d{1,2}))?$")
_PER_YEAR = {None: 1, "H": 2, "Q": 4, "M": 12}
_LETTER = {1: "", 2: "H", 4: "Q", 12: "M"}


@dataclass(frozen=True, order=True)
class Period:
    """One period. `per_year` is 1, 2, 4 or 12 and tells the kind; `ordinal` counts periods of that kind."""

    per_year: int
    ordinal: int

    @classmethod
    def parse(cls, code: str) -> Period:
        """The period of a code. Raises ValueError where it is none of the four kinds."""
        match = _CODE.match(code)
        if match is None:
            raise ValueError(f"found period {code!r}, expected like 2016, 2016H2, 2016Q3 or 2016M07")
        per_year = _PER_YEAR[match[2]]
        part = int(match[3] or 1)
        if not 1 <= part <= per_year:
            raise ValueError(f"found period {code!r}, expected a part between 1 and {per_year}")
        return cls(per_year, int(match[1]) * per_year + part - 1)

    @property
    def code(self) -> str:
        year, part = divmod(self.ordinal, self.per_year)
        if self.per_year == 1:
            return f"{year:04d}"
        width = 2 if self.per_year == 12 else 1
        return f"{year:04d}{_LETTER[self.per_year]}{part + 1:0{width}d}"

    def span(self, per_year: int) -> tuple[int, int]:
        """First and last ordinal, in periods of the kind `per_year`, that this period touches."""
        months = 12 // self.per_year
        first, last = self.ordinal * months, (self.ordinal + 1) * months - 1
        width = 12 // per_year
        return first // width, last // width
