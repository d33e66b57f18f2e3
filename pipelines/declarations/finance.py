"""The shapes of the financial part of the catalogue: the taakgebieden of the social domain, and the measures that a
council may take to save, with what they were found to yield.

What belongs here: what one declaration must look like by itself, how they must agree with the rest, and their rows in
the warehouse. What does not: amounts, which are deliveries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Annotated, Literal, Protocol, TypeVar

from pydantic import Field, model_validator

from pipelines.declarations.catalogue import Id, PeriodCode, RegionCode, Text
from pipelines.declarations.iv3 import FOLLOWED_REPORTS, SIDES, Iv3CodeLists, indicator_of
from pipelines.declarations.strict import Strict

Rows = list[dict[str, object]]
Impact = Literal["positief", "neutraal", "negatief"]


class Taakgebied(Strict):
    """A part of the social domain that is budgeted and watched as a whole: the four of 003.

    `taakvelden` are those of Iv3 that make it up, per regime. `law` is the one whose messages (iWmo, iJw) are claims on
    it; none for what no law of its own stands behind.
    """

    taakgebied: Id
    label_nl: Text
    law: Literal["jeugd", "wmo", "participatie"] | None = None
    taakvelden: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]]
    because: Text


class Measure(Strict):
    """A measure to save money, as a document advises it. Titles and terms are in our own words.

    Yields are before costs, and yearly. A cost that the document gives no amount of is told in `cost` only; of those
    it does give, `cost_once_*` come once and `cost_yearly_*` every year. Of the social impacts the direction is known.
    """

    measure_id: Id
    document: Text
    section: Text
    region_code: RegionCode
    title_nl: Text
    opgave: Literal[
        "Vitaal en weerbaar",
        "Zorg en wonen",
        "Opgroeien en zelfontplooiing",
        "Financieel fit",
        "Ontmoeten en omzien naar elkaar",
        "overkoepelend",
    ]
    feasibility: Literal["+-", "+", "++"]
    term: Text
    term_class: Literal["kort", "middellang", "lang"] | None = None
    yield_low_eur: float = Field(ge=0)
    yield_high_eur: float = Field(ge=0)
    cost: Text
    cost_once_low_eur: float | None = Field(default=None, ge=0)
    cost_once_high_eur: float | None = Field(default=None, ge=0)
    cost_yearly_low_eur: float | None = Field(default=None, ge=0)
    cost_yearly_high_eur: float | None = Field(default=None, ge=0)
    impact_provisions: Impact
    impact_residents: Impact
    impact_policy: Impact
    note: str | None = None

    @model_validator(mode="after")
    def _low_before_high(self) -> Measure:
        for name in ("yield", "cost_once", "cost_yearly"):
            low, high = getattr(self, f"{name}_low_eur"), getattr(self, f"{name}_high_eur")
            if (low is None) != (high is None):
                raise ValueError(f"found only one of {name}_low_eur and {name}_high_eur, expected both or neither")
            if low is not None and low > high:
                raise ValueError(f"found {name}_low_eur {low:g} above {name}_high_eur {high:g}, expected a range")
        return self


class Realised(Strict):
    """What a measure was found to have yielded in one year, according to whom; an amount below zero is a loss."""

    measure_id: Id
    period_code: PeriodCode
    amount_eur: float
    who: Text
    when: dt.date
    reference: Text


Shape_co = TypeVar("Shape_co", bound=Strict, covariant=True)


class _Placed(Protocol[Shape_co]):
    """A declaration with its place, as `as_read.Placed`."""

    @property
    def item(self) -> Shape_co: ...

    def problem(self, found: str, expected: str, *path: str | int) -> str: ...


def finance_contradictions(
    taakgebieden: Sequence[_Placed[Taakgebied]],
    measures: Sequence[_Placed[Measure]],
    realised: Sequence[_Placed[Realised]],
    iv3: Iv3CodeLists,
    regions: Collection[str],
) -> Iterator[str]:
    """One line for everything that does not fit the lists of Iv3, the regions, or each other."""
    yield from _taakvelden(taakgebieden, iv3)
    known = {placed.item.measure_id for placed in measures}
    for placed in measures:
        if placed.item.region_code not in regions:
            yield placed.problem(placed.item.region_code, "a region or group that is declared", "region_code")
    for found in realised:
        if found.item.measure_id not in known:
            yield found.problem(found.item.measure_id, "a measure that is declared", "measure_id")


def _taakvelden(taakgebieden: Iterable[_Placed[Taakgebied]], iv3: Iv3CodeLists) -> Iterator[str]:
    regimes = {one.regime for one in iv3.regimes}
    taken: dict[tuple[str, str], str] = {}
    for placed in taakgebieden:
        for regime, codes in placed.item.taakvelden.items():
            if regime not in regimes:
                yield placed.problem(regime, f"one of {', '.join(sorted(regimes))}", "taakvelden", regime)
                continue
            for place, code in enumerate(codes):
                path = ("taakvelden", regime, place)
                if code not in iv3.figures_of(regime):
                    yield placed.problem(code, f"a taakveld of the regime {regime}", *path)
                elif (regime, code) in taken:
                    yield placed.problem(f"{code} a second time", f"it only in {taken[regime, code]}", *path)
                taken[regime, code] = placed.item.taakgebied


def finance_rows(
    taakgebieden: Sequence[Taakgebied],
    measures: Sequence[Measure],
    realised: Sequence[Realised],
    iv3: Iv3CodeLists,
    indicator_ids: Collection[str],
) -> Mapping[str, Rows]:
    """The rows of `declared.taakgebied`, `taakgebied_taakveld`, `measure` and `measure_realised`, by table.

    A taakveld has a row for every side and report of Iv3; its indicator is null where none follows it.
    """
    known = frozenset(indicator_ids)
    regimes = {one.regime: one for one in iv3.regimes}
    return {
        "taakgebied": [
            {**one.model_dump(exclude={"taakvelden"}), "place": place} for place, one in enumerate(taakgebieden, 1)
        ],
        "taakgebied_taakveld": [
            {
                "taakgebied": one.taakgebied,
                "regime": regime,
                "first_year": regimes[regime].first_year,
                "last_year": regimes[regime].last_year,
                "taakveld": code,
                "side": side,
                "report_kind": report_kind,
                "indicator_id": name if (name := indicator_of(side, code, report_kind)) in known else None,
            }
            for one in taakgebieden
            for regime, codes in sorted(one.taakvelden.items())
            for code, side, report_kind in product(codes, SIDES, FOLLOWED_REPORTS)
        ],
        "measure": [one.model_dump() for one in measures],
        "measure_realised": [{**one.model_dump(), "realised_by": one.who, "realised_on": one.when} for one in realised],
    }
