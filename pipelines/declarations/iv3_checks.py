"""Whether the code lists of Iv3 agree with each other: a code once in a regime, and every taakveld linked or not.

What belongs here: what only shows when the lists of all regimes lie side by side. What does not: the other
declarations (`checks`), and what one entry must look like by itself (`iv3`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pipelines.declarations.as_read import Everything, Placed
from pipelines.declarations.iv3 import Iv3CodeLists, Iv3Taakveld

_SOCIAL_DOMAIN = "6."


def iv3_contradictions(everything: Everything) -> Iterator[str]:
    """One line for everything in the lists of Iv3 that does not fit."""
    lists = everything.iv3
    known = {one.regime for one in lists.regimes}
    yield from _regimes(everything)
    for placed, regimes in _named_regimes(everything):
        for regime in regimes:
            if regime not in known:
                yield placed.problem(regime, f"one of the regimes {', '.join(sorted(known))}", "regimes")
    yield from _once(everything.iv3_taakvelden, lambda one: ((one.code,), one.regimes), known)
    yield from _once(
        everything.iv3_categorieen,
        lambda one: (tuple(f"{one.code} of {side}" for side in one.sides), one.regimes),
        known,
    )
    yield from _groups(everything, lists, known)
    yield from _all_linked(everything, lists)


def _regimes(everything: Everything) -> Iterator[str]:
    by_year: dict[int, Placed[Any]] = {}
    for placed in everything.iv3_regimes:
        for year in range(placed.item.first_year, placed.item.last_year + 1):
            if year in by_year:
                yield placed.problem(
                    f"book year {year} a second time", f"it only at {by_year[year].place}", "first_year"
                )
            by_year.setdefault(year, placed)


def _named_regimes(everything: Everything) -> Iterator[tuple[Placed[Any], Iterable[str]]]:
    yield from ((placed, placed.item.regimes) for placed in everything.iv3_taakvelden)
    yield from ((placed, placed.item.regimes) for placed in everything.iv3_categorieen)
    yield from ((placed, placed.item.regimes) for placed in everything.iv3_totals)
    yield from ((placed, placed.item.taakvelden) for placed in everything.iv3_groups)
    yield from ((placed, (placed.item.regime,)) for placed in everything.iv3_not_linked)


def _once(
    entries: Iterable[Placed[Any]], keys: Callable[..., tuple[tuple[str, ...], tuple[str, ...]]], known: set[str]
) -> Iterator[str]:
    first: dict[tuple[str, str], Placed[Any]] = {}
    for placed in entries:
        names, regimes = keys(placed.item)
        for name in names:
            for regime in sorted(regimes or known):
                if (name, regime) in first:
                    found, expected = f"{name} of {regime} a second time", f"it only at {first[name, regime].place}"
                    yield placed.problem(found, expected, "code")
                first.setdefault((name, regime), placed)


def _groups(everything: Everything, lists: Iv3CodeLists, known: set[str]) -> Iterator[str]:
    seen: dict[str, Placed[Any]] = {}
    for placed in everything.iv3_groups:
        group = placed.item
        if group.group_id in seen:
            yield placed.problem(
                f"{group.group_id} a second time", f"it only at {seen[group.group_id].place}", "group_id"
            )
        seen.setdefault(group.group_id, placed)
        for regime, codes in group.taakvelden.items():
            yield from _members(placed, codes, lists, regime if regime in known else None, "taakvelden", regime)
    for entry in everything.iv3_not_linked:
        named = entry.item.regime
        yield from _members(entry, entry.item.taakvelden, lists, named if named in known else None, "taakvelden")


def _members(
    placed: Placed[Any], codes: tuple[str, ...], lists: Iv3CodeLists, regime: str | None, *path: str
) -> Iterator[str]:
    if regime is None:
        return
    figures = lists.figures_of(regime)
    parents = lists.parents_of(regime)
    for place, code in enumerate(codes):
        if code not in figures:
            yield placed.problem(code, f"a taakveld of {regime}", *path, place)
        elif code in codes[:place] or parents.get(code) in codes:
            yield placed.problem(
                f"{code} a second time", "every taakveld once, by itself or in its whole", *path, place
            )


def _all_linked(everything: Everything, lists: Iv3CodeLists) -> Iterator[str]:
    """Every taakveld of the social domain is in a group, by itself or in its whole, or is said to be in none."""
    if not everything.iv3_groups:
        return
    social = [placed for placed in everything.iv3_taakvelden if placed.item.code.startswith(_SOCIAL_DOMAIN)]
    for regime in (one.regime for one in lists.regimes):
        linked = {code for group in lists.groups for code in group.taakvelden.get(regime, ())}
        linked |= {code for one in lists.not_linked if one.regime == regime for code in one.taakvelden}
        for placed in social:
            one: Iv3Taakveld = placed.item
            if (not one.regimes or regime in one.regimes) and linked.isdisjoint({one.code, one.part_of}):
                expected = "it in a group or under not_linked"
                yield placed.problem(f"{one.code} of {regime}, which nothing links", expected, "code")
