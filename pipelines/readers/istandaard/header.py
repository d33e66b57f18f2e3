"""The header of a message: which municipality and which provider it is between, and what it is called.

What belongs here: what is right for a whole message, so that a fault refuses all of it. What does not: its events.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from pipelines.readers.account import Problem
from pipelines.readers.istandaard.message import Value
from pipelines.readers.istandaard.standard import (
    HEADER,
    IDENTIFICATION,
    LONGEST_IDENTIFICATION,
    MESSAGE_CODES,
    OWN_IDENTIFICATION,
    SENT_BY_MUNICIPALITY,
    SUBVERSION,
    VERSION,
)
from pipelines.readers.istandaard.values import as_date, shown, shown_date
from pipelines.readers.lookup import RegionLookup

_MUNICIPALITY: Final = re.compile(r"[0-9]{4}")
_AGB: Final = re.compile(r"[0-9]{8}")
_LONGEST_KEPT: Final = 50
_SHOWN_PARTY: Final = r"^(GM)?[0-9]{1,5}$"


@dataclass(frozen=True)
class Header:
    """What the header says, as the rows of its events have it."""

    message_id: str
    message_date: dt.date
    region_code: str
    provider_agb: str


@dataclass(frozen=True)
class HeaderFault:
    """The header is wrong, and so is the message."""

    problems: tuple[Problem, ...]


def read_header(
    file: str,
    standard: str,
    message: str,
    values: Mapping[str, Sequence[Value]],
    region_codes: Mapping[str, str],
    lookup: RegionLookup,
) -> Header | HeaderFault:
    """The header of a message (`301`), from its texts by their path; or everything that is wrong with it.

    `region_codes` maps a code that only these deliveries write so to that of the region.
    """
    return _Reading(file, standard, message, values, region_codes, lookup).result()


def notices_of(header: Header, values: Mapping[str, Sequence[Value]]) -> tuple[str, ...]:
    """What is not as the standard has it, and does no harm."""
    notices = []
    if len(header.message_id) > LONGEST_IDENTIFICATION:
        notices.append(f"an Identificatie of more than {LONGEST_IDENTIFICATION} characters")
    if f"{HEADER}/BerichtSubversie" not in values:
        notices.append("no BerichtSubversie: the version is that of the namespace")
    return tuple(notices)


class _Reading:
    def __init__(
        self,
        file: str,
        standard: str,
        message: str,
        values: Mapping[str, Sequence[Value]],
        region_codes: Mapping[str, str],
        lookup: RegionLookup,
    ) -> None:
        self._file, self._standard, self._message, self._values = file, standard, message, values
        self._region_codes, self._lookup = region_codes, lookup
        self._problems: list[Problem] = []

    def result(self) -> Header | HeaderFault:
        headers = self._values.get(HEADER, ())
        if len(headers) != 1:
            found = "a Header a second time" if headers else "no Header"
            place = headers[1] if headers else None
            self._wrong(place, HEADER, "duplicate_key" if headers else "missing_value", found, "one Header")
            return HeaderFault(tuple(self._problems))
        self._same("BerichtCode", MESSAGE_CODES[self._standard][self._message])
        self._same("BerichtVersie", VERSION)
        if f"{HEADER}/BerichtSubversie" in self._values:
            self._same("BerichtSubversie", SUBVERSION)
        municipality, provider = ("Afzender", "Ontvanger")
        if self._message not in SENT_BY_MUNICIPALITY:
            municipality, provider = provider, municipality
        region_code = self._municipality(municipality)
        provider_agb = self._provider(provider)
        message_id, message_date = self._identification()
        if self._problems:
            return HeaderFault(
                tuple(sorted(self._problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
            )
        assert region_code and provider_agb and message_id and message_date  # noqa: S101 - or there were problems
        return Header(message_id, message_date, region_code, provider_agb)

    def _one(self, *paths: str) -> Value | None:
        """The only value at the first of these paths that has any."""
        name = paths[0].rpartition("/")[2]
        found = next((self._values[path] for path in paths if path in self._values), ())
        if not found:
            self._wrong(self._values[HEADER][0], name, "missing_value", f"no {name} in the Header", f"one {name}")
            return None
        value = found[0]
        if len(found) > 1:
            self._wrong(found[1], name, "duplicate_key", "the element a second time", "it once")
        elif not value.text:
            self._wrong(value, name, "missing_value", "an empty element", f"a {name}")
        else:
            return value
        return None

    def _same(self, name: str, expected: str) -> None:
        value = self._one(f"{HEADER}/{name}")
        if value is not None and value.text != expected:
            law = f"{expected}, as {self._standard} {self._message} of version {VERSION}.{SUBVERSION} has it"
            self._wrong(value, name, "not_allowed", shown(value.text), law)

    def _municipality(self, name: str) -> str | None:
        value = self._one(f"{HEADER}/{name}")
        if value is None:
            return None
        expected = "the four digits of a municipality"
        if not _MUNICIPALITY.fullmatch(value.text):
            self._wrong(value, name, "not_allowed", shown(value.text, _SHOWN_PARTY), expected)
            return None
        if value.text in self._region_codes:
            return self._region_codes[value.text]
        code: str | None = self._lookup.resolve_codes(pa.array([value.text], pa.string()))[0].as_py()
        if code is None:
            self._wrong(value, name, "unknown_region", shown(value.text), expected)
        return code

    def _provider(self, name: str) -> str | None:
        value = self._one(f"{HEADER}/{name}")
        if value is None or _AGB.fullmatch(value.text):
            return None if value is None else value.text
        self._wrong(value, name, "not_allowed", shown(value.text, _SHOWN_PARTY), "the eight digits of an AGB code")
        return None

    def _identification(self) -> tuple[str | None, dt.date | None]:
        own = OWN_IDENTIFICATION.get(self._message)
        paths = [
            (f"{HEADER}/{own[place]}",) if own else (f"{HEADER}/BerichtIdentificatie/{name}", f"{HEADER}/{name}")
            for place, name in enumerate(IDENTIFICATION)
        ]
        called, dated = (self._one(*some) for some in paths)
        if called is not None and len(called.text) > _LONGEST_KEPT:
            found = f"a text of {len(called.text)} characters"
            expected = f"at most {LONGEST_IDENTIFICATION} characters"
            self._wrong(called, paths[0][0].rpartition("/")[2], "out_of_range", found, expected)
        day = None if dated is None else as_date(dated.text)
        if dated is not None and day is None:
            found = shown_date(pa.array([dated.text], pa.string()))[0].as_py()
            self._wrong(dated, paths[1][0].rpartition("/")[2], "not_a_date", found, "a day as 2026-07-01")
        return None if called is None else called.text, day

    def _wrong(self, value: Value | None, name: str, reason: str, found: str, expected: str) -> None:
        line, column = (None, None) if value is None else (value.line, value.column)
        self._problems.append(Problem(self._file, line, column, name, reason, found, expected))
