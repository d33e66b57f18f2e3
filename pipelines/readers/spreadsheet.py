"""One sheet of an XLSX workbook, read as a declared table.

What belongs here: which sheet is read, and what the others may not hold. What does not: what a workbook can do to
figures (`sheet`) and to the machine that opens it (`workbook`, `watched_xml`), and what the cells mean (`tabular`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.declarations.source import Source, SpreadsheetReader
from pipelines.privacy import redact_text
from pipelines.readers.account import ReadResult
from pipelines.readers.grid import refuse_persons, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.sheet import Sheet, read_sheet
from pipelines.readers.tabular import read_table
from pipelines.readers.workbook import Workbook, open_workbook, refusal

if TYPE_CHECKING:
    from pipelines.privacy.pseudonym import PseudonymKey


def read_spreadsheet(
    file: str,
    data: bytes,
    source: Source,
    reader: SpreadsheetReader,
    lookup: RegionLookup,
    key: PseudonymKey | None = None,
) -> ReadResult:
    """Read the declared sheet of an XLSX file. Raises RefusedFileError when it cannot be read as a whole.

    Lines are sheet rows and columns sheet columns, both from 1. A cell shown as a percentage holds a
    fraction (0.83 is 83); a cell with a formula counts with the result that was stored with it. A merged
    cell stands for all cells it covers where it is part of the key, and is refused elsewhere: one figure
    must not become two. Hidden rows and columns are read like others.
    """
    workbook = open_workbook(file, data)
    places = {place.name: place for place in workbook.sheets}
    if reader.sheet not in places:
        names = ", ".join(f'"{redact_text(name)}"' for name in places)
        raise refusal(file, "unknown_format", f"the sheets {names}", f'a sheet "{reader.sheet}"')
    for name, place in places.items():
        if name != reader.sheet:
            other = read_sheet(workbook, place, reader.decimal)
            if not other.is_empty:
                refuse_persons(other.grid(other.first_row), ())
    sheet = read_sheet(workbook, places[reader.sheet], reader.decimal)
    key_headers = {tidy_header(column.header) for column in reader.columns if column.name in reader.key}
    result = read_table(sheet.grid(reader.header_row, key_headers), reader, source, lookup, key)
    return replace(result, notices=(*_notices(workbook, sheet, reader), *result.notices))


def _notices(workbook: Workbook, sheet: Sheet, reader: SpreadsheetReader) -> tuple[str, ...]:
    notices = []
    if sheet.is_hidden:
        notices.append("the declared sheet is hidden, and read")
    if hidden := int((sheet.hidden_rows > reader.header_row).sum()):
        notices.append(f"{hidden} hidden rows are read like others")
    if others := [f'"{redact_text(place.name)}"' for place in workbook.sheets if place.name != reader.sheet]:
        notices.append(f"sheets not declared, and not read: {', '.join(others)}")
    return tuple(notices)
