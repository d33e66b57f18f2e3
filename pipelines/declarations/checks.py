"""Whether the declarations agree with each other: ids used once, and every reference to something that
exists.

What belongs here: what only shows when the files lie side by side. What does not: what one declaration must
look like by itself (`catalogue`, `source`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from pipelines.declarations.as_read import (
    A_REGION,
    A_SOURCE,
    AN_INDICATOR,
    Declared,
    Everything,
    Known,
    Placed,
)
from pipelines.declarations.benchmark_checks import benchmark_contradictions
from pipelines.declarations.catalogue import Alias, country_of
from pipelines.declarations.definitions import definition_contradictions, incomplete_indicators
from pipelines.declarations.finance import finance_contradictions
from pipelines.declarations.iv3_checks import iv3_contradictions
from pipelines.declarations.provisions import provision_contradictions
from pipelines.declarations.rhythm_checks import key_figure_contradictions, rhythm_contradictions
from pipelines.declarations.source_checks import known_items, silent_sources, source_contradictions
from pipelines.declarations.suppression import suppression_contradictions
from pipelines.declarations.surveys import survey_contradictions


def contradictions(everything: Everything) -> list[str]:
    """One line for everything that does not fit, in the order of the checks; empty when all is well."""
    known = Known(everything)
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
            # a later day overrules an earlier one
            lambda made: (
                (made.break_id, made.when)
                if made.break_id
                else (made.indicator_id, made.region_code, made.period_code, made.kind, made.when)
            ),
            "break and day",
        ),
        _unique(
            everything.corrections,
            lambda fix: (fix.source_id, fix.item, fix.region_code, fix.period_code),
            "source_id, item, region_code and period_code",
        ),
        _indicators(everything, known),
        definition_contradictions(everything, known),
        incomplete_indicators(everything),
        _regions(everything, known),
        source_contradictions(everything, known),
        silent_sources(everything),
        suppression_contradictions(everything, known),
        _events(everything, known),
        _goals(everything, known),
        _printed_figures(everything, known),
        _decisions(everything, known),
        _corrections(everything, known),
        _aliases(everything, known),
        iv3_contradictions(everything),
        provision_contradictions(everything),
        _unique(everything.opgaven, lambda one: one.opgave, "opgave"),
        _unique(everything.opgave_taakvelden, lambda one: one.taakveld, "taakveld"),
        _unique(everything.opgave_groups, lambda one: one.group_id, "group_id"),
        _unique(everything.mirrors, lambda one: one.item, "item"),
        _unique(everything.reference_groups, lambda one: one.reference_group, "reference_group"),
        _unique(everything.structure_characteristics, lambda one: one.characteristic, "characteristic"),
        benchmark_contradictions(everything, known),
        _unique(everything.taakgebieden, lambda gebied: gebied.taakgebied, "taakgebied"),
        _unique(everything.measures, lambda measure: measure.measure_id, "measure_id"),
        _unique(everything.realised, lambda made: (made.measure_id, made.period_code), "measure_id and period_code"),
        _unique(everything.surveys, lambda survey: survey.survey, "survey"),
        survey_contradictions(everything),
        finance_contradictions(
            everything.taakgebieden, everything.measures, everything.realised, everything.iv3, known.regions
        ),
        _unique(everything.rhythms, lambda rhythm: rhythm.source_id, "source_id"),
        rhythm_contradictions(everything.rhythms, known),
        _unique(everything.key_figures, lambda figure: figure.figure_id, "figure_id"),
        key_figure_contradictions(
            everything.key_figures, known, {placed.item.taakgebied for placed in everything.taakgebieden}
        ),
    )
    return [problem for check in checks for problem in check]


def _unique(placed: Iterable[Placed[Declared]], key: Callable[[Declared], Hashable], name: str) -> Iterator[str]:
    first: dict[Hashable, Placed[Declared]] = {}
    for one in placed:
        value = key(one.item)
        if value in first:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield one.problem(f"{name} {shown} a second time", f"it only at {first[value].place}")
        first.setdefault(value, one)


def _indicators(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.indicators:
        for name in ("numerator_id", "denominator_id"):
            part = getattr(placed.item, name)
            if part is not None and part not in known.indicators:
                yield placed.problem(part, AN_INDICATOR, name)
        for place, source_id in enumerate(placed.item.sources):
            if source_id not in known.source_ids:
                yield placed.problem(source_id, A_SOURCE, "sources", place)
        for place, version in enumerate(placed.item.definitions):
            country = known.regions.get(version.country_code or "")
            if version.country_code is not None and (country is None or country.region_type != "land"):
                expected = "the code of a declared country"
                yield placed.problem(version.country_code, expected, "definitions", place, "country_code")


def _regions(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.regions:
        code = country_of(placed.item, known.regions.values())
        country = known.regions.get(code or "")
        if country is None or country.region_type != "land":
            yield placed.problem(str(code or "no country_code"), "the code of a declared country", "country_code")
        elif country.is_fictional != placed.item.is_fictional:
            yield placed.problem(
                f"is_fictional {str(placed.item.is_fictional).lower()}",
                f"it to be as for {country.code}, its country",
                "is_fictional",
            )
        for place, member in enumerate(placed.item.members):
            if not known.region(member):
                yield placed.problem(member, A_REGION, "members", place)


def _events(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.events:
        for place, code in enumerate(placed.item.region_codes):
            if not known.region(code):
                yield placed.problem(code, A_REGION, "region_codes", place)
        for place, pattern in enumerate(placed.item.indicator_ids):
            if not known.indicator_pattern(pattern):
                expected = f"{AN_INDICATOR}, a pattern with a star that matches one, or a declared family"
                yield placed.problem(pattern, expected, "indicator_ids", place)


def _goals(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.goals:
        goal = placed.item
        if goal.indicator_id is not None:
            indicator = known.indicators.get(goal.indicator_id)
            if indicator is None:
                yield placed.problem(goal.indicator_id, AN_INDICATOR, "indicator_id")
            elif indicator.unit != goal.unit:
                yield placed.problem(str(goal.unit), f"{indicator.unit}, the unit of its indicator", "unit")
        seen: set[str] = set()
        for place, baseline in enumerate(goal.baselines):
            if not known.region(baseline.region_code):
                yield placed.problem(baseline.region_code, A_REGION, "baselines", place, "region_code")
            if baseline.region_code in seen:
                yield placed.problem(f"{baseline.region_code} a second time", "it once", "baselines", place)
            seen.add(baseline.region_code)


def _printed_figures(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.printed_figures:
        if placed.item.indicator_id not in known.indicators:
            yield placed.problem(placed.item.indicator_id, AN_INDICATOR, "indicator_id")
        if not known.region(placed.item.region_code):
            yield placed.problem(placed.item.region_code, A_REGION, "region_code")


def _decisions(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.decisions:
        indicator_id, region_code = placed.item.indicator_id, placed.item.region_code
        if indicator_id is not None and indicator_id not in known.indicators:
            yield placed.problem(indicator_id, AN_INDICATOR, "indicator_id")
        if region_code is not None and not known.delivered_region(region_code):
            yield placed.problem(region_code, A_REGION, "region_code")


def _corrections(everything: Everything, known: Known) -> Iterator[str]:
    for placed in everything.corrections:
        source = known.sources.get(placed.item.source_id)
        if source is None:
            yield placed.problem(placed.item.source_id, A_SOURCE, "source_id")
        elif placed.item.item not in known_items(source):
            yield placed.problem(repr(placed.item.item), "an item of its series or its reader", "item")
        if not known.delivered_region(placed.item.region_code):
            yield placed.problem(placed.item.region_code, A_REGION, "region_code")


def _aliases(everything: Everything, known: Known) -> Iterator[str]:
    by_name: dict[str, list[Placed[Alias]]] = {}
    for placed in everything.aliases:
        if not known.region(placed.item.code):
            yield placed.problem(placed.item.code, A_REGION, "code")
        for place, source_id in enumerate(placed.item.sources):
            if source_id not in known.sources:
                yield placed.problem(source_id, A_SOURCE, "sources", place)
        for other in by_name.get(placed.item.name, []):
            both = set(placed.item.sources) & set(other.item.sources)
            if both or not placed.item.sources or not other.item.sources:
                yield placed.problem(f"{placed.item.name!r} a second time", f"it only at {other.place}", "name")
        by_name.setdefault(placed.item.name, []).append(placed)
