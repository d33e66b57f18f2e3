"""All declarations as they were read: each with its place, before anything is left out for a profile.

What belongs here: where a declaration stood, and what others may refer to. What does not: whether they do so
rightly (`checks`, `source_checks`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from pipelines.declarations.benchmark import (
    ItemCaution,
    MirroredItems,
    Opgave,
    OpgaveGroup,
    OpgaveTaakveld,
    ReferenceGroup,
    StructureCharacteristic,
)
from pipelines.declarations.benchmark_tables import BenchmarkLists
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
from pipelines.declarations.finance import Measure, Realised, Taakgebied
from pipelines.declarations.iv3 import (
    Iv3Categorie,
    Iv3CodeLists,
    Iv3Group,
    Iv3NotLinked,
    Iv3Regime,
    Iv3Taakveld,
    Iv3Total,
)
from pipelines.declarations.key_figures import KeyFigure
from pipelines.declarations.marked_yaml import MarkedFile
from pipelines.declarations.patterns import matches
from pipelines.declarations.provisions import CrisisProduct, Provision, Referrer, WijkteamProvider
from pipelines.declarations.rhythms import Rhythm
from pipelines.declarations.source import Source
from pipelines.declarations.surveys import Survey
from pipelines.declarations.wording import name_of

if TYPE_CHECKING:
    # It speaks of what was read, and so comes after this module.
    from pipelines.declarations.definitions import DefinitionFamily

Declared = TypeVar("Declared")

A_REGION = "a region or group that a regions*.yml declares"
AN_INDICATOR = "an indicator that indicators.yml declares"
A_SOURCE = "a source that is declared"


@dataclass(frozen=True)
class Placed(Generic[Declared]):
    """One declaration, and where it stood."""

    item: Declared
    file: MarkedFile
    path: tuple[str | int, ...]

    def problem(self, found: str, expected: str, *path: str | int) -> str:
        """One line of a DeclarationError about the part of the declaration at `path`."""
        shown = f" ({name_of(path)})" if path else ""
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
    definitions: list[Placed[DefinitionFamily]] = field(default_factory=list)
    regions: list[Placed[Region]] = field(default_factory=list)
    events: list[Placed[Event]] = field(default_factory=list)
    goals: list[Placed[GoalDeclaration]] = field(default_factory=list)
    printed_figures: list[Placed[PrintedFigure]] = field(default_factory=list)
    decisions: list[Placed[Decision]] = field(default_factory=list)
    corrections: list[Placed[Correction]] = field(default_factory=list)
    aliases: list[Placed[Alias]] = field(default_factory=list)
    iv3_regimes: list[Placed[Iv3Regime]] = field(default_factory=list)
    iv3_taakvelden: list[Placed[Iv3Taakveld]] = field(default_factory=list)
    iv3_categorieen: list[Placed[Iv3Categorie]] = field(default_factory=list)
    iv3_totals: list[Placed[Iv3Total]] = field(default_factory=list)
    iv3_groups: list[Placed[Iv3Group]] = field(default_factory=list)
    iv3_not_linked: list[Placed[Iv3NotLinked]] = field(default_factory=list)
    opgaven: list[Placed[Opgave]] = field(default_factory=list)
    opgave_taakvelden: list[Placed[OpgaveTaakveld]] = field(default_factory=list)
    opgave_groups: list[Placed[OpgaveGroup]] = field(default_factory=list)
    mirrors: list[Placed[MirroredItems]] = field(default_factory=list)
    item_cautions: list[Placed[ItemCaution]] = field(default_factory=list)
    reference_groups: list[Placed[ReferenceGroup]] = field(default_factory=list)
    structure_characteristics: list[Placed[StructureCharacteristic]] = field(default_factory=list)
    taakgebieden: list[Placed[Taakgebied]] = field(default_factory=list)
    measures: list[Placed[Measure]] = field(default_factory=list)
    realised: list[Placed[Realised]] = field(default_factory=list)
    provisions: list[Placed[Provision]] = field(default_factory=list)
    crisis_products: list[Placed[CrisisProduct]] = field(default_factory=list)
    referrers: list[Placed[Referrer]] = field(default_factory=list)
    wijkteam_providers: list[Placed[WijkteamProvider]] = field(default_factory=list)
    surveys: list[Placed[Survey]] = field(default_factory=list)
    rhythms: list[Placed[Rhythm]] = field(default_factory=list)
    key_figures: list[Placed[KeyFigure]] = field(default_factory=list)

    @property
    def benchmark(self) -> BenchmarkLists:
        """What the benchmark is declared with, together."""
        return BenchmarkLists(
            opgaven=tuple(placed.item for placed in self.opgaven),
            taakvelden=tuple(placed.item for placed in self.opgave_taakvelden),
            mirrors=tuple(placed.item for placed in self.mirrors),
            groups=tuple(placed.item for placed in self.opgave_groups),
            cautions=tuple(placed.item for placed in self.item_cautions),
            reference_groups=tuple(placed.item for placed in self.reference_groups),
            characteristics=tuple(placed.item for placed in self.structure_characteristics),
        )

    @property
    def iv3(self) -> Iv3CodeLists:
        """The code lists of Iv3 together."""
        return Iv3CodeLists(
            regimes=tuple(placed.item for placed in self.iv3_regimes),
            taakvelden=tuple(placed.item for placed in self.iv3_taakvelden),
            categorieen=tuple(placed.item for placed in self.iv3_categorieen),
            totals=tuple(placed.item for placed in self.iv3_totals),
            groups=tuple(placed.item for placed in self.iv3_groups),
            not_linked=tuple(placed.item for placed in self.iv3_not_linked),
        )


class Known:
    """What may be referred to."""

    def __init__(self, everything: Everything) -> None:
        self.sources = {placed.item.source_id: placed.item for placed in everything.sources}
        # Those that are known by their rhythm alone included.
        self.source_ids = {*self.sources, *(placed.item.source_id for placed in everything.rhythms)}
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
