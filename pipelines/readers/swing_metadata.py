"""What a Swing databank says of its items, beside their figures: the unit above all.

What belongs here: finding the unit of every item in a metadata file or sheet, and holding it against the declaration.
What does not: the figures (`swing`, `swing_odata`). Per 1,000 and per 10,000 look alike; only the unit tells them
apart, and publishers change it from one edition to the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Final

from pydantic import Field

from pipelines.declarations.source import Series, SwingReader
from pipelines.privacy import redact_text
from pipelines.readers.account import Problem
from pipelines.readers.delimited import text_grid
from pipelines.readers.grid import Grid, refuse_persons
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.swing_workbook import is_workbook, sheets_of
from pipelines.readers.values import trim

UNEXPECTED: Final = "unexpected_unit"
_CODE_HEADERS: Final = ("code", "indicator code", "indicatorcode", "onderwerpcode")
_UNIT_HEADERS: Final = ("unit", "eenheid")
_NAME_HEADERS: Final = ("name", "naam")
# `1.000`, `1 000` and `1000` are one number, also with a space that does not break.
_GROUPED: Final = re.compile(r"(?<=\d)[.\s\u00a0\u202f](?=\d{3}(?!\d))")


@dataclass(frozen=True)
class FoundUnit:
    """The unit that a publisher gives for one item, free of what could be a person, and the file that says so."""

    unit: str
    file: str


Units = dict[str, FoundUnit]


class DescribedSwingReader(SwingReader):
    """The declared reader of one export, with what the files beside that export say of its items.

    `unreadable` is why they say nothing: an export whose units nobody can confirm is refused.
    """

    units: dict[str, FoundUnit] = Field(default_factory=dict)
    unreadable: tuple[Problem, ...] = ()


def same_unit(one: str, other: str) -> bool:
    """Whether two texts name one unit: white space, case and the marks within thousands do not matter."""
    return _comparable(one) == _comparable(other)


def metadata_names(file: str, names: Iterable[str], reader: SwingReader) -> list[str]:
    """Which of `names` hold the metadata of `file`; `{name}` in the declared pattern is its name without extension."""
    if reader.metadata is None:
        return []
    pattern = reader.metadata.replace("{name}", PurePath(file).stem)
    return sorted(name for name in names if name != file and fnmatch(name, pattern))


def is_metadata(file: str, reader: SwingReader) -> bool:
    """Whether a file holds metadata, and no figures, by its name."""
    return reader.metadata is not None and fnmatch(file, reader.metadata.replace("{name}", "*"))


def read_metadata(files: Mapping[str, bytes], reader: SwingReader) -> Units:
    """The unit of every item in metadata files, CSV or XLSX.

    Raises RefusedFileError for a file without a column of codes and one of units, and for two units of one item.
    """
    units: Units = {}
    for name, data in files.items():
        if is_workbook(data):
            grids: tuple[Grid, ...] = sheets_of(name, data, reader)
        else:
            grids = (text_grid(name, data, reader.encoding, reader.delimiter, ()),)
        found = [found for grid in grids if (found := units_in(grid)) is not None]
        if not found:
            problem = Problem(
                name,
                grids[0].header_line,
                None,
                None,
                "missing_column",
                "no column of codes beside one of units",
                f"one of {', '.join(_CODE_HEADERS)} and one of {', '.join(_UNIT_HEADERS)}",
            )
            raise RefusedFileError(problem)
        for some in found:
            units = merged(units, some)
    return units


def merged(units: Units, others: Units) -> Units:
    """The units of both. Raises RefusedFileError where they contradict each other."""
    for item in units.keys() & others.keys():
        if not same_unit(units[item].unit, others[item].unit):
            found = f'the units "{units[item].unit}" and "{others[item].unit}"'
            problem = Problem(others[item].file, None, None, item, UNEXPECTED, found, "one unit for an item")
            raise RefusedFileError(problem)
    return units | others


def units_in(grid: Grid) -> Units | None:
    """The units of a table with codes and units, by code; None for a table that has no such columns."""
    headers = {header.lower(): place for place, header in reversed(list(enumerate(grid.header)))}
    code = next((headers[name] for name in _CODE_HEADERS if name in headers), None)
    unit = next((headers[name] for name in _UNIT_HEADERS if name in headers), None)
    if code is None or unit is None:
        return None
    refuse_persons(grid, [header for header in grid.header if header.lower() in _NAME_HEADERS])
    codes, texts = (trim(grid.cells[place].text).to_pylist() for place in (code, unit))
    units: Units = {}
    for item, text in zip(codes, texts, strict=True):
        if item and text:
            units = merged(units, {item: FoundUnit(_shown(text), grid.file)})
    return units


def unexpected(items: Iterable[str], units: Units, series: Iterable[Series]) -> dict[str, tuple[str, str]]:
    """Items that come in another unit than declared, with what was found and what was expected."""
    wrong: dict[str, tuple[str, str]] = {}
    declared = {one.item: one.unit for one in series if one.unit is not None}
    for item in items:
        if item in declared and item in units and not same_unit(declared[item], units[item].unit):
            found = f'the unit "{units[item].unit}" in {units[item].file}'
            wrong[item] = (found, f'the declared unit "{declared[item]}"')
    return wrong


def unconfirmed(items: Iterable[str], units: Units, series: Iterable[Series]) -> tuple[str, ...]:
    """Notices about units that one side gives and the other does not."""
    declared = {one.item: one.unit for one in series if one.unit is not None}
    items = list(items)
    silent = [item for item in items if item in declared and item not in units]
    notices = [f"no unit is given for {', '.join(silent)}: the declared one is not confirmed"] if silent else []
    notices += [
        f'{item} comes in the unit "{units[item].unit}", and none is declared'
        for item in items
        if item in units and item not in declared
    ]
    return tuple(notices)


def _comparable(unit: str) -> str:
    return " ".join(_GROUPED.sub("", unit).casefold().split())


def _shown(unit: str) -> str:
    """A unit as it may be shown and kept: a cell of a file can hold anything."""
    return redact_text(" ".join(unit.split()))[:60]
