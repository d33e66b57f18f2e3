"""Reads all declarations under `sources/`, and refuses them as a whole when anything in them is wrong.

What belongs here: which files there are and what becomes of them. What does not: the shapes (`source`,
`catalogue`), the checks (`wording`, `checks`), and what the declarations stand for in the warehouse
(`expand`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipelines.declarations.as_read import Everything, Placed
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
    Goal,
    GoalDeclaration,
    Indicator,
    IndicatorFamily,
    PrintedFigure,
    Region,
)
from pipelines.declarations.checks import contradictions
from pipelines.declarations.definitions import DefinitionFamily, defined
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
from pipelines.declarations.marked_yaml import DeclarationError, MarkedFile, read_marked
from pipelines.declarations.provisions import CrisisProduct, Provision, Referrer, WijkteamProvider
from pipelines.declarations.rhythms import Rhythm
from pipelines.declarations.source import Iv3Reader, Source
from pipelines.declarations.surveys import Survey
from pipelines.declarations.wording import validated

__all__ = ["DeclarationError", "Declarations", "load_declarations"]

_CATALOGUE = "catalogue"
_OWN_INDICATORS = "indicators"
# Deliveries and the truth of Voorbeeldland, not declarations.
_NOT_DECLARATIONS = frozenset({_CATALOGUE, "sample"})

# The files of the catalogue by how their name begins, with the lists each may hold; the first is what a file
# that is one bare list holds.
_LISTS: dict[str, dict[str, tuple[str, type[BaseModel]]]] = {
    "indicators": {"indicators": ("indicators", Indicator), "families": ("families", IndicatorFamily)},
    "definitions": {"definitions": ("definitions", DefinitionFamily)},
    "regions": {"regions": ("regions", Region), "groups": ("regions", Region)},
    "events": {"events": ("events", Event)},
    "goals": {"goals": ("goals", GoalDeclaration), "printed_figures": ("printed_figures", PrintedFigure)},
    "aliases": {"aliases": ("aliases", Alias)},
    "decisions": {"decisions": ("decisions", Decision)},
    "rhythms": {"rhythms": ("rhythms", Rhythm)},
    "key_figures": {"key_figures": ("key_figures", KeyFigure)},
    "corrections": {"corrections": ("corrections", Correction)},
    "surveys": {"surveys": ("surveys", Survey)},
    "measures": {"measures": ("measures", Measure), "realised": ("realised", Realised)},
    "taakgebieden": {"taakgebieden": ("taakgebieden", Taakgebied)},
    "provisions": {
        "provisions": ("provisions", Provision),
        "crisis_products": ("crisis_products", CrisisProduct),
        "referrers": ("referrers", Referrer),
        "wijkteam_providers": ("wijkteam_providers", WijkteamProvider),
    },
    "opgaven": {
        "opgaven": ("opgaven", Opgave),
        "taakvelden": ("opgave_taakvelden", OpgaveTaakveld),
        "mirrors": ("mirrors", MirroredItems),
        "groups": ("opgave_groups", OpgaveGroup),
        "cautions": ("item_cautions", ItemCaution),
    },
    "reference_groups": {
        "reference_groups": ("reference_groups", ReferenceGroup),
        "characteristics": ("structure_characteristics", StructureCharacteristic),
    },
    "iv3": {
        "taakvelden": ("iv3_taakvelden", Iv3Taakveld),
        "regimes": ("iv3_regimes", Iv3Regime),
        "categorieen": ("iv3_categorieen", Iv3Categorie),
        "totals": ("iv3_totals", Iv3Total),
        "groups": ("iv3_groups", Iv3Group),
        "not_linked": ("iv3_not_linked", Iv3NotLinked),
    },
}


@dataclass(frozen=True)
class Declarations:
    """Everything declared for one profile. Outside `sample` nothing fictional is in it.

    `disabled` are sources that are declared and switched off. `goals` is laid out per region. `aliases` hold for
    every source; those of one source come with `aliases_for`. `fingerprint` changes with any byte of any file, of
    any profile.
    """

    profile: str
    sources: tuple[Source, ...]
    disabled: tuple[Source, ...]
    indicators: tuple[Indicator, ...]
    regions: tuple[Region, ...]
    groups: tuple[Region, ...]
    events: tuple[Event, ...]
    goals: tuple[Goal, ...]
    printed_figures: tuple[PrintedFigure, ...]
    decisions: tuple[Decision, ...]
    corrections: tuple[Correction, ...]
    aliases: tuple[Alias, ...]
    source_aliases: tuple[Alias, ...]
    fingerprint: str
    iv3: Iv3CodeLists = field(default_factory=Iv3CodeLists)
    benchmark: BenchmarkLists = field(default_factory=BenchmarkLists)
    taakgebieden: tuple[Taakgebied, ...] = ()
    measures: tuple[Measure, ...] = ()
    realised: tuple[Realised, ...] = ()
    provisions: tuple[Provision, ...] = ()
    crisis_products: tuple[CrisisProduct, ...] = ()
    referrers: tuple[Referrer, ...] = ()
    wijkteam_providers: tuple[WijkteamProvider, ...] = ()
    rhythms: tuple[Rhythm, ...] = ()
    key_figures: tuple[KeyFigure, ...] = ()
    surveys: tuple[Survey, ...] = ()

    def source(self, source_id: str) -> Source:
        """The source of that id. Raises KeyError where the profile has none."""
        for source in self.sources:
            if source.source_id == source_id:
                return source
        raise KeyError(source_id)

    def aliases_for(self, source_id: str) -> dict[str, str]:
        """Name to region code in the deliveries of one source; its own aliases go before the general ones."""
        own = [alias for alias in self.source_aliases if source_id in alias.sources]
        return {alias.name: alias.code for alias in (*self.aliases, *own)}


def load_declarations(sources_dir: Path, profile: str) -> Declarations:
    """All declarations of a profile (`sample` or `live`), read from `sources_dir` and held against each
    other.

    The files of all profiles are checked, whichever is asked for. Raises DeclarationError with one line per
    problem, `file:line:column (name): found, expected`, the file as from the folder above `sources_dir`.
    """
    digest = hashlib.sha256()
    files: list[tuple[Path, str, bytes]] = []
    for path in _files(sources_dir):
        label = path.relative_to(sources_dir.parent).as_posix()
        files.append((path, label, path.read_bytes()))
        digest.update(f"{label.partition('/')[2]}\0{len(files[-1][2])}\0".encode())
        digest.update(files[-1][2])
    key = (sources_dir, profile, digest.hexdigest())
    if key not in _known:
        # A run asks once per source; only the files as they are now are worth remembering.
        declarations = _declared(files, sources_dir / _CATALOGUE, profile, digest.hexdigest())
        _known.clear()
        _known[key] = declarations
    return _known[key]


_known: dict[tuple[Path, str, str], Declarations] = {}


def _declared(files: list[tuple[Path, str, bytes]], catalogue: Path, profile: str, fingerprint: str) -> Declarations:
    everything, problems = Everything(), list[str]()
    for path, label, raw in files:
        try:
            file = read_marked(raw, label)
        except DeclarationError as error:
            problems.extend(error.problems)
            continue
        if path.parent == catalogue:
            _read_catalogue(path.stem, file, everything, problems)
        else:
            _read_source(file, everything, problems)
    problems = problems or contradictions(everything)
    if problems:
        raise DeclarationError(problems)
    return _of_profile(everything, profile, fingerprint)


def _files(sources_dir: Path) -> list[Path]:
    if not sources_dir.is_dir():
        raise DeclarationError([f"{sources_dir.name}: found no such folder, expected the declarations in it"])
    folders = [folder for folder in sources_dir.iterdir() if folder.name not in _NOT_DECLARATIONS]
    found = [path for folder in (*folders, sources_dir / _CATALOGUE) for path in folder.rglob("*.y*ml")]
    wrong = [path for path in found if path.suffix != ".yml"]
    if wrong:
        label = wrong[0].relative_to(sources_dir.parent).as_posix()
        raise DeclarationError([f"{label}: found a name that ends in {wrong[0].suffix}, expected .yml"])
    return sorted(found)


def _read_source(file: MarkedFile, everything: Everything, problems: list[str]) -> None:
    data = file.data
    if isinstance(data, dict) and _OWN_INDICATORS in data:
        # What only this source delivers may stand with it, so that a new source is one file.
        data = {key: value for key, value in data.items() if key != _OWN_INDICATORS}
        entries = file.data[_OWN_INDICATORS]
        for place, entry in enumerate(entries if isinstance(entries, list) else [entries]):
            path = (_OWN_INDICATORS, place)
            indicator = validated(Indicator, file, path, entry, problems)
            if indicator is not None:
                everything.indicators.append(Placed(indicator, file, path))
    source = validated(Source, file, (), data, problems)
    if source is not None:
        everything.sources.append(Placed(source, file, ()))


def _read_catalogue(stem: str, file: MarkedFile, everything: Everything, problems: list[str]) -> None:
    lists = next((lists for name, lists in _LISTS.items() if stem == name or stem.startswith(f"{name}_")), None)
    if lists is None:
        problems.append(f"{file.label}: found a name of its own, expected one of {', '.join(_LISTS)} (_*).yml")
        return
    for name, path, entry in _entries(file, next(iter(lists)), problems):
        if name not in lists:
            place = file.place((name,), key=True)
            problems.append(f"{place}: found the list {name!r}, expected one of {', '.join(lists)}")
            continue
        kind, model = lists[name]
        item = validated(model, file, path, entry, problems)
        if item is not None:
            getattr(everything, kind).append(Placed(item, file, path))


def _entries(file: MarkedFile, main: str, problems: list[str]) -> Iterator[tuple[str, tuple[str | int, ...], Any]]:
    """The entries of a catalogue file: one bare list, or a mapping of names to lists. Empty has none."""
    data = {} if file.data is None else file.data
    lists = data if isinstance(data, dict) else {main: data}
    for name, entries in lists.items():
        path = (name,) if isinstance(data, dict) else ()
        if not isinstance(entries, list | None):
            problems.append(f"{file.place(path)}: found {type(entries).__name__}, expected a list of {name}")
            continue
        for place, entry in enumerate(entries or []):
            yield str(name), (*path, place), entry


def _of_profile(everything: Everything, profile: str, fingerprint: str) -> Declarations:
    iv3 = everything.iv3
    surveyed = {source_id for placed in everything.surveys for source_id in placed.item.sources}
    declared = tuple(
        source.of_survey() if source.source_id in surveyed else source
        for source in (_with_codes(placed.item, iv3) for placed in everything.sources)
        if profile in source.profiles
    )
    sources = tuple(source for source in declared if source.enabled)
    present = {source.source_id for source in sources}
    fictional = [placed.item for placed in everything.regions if placed.item.is_fictional]
    codes = {region.code for region in fictional}
    prefixes = tuple(region.country_prefix for region in fictional if region.region_type == "land")

    def wanted(code: str) -> bool:
        return profile == "sample" or not (code in codes or code.startswith(prefixes))

    regions = [placed.item for placed in everything.regions if wanted(placed.item.code)]
    aliases = [placed.item for placed in everything.aliases if wanted(placed.item.code)]
    return Declarations(
        profile=profile,
        sources=sources,
        disabled=tuple(source for source in declared if not source.enabled),
        indicators=defined(
            [placed.item for placed in everything.indicators],
            [placed.item for placed in everything.definitions],
            iv3,
        ),
        regions=tuple(region for region in regions if region.region_type != "samenwerking"),
        groups=tuple(region for region in regions if region.region_type == "samenwerking"),
        events=tuple(placed.item for placed in everything.events if any(map(wanted, placed.item.region_codes))),
        goals=tuple(
            goal for placed in everything.goals for goal in placed.item.per_region() if wanted(goal.region_code)
        ),
        printed_figures=tuple(placed.item for placed in everything.printed_figures),
        decisions=tuple(placed.item for placed in everything.decisions),
        corrections=tuple(placed.item for placed in everything.corrections if placed.item.source_id in present),
        aliases=tuple(alias for alias in aliases if not alias.sources),
        source_aliases=tuple(alias for alias in aliases if alias.sources),
        fingerprint=fingerprint,
        iv3=iv3,
        benchmark=_benchmark_of(everything.benchmark, wanted),
        taakgebieden=tuple(placed.item for placed in everything.taakgebieden),
        measures=tuple(placed.item for placed in everything.measures),
        realised=tuple(placed.item for placed in everything.realised),
        provisions=tuple(placed.item for placed in everything.provisions),
        crisis_products=tuple(placed.item for placed in everything.crisis_products),
        referrers=tuple(placed.item for placed in everything.referrers),
        wijkteam_providers=tuple(
            placed.item for placed in everything.wijkteam_providers if wanted(placed.item.region_code)
        ),
        rhythms=tuple(placed.item for placed in everything.rhythms if placed.item.source_id not in present),
        key_figures=tuple(placed.item for placed in everything.key_figures),
        surveys=tuple(placed.item for placed in everything.surveys),
    )


def _benchmark_of(lists: BenchmarkLists, wanted: Callable[[str], bool]) -> BenchmarkLists:
    """Without the groups that are chosen for fictional regions only, outside `sample`."""
    kept = tuple(one for one in lists.reference_groups if not one.regions or any(map(wanted, one.regions)))
    return replace(lists, reference_groups=kept)


def _with_codes(source: Source, codes: Iv3CodeLists) -> Source:
    """The source, with the code lists of the catalogue where its reader goes by them."""
    reader = source.reader
    return source.model_copy(update={"reader": reader.with_codes(codes)}) if isinstance(reader, Iv3Reader) else source
