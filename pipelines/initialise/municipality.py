"""Whether a code is that of a municipality, by the list of CBS that comes with this release.

`municipalities.csv` is made from the regions of table 03759ned of CBS (CC BY 4.0, bron CBS), as published on 23 June
2026: those that have inhabitants on 1 January 2026, and those that were dissolved or renamed, with the day and the
codes that took over.
"""

from __future__ import annotations

import csv
import functools
import re
from dataclasses import dataclass
from pathlib import Path

LIST_OF = "1 januari 2026"
_LIST = Path(__file__).with_name("municipalities.csv")
_CODE = re.compile(r"GM[0-9]{4}")


@dataclass(frozen=True)
class Municipality:
    """A municipality of the list. `ended_on` is empty for one that is there now; `went_to` are codes."""

    code: str
    name: str
    ended_on: str = ""
    went_to: tuple[str, ...] = ()


class NoMunicipalityError(Exception):
    """The text names no municipality of now; the message says what was found and what to do."""


class UnlistedError(NoMunicipalityError):
    """The text has the form of a code, and the list does not have it."""


@functools.cache
def listed() -> dict[str, Municipality]:
    """The list, by code."""
    with _LIST.open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: Municipality(
                row["code"], row["name"], row["ended_on"], tuple(filter(None, row["went_to"].split("|")))
            )
            for row in csv.DictReader(file)
        }


def find_municipality(text: str) -> Municipality:
    """The municipality that a code stands for. Nothing is guessed: a name is told its code, and refused.

    Raises NoMunicipalityError for another text and for a municipality that is no more, UnlistedError for a code that
    the list does not have: that may be of a municipality that is newer than this release.
    """
    code = text.strip().upper()
    if not _CODE.fullmatch(code):
        raise NoMunicipalityError(_no_code(text.strip()))
    found = listed().get(code)
    if found is None:
        raise UnlistedError(f"found {code}, which is not in the list of CBS of {LIST_OF}")
    if found.ended_on:
        heirs = " en ".join(_named(heir) for heir in found.went_to)
        gone = f"{found.name}, which ended on {found.ended_on} and went to {heirs}"
        raise NoMunicipalityError(f"found {code}, {gone}, expected one that is there now")
    return found


def _no_code(text: str) -> str:
    expected = "expected a code of CBS like GM0373"
    if re.fullmatch(r"[0-9]{1,4}", text):
        return f"found {text}, {expected}; did you mean GM{text.zfill(4)}?"
    sought = text.casefold()
    named = [
        one
        for one in listed().values()
        if not one.ended_on and sought in (one.name.casefold(), _bare(one.name.casefold()))
    ]
    if named:
        return f"found {text}, {expected}; {' or '.join(_named(one.code) for one in named)} has that name"
    return f"found {text or 'nothing'}, {expected}; CBS has the list under Gemeentelijke indeling"


def _named(code: str) -> str:
    found = listed().get(code)
    return f"{code} ({found.name})" if found else code


def _bare(name: str) -> str:
    return re.sub(r"\s*\([^()]*\)$", "", name)
