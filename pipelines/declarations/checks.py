"""Whether the declarations agree with each other: ids used once, and every reference to something that exists.

What belongs here: what only shows when the files lie side by side. What does not: what one declaration must look like by
itself (`catalogue`, `source`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pipelines.declarations.catalogue import (
    Alias,
    Correction,
    Decision,
    Event,
    GoalDeclaration,
    Indicator,
    IndicatorFamily,
    PrintedFigure,
    Region,
)
from pipelines.declarations.marked_yaml import MarkedFile
from pipelines.declarations.source import CbsV4Reader, Expected, KnownGap, Source, SwingReader
from pipelines.periods import expand_periods

Declared = TypeVar("Declared", covariant=True)


@dataclass(frozen=True)
class Placed(Generic[Declared]):
    """One declaration, and where it stood."""

    item: Declared
    file: MarkedFile
    path: tuple[str | int, ...]

    def problem(self, found: str, expected: str, *path: str | int) -> str:
        """One line of a DeclarationError about the part of the declaration at `path`."""
        shown = f" ({'.'.join(str(step) for step in path)})" if path else ""
        return f"{self.file.place(self.path + path)}{shown}: found {found}, expected {expected}"

    @property
    def place(self) -> str:
        return self.file.place(self.path)


@dataclass
class Everything:
    """All declarations of all profiles, as read."""

    sources: list[Placed[Source]] = field(default_factory=list)
    indicators: list[Placed[Indicator]] = field(default_factory=list)
    families: list[Placed[IndicatorFamily]] = field(default_factory=list)
    regions: list[Placed[Region]] = field(default_factory=list)
    events: list[Placed[Event]] = field(default_factory=list)
    goals: list[Placed[GoalDeclaration]] = field(default_factory=list)
    printed_figures: list[Placed[PrintedFigure]] = field(default_factory=list)
    decisions: list[Placed[Decision]] = field(default_factory=list)
    corrections: list[Placed[Correction]] = field(default_factory=list)
    aliases: list[Placed[Alias]] = field(default_factory=list)


def matches(pattern: str, texts: Iterable[str]) -> list[str]:
    """The texts that a declared pattern stands for. A star stands for any text, everything else for itself."""
    form = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
    return [text for text in texts if form.fullmatch(text)]


def matching(patterns: Iterable[str], texts: Sequence[str]) -> list[str]:
    """The texts that any of the patterns stands for, each once."""
    return list(dict.fromkeys(text for pattern in patterns for text in matches(pattern, texts)))


def contradictions(everything: Everything) -> list[str]:
    """One line for everything that does not fit, in the order of the checks; empty when all is well."""
    known = _Known(everything)
    checks: Sequence[Iterator[str]] = (
        _unique(everything.sources, lambda source: source.source_id, "source_id"),
        _unique(everything.indicators, lambda indicator: indicator.indicator_id, "indicator_id"),
        _unique(everything.regions, lambda region: region.code, "code"),
        _unique(everything.events, lambda event: event.event_id, "event_id"),
        _unique(everything.goals, lambda goal: goal.goal_id, "goal_id"),
        _unique(
            everything.printed_figures,
            lambda figure: (figure.indicator_id, figure.region_code, figure.period_code),
            "indicator_id, region_code and period_code",
        ),
        _unique(
            everything.decisions,
            lambda made: made.break_id or (made.indicator_id, made.region_code, made.period_code),
            "break",
        ),
        _unique(
            everything.corrections,
            lambda fix: (fix.source_id, fix.item, fix.region_code, fix.period_code),
            "source_id, item, region_code and period_code",
        ),
        _indicators(everything, known),
        _regions(everything, known),
        _sources(everything, known),
        _events(everything, known),
        _goals(everything, known),
        _printed_figures(everything, known),
        _decisions(everything, known),
        _corrections(everything, known),
        _aliases(everything, known),
    )
    return [problem for check in checks for problem in check]


class _Known:
    """What may be referred to."""

    def __init__(self, everything: Everything) -> None:
        self.sources = {placed.item.source_id: placed.item for placed in everything.sources}
        self.indicators = {placed.item.indicator_id: placed.item for placed in everything.indicators}
        self.regions = {placed.item.code: placed.item for placed in everything.regions}
        self.families = [placed.item.prefix for placed in everything.families]
        countries = [region for region in self.regions.values() if region.region_type == "land"]
        self._prefixes = tuple(country.country_prefix for country in countries)
        # A fictional country is made whole by its generator: its municipalities come with the delivery.
        self._fictional = tuple(country.country_prefix for country in countries if country.is_fictional)

    def region(self, code: str) -> bool:
        """Whether the catalogue may speak of this region."""
        return code in self.regions or _is_municipality(code, self._fictional)

    def delivered_region(self, code: str) -> bool:
        """Whether a delivery may hold it: any municipality, for most are known from the publisher only."""
        return code in self.regions or _is_municipality(code, self._prefixes)

    def indicator_pattern(self, pattern: str) -> bool:
        if pattern.endswith("*"):
            prefix = pattern[:-1]
            return bool(matches(pattern, self.indicators)) or any(map(prefix.startswith, self.families))
        return pattern in self.indicators


def _is_municipality(code: str, prefixes: tuple[str, ...]) -> bool:
    return any(re.fullmatch(rf"{re.escape(prefix)}\d{{4}}", code) for prefix in prefixes)


_A_REGION = "a region or group that a regions*.yml declares"
_AN_INDICATOR = "an indicator that indicators.yml declares"
_A_SOURCE = "a source that is declared"


def _unique(
    placed: Iterable[Placed[Declared]], key: Callable[[Declared], Hashable], name: str
) -> Iterator[str]:
    first: dict[Hashable, Placed[Declared]] = {}
    for one in placed:
        value = key(one.item)
        if value in first:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield one.problem(f"{name} {shown} a second time", f"it only at {first[value].place}")
        first.setdefault(value, one)


def _indicators(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.indicators:
        for name in ("numerator_id", "denominator_id"):
            part = getattr(placed.item, name)
            if part is not None and part not in known.indicators:
                yield placed.problem(part, _AN_INDICATOR, name)
        for place, source_id in enumerate(placed.item.sources):
            if source_id not in known.sources:
                yield placed.problem(source_id, _A_SOURCE, "sources", place)


def _regions(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.regions:
        country = known.regions.get(placed.item.country_code)
        if country is None or country.region_type != "land":
            yield placed.problem(placed.item.country_code, "the code of a declared country", "country_code")
        elif country.is_fictional != placed.item.is_fictional:
            of_country = "fictional" if country.is_fictional else "real"
            yield placed.problem(
                f"is_fictional {str(placed.item.is_fictional).lower()}",
                f"all regions of {country.code} to be {of_country}, as it is itself",
                "is_fictional",
            )
        for place, member in enumerate(placed.item.members):
            if not known.region(member):
                yield placed.problem(member, _A_REGION, "members", place)


def _sources(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.sources:
        items = _items(placed.item)
        seen: set[tuple[str, str]] = set()
        for place, series in enumerate(placed.item.series):
            if series.indicator_id not in known.indicators:
                yield placed.problem(series.indicator_id, _AN_INDICATOR, "series", place, "indicator_id")
            readable = _readable_items(placed.item)
            if readable is not None and series.item not in readable:
                yield placed.problem(
                    repr(series.item), f"one of {', '.join(readable)}, which the reader reads", "series", place, "item"
                )
            pair = (series.item, series.indicator_id)
            if pair in seen:
                yield placed.problem(f"{pair[0]} as {pair[1]} a second time", "it once", "series", place)
            seen.add(pair)
        for name, entries in (("expected", placed.item.expected), ("known_gaps", placed.item.known_gaps)):
            for place, entry in enumerate(entries):
                yield from _scope(placed, entry, items, known, (name, place))
        for place, gap in enumerate(placed.item.known_gaps):
            if not any(_meets(gap, wanted, items, known) for wanted in placed.item.expected):
                yield placed.problem(
                    "a gap in what nobody expects", "regions, periods and items that `expected` has", "known_gaps", place
                )


def _readable_items(source: Source) -> list[str] | None:
    """The items that the reader can hand over; None for CBS, where only the delivery can tell."""
    reader = source.reader
    if isinstance(reader, CbsV4Reader):
        return None
    if isinstance(reader, SwingReader):
        return list(reader.items)
    return [column.name for column in reader.columns]


def _items(source: Source) -> list[str]:
    readable = _readable_items(source) or []
    return list(dict.fromkeys([*(series.item for series in source.series), *readable]))


def _scope(
    placed: Placed[Source], entry: Expected | KnownGap, items: list[str], known: _Known, path: tuple[str | int, ...]
) -> Iterator[str]:
    for place, code in enumerate(entry.regions):
        if not code.endswith("*") and not known.delivered_region(code):
            yield placed.problem(code, f"{_A_REGION}, or a prefix with a star", *path, "regions", place)
    for place, item in enumerate(entry.items):
        if not matches(item, items):
            yield placed.problem(repr(item), "an item of its series or its reader", *path, "items", place)
    for place, expression in enumerate(entry.periods):
        try:
            expand_periods([expression])
        except ValueError as error:
            found, _, expected = str(error).removeprefix("found ").partition(", expected ")
            yield placed.problem(found, f"{expected}, or a range such as 2015H1..2024H2", *path, "periods", place)


def _meets(gap: KnownGap, wanted: Expected, items: list[str], known: _Known) -> bool:
    try:
        periods = set(expand_periods(gap.periods)) & set(expand_periods(wanted.periods))
    except ValueError:
        return True  # said already, by the check of the scope itself
    both = set(matching(gap.items, items)) & set(matching(wanted.items, items))
    codes = _codes(gap.regions, known)
    wishes = _codes(wanted.regions, known)
    return bool(periods and both) and any(
        matches(wish, [code]) or matches(code, [wish.removesuffix("*")]) for code in codes for wish in wishes
    )


def _codes(regions: Iterable[str], known: _Known) -> set[str]:
    members = (known.regions[code].members for code in regions if code in known.regions)
    return {*regions, *(member for some in members for member in some)}


def _events(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.events:
        for place, code in enumerate(placed.item.region_codes):
            if not known.region(code):
                yield placed.problem(code, _A_REGION, "region_codes", place)
        for place, pattern in enumerate(placed.item.indicator_ids):
            if not known.indicator_pattern(pattern):
                expected = f"{_AN_INDICATOR}, a pattern with a star that matches one, or a declared family"
                yield placed.problem(pattern, expected, "indicator_ids", place)


def _goals(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.goals:
        goal = placed.item
        if goal.indicator_id is not None:
            indicator = known.indicators.get(goal.indicator_id)
            if indicator is None:
                yield placed.problem(goal.indicator_id, _AN_INDICATOR, "indicator_id")
            elif indicator.unit != goal.unit:
                yield placed.problem(str(goal.unit), f"{indicator.unit}, the unit of its indicator", "unit")
        seen: set[str] = set()
        for place, baseline in enumerate(goal.baselines):
            if not known.region(baseline.region_code):
                yield placed.problem(baseline.region_code, _A_REGION, "baselines", place, "region_code")
            if baseline.region_code in seen:
                yield placed.problem(f"{baseline.region_code} a second time", "it once", "baselines", place)
            seen.add(baseline.region_code)


def _printed_figures(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.printed_figures:
        if placed.item.indicator_id not in known.indicators:
            yield placed.problem(placed.item.indicator_id, _AN_INDICATOR, "indicator_id")
        if not known.region(placed.item.region_code):
            yield placed.problem(placed.item.region_code, _A_REGION, "region_code")


def _decisions(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.decisions:
        indicator_id, region_code = placed.item.indicator_id, placed.item.region_code
        if indicator_id is not None and indicator_id not in known.indicators:
            yield placed.problem(indicator_id, _AN_INDICATOR, "indicator_id")
        if region_code is not None and not known.delivered_region(region_code):
            yield placed.problem(region_code, _A_REGION, "region_code")


def _corrections(everything: Everything, known: _Known) -> Iterator[str]:
    for placed in everything.corrections:
        source = known.sources.get(placed.item.source_id)
        if source is None:
            yield placed.problem(placed.item.source_id, _A_SOURCE, "source_id")
        elif placed.item.item not in _items(source):
            yield placed.problem(repr(placed.item.item), "an item of its series or its reader", "item")
        if not known.delivered_region(placed.item.region_code):
            yield placed.problem(placed.item.region_code, _A_REGION, "region_code")


def _aliases(everything: Everything, known: _Known) -> Iterator[str]:
    by_name: dict[str, list[Placed[Alias]]] = {}
    for placed in everything.aliases:
        if not known.region(placed.item.code):
            yield placed.problem(placed.item.code, _A_REGION, "code")
        for place, source_id in enumerate(placed.item.sources):
            if source_id not in known.sources:
                yield placed.problem(source_id, _A_SOURCE, "sources", place)
        for other in by_name.get(placed.item.name, []):
            both = set(placed.item.sources) & set(other.item.sources)
            if both or not placed.item.sources or not other.item.sources:
                yield placed.problem(f"{placed.item.name!r} a second time", f"it only at {other.place}", "name")
        by_name.setdefault(placed.item.name, []).append(placed)
