"""How a delivery of counts of persons is protected before any of it is a figure.

What belongs here: what a source declares of it, and whether the rest of the declarations lets that hold. What does not:
which counts are hidden (`pipelines.privacy`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pipelines.declarations.strict import Strict

if TYPE_CHECKING:
    from pipelines.declarations.as_read import Everything, Known, Placed
    from pipelines.declarations.source import Source

COUNT = "count"


class CountSum(Strict):
    """Items of one delivery that add up: `total` is the sum of `parts`, less those with a minus before them."""

    total: str
    parts: Annotated[tuple[str, ...], Field(min_length=1)]

    @property
    def signs(self) -> dict[str, int]:
        """Each part with +1 or -1."""
        return {part.removeprefix("-"): -1 if part.startswith("-") else 1 for part in self.parts}


class Suppression(Strict):
    """Counts of 1 up to `k` are hidden, others with them, and the rest rounded to multiples of `round_to`.

    `sums` are the items that add up. That wijken make up a municipality and members a group needs no declaring.
    """

    k: int = Field(default=10, ge=2)
    round_to: int = Field(default=5, ge=1)
    sums: tuple[CountSum, ...] = ()


def suppression_contradictions(everything: Everything, known: Known) -> Iterator[str]:
    """One line for everything that would let a hidden count of a delivery be known all the same."""
    for placed in everything.sources:
        if placed.item.suppression is not None:
            yield from _of_source(placed, known)
    for fix in everything.corrections:
        source = known.sources.get(fix.item.source_id)
        if source is not None and source.suppression is not None:
            expected = "a source whose counts are not protected: let this one be delivered again"
            yield fix.problem(fix.item.source_id, expected, "source_id")


def _of_source(placed: Placed[Source], known: Known) -> Iterator[str]:
    source = placed.item
    counted = {
        series.indicator_id
        for series in source.series
        if (indicator := known.indicators.get(series.indicator_id)) is not None and indicator.unit == COUNT
    }
    for place, series in enumerate(source.series):
        indicator = known.indicators.get(series.indicator_id)
        if series.indicator_id in counted and series.factor != 1:
            yield placed.problem(f"{series.factor:g}", "1 for a count that is protected", "series", place, "factor")
        if indicator is not None and indicator.numerator_id in counted:
            expected = "no rate of a count that is protected: it is computed from what is shown"
            yield placed.problem(series.indicator_id, expected, "series", place, "indicator_id")
    items = {series.item for series in source.series}
    for place, total in enumerate(source.suppression.sums if source.suppression else ()):
        for item in (total.total, *total.signs):
            if item not in items:
                yield placed.problem(repr(item), "an item of its series", "suppression", "sums", place)
