"""Whether a source's declaration fits the rest: its indicators, its items, and what is expected of it.

What belongs here: references from a source. What does not: the other catalogues (`checks`), and what a
source's declaration must look like by itself (`source`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pipelines.declarations.as_read import A_REGION, AN_INDICATOR, Everything, Known, Placed
from pipelines.declarations.patterns import items_of, matches
from pipelines.declarations.source import (
    DelimitedReader,
    Expected,
    IstandaardReader,
    KnownGap,
    Source,
    SpreadsheetReader,
    SwingConnector,
    SwingReader,
)
from pipelines.periods import SOME_DAY, expand_periods


def source_contradictions(everything: Everything, known: Known) -> Iterator[str]:
    """One line for everything in a source's declaration that does not fit the other declarations."""
    for placed in everything.sources:
        source = placed.item
        if source.constant_region is not None and not known.delivered_region(source.constant_region):
            yield placed.problem(source.constant_region, A_REGION, "constant_region")
        yield from _series(placed, known)
        entries: Sequence[tuple[str, Sequence[Expected | KnownGap]]] = (
            ("expected", source.expected),
            ("known_gaps", source.known_gaps),
        )
        for name, scopes in entries:
            for place, scope in enumerate(scopes):
                yield from _scope(placed, scope, known, (name, place))
        for place, gap in enumerate(source.known_gaps):
            if not any(_meets(gap, wanted, source, known) for wanted in source.expected):
                expected = "regions, periods and items that `expected` has"
                yield placed.problem("a gap in what nobody expects", expected, "known_gaps", place)


def silent_sources(everything: Everything) -> Iterator[str]:
    """One line for every source of which nothing is expected, and nothing says why.

    Holds for a catalogue that is whole, as `incomplete_indicators`.
    """
    for placed in everything.sources if everything.definitions else ():
        if not placed.item.expected and placed.item.not_expected_because is None:
            yield placed.problem("a source of which nothing is expected", "`expected`, or not_expected_because")


def known_items(source: Source) -> list[str]:
    """Every item that a declaration may name: those of the series, what the reader hands over, and its columns."""
    reader = source.reader
    columns = reader.columns if isinstance(reader, DelimitedReader | SpreadsheetReader) else ()
    named = [*(series.item for series in source.series), *(column.name for column in columns)]
    return list(dict.fromkeys([*named, *source.attributes, *(_readable(source) or [])]))


def _readable(source: Source) -> list[str] | None:
    """The items that the reader can hand over; None where only the delivery can tell."""
    reader = source.reader
    if isinstance(reader, SwingReader):
        return list(reader.items)
    if isinstance(source.connector, SwingConnector):
        return list(source.connector.variables)
    if isinstance(reader, IstandaardReader):
        return []
    if isinstance(reader, DelimitedReader | SpreadsheetReader) and not reader.item_columns:
        return [column.name if column.item is None else column.item for column in reader.figure_columns]
    return None


def _series(placed: Placed[Source], known: Known) -> Iterator[str]:
    readable = _readable(placed.item)
    seen: set[tuple[str, str]] = set()
    for place, series in enumerate(placed.item.series):
        if series.indicator_id not in known.indicators:
            yield placed.problem(series.indicator_id, AN_INDICATOR, "series", place, "indicator_id")
        if "*" in series.item and not series.adds_up:
            yield placed.problem(repr(series.item), "one item, or `adds_up: true`", "series", place, "item")
        elif readable is not None and not matches(series.item, readable):
            expected = f"one of {', '.join(readable)}, which the reader hands over"
            yield placed.problem(repr(series.item), expected, "series", place, "item")
        pair = (series.item, series.indicator_id)
        if pair in seen:
            yield placed.problem(f"{pair[0]} as {pair[1]} a second time", "it once", "series", place)
        seen.add(pair)


def _scope(
    placed: Placed[Source], scope: Expected | KnownGap, known: Known, path: tuple[str | int, ...]
) -> Iterator[str]:
    for place, code in enumerate(scope.regions):
        if not code.endswith("*") and not known.delivered_region(code):
            yield placed.problem(code, f"{A_REGION}, or a prefix with a star", *path, "regions", place)
    for place, item in enumerate(scope.items):
        fits = items_of(placed.item, [item]) if "*" in item else item in known_items(placed.item)
        if not fits:
            yield placed.problem(repr(item), "an item of its series or its reader", *path, "items", place)
    for place, expression in enumerate(scope.periods):
        try:
            expand_periods([expression], until=SOME_DAY)
        except ValueError as error:
            found, _, expected = str(error).removeprefix("found ").partition(", expected ")
            expected = f"{expected}, or a range such as 2015H1..2024H2"
            yield placed.problem(found, expected, *path, "periods", place)


def _meets(gap: KnownGap, wanted: Expected, source: Source, known: Known) -> bool:
    """Whether a gap is about anything that is expected; without the publisher's regions, by code alone."""
    try:
        periods = set(expand_periods(gap.periods, until=SOME_DAY)) & set(expand_periods(wanted.periods, until=SOME_DAY))
    except ValueError:
        return True  # the check of the scope has said so already
    items = set(items_of(source, gap.items)) & set(items_of(source, wanted.items))
    codes, wishes = _codes(gap.regions, known), _codes(wanted.regions, known)
    return bool(periods and items) and any(
        matches(wish, [code]) or matches(code, [wish.removesuffix("*")]) for code in codes for wish in wishes
    )


def _codes(regions: Iterable[str], known: Known) -> set[str]:
    """The codes, with the members of a group, and for a country how its municipalities begin."""
    found = [known.regions[code] for code in regions if code in known.regions]
    members = (member for region in found for member in region.members)
    return {*regions, *members, *(f"{region.country_prefix}*" for region in found if region.region_type == "land")}
