"""The slices in which the observations of a table are fetched: filters that are short enough to be asked for.

What belongs here: what to put into `$filter`, and what a declaration asks for as it is remembered beside the answers.
What does not: asking (`http`), pages (`cbs_v4`), and what the measures are called (`readers.cbs_measures`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pipelines.declarations.source import CbsV3Connector, CbsV4Connector

LONGEST_ADDRESS = 2000
SLICE_FILE = "slice.json"

_TEXT = r"'(?:[^']|'')*'"
_EQUAL = re.compile(rf"(?P<name>\w+)\s+eq\s+{_TEXT}(?:\s+or\s+(?P=name)\s+eq\s+{_TEXT})*")
_AMONG = re.compile(rf"(?P<name>\w+)\s+in\s*\(\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*\)")
_WORD = re.compile(r"'(?:[^']|'')*'|[()]|\b(?:and|or)\b")


@dataclass(frozen=True)
class Slice:
    """One filter, and the measures of which it lets observations through; all of them where none is named."""

    filter: str | None
    measures: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        """What to ask with, percent-encoded; empty for the whole table."""
        return f"$filter={quote(self.filter, safe='')}" if self.filter else ""


def slices(declared: str | None, measures: Sequence[str], room: int) -> tuple[Slice, ...]:
    """The slices that together are what `declared` (an OData filter) lets through of these measures, or of all.

    No observation is in two of them. Each query has at most `room` characters, as far as the declared filter can be
    divided: at a part of it that is a list of codes of one dimension (`RegioS eq 'GM0001' or RegioS eq 'GM0002'`, or
    `RegioS in ('GM0001','GM0002')`).
    """
    if not measures:
        return tuple(Slice(part) for part in _parts(declared, room))
    longest = max((_one_of([code]) for code in measures), key=len)
    found = []
    for part in _parts(declared, room - len(quote(f"() and {longest}", safe=""))):
        chunk: list[str] = []
        for code in measures:
            if chunk and len(_slice(part, [*chunk, code]).query) > room:
                found.append(_slice(part, chunk))
                chunk = []
            chunk.append(code)
        found.append(_slice(part, chunk))
    return tuple(found)


def slice_record(connector: CbsV4Connector | CbsV3Connector) -> bytes | None:
    """What a declaration asks for of a table, to lie beside the answers; None where it asks for all of it."""
    asked = {
        "filter": connector.filter,
        "measures": list(connector.measures),
        "bulk": getattr(connector, "bulk", False),
    }
    if isinstance(connector, CbsV3Connector) and connector.skip_empty:
        asked["skip_empty"] = True
    if not any(asked.values()):
        return None
    return (json.dumps(asked, indent=2, ensure_ascii=False) + "\n").encode()


def _slice(part: str | None, measures: Sequence[str]) -> Slice:
    chosen = _one_of(measures)
    return Slice(f"({part}) and {chosen}" if part else chosen, tuple(measures))


def _one_of(measures: Sequence[str]) -> str:
    terms = [f"Measure eq '{code.replace(chr(39), chr(39) * 2)}'" for code in measures]
    return terms[0] if len(terms) == 1 else f"({' or '.join(terms)})"


def _parts(declared: str | None, room: int) -> tuple[str | None, ...]:
    """The declared filter, divided where it is too long and can be."""
    if declared is None or len(Slice(declared).query) <= room:
        return (declared,)
    conjuncts = _conjuncts(declared)
    lists = [_codes(conjunct) for conjunct in conjuncts]
    longest = max(range(len(conjuncts)), key=lambda place: len(lists[place].codes))
    chosen = lists[longest]
    if len(chosen.codes) < 2:
        return (declared,)

    def part(codes: Sequence[str]) -> str:
        return " and ".join([*conjuncts[:longest], chosen.of(codes), *conjuncts[longest + 1 :]])

    found: list[str] = []
    chunk: list[str] = []
    for code in chosen.codes:
        if chunk and len(Slice(part([*chunk, code])).query) > room:
            found.append(part(chunk))
            chunk = []
        chunk.append(code)
    return (*found, part(chunk))


@dataclass(frozen=True)
class _Codes:
    """A part of a filter that lets through some codes, quoted, of one dimension. Without codes it is another part."""

    name: str = ""
    codes: tuple[str, ...] = ()
    is_in: bool = False

    def of(self, codes: Sequence[str]) -> str:
        """The same for some of the codes, in the same form."""
        if self.is_in:
            return f"{self.name} in ({','.join(codes)})"
        return f"({' or '.join(f'{self.name} eq {code}' for code in codes)})"


def _codes(conjunct: str) -> _Codes:
    inner = conjunct.strip()
    while inner.startswith("(") and inner.endswith(")") and len(_conjuncts(inner[1:-1])) == 1:
        inner = inner[1:-1].strip()
    found = _EQUAL.fullmatch(inner) or _AMONG.fullmatch(inner)
    if found is None:
        return _Codes()
    return _Codes(found["name"], tuple(dict.fromkeys(re.findall(_TEXT, inner))), found.re is _AMONG)


def _conjuncts(text: str) -> list[str]:
    """The parts of a filter that all must hold. The whole of it where it is no such row of parts."""
    cuts = []
    for word, place, depth in _words(text):
        if depth < 0 or (depth == 0 and word == "or"):
            return [text]
        if depth == 0 and word == "and":
            cuts.append(place)
    starts = [0, *(cut + len("and") for cut in cuts)]
    return [text[start:stop].strip() for start, stop in zip(starts, [*cuts, len(text)], strict=True)]


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Brackets, `and` and `or` outside quoted text, with their place and the number of brackets that are open."""
    depth = 0
    for found in _WORD.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        yield found[0], found.start(), depth
