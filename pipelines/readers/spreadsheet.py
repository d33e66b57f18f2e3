"""One sheet of an XLSX workbook as a grid of cells.

What belongs here: what a workbook can do to figures (formulas, percentages, merged and hidden cells) and to the
machine that opens it. What does not: what the cells mean.
"""

from __future__ import annotations

import io
import math
import re
import warnings
import zipfile
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from pipelines.declarations.source import Source, SpreadsheetReader
from pipelines.privacy import redact_text
from pipelines.readers.account import Problem, ReadResult
from pipelines.readers.grid import Cells, Grid, refuse_persons, tidy_header
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.tabular import read_table

# A workbook takes some fifty times its unpacked size in memory; a table of municipalities takes one megabyte.
_MOST_UNPACKED: Final = 32 * 1024**2
_MOST_PER_PACKED_BYTE: Final = 200
_RATIO_COUNTS_FROM: Final = 1024**2
_MOST_CELLS: Final = 2_000_000

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_PERCENT_FORMAT: Final = re.compile(r'^(?:[^"%\\]|"[^"]*"|\\.)*%')


def read_spreadsheet(
    file: str, data: bytes, source: Source, reader: SpreadsheetReader, lookup: RegionLookup
) -> ReadResult:
    """Read the declared sheet of an XLSX file. Raises RefusedFileError when it cannot be read as a whole.

    Lines are sheet rows and columns sheet columns, both from 1. A cell shown as a percentage holds a fraction
    (0.83 is 83); a cell with a formula counts with the result that was stored with it. A merged cell stands for
    all cells it covers where it is part of the key, and is refused elsewhere: one figure must not become two.
    Hidden rows and columns are read like others.
    """
    _refuse_unsafe(file, data)
    grid, notices = _sheet_grid(file, data, reader)
    result = read_table(grid, reader, source, lookup)
    from dataclasses import replace

    return replace(result, notices=(*notices, *result.notices))
