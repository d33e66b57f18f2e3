"""Iv3 deliveries in JSON, as CBS's schema 2.1 has them: metadata, lasten and baten, and what is passed over.

What belongs here: the shape of the document. What does not: codes and amounts (`rules`). The contact person and the
remarks are never looked at, and of a record nothing but its taakveld, its category and its amount is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import numpy as np
import pyarrow as pa

from pipelines.declarations.iv3 import SIDES, Iv3CodeLists
from pipelines.privacy import personal_header, redact_text
from pipelines.readers.account import Problem
from pipelines.readers.encoding import decode
from pipelines.readers.iv3.layout import objects_at_depth, place_of_key
from pipelines.readers.iv3.records import Records
from pipelines.readers.iv3.rules import A_MUNICIPALITY, A_PERIOD, a_book_year
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError

MOST_BYTES: Final = 32 * 1024**2
# How UTF-16 begins, in which no tool writes Iv3.
WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_TOP: Final = ("metadata", "contact", "opmerkingen", "data")
_PARTS: Final = (*SIDES, "balans_lasten", "balans_baten", "balans_standen", "kengetallen", "beleidsindicatoren")
_FIELDS: Final = ("taakveld", "categorie", "bedrag")
_SAID: Final = ("overheidsnummer", "boekjaar", "periode")
_RECORD_DEPTH: Final = 4
_KINDS: Final[dict[type, str]] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}


@dataclass(frozen=True)
class JsonDelivery:
    """A delivery taken apart. `passed_over` has the columns of NO_DATA_SCHEMA."""

    records: Records
    passed_over: pa.Table
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Report:
    """What a delivery is of: one report of one municipality."""

    region_code: str
    year: int
    report_kind: str
    said: Mapping[str, str]


def read_json(file: str, data: bytes, codes: Iv3CodeLists, lookup: RegionLookup) -> JsonDelivery:
    """The records of a JSON delivery. Raises RefusedFileError where it cannot be read as a whole."""
    if len(data) > MOST_BYTES:
        size = f"{len(data) / 1024**2:.0f} MiB of JSON"
        raise _refused(file, (None, None), None, "unknown_format", size, f"at most {MOST_BYTES // 1024**2} MiB")
    text, notices = _text(file, data)
    document = _parsed(file, text)
    report = _report(file, text, document["metadata"], codes, lookup)
    parts = document["data"]
    entries = [entry for part in parts.values() for entry in part]
    _refuse_persons(file, text, entries)
    names = np.repeat(np.array(list(parts), dtype=object), list(map(len, parts.values())))
    chosen = np.repeat([name in SIDES for name in parts], list(map(len, parts.values())))
    if not chosen.any():
        place = place_of_key(text, ("data",))
        raise _refused(
            file, place, None, "empty_file", "no record of lasten or baten", "at least one", len(entries) + 1
        )
    lines, columns = _places(text, document)
    records = _records(
        file, [entries[at] for at in np.flatnonzero(chosen)], names[chosen], lines[chosen], columns[chosen], report
    )
    rest = np.flatnonzero(~chosen)
    cells = [report.said, *({"bedrag": str(entries[at].get("bedrag", entries[at].get("waarde", "")))} for at in rest)]
    passed_over = {
        "line": pa.array([place_of_key(text, ("metadata",))[0], *lines[rest].tolist()], pa.int64()),
        "kind": pa.array(["header", *["balance"] * len(rest)], pa.string()),
        "cells": pa.array([json.dumps(cell) for cell in cells], pa.string()),
    }
    return JsonDelivery(records, pa.table(passed_over), notices)


def _records(
    file: str,
    entries: Sequence[Mapping[str, Any]],
    sides: np.ndarray,
    lines: np.ndarray,
    columns: np.ndarray,
    report: _Report,
) -> Records:
    count = len(entries)
    texts = {"kant": pa.array(sides, pa.string())}
    odd = {}
    for name in _FIELDS:
        values = [entry.get(name) for entry in entries]
        wanted = "number" if name == "bedrag" else "text"
        kinds = [_KINDS[type(value)] for value in values]
        right = [kind == wanted for kind in kinds]
        texts[name] = pa.array(
            [str(value).strip() if fits else None for value, fits in zip(values, right, strict=True)], pa.string()
        )
        odd[name] = pa.array(
            [
                None if fits or (kind == "nothing" and name == "bedrag") else _odd(value, kind)
                for value, kind, fits in zip(values, kinds, right, strict=True)
            ],
            pa.string(),
        )
    return Records(
        file=file,
        lines=lines,
        columns=dict.fromkeys(("kant", *_FIELDS, *_SAID), columns),
        texts=texts,
        region_code=pa.repeat(report.region_code, count),
        year=pa.repeat(pa.scalar(report.year, pa.int64()), count),
        report_kind=pa.repeat(report.report_kind, count),
        said={name: pa.repeat(report.said[name], count) for name in _SAID},
        has_details=np.array(["details" in entry for entry in entries], dtype=bool),
        odd=odd,
    )


def _odd(value: Any, kind: str) -> str:
    if kind == "text":
        return f'the text "{value}"'
    return f"the number {value}" if kind == "number" else kind


def _text(file: str, data: bytes) -> tuple[str, tuple[str, ...]]:
    """The text, which the tools of CBS write in UTF-8 or in windows-1252; what is read of it is ASCII in both."""
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data.startswith(WIDE_MARKS):
            return decode(file, data, "utf-8-sig"), ()
        return decode(file, data, "windows-1252"), ("read as windows-1252, because it is no UTF-8",)
    return decode(file, data, "utf-8-sig"), ()


def _parsed(file: str, text: str) -> dict[str, Any]:
    """The document, of the shape that the schema prescribes as far as places and records depend on it."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _TwiceError
        return found

    def no_number(name: str) -> NoReturn:
        raise _NoNumberError(name)

    expected = "a JSON document of one object"
    try:
        document = json.loads(text, object_pairs_hook=once, parse_constant=no_number)
    except json.JSONDecodeError as error:
        cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        reason, found = (
            ("unfinished_file", "the end of the file") if cut else ("unknown_format", "something that is no JSON")
        )
        raise _refused(file, (error.lineno, error.colno), None, reason, found, expected) from None
    except _TwiceError:
        raise _refused(
            file, (None, None), None, "unknown_format", "a key twice in one object", "every key once"
        ) from None
    except _NoNumberError as error:
        found = f"{error}, which is no number in JSON"
        raise _refused(file, (None, None), None, "unknown_format", found, expected) from None
    except RecursionError:
        found = "objects within objects without end"
        raise _refused(file, (None, None), None, "unknown_format", found, expected) from None
    except ValueError:
        found = "a number of thousands of digits"
        raise _refused(file, (None, None), None, "unknown_format", found, expected) from None
    if not isinstance(document, dict):
        raise _refused(file, (1, 1), None, "unknown_format", _KINDS[type(document)], expected)
    _check_shape(file, text, document)
    return document


class _TwiceError(Exception):
    pass


class _NoNumberError(Exception):
    pass


def _check_shape(file: str, text: str, document: Mapping[str, Any]) -> None:
    expected = f"an object with {', '.join(_TOP)}"
    for name in ("metadata", "data"):
        if not isinstance(document.get(name), dict):
            found = f"{_KINDS[type(document.get(name))]} as {name}"
            raise _refused(file, place_of_key(text, (name,)), name, "unknown_format", found, expected)
    if unknown := sorted(set(document).difference(_TOP)):
        found = f'the key "{redact_text(unknown[0])[:60]}"'
        raise _refused(file, place_of_key(text, (unknown[0],)), None, "unknown_format", found, expected)
    for name, part in document["data"].items():
        place = place_of_key(text, ("data", name))
        if name not in _PARTS:
            found, wanted = f'the key "{redact_text(name)[:60]}"', f"one of {', '.join(_PARTS)}"
            raise _refused(file, place, None, "unknown_format", found, wanted)
        if not isinstance(part, list) or not all(isinstance(entry, dict) for entry in part):
            raise _refused(file, place, name, "unknown_format", "something else than a list of objects", "such a list")
    for name in SIDES:
        if name not in document["data"]:
            found = f"the parts {', '.join(document['data']) or 'none'}"
            raise _refused(file, place_of_key(text, ("data",)), name, "missing_column", found, f"a part {name}")


def _report(file: str, text: str, metadata: Mapping[str, Any], codes: Iv3CodeLists, lookup: RegionLookup) -> _Report:
    said = {name: str(metadata.get(name, "")).strip() for name in (*_SAID, "status", "overheidslaag")}

    def refuse(name: str, reason: str, expected: str) -> RefusedFileError:
        found = f'"{redact_text(said[name])[:60]}"' if name in metadata else "no such key"
        reason = reason if name in metadata else "missing_value"
        return _refused(file, place_of_key(text, ("metadata", name)), name, reason, found, expected)

    if said["overheidslaag"] != "Gemeente":
        raise refuse("overheidslaag", "not_allowed", "Gemeente")
    region = lookup.resolve_codes(pa.array([said["overheidsnummer"]], pa.string()))[0].as_py()
    if region is None:
        raise refuse("overheidsnummer", "unknown_region", A_MUNICIPALITY)
    year = int(said["boekjaar"]) if said["boekjaar"].isascii() and said["boekjaar"].isdigit() else 0
    if year not in codes.years:
        raise refuse("boekjaar", "unknown_period", a_book_year(codes))
    if said["periode"] not in ("0", "1", "2", "3", "4", "5"):
        raise refuse("periode", "unknown_period", A_PERIOD)
    status = "Begroting" if said["periode"] == "0" else "Realisatie"
    if said["status"] != status:
        raise refuse("status", "not_allowed", f"{status}, because periode is {said['periode']}")
    return _Report(region, year, f"X00{said['periode']}", said)


def _places(text: str, document: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Line and place of every record of the data, in order; other objects may stand as deep."""
    names: list[bool] = []
    for key, value in document.items():
        if key == "data":
            names += [True] * sum(len(part) for part in value.values())
        else:
            names += [False] * _objects_below(value, _RECORD_DEPTH - 2)
    places = objects_at_depth(text, _RECORD_DEPTH)
    of_data = np.array(names, dtype=bool)
    return places.lines[of_data], places.columns[of_data]


def _objects_below(value: Any, levels: int) -> int:
    """How many objects stand so many brackets below a value, were they in lists or in objects."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if levels == 0:
        return int(isinstance(value, dict))
    return sum(_objects_below(part, levels - 1) for part in below)


def _refuse_persons(file: str, text: str, entries: Sequence[Mapping[str, Any]]) -> None:
    """Details of a record have keys of the municipality's own; where one announces a person, nothing is loaded."""
    keys = set().union(*entries).difference(_FIELDS) if entries else set()
    details = [entry["details"] for entry in entries if isinstance(entry.get("details"), dict)]
    keys |= set().union(*details) if details else set()
    for key in sorted(keys):
        kind = personal_header(key)
        if kind:
            found = f"a key that announces personal data ({kind})"
            place = place_of_key(text, ("data", key))
            raise _refused(file, place, None, "personal_data", found, "amounts without details about persons")


def _refused(
    file: str,
    place: tuple[int | None, int | None],
    name: str | None,
    reason: str,
    found: str,
    expected: str,
    rows: int | None = None,
) -> RefusedFileError:
    return RefusedFileError(Problem(file, *place, name, reason, found, expected), rows=rows)
