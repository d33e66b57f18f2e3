"""Answers of a Swing databank's OData service ("ODS v1"): one variable at one level of areas, to rows and an account.

What belongs here: the shape of its answers, and which rows of them are figures. What does not: fetching them
(`connectors.swing_odata`), and how Swing writes a value or an area (`swing_notation`).

A delivery is `Variable.json`, what the databank says of the variable, and a page of values per file, called after the
period that was asked for: `Values_all-0001.json`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Source, SwingOdataReader
from pipelines.privacy import redact
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.grid import Mask
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.periods import PERIOD_FORMS
from pipelines.readers.refusal import RefusedFileError, refused
from pipelines.readers.swing_metadata import UNEXPECTED, FoundUnit, unconfirmed, unexpected
from pipelines.readers.swing_notation import (
    SPECIAL_VALUES_TEXT,
    as_mask,
    of_level,
    repeated_keys,
    swing_areas,
    swing_figures,
    swing_periods,
)
from pipelines.readers.values import trim
from pipelines.warehouse.raw_tables import SWING

VARIABLE_FILE: Final = "Variable.json"
_NEXT_LINK: Final = "@odata.nextLink"
_VALUES_FILE: Final = re.compile(r"Values_.+-\d{4,}\.json")
_FIELDS: Final = ("ExternalCode", "GeoLevel", "PeriodLevel", "Period", "ValueString")
_VALUE: Final = pa.struct([(name, pa.string()) for name in _FIELDS])
_NEVER_EMPTY: Final = ("ExternalCode", "Period")


@dataclass(frozen=True)
class Variable:
    """What a databank says of a variable; None for what it does not say."""

    code: str
    name: str | None
    unit: str | None
    last_update: dt.date | None


def values_file(period: str, page: int) -> str:
    """The name of the file with one page of the values of one period, or of `all`."""
    return f"Values_{period}-{page:04d}.json"


def parse_variable(payload: bytes) -> Variable:
    """Raises ValueError for an answer that describes no variable."""
    document = _object(payload)
    code = document.get("ExternalCode")
    if not isinstance(code, str) or not code.strip():
        raise ValueError("found no ExternalCode, expected the description of a variable")
    return Variable(
        code=code.strip(),
        name=_text(document.get("Name")),
        unit=_text(document.get("Unit")),
        last_update=_day(document.get("LastUpdate")),
    )


def parse_values(payload: bytes) -> tuple[pa.StructArray, object | None]:
    """The rows of one page with the fields that count, all texts, and its next-page link.

    Raises ValueError for an answer of another shape; json.JSONDecodeError, which is one, for what is not even JSON.
    """
    document = _object(payload)
    rows = document.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("found no list named 'value', expected one of objects")
    missing = sorted(set(_FIELDS).difference(rows[0])) if rows else []
    if missing:
        raise ValueError(f"found values without {', '.join(missing)}, expected {', '.join(_FIELDS)}")
    try:
        values = pa.array(rows, _VALUE)
    except (pa.ArrowException, TypeError) as error:
        raise ValueError("found a value that is no text, expected texts in every field") from error
    for name in _NEVER_EMPTY:
        if values.field(name).null_count:
            raise ValueError(f"found a value without {name}, expected one in every row")
    return values, document.get(_NEXT_LINK)


def read_values(files: Mapping[str, bytes], name: str, source: Source, lookup: RegionLookup) -> ReadResult:
    """Read one delivery; `name` is what problems call it.

    A row of `raw_tables.SWING` per value: `line` counts the rows of all pages, `column` is empty. A row is quarantined
    when its period, area or figure cannot be read, or when another is about the same period and area. The whole
    delivery is refused when it comes in another unit than declared. Nothing about it raises.
    """
    reader = source.reader
    assert isinstance(reader, SwingOdataReader)  # noqa: S101 - for the type checker
    pages: list[pa.StructArray] = []
    names = sorted(file for file in files if _VALUES_FILE.fullmatch(file))
    try:
        variable = _read_variable(files, name)
        for file in names:
            pages.append(_read_page(files[file], f"{name}/{file}"))
        return _read(_Pages(name, names, pages), variable, source, reader, lookup)
    except RefusedFileError as refusal:
        return refused(SWING, refusal.problems, sum(map(len, pages)))


@dataclass(frozen=True)
class _Pages:
    """The pages of a delivery, in the order in which they were asked for."""

    delivery: str
    files: Sequence[str]
    pages: Sequence[pa.StructArray]

    def column(self, name: str) -> pa.Array:
        """One field of every row, empty where there is none."""
        fields = [page.field(name) for page in self.pages]
        return pc.fill_null(pa.concat_arrays(fields) if fields else pa.array([], pa.string()), "")

    def places(self, rows: Mask) -> list[tuple[str, int]]:
        """The file of each of these rows, and its number in that file, from 1."""
        ends = np.cumsum([len(page) for page in self.pages])
        at = np.flatnonzero(rows)
        page = np.searchsorted(ends, at, side="right")
        starts = np.concatenate(([0], ends[:-1]))[page]
        return [
            (f"{self.delivery}/{self.files[number]}", line)
            for number, line in zip(page.tolist(), (at - starts + 1).tolist(), strict=True)
        ]


def _read_variable(files: Mapping[str, bytes], name: str) -> Variable:
    try:
        return parse_variable(files[VARIABLE_FILE])
    except (KeyError, ValueError) as error:
        found = f"no {VARIABLE_FILE}" if isinstance(error, KeyError) else str(error)
        problem = Problem(name, None, None, None, "unknown_format", found, "the description of the variable")
        raise RefusedFileError(problem) from error


def _read_page(payload: bytes, file: str) -> pa.StructArray:
    try:
        return parse_values(payload)[0]
    except ValueError as error:
        expected = "a page of values as OData writes them"
        raise RefusedFileError(Problem(file, None, None, None, "unknown_format", str(error), expected)) from error


def _read(
    pages: _Pages, variable: Variable, source: Source, reader: SwingOdataReader, lookup: RegionLookup
) -> ReadResult:
    item = _declared_code(variable.code, source)
    units = {item: FoundUnit(variable.unit, VARIABLE_FILE)} if variable.unit else {}
    wrong = unexpected([item], units, source.series)
    if wrong:
        found, expected = wrong[item]
        raise RefusedFileError(Problem(pages.delivery, None, None, item, UNEXPECTED, found, expected))
    texts = {name: trim(pages.column(name)) for name in _FIELDS}
    count = len(texts["Period"])
    if not count:
        problem = Problem(pages.delivery, None, None, None, "empty_file", "no value at all", "values of areas")
        raise RefusedFileError(problem)
    periods = swing_periods(texts["Period"])
    areas = swing_areas(texts["GeoLevel"], texts["ExternalCode"], lookup)
    figures = swing_figures(texts["ValueString"], reader.decimal)
    faults = _Faults(pages, texts, count)
    faults.add(as_mask(pc.is_null(periods)), "Period", "unknown_period", PERIOD_FORMS)
    another = as_mask(pc.is_valid(periods)) & ~of_level(periods, texts["PeriodLevel"])
    faults.add(another, "Period", "unknown_period", "a period of the level that it comes with")
    faults.add(~areas.has_known_level, "GeoLevel", "unknown_region", "the level gemeente, nederland or land")
    nowhere = as_mask(pc.is_null(areas.region_codes)) & areas.has_known_level
    faults.add(nowhere, "ExternalCode", "unknown_region", "the code of a municipality, such as gemeente_373")
    repeated = repeated_keys(periods, areas.region_codes)
    faults.add(repeated, "ExternalCode", "duplicate_key", "one value for every period and area")
    number = f"a number like 12{reader.decimal}5"
    faults.add(figures.is_no_number, "ValueString", "not_a_number", number)
    faults.add(figures.is_too_low, "ValueString", "out_of_range", f"a figure, or one of {SPECIAL_VALUES_TEXT}")
    faults.add(figures.could_be_bsn, "ValueString", "personal_data", "a figure of an area, and no number of a person")
    good = pa.array(~faults.rows)
    columns = {
        "line": pa.array(np.arange(1, count + 1)),
        "column": pa.nulls(count, pa.int64()),
        "period_code": periods,
        "geolevel": texts["GeoLevel"],
        "geoitem": texts["ExternalCode"],
        "region_code": areas.region_codes,
        "item": pa.repeat(item, count),
        "value_text": texts["ValueString"],
        "value": figures.values,
        "special": figures.special,
    }
    rows = pa.table([columns[field.name] for field in SWING], schema=SWING).filter(good)
    return ReadResult(
        rows=rows,
        no_data=NO_DATA_SCHEMA.empty_table(),
        rows_in=count,
        rows_loaded=rows.num_rows,
        rows_no_data=0,
        rows_quarantined=int(faults.rows.sum()),
        problems=faults.problems(),
        notices=unconfirmed([item], units, source.series),
    )


def _declared_code(code: str, source: Source) -> str:
    """The code as the declaration writes it: a databank knows no capitals, and may print others than were asked."""
    declared = {variable.casefold(): variable for variable in getattr(source.connector, "variables", ())}
    return declared.get(code.casefold(), code)


class _Faults:
    """What is wrong with the rows of a delivery. A field has one fault, the first that was added."""

    def __init__(self, pages: _Pages, texts: Mapping[str, pa.Array], count: int) -> None:
        self.rows: Mask = np.zeros(count, dtype=bool)
        self._pages, self._texts = pages, texts
        self._seen = {name: np.zeros(count, dtype=bool) for name in texts}
        self._problems: list[Problem] = []

    def add(self, mask: Mask, field: str, reason: str, expected: str) -> None:
        """Mark the rows of `mask` as faulty in one field; what was found is shown without what could be a person."""
        new: Mask = mask & ~self._seen[field]
        if not new.any():
            return
        self._seen[field] |= new
        self.rows |= new
        chosen = pa.array(new)
        shown = [pc.utf8_slice_codeunits(redact(self._texts[name].filter(chosen)), 0, 80) for name in _FIELDS]
        found = shown[_FIELDS.index(field)].to_pylist()
        labelled = [
            pc.binary_join_element_wise(f"{name}=", texts, "") for name, texts in zip(_FIELDS, shown, strict=True)
        ]
        raw = pc.binary_join_element_wise(*labelled, "; ").to_pylist()
        self._problems += [
            Problem(file, line, None, field, reason, f'"{text}"', expected, row)
            for (file, line), text, row in zip(self._pages.places(new), found, raw, strict=True)
        ]

    def problems(self) -> tuple[Problem, ...]:
        """All problems in the order of the delivery."""
        return tuple(sorted(self._problems, key=lambda problem: (problem.file, problem.line or 0)))


def _object(payload: bytes) -> dict[str, Any]:
    document = json.loads(payload.decode("utf-8-sig"))
    if not isinstance(document, dict):
        raise ValueError(f"found a JSON {type(document).__name__}, expected an object")
    return document


def _text(value: object) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    return text or None


def _day(value: object) -> dt.date | None:
    """The day of a moment as OData writes it; None for anything else: the date is no part of the figures."""
    found = re.match(r"\d{4}-\d{2}-\d{2}(?=$|T)", value) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        day = dt.date.fromisoformat(found.group())
    except ValueError:
        return None
    # What .NET writes for a moment that was never set.
    return day if day.year > 1900 else None
