"""What a municipality runs before it sends a file: the reader's verdict, with nothing loaded or kept.

What belongs here: what is told of a file. What does not: which declaration it is held to (`delivery_match`), reading
it (`delivery_privacy`, `readers`), and what a declaration could look like where there is none (`delivery_draft`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import FolderConnector, Source
from pipelines.deliveries.described import described
from pipelines.delivery_match import fitting
from pipelines.delivery_privacy import names_somebody, read_screened, shown_name
from pipelines.geography.lookup import declared_lookup
from pipelines.geography.regions import RegionLookup
from pipelines.privacy.pseudonym import throwaway_key
from pipelines.readers import ReadResult
from pipelines.readers.account import Problem
from pipelines.settings import Settings, SetupError

MOST_SHOWN: Final = 200
"""So many problems of one file are told one by one; whoever mends those sees the next."""


@dataclass(frozen=True)
class Outcome:
    """What was found of one file: its problems and a closing line in Dutch, or why it could not be checked.

    `problems` are the first of them, the closing line says how many there are. `draft` is what a declaration of a file
    could look like that fits none, in YAML; empty where there is nothing to go by.
    """

    problems: tuple[Problem, ...] = ()
    verdict: str = ""
    not_checked: str | None = None
    draft: str = ""


def check_files(settings: Settings, files: Iterable[Path], source_id: str | None) -> Iterator[Outcome]:
    """Hold every file against its declaration, one after the other.

    The declaration is that of `source_id`, else the one whose pattern the name fits, else the one that fits what is in
    the file. A file that is not there, or fits none or several, is an outcome of its own. Raises SetupError for a
    source that is not declared, DeclarationError for declarations that are wrong.
    """
    declarations = load_declarations(settings.sources_dir, settings.profile)
    from_files = {
        source.source_id: source for source in declarations.sources if isinstance(source.connector, FolderConnector)
    }
    if source_id is not None and source_id not in from_files:
        raise SetupError(f"--as: found {source_id}, expected one of {', '.join(sorted(from_files))}")
    published = _published_regions(settings)
    lookups = {name: declared_lookup(declarations, name, published) for name in from_files}
    anywhere = declared_lookup(declarations, "", published)
    candidates = from_files if source_id is None else {source_id: from_files[source_id]}
    checker = _Checker(candidates, lookups, anywhere, settings.profile, is_named=source_id is not None)
    return (checker.check(path) for path in files)


@dataclass(frozen=True)
class _Checker:
    """What files are held against. `anywhere` knows the regions for files of no source."""

    candidates: Mapping[str, Source]
    lookups: Mapping[str, RegionLookup]
    anywhere: RegionLookup
    profile: str
    is_named: bool

    def check(self, path: Path) -> Outcome:
        """What is to be told of one file."""
        from pipelines.connectors.folder import DeliveryError, read_bytes

        shown = shown_name(str(path))
        if path.is_dir():
            return Outcome(not_checked=f"{shown}: found a folder, expected a file")
        try:
            data = read_bytes(path)
        except FileNotFoundError:
            return Outcome(not_checked=f"{shown}: found no such file, expected a delivery")
        except DeliveryError as error:
            return Outcome(not_checked=str(error).replace(path.name, shown_name(path.name), 1))
        except OSError as error:
            return Outcome(not_checked=f"{shown}: found a file that cannot be opened ({error.strerror}), expected one")
        sources = list(self.candidates.values())
        chosen = sources if self.is_named else fitting(path.name, data, sources)
        if len(chosen) != 1:
            return self._undecided(path.name, data, chosen)
        return self._held_against(described(chosen[0], path), path.name, data)

    def _held_against(self, source: Source, name: str, data: bytes) -> Outcome:
        # Nothing is kept, so that it does not matter under which pseudonyms: no key need be configured.
        screened = read_screened(name, data, source, self.lookups[source.source_id], throwaway_key())
        problems = screened.result.problems
        verdict = f"{screened.name} als {source.source_id}: {_verdict(screened.result)}"
        if len(problems) > MOST_SHOWN:
            verdict += f"; hierboven staan de eerste {MOST_SHOWN} van {_number(len(problems))} meldingen"
        return Outcome(problems[:MOST_SHOWN], verdict)

    def _undecided(self, name: str, data: bytes, chosen: list[Source]) -> Outcome:
        """Of a file that fits no declaration, or several: which there are, and if none, what one could look like."""
        shown = shown_name(name)
        ids = ", ".join(sorted(source.source_id for source in chosen or self.candidates.values()))
        fit = f"fit {ids}" if chosen else "fit no declared source"
        said = (
            f"{shown}: found a name and a header that {fit}, expected those of one source; say which with --as ({ids})"
        )
        if chosen:
            return Outcome(not_checked=said)
        from pipelines.delivery_draft import draft
        from pipelines.readers.detection import detect

        detected = detect(data, self.anywhere)
        if detected.person is not None:
            person = f"a header that announces personal data ({detected.person})"
        elif shown != name or names_somebody(data):
            person = "a number that could be a BSN"
        else:
            person = ""
        if person:
            return Outcome(not_checked=f"{said}; it holds {person}, which no declaration lets in")
        return Outcome(not_checked=said, draft=draft(name, detected, self.profile))


def _verdict(result: ReadResult) -> str:
    counts = (
        f"{result.rows_in} rijen in = {result.rows_loaded} te laden + {result.rows_no_data} zonder cijfer + "
        f"{result.rows_quarantined} in quarantaine"
    )
    return f"{counts}; het hele bestand wordt geweigerd" if result.refused else counts


def _number(count: int) -> str:
    return f"{count:,}".replace(",", ".")


def _published_regions(settings: Settings) -> list[tuple[str, str]]:
    """The regions of the publishers, which a run knows beside the declared ones; none before the first run."""
    if not settings.published_path.is_file():
        return []
    from pipelines.warehouse.connection import connect_read_only

    with connect_read_only(settings.published_path) as connection:
        return connection.execute("select distinct region_code, region_name from marts.region").fetchall()
