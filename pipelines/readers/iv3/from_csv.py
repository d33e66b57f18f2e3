"""Iv3 deliveries in CSV: one amount per line, with the keys of the JSON as headers, or as CBS's own tables have them.

What belongs here: separators, headers, and which lines hold no amount. What does not: codes and amounts (`rules`).
Nobody prescribes a CSV for Iv3. A list of amounts has the headers that are declared. An extract of CBS's table (one
column for each moment of publication, amounts in thousands, `L` or `B` before the category) is known by its headers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import Iv3Headers
from pipelines.readers.account import Problem
from pipelines.readers.delimited import text_grid
from pipelines.readers.encoding import Encoding, decode
from pipelines.readers.faults import Kind, kind_of_wrong_widths
from pipelines.readers.grid import Grid, no_data_kinds, place_headers, refuse_persons, tidy_header
from pipelines.readers.iv3.from_json import WIDE_MARKS
from pipelines.readers.iv3.records import Mask, Records, mask
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.values import trim

_TABLE: Final = ("Gemeenten", "Verslagsoort", "TaakveldBalanspost", "Categorie")
# The second moment of publication is the better one; older tables spell both otherwise.
_PLACINGS: Final = ("k_2ePlaatsing_2", "k_2dePlaatsing_2", "k_1ePlaatsing_1", "k_1stePlaatsing_1")
_SEPARATORS: Final = (";", ",", "\t")
# What CBS's tables have for a cell without an amount. Real amounts go below these, so that only they are meant.
_NO_AMOUNT: Final = ("", ".", "-99995", "-99996", "-99997", "-99998", "-99999")


@dataclass(frozen=True)
class CsvDelivery:
    """A delivery taken apart. `passed_over` has the columns of NO_DATA_SCHEMA; `uneven` are lines that do not fit."""

    records: Records
    passed_over: pa.Table
    uneven: tuple[Kind, ...]
    notices: tuple[str, ...]
    rows_in: int
    in_thousands: bool


def read_csv(file: str, data: bytes, headers: Iv3Headers, lookup: RegionLookup) -> CsvDelivery:
    """The records of a CSV delivery. Raises RefusedFileError where it cannot be read as a whole."""
    encoding = _encoding(data)
    first = _first_line(decode(file, data, encoding))
    required = [name for name in Iv3Headers.model_fields if name not in ("status", "kant")]
    own = [tidy_header(getattr(headers, name)) for name in required]
    is_table = any(_folded(_TABLE) <= fields for fields in first.values())
    wanted = _TABLE if is_table else own
    delimiter = next((separator for separator, fields in first.items() if _folded(wanted) <= fields), ";")
    optional = _PLACINGS if is_table else [tidy_header(headers.status), tidy_header(headers.kant)]
    grid = _as_declared(text_grid(file, data, encoding, delimiter, ()), (*wanted, *optional))
    refuse_persons(grid, {*wanted, *optional}, _PLACINGS if is_table else [tidy_header(headers.bedrag)])
    places, notices = place_headers(grid, wanted, optional, ("ID",) if is_table else ())
    named = _named(places, headers, is_table)
    uneven = grid.widths != len(grid.header)
    blank = mask(pc.is_valid(no_data_kinds(grid, ())))
    kinds = np.where(blank, "note", "").astype(object)
    if is_table:
        kinds = np.where(~blank & ~uneven & _balance(grid, places), "balance", kinds)
        kinds = np.where((kinds == "") & ~uneven & ~_filled(grid, places), "note", kinds)
    body = grid.filter((kinds == "") & ~uneven)
    if not len(body.lines):
        found = "no row with an amount below the header"
        problem = Problem(file, grid.header_line, None, None, "empty_file", found, "rows with amounts")
        raise RefusedFileError(problem, rows=grid.rows_in)
    return CsvDelivery(
        records=_records(body, named, lookup, is_table=is_table),
        passed_over=_passed_over(grid, kinds, named),
        uneven=kind_of_wrong_widths(grid, uneven & (kinds == "")),
        notices=notices if not is_table else (),
        rows_in=grid.rows_in,
        in_thousands=is_table,
    )


def _encoding(data: bytes) -> Encoding:
    """What is read of a delivery is ASCII, so that UTF-8 and windows-1252 cannot be taken for each other."""
    if data.startswith(WIDE_MARKS):
        return "utf-16"
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "windows-1252"
    return "utf-8-sig"


def _first_line(text: str) -> dict[str, set[str]]:
    """The headers at every separator: the declared ones confirm which it is."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    found = {}
    for separator in _SEPARATORS:
        try:
            fields = next(csv.reader(io.StringIO(line), delimiter=separator), [])
        except csv.Error:
            fields = []
        found[separator] = _folded(map(tidy_header, fields))
    return found


def _folded(headers: Iterable[str]) -> set[str]:
    return {header.casefold() for header in headers}


def _as_declared(grid: Grid, headers: Iterable[str]) -> Grid:
    """The grid with its headers as they are declared: capitals tell none of them apart."""
    known = {header.casefold(): header for header in headers}
    return replace(grid, header=tuple(known.get(header.casefold(), header) for header in grid.header))


def _named(places: Mapping[str, int], headers: Iv3Headers, is_table: bool) -> dict[str, tuple[int, ...]]:
    """Where each field of a record stands: positions from 0, the better one first where there are several."""
    if not is_table:
        wanted = {name: tidy_header(getattr(headers, name)) for name in Iv3Headers.model_fields}
        return {name: (places[header],) for name, header in wanted.items() if header in places}
    region, report, taakveld, categorie = (places[header] for header in _TABLE)
    return {
        "overheidsnummer": (region,),
        "boekjaar": (report,),
        "periode": (report,),
        "taakveld": (taakveld,),
        "categorie": (categorie,),
        "bedrag": tuple(places[header] for header in _PLACINGS if header in places),
    }


def _balance(grid: Grid, places: Mapping[str, int]) -> Mask:
    return mask(pc.match_substring_regex(trim(grid.cells[places["TaakveldBalanspost"]].text), "^[AP]"))


def _filled(grid: Grid, places: Mapping[str, int]) -> Mask:
    amount = _first_amount(grid, tuple(places[header] for header in _PLACINGS if header in places))
    return mask(pc.is_valid(amount))


def _first_amount(grid: Grid, positions: tuple[int, ...]) -> pa.Array:
    """The amount of the best moment of publication that has one; null where none has."""
    found = pa.nulls(len(grid.lines), pa.string())
    for position in positions:
        text = trim(grid.cells[position].text)
        plain = pc.replace_substring_regex(text, r"[.,]0+$", "")
        missing = pc.is_in(plain, value_set=pa.array(_NO_AMOUNT))
        found = pc.coalesce(found, pc.if_else(missing, pa.scalar(None, pa.string()), text))
    return found


def _records(body: Grid, named: Mapping[str, tuple[int, ...]], lookup: RegionLookup, *, is_table: bool) -> Records:
    count = len(body.lines)
    text = {name: trim(body.cells[positions[0]].text) for name, positions in named.items()}
    if is_table:
        text["bedrag"] = _first_amount(body, named["bedrag"])
        parts = pc.extract_regex(text["boekjaar"], r"^(?P<year>[0-9]{4})(?P<report>X00[0-5])$")
        year, report = pc.struct_field(parts, "year"), pc.struct_field(parts, "report")
    else:
        year = pc.struct_field(pc.extract_regex(text["boekjaar"], r"^(?P<year>[0-9]{4})$"), "year")
        number = pc.struct_field(pc.extract_regex(text["periode"], r"^(?P<number>[0-5])$"), "number")
        report = pc.binary_join_element_wise("X00", number, "")
    side, categorie = _sides(text)
    columns = {name: np.full(count, positions[0] + 1) for name, positions in named.items()}
    return Records(
        file=body.file,
        lines=body.lines,
        columns={"kant": columns["categorie"], **columns},
        texts={"kant": side, "taakveld": text["taakveld"], "categorie": categorie, "bedrag": text["bedrag"]},
        region_code=lookup.resolve_codes(text["overheidsnummer"]),
        year=year.cast(pa.int64()),
        report_kind=report,
        said={name: text[name] for name in ("overheidsnummer", "boekjaar", "periode", "status") if name in text},
        has_details=np.zeros(count, dtype=bool),
        headers={name: body.header[positions[0]] for name, positions in named.items()},
    )


def _sides(text: Mapping[str, pa.Array]) -> tuple[pa.Array, pa.Array]:
    """Lasten or baten as the file says it, else by the letter that CBS puts before the category."""
    if "kant" in text:
        return pc.utf8_lower(text["kant"]), text["categorie"]
    parts = pc.extract_regex(text["categorie"], r"^(?P<letter>[LB])(?P<code>.*)$")
    letter = pc.struct_field(parts, "letter")
    none = pa.scalar(None, pa.string())
    side = pc.if_else(pc.equal(letter, "L"), "lasten", pc.if_else(pc.equal(letter, "B"), "baten", none))
    return side, pc.coalesce(pc.struct_field(parts, "code"), text["categorie"])


def _passed_over(grid: Grid, kinds: np.ndarray, named: Mapping[str, tuple[int, ...]]) -> pa.Table:
    """Header, blank lines, cells without an amount, and the balance sheet, with its amounts."""
    rest = grid.filter(kinds != "")
    amounts = [trim(rest.cells[position].text) for position in named["bedrag"]]
    cells = pc.binary_join_element_wise('{"bedrag": "', pc.binary_join_element_wise(*amounts, " "), '"}', "")
    balance = pa.array(kinds[kinds != ""] == "balance")
    above = len(grid.leading)
    return pa.table(
        {
            "line": pa.array([*grid.leading, grid.header_line, *rest.lines.tolist()], pa.int64()),
            "kind": pa.array([*["note"] * above, "header", *kinds[kinds != ""].tolist()], pa.string()),
            "cells": pa.array([*["{}"] * (above + 1), *pc.if_else(balance, cells, "{}").to_pylist()], pa.string()),
        }
    )
