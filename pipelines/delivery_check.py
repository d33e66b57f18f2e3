"""What a municipality runs before it sends a file: the reader's verdict, with nothing loaded or kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import FolderConnector, IstandaardReader, Source, SpreadsheetReader, SwingReader
from pipelines.deliveries.described import described
from pipelines.delivery_privacy import read_screened, shown_name
from pipelines.geography.lookup import declared_lookup
from pipelines.geography.regions import RegionLookup
from pipelines.privacy.pseudonym import throwaway_key
from pipelines.readers import ReadResult, read_file
from pipelines.readers.account import Problem
from pipelines.readers.grid import tidy_header
from pipelines.readers.istandaard import looks_like, names_standard
from pipelines.readers.swing_workbook import is_workbook
from pipelines.settings import Settings, SetupError

# Every way in which a declaration may say that a text file is written; a header read wrongly fits nothing.
_ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "windows-1252")
_SEPARATORS = (";", ",", "\t", "|")
_HEADER_BYTES = 64 * 1024
_SWING_LEADING = frozenset({"period", "geolevel", "geoitem"})
_NOT_THIS_SHEET = frozenset({"unknown_format", "missing_column", "empty_file", "unknown_item"})


@dataclass(frozen=True)
class Outcome:
    """What was found of one file: its problems and a closing line in Dutch, or why it could not be checked."""

    problems: tuple[Problem, ...] = ()
    verdict: str = ""
    not_checked: str | None = None


def check_files(settings: Settings, files: Iterable[Path], source_id: str | None) -> Iterator[Outcome]:
    """Hold every file against its declaration, one after the other.

    The declaration is that of `source_id`, else the one whose pattern the name fits, else the one whose declared
    headers all stand in the file, or whose standard its root element names. A file that is not there, or fits none or
    several, is an outcome of its own.
    Raises SetupError for a source that is not declared, DeclarationError for declarations that are wrong.
    """
    declarations = load_declarations(settings.sources_dir, settings.profile)
    from_files = {
        source.source_id: source for source in declarations.sources if isinstance(source.connector, FolderConnector)
    }
    if source_id is not None and source_id not in from_files:
        raise SetupError(f"--as: found {source_id}, expected one of {', '.join(sorted(from_files))}")
    published = _published_regions(settings)
    lookups = {name: declared_lookup(declarations, name, published) for name in from_files}
    candidates = from_files if source_id is None else {source_id: from_files[source_id]}
    return (_check(path, candidates, lookups, named=source_id is not None) for path in files)


def _check(
    path: Path, candidates: Mapping[str, Source], lookups: Mapping[str, RegionLookup], *, named: bool
) -> Outcome:
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
    fitting = list(candidates.values()) if named else _fitting(path.name, data, candidates, lookups)
    if len(fitting) != 1:
        ids = sorted(source.source_id for source in fitting or candidates.values())
        fit = f"fit {', '.join(ids)}" if fitting else "fit no declared source"
        return Outcome(
            not_checked=f"{shown_name(path.name)}: found a name and a header that {fit}, expected those of one "
            f"source; say which with --as ({', '.join(ids)})"
        )
    source = described(fitting[0], path)
    # Nothing is kept, so that it does not matter under which pseudonyms: no key need be configured.
    screened = read_screened(path.name, data, source, lookups[source.source_id], throwaway_key())
    return Outcome(screened.result.problems, f"{screened.name} als {source.source_id}: {_verdict(screened.result)}")


def _verdict(result: ReadResult) -> str:
    counts = (
        f"{result.rows_in} rijen in = {result.rows_loaded} te laden + {result.rows_no_data} zonder cijfer + "
        f"{result.rows_quarantined} in quarantaine"
    )
    return f"{counts}; het hele bestand wordt geweigerd" if result.refused else counts


def _published_regions(settings: Settings) -> list[tuple[str, str]]:
    """The regions of the publishers, which a run knows beside the declared ones; none before the first run."""
    if not settings.published_path.is_file():
        return []
    from pipelines.warehouse.connection import connect_read_only

    with connect_read_only(settings.published_path) as connection:
        return connection.execute("select distinct region_code, region_name from marts.region").fetchall()


def _fitting(
    name: str, data: bytes, candidates: Mapping[str, Source], lookups: Mapping[str, RegionLookup]
) -> list[Source]:
    """The sources that the name of a file fits; where that is not one, those that its header fits."""
    by_name = [
        source
        for source in candidates.values()
        if isinstance(source.connector, FolderConnector) and fnmatch(name, source.connector.pattern)
    ]
    if len(by_name) == 1:
        return by_name
    headers = _headers(data)
    pool = by_name or list(candidates.values())
    by_header = [source for source in pool if _fits_content(name, data, headers, source, lookups[source.source_id])]
    # A message that cannot be recognised by its root is still one that somebody wants to hear about.
    by_looks = [
        source
        for source in pool
        if isinstance(source.reader, IstandaardReader) and looks_like(name, data, source.reader)
    ]
    return by_header or by_looks or by_name


def _fits_content(name: str, data: bytes, headers: list[frozenset[str]], source: Source, lookup: RegionLookup) -> bool:
    if isinstance(source.reader, SpreadsheetReader) or (isinstance(source.reader, SwingReader) and is_workbook(data)):
        return _has_sheet(name, data, source, lookup)
    if isinstance(source.reader, IstandaardReader):
        return names_standard(data, source.reader)
    return any(_has_columns(source, header) for header in headers)


def _headers(data: bytes) -> list[frozenset[str]]:
    """The first line that is not blank, read in every encoding and split at every separator."""
    headers = []
    for encoding in _ENCODINGS:
        try:
            # The end of the piece may be half a character, and is no part of the first line.
            text = data[:_HEADER_BYTES].decode(encoding, errors="ignore" if len(data) > _HEADER_BYTES else "strict")
        except UnicodeDecodeError:
            continue
        for separator in _SEPARATORS:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            try:
                first = next((row for row in rows if any(map(str.strip, row))), [])
            except csv.Error:
                continue
            headers.append(frozenset(tidy_header(field) for field in first))
    return headers


def _has_columns(source: Source, header: frozenset[str]) -> bool:
    reader = source.reader
    if isinstance(reader, SwingReader):
        leading = {field.lower() for field in header} & _SWING_LEADING
        return leading == _SWING_LEADING and not header.isdisjoint(tidy_header(item) for item in reader.items)
    required = {tidy_header(column.header) for column in getattr(reader, "columns", ()) if column.required}
    return bool(required) and required <= header


def _has_sheet(name: str, data: bytes, source: Source, lookup: RegionLookup) -> bool:
    """Whether the declared sheet is in a workbook with the declared headers; reading it is the safe way to know."""
    result = read_file(name, data, source, lookup)
    return not (result.refused and any(problem.reason in _NOT_THIS_SHEET for problem in result.problems))
