"""What the files beside an export say of its items: found when the export is read, and kept with its vintage.

What belongs here: which files describe an export, and what of them is kept. What does not: what they say
(`readers.swing_metadata`), and what becomes of the export (`folder`).

A vintage keeps the units as they were when it came, in a file of its own; the files themselves, in which anything can
stand, are not kept. Sources that declare no such files are left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pipelines.declarations.source import Source, SwingReader
from pipelines.delivery_privacy import shown_name
from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.swing_metadata import (
    DescribedSwingReader,
    FoundUnit,
    is_metadata,
    metadata_names,
    read_metadata,
)

KEPT: Final = "items.json"


def is_description(source: Source, name: str) -> bool:
    """Whether a file describes the items of an export, and is no delivery itself."""
    return isinstance(source.reader, SwingReader) and is_metadata(name, source.reader)


def described(source: Source, path: Path) -> Source:
    """The source with what the files beside an export say of its items; itself where it declares no such files."""
    reader = source.reader
    if not isinstance(reader, SwingReader) or reader.metadata is None:
        return source
    from pipelines.connectors.folder import DeliveryError, read_bytes

    files: dict[str, bytes] = {}
    for name in metadata_names(path.name, (beside.name for beside in path.parent.iterdir()), reader):
        try:
            files[shown_name(name)] = read_bytes(path.with_name(name))
        except (DeliveryError, OSError):
            problem = Problem(
                shown_name(name), None, None, None, "unfinished_file", "a file that cannot be read", "a finished file"
            )
            return _with(source, reader, {}, (problem,))
    try:
        units = read_metadata(files, reader)
    except RefusedFileError as refusal:
        return _with(source, reader, {}, refusal.problems)
    return _with(source, reader, {item: unit for item, unit in units.items() if item in reader.items}, ())


def kept_description(source: Source) -> dict[str, bytes]:
    """The file that a vintage of an export keeps of its description; none where there is nothing to keep."""
    reader = source.reader
    if not isinstance(reader, DescribedSwingReader):
        return {}
    record = {
        "units": {item: asdict(unit) for item, unit in sorted(reader.units.items())},
        "unreadable": [asdict(problem) for problem in reader.unreadable],
    }
    return {KEPT: (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()}


def as_described_then(source: Source, files: Mapping[str, bytes]) -> Source:
    """The source with what was kept of the description when a vintage came; `files` are those of the vintage."""
    reader = source.reader
    if not isinstance(reader, SwingReader):
        return source
    if KEPT not in files:
        # It came before the source declared such files; what they say today is not about it.
        return source.model_copy(update={"reader": SwingReader(**_declared(reader))})
    record = json.loads(files[KEPT])
    units = {item: FoundUnit(**unit) for item, unit in record["units"].items()}
    return _with(source, reader, units, tuple(Problem(**problem) for problem in record["unreadable"]))


def _with(
    source: Source, reader: SwingReader, units: Mapping[str, FoundUnit], unreadable: tuple[Problem, ...]
) -> Source:
    known = DescribedSwingReader(**_declared(reader), units=dict(units), unreadable=unreadable)
    return source.model_copy(update={"reader": known})


def _declared(reader: SwingReader) -> dict[str, Any]:
    return reader.model_dump(include=set(SwingReader.model_fields))
