"""The code lists of Iv3 (Informatie voor derden), and how the taakvelden of its regimes are linked.

What belongs here: which codes a book year knows, as CBS defines them, and which taakvelden of two regimes may be
compared. What does not: reading a delivery (`readers.iv3`), and the figures of a group (`core.iv3_group`).

A *regime* is a span of book years with one list of taakvelden. A taakveld with letters (`6.71a`) is part of the one
without (`6.71`), which is its parent where the list has it as well, and a mere sum where it has not (`6.73`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from pipelines.declarations.strict import Strict

Side = Literal["lasten", "baten"]
Regime = Annotated[str, Field(pattern=r"^(19|20)\d{2}$")]
TaakveldCode = Annotated[str, Field(pattern=r"^\d\.\d{1,3}[a-z]?$")]
CategorieCode = Annotated[str, Field(pattern=r"^\d(\.\d){1,2}$")]
_Text = Annotated[str, Field(min_length=1)]

SIDES: Final[tuple[Side, ...]] = ("lasten", "baten")
# The reports of which figures are followed, with what an indicator of theirs is called. Quarters count from 1 January
# on: they are read and kept, and are nobody's figure.
FOLLOWED_REPORTS: Final = {"X005": "iv3", "X000": "iv3_begroot"}


class Iv3Regime(Strict):
    """A span of book years with one list of taakvelden, named by its first year."""

    regime: Regime
    first_year: int
    last_year: int
    label_nl: _Text

    @model_validator(mode="after")
    def _consistent(self) -> Iv3Regime:
        if self.regime != str(self.first_year):
            raise ValueError(f"found regime {self.regime}, expected its first year, {self.first_year}")
        if self.last_year < self.first_year:
            raise ValueError(f"found a last year {self.last_year} before {self.first_year}, expected a span")
        return self


class Iv3Taakveld(Strict):
    """One taakveld in the regimes that know it under this name; in all of them where none is named."""

    code: TaakveldCode
    name: _Text
    regimes: tuple[Regime, ...] = ()

    @property
    def part_of(self) -> str | None:
        """The taakveld of which one with a letter is a part."""
        return self.code[:-1] if self.code[-1].isalpha() else None


class Iv3Categorie(Strict):
    """One category of lasten, of baten, or of both; `account` is the part of the account that it adds up to."""

    code: CategorieCode
    name: _Text
    sides: Annotated[tuple[Side, ...], Field(min_length=1)] = SIDES
    account: Literal["LR", "FR", "IV"]
    regimes: tuple[Regime, ...] = ()


class Iv3Total(Strict):
    """A code of the lists that only adds others up, and may not be delivered: `6.`, `Tot_TV`, `LR`."""

    code: _Text
    name: _Text
    kind: Literal["taakveld", "categorie"]
    sides: tuple[Side, ...] = SIDES
    regimes: tuple[Regime, ...] = ()


class Iv3Link(Strict):
    """How far a group in one regime compares with the same group in the regime before it."""

    to: Regime
    quality: Literal["exact", "approximate"]
    because: _Text


class Iv3Group(Strict):
    """Taakvelden that together compare over regimes: per regime those that make it up.

    A taakveld that has parts with letters stands for itself and all of them.
    """

    group_id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    label_nl: _Text
    taakvelden: dict[Regime, Annotated[tuple[TaakveldCode, ...], Field(min_length=1)]]
    links: Annotated[tuple[Iv3Link, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Iv3Group:
        regimes = sorted(self.taakvelden)
        linked = [link.to for link in self.links]
        if linked != regimes[1:]:
            raise ValueError(f"found links to {linked}, expected one to every regime but the first: {regimes[1:]}")
        return self

    def link_to(self, regime: str) -> Iv3Link | None:
        """How the group compares with itself in the regime before; None in its first one."""
        return next((link for link in self.links if link.to == regime), None)


class Iv3NotLinked(Strict):
    """Taakvelden of one regime that compare with nothing of another by themselves, and why."""

    regime: Regime
    taakvelden: Annotated[tuple[TaakveldCode, ...], Field(min_length=1)]
    because: _Text


@dataclass(frozen=True)
class Iv3CodeLists:
    """What CBS knows in each book year. Made of declarations that were held against each other already."""

    regimes: tuple[Iv3Regime, ...] = ()
    taakvelden: tuple[Iv3Taakveld, ...] = ()
    categorieen: tuple[Iv3Categorie, ...] = ()
    totals: tuple[Iv3Total, ...] = ()
    groups: tuple[Iv3Group, ...] = ()
    not_linked: tuple[Iv3NotLinked, ...] = ()

    @cached_property
    def years(self) -> dict[int, str]:
        """Every book year that has a list, with its regime."""
        return {
            year: regime.regime for regime in self.regimes for year in range(regime.first_year, regime.last_year + 1)
        }

    def taakvelden_of(self, regime: str) -> dict[str, str]:
        """The taakvelden of a regime that may be delivered, with their names, in the order of the list."""
        return {one.code: one.name for one in self.taakvelden if _holds(one.regimes, regime)}

    def categorieen_of(self, regime: str, side: Side) -> dict[str, str]:
        """The categories of one side in a regime that may be delivered, with their names."""
        return {one.code: one.name for one in self.categorieen if side in one.sides and _holds(one.regimes, regime)}

    def totals_of(self, regime: str, kind: str, side: Side | None = None) -> dict[str, str]:
        """The codes of a regime that only add others up, with their names."""
        return {
            one.code: one.name
            for one in self.totals
            if one.kind == kind and _holds(one.regimes, regime) and (side is None or side in one.sides)
        }

    def parents_of(self, regime: str) -> dict[str, str]:
        """For every taakveld of a regime with a letter, the one of which it is a part."""
        return self._parents.get(regime, {})

    def figures_of(self, regime: str) -> frozenset[str]:
        """The taakvelden of a regime of which there can be a figure: those of the list, and sums of parts."""
        return self._figures.get(regime, frozenset())

    @cached_property
    def _parents(self) -> dict[str, dict[str, str]]:
        return {
            one.regime: {
                taakveld.code: taakveld.part_of
                for taakveld in self.taakvelden
                if taakveld.part_of is not None and _holds(taakveld.regimes, one.regime)
            }
            for one in self.regimes
        }

    @cached_property
    def _figures(self) -> dict[str, frozenset[str]]:
        return {
            regime: frozenset(self.taakvelden_of(regime)).union(parents.values())
            for regime, parents in self._parents.items()
        }

    def span(self, regimes: Iterable[str]) -> str:
        """Regimes as years for a message: `2017-2022, 2025-2026`."""
        named = set(regimes)
        return ", ".join(f"{one.first_year}-{one.last_year}" for one in self.regimes if one.regime in named)


def _holds(regimes: tuple[str, ...], regime: str) -> bool:
    return not regimes or regime in regimes


def indicator_of(side: str, taakveld: str, report_kind: str) -> str:
    """The indicator that follows a taakveld: `iv3_lasten_6_72`, or of the budget `iv3_begroot_lasten_6_72`."""
    return f"{FOLLOWED_REPORTS[report_kind]}_{side}_{re.sub(r'[^0-9a-z]', '_', taakveld)}"
