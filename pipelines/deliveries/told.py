"""What is told of a row that was refused, where what stands in it is shown to nobody.

What belongs here: how much of a problem leaves the reading of a source with counts of few people, or their answers.
What does not: finding what is wrong (`readers`), and keeping persons out of it (`privacy`).

A count that is hidden in all that is published would stand in full beside the row that is refused, or in the one cell
that is wrong: `7 (voorlopig)`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pipelines.declarations.source import DelimitedReader, Source, SpreadsheetReader
from pipelines.readers.account import Problem
from pipelines.readers.grid import tidy_header

# Columns that say where and when: without what stood in them nobody can put a row right.
_PLACES: Final = frozenset({"date", "period", "region_code", "year"})
_DIGIT: Final = re.compile(r"\d")
# A cell with nothing but such a number is one of another column, of a row that is shifted.
_SHORT_NUMBER: Final = re.compile(r'"\D*\d{1,3}\D*"?')


def as_told(source: Source, problem: Problem) -> Problem:
    """A problem as anybody may read it: of a source with counts of few people without the row, and without a digit."""
    if not (source.hides_counts or source.person_level):
        return problem
    found = problem.found
    # A cell is told in quotation marks; anything else counts rows, or names lines.
    if source.hides_counts and found.startswith('"'):
        says_where = problem.column_name in _headers_of_places(source)
        if not says_where or _SHORT_NUMBER.fullmatch(found):
            found = _DIGIT.sub("#", found)
    return replace(problem, found=found, raw_text="")


def _headers_of_places(source: Source) -> frozenset[str]:
    reader = source.reader
    columns = reader.columns if isinstance(reader, DelimitedReader | SpreadsheetReader) else ()
    return frozenset(tidy_header(column.header) for column in columns if column.type in _PLACES)
