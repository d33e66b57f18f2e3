"""How often a source appears, and the sources that documents measure by and that nobody delivers yet.

What belongs here: the rhythm as such, and the shape of a source that is known by its rhythm only. What does not: what
a delivering source should deliver (`source`), and laying it out in regions and periods (`expand`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from pipelines.declarations.catalogue import Id, Text
from pipelines.declarations.source import Cadence, Expected
from pipelines.declarations.strict import Strict
from pipelines.periods import period_kind

_MONTHS: dict[Cadence, int] = {
    "monthly": 1,
    "quarterly": 3,
    "half_yearly": 6,
    "yearly": 12,
    "two_yearly": 24,
    "four_yearly": 48,
}
_MONTHS_OF_KIND = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}


class Rhythm(Strict):
    """A source that a document measures by, that has a rhythm, and that is not connected.

    What it should deliver stands in coverage as missing, for the reason in `because_nl`. The items of `expected` are
    indicators; `once` is a figure that a document prints without saying when it comes again. It steps aside as soon as
    a source of the same id is declared: that one says what is expected.
    """

    source_id: Id
    title: Text
    publisher: Text
    url: str | None = None
    cadence: Cadence
    because_nl: Text
    reference: Text
    expected: Annotated[tuple[Expected, ...], Field(min_length=1)]


def in_rhythm(periods: Sequence[str], cadence: Cadence) -> list[bool]:
    """Of each of the periods of a range, in order, whether a source of this rhythm measures it.

    The first always is, and then every so many: of years every fourth for a source that appears once in four years.
    A source that appears more often than its periods last (a year that is revised every half-year) has them all.
    """
    if not periods:
        return []
    step = max(1, _MONTHS.get(cadence, 1) // _MONTHS_OF_KIND[period_kind(periods[0])])
    return [place % step == 0 for place in range(len(periods))]
