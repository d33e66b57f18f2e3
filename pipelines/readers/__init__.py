"""From the exact bytes of a delivery to typed rows, with every row accounted for.

One module per format takes a file apart into a grid of cells (`delimited`, `spreadsheet`, `swing`); what
holds for all of them stands in modules of its own. Messages about persons have a package of their own, `istandaard`.
CBS tables are no files: they have their own reader in `cbs_v4`.

What belongs here: what a delivery says. What does not: fetching it, keeping it, and judging its figures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.readers.account import Problem, ReadResult
from pipelines.readers.lookup import RegionLookup

if TYPE_CHECKING:
    from pipelines.declarations.source import Source
    from pipelines.privacy.pseudonym import PseudonymKey

__all__ = ["Problem", "ReadResult", "RegionLookup", "read_file"]


def read_file(
    file: str, data: bytes, source: Source, lookup: RegionLookup, key: PseudonymKey | None = None
) -> ReadResult:
    """Read one delivered file as its source declares.

    `file` is the name by which problems call it. The rows have the columns of
    `raw_tables.reader_schema(source)`. Nothing about the delivery raises: a file that cannot be read at all
    comes back `refused`, with a problem that says why. No problem, notice or row holds a BSN; a file about
    persons is refused (`personal_data`), but for messages whose persons are pseudonymised with `key`, which are refused
    without one (`no_pseudonym_key`).

    Raises TypeError for a source that is not delivered as files.
    """
    # A pull takes modules of this package and declares nothing: it does not wait for what only files need.
    from pipelines.declarations.source import (
        DelimitedReader,
        IstandaardReader,
        Iv3Reader,
        SpreadsheetReader,
        SwingReader,
    )
    from pipelines.privacy.pseudonym import EXPECTED_KEY
    from pipelines.readers.delimited import read_delimited
    from pipelines.readers.istandaard import read_istandaard
    from pipelines.readers.iv3 import read_iv3
    from pipelines.readers.refusal import RefusedFileError, refused
    from pipelines.readers.spreadsheet import read_spreadsheet
    from pipelines.readers.swing import read_swing
    from pipelines.warehouse.raw_tables import reader_schema

    reader = source.reader
    key = key if source.makes_pseudonyms else None
    try:
        if source.lists_persons and key is None:
            raise RefusedFileError(Problem(file, None, None, None, "no_pseudonym_key", "no key", EXPECTED_KEY))
        if isinstance(reader, DelimitedReader):
            return read_delimited(file, data, source, reader, lookup, key=key)
        if isinstance(reader, SpreadsheetReader):
            return read_spreadsheet(file, data, source, reader, lookup, key)
        if isinstance(reader, SwingReader):
            return read_swing(file, data, source, reader, lookup)
        if isinstance(reader, IstandaardReader):
            return read_istandaard(file, data, reader, lookup, key)
        if isinstance(reader, Iv3Reader):
            return read_iv3(file, data, reader, lookup)
    except RefusedFileError as refusal:
        lines = data.rstrip(b"\r\n\0").count(b"\n") + 1
        rows = lines if refusal.rows is None else refusal.rows
        return refused(reader_schema(source), refusal.problems, rows)
    raise TypeError(f"{source.source_id}: a source of kind {reader.kind} is not delivered as files")
