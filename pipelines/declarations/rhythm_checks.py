"""Whether what is declared of unconnected sources, and of the figures of the yearly report, fits the rest.

What belongs here: references from `rhythms` and `key_figures`. What does not: what one declaration must look like by
itself, and the checks of sources that deliver (`source_checks`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pipelines.declarations.as_read import A_REGION, AN_INDICATOR, Known, Placed
from pipelines.declarations.key_figures import KeyFigure
from pipelines.declarations.rhythms import Rhythm
from pipelines.periods import SOME_DAY, expand_periods


def rhythm_contradictions(rhythms: Sequence[Placed[Rhythm]], known: Known) -> Iterator[str]:
    """One line for every region, indicator or period of a rhythm that is none."""
    for placed in rhythms:
        for place, wanted in enumerate(placed.item.expected):
            path = ("expected", place)
            for code in wanted.regions:
                if not code.endswith("*") and not known.delivered_region(code):
                    yield placed.problem(code, f"{A_REGION}, or a prefix with a star", *path, "regions")
            for item in wanted.items:
                if item not in known.indicators:
                    yield placed.problem(item, AN_INDICATOR, *path, "items")
            try:
                expand_periods(wanted.periods, until=SOME_DAY)
            except ValueError as error:
                found, _, expected = str(error).removeprefix("found ").partition(", expected ")
                yield placed.problem(found, expected, *path, "periods")


def key_figure_contradictions(
    figures: Sequence[Placed[KeyFigure]], known: Known, taakgebieden: Collection[str]
) -> Iterator[str]:
    """One line for every key figure of an indicator or a taakgebied that is none."""
    for placed in figures:
        indicator_id = placed.item.indicator_id
        if indicator_id is not None and indicator_id not in known.indicators:
            yield placed.problem(indicator_id, AN_INDICATOR, "indicator_id")
        taakgebied = placed.item.budget and placed.item.budget.taakgebied
        if taakgebied and taakgebied not in taakgebieden:
            yield placed.problem(taakgebied, "a taakgebied that taakgebieden.yml declares", "budget", "taakgebied")
