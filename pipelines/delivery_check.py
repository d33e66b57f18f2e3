"""What a municipality runs before it sends a file: the reader's verdict, with nothing loaded or kept."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.source import FolderConnector, Source
from pipelines.readers.account import Problem
from pipelines.settings import Settings, SetupError


@dataclass(frozen=True)
class Outcome:
    """The problems of one file, and a closing line in Dutch."""

    problems: tuple[Problem, ...]
    verdict: str


def check_files(settings: Settings, files: list[Path], source_id: str | None) -> list[Outcome]:
    """Hold every file against its declaration. Raises SetupError for a file or a source that is not there."""
    declarations = load_declarations(settings.sources_dir, settings.profile)
    return [_check(path, declarations, source_id) for path in files]


def _check(path: Path, declarations: Declarations, source_id: str | None) -> Outcome:
    from pipelines.connectors.folder import DeliveryError, read_bytes
    from pipelines.geography.lookup import declared_lookup
    from pipelines.readers import read_file

    if not path.is_file():
        raise SetupError(f"{path}: no such file")
    source = _source_for(path, declarations, source_id)
    try:
        data = read_bytes(path)
    except DeliveryError as error:
        raise SetupError(str(error)) from None
    result = read_file(path.name, data, source, declared_lookup(declarations, source.source_id))
    counts = (
        f"{result.rows_in} rijen in = {result.rows_loaded} te laden + {result.rows_no_data} zonder cijfer + "
        f"{result.rows_quarantined} geweigerd"
    )
    return Outcome(result.problems, f"{path.name} als {source.source_id}: {counts}")


def _source_for(path: Path, declarations: Declarations, source_id: str | None) -> Source:
    from_files = {
        source.source_id: source for source in declarations.sources if isinstance(source.connector, FolderConnector)
    }
    if source_id is not None:
        if source_id not in from_files:
            raise SetupError(f"--as: found {source_id}, expected one of {', '.join(sorted(from_files))}")
        return from_files[source_id]
    fitting = [
        source
        for source in from_files.values()
        if isinstance(source.connector, FolderConnector) and fnmatch(path.name, source.connector.pattern)
    ]
    if len(fitting) != 1:
        names = ", ".join(sorted(source.source_id for source in fitting)) or "none"
        raise SetupError(
            f"{path.name}: its name fits {names} of the declared sources; say which with --as "
            f"({', '.join(sorted(from_files))})"
        )
    return fitting[0]
