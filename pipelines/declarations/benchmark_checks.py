"""Whether the declarations of the benchmark agree: every taakveld of the social domain under one opgave, and every
reference to something that exists.

What belongs here: what only shows when the lists lie side by side. What does not: what one entry must look like
(`benchmark`).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.declarations.as_read import A_REGION, AN_INDICATOR, Everything, Known
from pipelines.declarations.benchmark_tables import TOTAL

_SOCIAL_DOMAIN = "6."


def benchmark_contradictions(everything: Everything, known: Known) -> Iterator[str]:
    """One line for everything in `opgaven.yml` and `reference_groups.yml` that does not fit."""
    yield from _opgaven(everything)
    yield from _taakvelden(everything)
    yield from _mirrors(everything)
    yield from _cautions(everything, known)
    yield from _reference_groups(everything, known)


def _opgaven(everything: Everything) -> Iterator[str]:
    opgaven = {placed.item.opgave for placed in everything.opgaven}
    groups = {placed.item.group_id for placed in everything.iv3_groups}
    named = [
        *((placed.item.opgave, placed.problem) for placed in everything.opgave_taakvelden),
        *((placed.item.opgave, placed.problem) for placed in everything.opgave_groups),
    ]
    for opgave, problem in named:
        if opgave not in opgaven:
            yield problem(opgave, f"one of the opgaven {', '.join(sorted(opgaven))}", "opgave")
    for entry in everything.opgave_groups:
        if entry.item.group_id not in groups:
            yield entry.problem(entry.item.group_id, "a group that iv3_groups.yml declares", "group_id")


def _taakvelden(everything: Everything) -> Iterator[str]:
    if not everything.opgave_taakvelden:
        return
    lists = everything.iv3
    figures = {code for one in lists.regimes for code in lists.figures_of(one.regime)}
    placed_codes = {placed.item.taakveld for placed in everything.opgave_taakvelden}
    for placed in everything.opgave_taakvelden:
        if placed.item.taakveld not in figures:
            yield placed.problem(placed.item.taakveld, "a taakveld that iv3_taakvelden.yml declares", "taakveld")
    for code in sorted(code for code in figures if code.startswith(_SOCIAL_DOMAIN) and code not in placed_codes):
        first = everything.opgave_taakvelden[0]
        yield first.problem(f"no opgave of taakveld {code}", "every taakveld of the social domain under one")


def _mirrors(everything: Everything) -> Iterator[str]:
    opgave_of = {placed.item.taakveld: placed.item.opgave for placed in everything.opgave_taakvelden}
    others = {*opgave_of, *(placed.item.opgave for placed in everything.opgaven)}
    others |= {placed.item.group_id for placed in everything.opgave_groups}
    seen: set[str] = set()
    for placed in everything.mirrors:
        if placed.item.item in others:
            yield placed.problem(placed.item.item, "a name that no taakveld, opgave or group has", "item")
        unknown = [code for code in placed.item.taakvelden if code not in opgave_of]
        if unknown:
            yield placed.problem(unknown[0], "a taakveld that has an opgave", "taakvelden")
        elif len({opgave_of[code] for code in placed.item.taakvelden}) > 1:
            yield placed.problem("taakvelden of several opgaven", "those of one", "taakvelden")
        for code in sorted(seen.intersection(placed.item.taakvelden)):
            yield placed.problem(f"{code} in a second entry", "every taakveld in one at most", "taakvelden")
        seen.update(placed.item.taakvelden)


def _cautions(everything: Everything, regions: Known) -> Iterator[str]:
    known = {placed.item.taakveld for placed in everything.opgave_taakvelden}
    opgaven = {TOTAL, *(placed.item.opgave for placed in everything.opgaven)}
    for placed in everything.item_cautions:
        for place, code in enumerate(placed.item.taakvelden):
            if code not in known:
                yield placed.problem(code, "a taakveld that has an opgave", "taakvelden", place)
        for place, opgave in enumerate(placed.item.opgaven):
            if opgave not in opgaven:
                yield placed.problem(opgave, f"one of the opgaven {', '.join(sorted(opgaven))}", "opgaven", place)
        if not regions.region(placed.item.country_code):
            yield placed.problem(placed.item.country_code, A_REGION, "country_code")


def _reference_groups(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.reference_groups:
        for name in ("regions", "members"):
            for place, code in enumerate(getattr(placed.item, name)):
                if not known.region(code):
                    yield placed.problem(code, A_REGION, name, place)
    for entry in everything.structure_characteristics:
        if entry.item.indicator_id not in known.indicators:
            yield entry.problem(entry.item.indicator_id, AN_INDICATOR, "indicator_id")
