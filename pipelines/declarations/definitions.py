"""Which definition holds for which indicator, and since when, where the indicator does not say so itself.

What belongs here: versions that a whole family shares (`sources/catalogue/definitions.yml`), and those that follow from
the code lists of Iv3. What does not: what one version must look like (`catalogue`), and the lists (`iv3`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated

from pydantic import AfterValidator, Field

from pipelines.declarations.as_read import Everything, Known
from pipelines.declarations.catalogue import DefinitionVersion, Indicator, checked_versions
from pipelines.declarations.iv3 import FOLLOWED_REPORTS, SIDES, Iv3CodeLists, Iv3Regime, indicator_of
from pipelines.declarations.patterns import matching
from pipelines.declarations.strict import Strict

_COUNTRY_OF_IV3 = "NL01"

Versions = tuple[DefinitionVersion, ...]


class DefinitionFamily(Strict):
    """The definition of all indicators that the patterns stand for: a star is any text.

    An indicator with `definitions` of its own goes by those.
    """

    indicator_ids: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z*][a-z0-9_*]*$")], ...], Field(min_length=1)]
    versions: Annotated[Versions, Field(min_length=1), AfterValidator(checked_versions)]


def defined(
    indicators: Sequence[Indicator], families: Iterable[DefinitionFamily], lists: Iv3CodeLists
) -> tuple[Indicator, ...]:
    """The indicators, each with all its definition versions: its own, those of its family, or those of its taakveld.

    A version without a text has the indicator's description. Of a taakveld that is gone the last version has an end.
    """
    ids = [indicator.indicator_id for indicator in indicators]
    of_family = {one: family.versions for family in families for one in matching(family.indicator_ids, ids)}
    of_taakveld = iv3_versions(lists)
    ends = {one: versions[-1].valid_until for one, versions in of_taakveld.items()}
    return tuple(
        _complete(indicator, indicator.definitions or of_family.get(one, of_taakveld.get(one, ())), ends.get(one))
        for one, indicator in zip(ids, indicators, strict=True)
    )


def _complete(indicator: Indicator, versions: Versions, end: dt.date | None) -> Indicator:
    told = [
        version if version.text_nl else version.model_copy(update={"text_nl": indicator.description_nl})
        for version in versions
    ]
    if told and end is not None and told[-1].valid_until is None:
        told[-1] = told[-1].model_copy(update={"valid_until": end})
    return indicator.model_copy(update={"definitions": tuple(told)})


def iv3_versions(lists: Iv3CodeLists) -> dict[str, Versions]:
    """By indicator, what its taakveld is in the book years that know it: one version for every change of the lists."""
    codes = dict.fromkeys(code for regime in lists.regimes for code in sorted(lists.figures_of(regime.regime)))
    return {
        indicator_of(side, code, report): versions
        for code in codes
        for versions in [_of_taakveld(code, lists)]
        for side, report in product(SIDES, FOLLOWED_REPORTS)
    }


def _of_taakveld(code: str, lists: Iv3CodeLists) -> Versions:
    regimes = [regime for regime in lists.regimes if code in lists.figures_of(regime.regime)]
    texts = [_text(code, regime, lists) for regime in regimes]
    changes = [place for place in range(len(regimes)) if place == 0 or texts[place] != texts[place - 1]]
    end = None if regimes[-1] == lists.regimes[-1] else dt.date(regimes[-1].last_year, 12, 31)
    return tuple(
        DefinitionVersion.model_validate(
            {
                "from": dt.date(regimes[place].first_year, 1, 1),
                "valid_until": end if place == changes[-1] else None,
                "text_nl": texts[place],
                "country_code": _COUNTRY_OF_IV3,
                "comparable_with_earlier": place > 0 and _is_linked(code, regimes[place - 1], regimes[place], lists),
                "reference": f"Iv3-taakvelden van CBS, {regimes[place].regime}",
            }
        )
        for place in changes
    )


def _text(code: str, regime: Iv3Regime, lists: Iv3CodeLists) -> str:
    names = lists.taakvelden_of(regime.regime)
    parts = [f"{part} {names[part]}" for part, whole in lists.parents_of(regime.regime).items() if whole == code]
    said = f"Taakveld {code} {names[code]}" if code in names else f"Taakveld {code}"
    if not parts:
        return f"{said}."
    return f"{said}, als som van {' en '.join(filter(None, (', '.join(parts[:-1]), parts[-1])))}."


def _is_linked(code: str, before: Iv3Regime, after: Iv3Regime, lists: Iv3CodeLists) -> bool:
    """Whether the taakveld by itself compares over the two regimes."""
    return any(
        group.taakvelden.get(before.regime) == group.taakvelden.get(after.regime) == (code,) for group in lists.groups
    )


def definition_contradictions(everything: Everything, known: Known) -> Iterator[str]:
    """One line for every pattern of a family that stands for nothing, and for what two families define."""
    first: dict[str, str] = {}
    own = {placed.item.indicator_id for placed in everything.indicators if placed.item.definitions}
    for placed in everything.definitions:
        for place, pattern in enumerate(placed.item.indicator_ids):
            if not matching([pattern], list(known.indicators)):
                yield placed.problem(pattern, "a pattern that an indicator fits", "indicator_ids", place)
        for one in matching(placed.item.indicator_ids, list(known.indicators)):
            if one in first and one not in own:
                yield placed.problem(f"{one} a second time", f"it only at {first[one]}", "indicator_ids")
            first.setdefault(one, placed.place)
        for place, version in enumerate(placed.item.versions):
            country = known.regions.get(version.country_code or "")
            if version.country_code is not None and (country is None or country.region_type != "land"):
                expected = "the code of a declared country"
                yield placed.problem(version.country_code, expected, "versions", place, "country_code")


def incomplete_indicators(everything: Everything) -> Iterator[str]:
    """One line for every indicator that lacks something an analyst has to know of it, with what that is.

    Holds for a catalogue that has definitions at all: a part of one, as a test or a draft has it, need not be whole.
    """
    if not everything.definitions:
        return
    indicators = [placed.item for placed in everything.indicators]
    families = [placed.item for placed in everything.definitions]
    versions = {one.indicator_id: one.definitions for one in defined(indicators, families, everything.iv3)}
    for placed in everything.indicators:
        for missing, expected in _lacking(placed.item, versions):
            yield placed.problem(f"{placed.item.indicator_id} without {missing}", expected)


def _lacking(indicator: Indicator, versions: Mapping[str, Versions]) -> Iterator[tuple[str, str]]:
    if indicator.domain is None:
        yield "domain", "what it is about"
    if indicator.opgave is None and indicator.ontwikkellijn is None and indicator.theme is None:
        yield "a place", "its opgave (003), ontwikkellijn (001) or theme (002), or opgave geen with opgave_because"
    if not versions[indicator.indicator_id]:
        yield "a definition", "`definitions` with a day, or a family in definitions.yml"
    if not indicator.sources and indicator.numerator_id is None:
        yield "a source", "`sources`, in order of preference, or numerator_id and denominator_id"
    if indicator.rounding is None:
        yield "rounding", "what a shown value is a multiple of"
