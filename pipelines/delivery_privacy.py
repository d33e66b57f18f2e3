"""Reads a delivered file, and refuses all of it where any of it is about persons: its name, its cells, its bytes.

What belongs here: what the rules of `privacy` mean for a whole delivery, and whether its bytes may be kept. What
does not: recognising an identifier (`privacy`), and what a reader makes of single cells (`readers`). A reader sees
only the columns that are declared; what is kept is the whole file, so that the whole file is looked through here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import DelimitedReader, Iv3Reader, Source, SwingReader
from pipelines.privacy import holds_bsn, redact_text
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.privacy.screening import first_bsn, large_numbers, texts_of_package, with_plain_spaces
from pipelines.readers import Problem, ReadResult, RegionLookup, read_file
from pipelines.readers.refusal import refused
from pipelines.readers.respondents import without_texts
from pipelines.readers.workbook import MOST_UNPACKED
from pipelines.warehouse.raw_tables import reader_schema

_PERSONAL: Final = "personal_data"

# Dates and years are what names of files are full of, and no part of a BSN.
_YEAR: Final = r"(?:19|20)[0-9]{2}"
_MONTH_DAY: Final = r"(?:0[1-9]|1[0-2])[-_. ]?(?:0[1-9]|[12][0-9]|3[01])"
_DATES: Final = re.compile(
    rf"(?<![0-9])(?:{_YEAR}[-_. ]?{_MONTH_DAY}|(?:0[1-9]|[12][0-9]|3[01])[-_. ](?:0[1-9]|1[0-2])[-_. ]{_YEAR}|{_YEAR})"
    r"(?![0-9])"
)

# Where a comma is a decimal mark, digits that touch one are part of an amount.
_MARKS_IN_AMOUNTS: Final = b".,"
_MARKS_BETWEEN_COMMAS: Final = b"."

_ZIP: Final = b"PK\x03\x04"
_CLOSED: Final = (b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b")
_LARGE_IN_TOTAL: Final = re.compile(r"(?<![0-9])(?:[0-9]{9}|[0-9]{3}\.[0-9]{3}\.[0-9]{3})(?![0-9])")


@dataclass(frozen=True)
class ScreenedDelivery:
    """A delivery that was read: the name it may be called by, what the reader made of it, and if it may be kept.

    `in_place_of_bytes` are the files that are kept where the bytes may not be, by name.
    """

    name: str
    result: ReadResult
    may_keep_bytes: bool
    in_place_of_bytes: Mapping[str, bytes] = field(default_factory=dict)


def shown_name(name: str) -> str:
    """The name of a file, or a path, as it may be shown and kept: without the BSN in it, were there one."""
    return redact_text(name) if _names_person(name) else name


def read_screened(
    name: str, data: bytes, source: Source, lookup: RegionLookup, key: PseudonymKey | None = None
) -> ScreenedDelivery:
    """Read one delivered file, or refuse it as a whole where its name or its contents hold personal data.

    Nothing that comes back holds what was found. The bytes of a refused delivery about persons may not be kept,
    nor those of a source that is declared to be about persons, nor those that nobody can look into (a workbook
    with a password). Messages and tables that are about persons by their nature are read with `key`: the reader lets
    nothing of them through but pseudonyms.
    """
    shown = shown_name(name)
    if shown != name:
        found = "a name of a file with a number in it that could be a BSN"
        problem = Problem(shown, None, None, None, _PERSONAL, found, "a name that names no person")
        return ScreenedDelivery(shown, refused(reader_schema(source), (problem,), 1), may_keep_bytes=False)
    result = read_file(name, data, source, lookup, key)
    if source.makes_pseudonyms:
        return ScreenedDelivery(name, result, may_keep_bytes=False)
    persons = tuple(problem for problem in result.problems if problem.reason == _PERSONAL)
    texts = None if persons else _texts(data)
    if texts is not None and (found_in := _first_bsn(texts, _figures(result), source)):
        line, column = (None, None) if data.startswith(_ZIP) else _place(*found_in, source)
        found, expected = "a number that could be a BSN", "a delivery without numbers of persons"
        persons = (Problem(name, line, column, None, _PERSONAL, found, expected),)
    if persons:
        # Other cells of the row may hold a name, which nothing can recognise: none of it is shown.
        told = tuple(replace(problem, raw_text="") for problem in persons)
        return ScreenedDelivery(name, refused(reader_schema(source), told, result.rows_in), may_keep_bytes=False)
    if isinstance(source.reader, Iv3Reader) and (copy := _iv3_copy(name, data, result)) is not None:
        return ScreenedDelivery(name, result, may_keep_bytes=False, in_place_of_bytes=copy)
    if source.answers is not None and isinstance(source.reader, DelimitedReader) and not result.refused:
        copy = {name: without_texts(result.rows, source.reader)}
        return ScreenedDelivery(name, result, may_keep_bytes=False, in_place_of_bytes=copy)
    return ScreenedDelivery(name, result, may_keep_bytes=texts is not None and not source.person_level)


def _iv3_copy(name: str, data: bytes, result: ReadResult) -> dict[str, bytes] | None:
    """What may be kept of Iv3 in JSON, which names a contact person: a copy without one; None for what names nobody."""
    from pipelines.readers.iv3 import is_json
    from pipelines.readers.iv3.kept import without_persons

    if not is_json(data):
        return None
    return {} if result.refused else {name: without_persons(data)}


def names_somebody(data: bytes) -> bool:
    """Whether anything in a file of which nothing is known could be a BSN."""
    no_figures = np.zeros(0, dtype=np.int64)
    return any(first_bsn(text, no_figures) is not None for text in _texts(data) or ())


def _names_person(name: str) -> bool:
    bare = _DATES.sub("x", name)
    return bool(holds_bsn(pa.array([bare], pa.string()))[0].as_py())


def _texts(data: bytes) -> Iterable[bytes] | None:
    """All text of a file as bytes in which digits stand as in ASCII; None where it cannot be looked into."""
    if data.startswith(_CLOSED):
        return None
    if data.startswith(_ZIP):
        return texts_of_package(data, MOST_UNPACKED)
    return [with_plain_spaces(data.replace(b"\0", b"") if b"\0" in data else data)]


def _delimiter(source: Source) -> str:
    reader = source.reader
    return reader.delimiter if isinstance(reader, DelimitedReader | SwingReader) else ""


def _place(texts: bytes, hit: bytes, source: Source) -> tuple[int, int | None]:
    """The physical line of what was found, and the field of that line, both from 1."""
    at = texts.find(hit)
    line = texts[texts.rfind(b"\n", 0, at) + 1 :].partition(b"\n")[0].decode("latin-1").replace("\r", "")
    delimiter = _delimiter(source)
    fields = next(csv.reader([line], delimiter=delimiter), []) if delimiter else []
    column = next((number for number, field in enumerate(fields, start=1) if hit.decode() in field), None)
    return texts.count(b"\n", 0, at) + 1, column


def _first_bsn(texts: Iterable[bytes], figures: npt.NDArray[np.int64], source: Source) -> tuple[bytes, bytes] | None:
    """The first number that could be a BSN and is none of the figures, with the text that it stands in."""
    marks = _MARKS_BETWEEN_COMMAS if _delimiter(source) == "," else _MARKS_IN_AMOUNTS
    for text in texts:
        if (hit := first_bsn(text, figures, marks)) is not None:
            return text, hit
    return None


def _figures(result: ReadResult) -> npt.NDArray[np.int64]:
    """Numbers of nine digits that are figures by the declaration: in its columns, a printed total, or a balance."""
    printed = pc.is_in(result.no_data["kind"], value_set=pa.array(["total", "balance"]))
    totals = result.no_data.filter(printed)["cells"].to_pylist()
    found = [int(digits.replace(".", "")) for cells in totals for digits in _LARGE_IN_TOTAL.findall(cells)]
    columns = [large_numbers(column) for column in result.rows.columns]
    return np.unique(np.concatenate([np.array([*found, *result.large_figures], dtype=np.int64), *columns]))
