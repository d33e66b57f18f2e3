"""Evaluates the `$filter` of an OData request over rows, for the servers that tests run against.

What belongs here: the part of the language that CBS answers to and that this project asks with. What does not: serving
(`live_server`). An expression that is not understood raises ValueError: a test server must never pretend to have
filtered.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Row = Mapping[str, Any]
Predicate = Callable[[Row], bool]

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?)|(?P<word>\w+)|(?P<sign>[(),]))")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
# The function's name, and whether the text comes first, as OData v3 has it.
_FUNCTIONS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "startswith": (str.startswith, False),
    "endswith": (str.endswith, False),
    "contains": (operator.contains, False),
    "substringof": (operator.contains, True),
}


@lru_cache(maxsize=256)
def predicate(expression: str) -> Predicate:
    """Whether a row fits the expression. Raises ValueError for one that is not understood."""
    parser = _Parser(expression)
    found = parser.either()
    if parser.tokens:
        raise ValueError(f"found {parser.tokens[0][1]!r} in {expression!r}, expected its end")
    return found


class _Parser:
    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.tokens: list[tuple[str, Any]] = []
        place = 0
        while place < len(expression.rstrip()):
            found = _TOKEN.match(expression, place)
            if found is None:
                raise ValueError(f"found {expression[place:]!r} in a filter, expected a word, a text or a number")
            place = found.end()
            self.tokens.append(_token(found))

    def either(self) -> Predicate:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def _both(self) -> Predicate:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def _one(self) -> Predicate:
        if self._takes("not"):
            inner = self._one()
            return lambda row: not inner(row)
        if self._takes("("):
            inner = self.either()
            self._expects(")")
            return inner
        name = self._next("word")
        if name in _FUNCTIONS:
            return self._function(*_FUNCTIONS[name])
        compared = self._next("word")
        if compared == "in":
            self._expects("(")
            allowed = [self._value()]
            while self._takes(","):
                allowed.append(self._value())
            self._expects(")")
            return lambda row: row[name] in allowed
        if compared not in _COMPARE:
            raise ValueError(f"found {compared!r} in {self.expression!r}, expected one of {', '.join(_COMPARE)} or in")
        if self._takes("null"):
            return self._null(name, compared)
        compare, value = _COMPARE[compared], self._value()
        return lambda row: row[name] is not None and compare(row[name], value)

    def _null(self, name: str, compared: str) -> Predicate:
        if compared not in ("eq", "ne"):
            raise ValueError(f"found {compared} null in {self.expression!r}, expected eq null or ne null")
        return lambda row: (row[name] is None) == (compared == "eq")

    def _function(self, fits: Callable[[str, str], bool], text_first: bool) -> Predicate:
        self._expects("(")
        if text_first:
            text = self._next("text")
            self._expects(",")
            name = self._next("word")
        else:
            name = self._next("word")
            self._expects(",")
            text = self._next("text")
        self._expects(")")
        return lambda row: row[name] is not None and fits(row[name], text)

    def _takes(self, value: str) -> bool:
        if self.tokens and self.tokens[0] in (("word", value), ("sign", value)):
            self.tokens.pop(0)
            return True
        return False

    def _expects(self, sign: str) -> None:
        if not self._takes(sign):
            raise ValueError(f"found {self.tokens[:1]} in {self.expression!r}, expected {sign!r}")

    def _next(self, kind: str) -> Any:
        if not self.tokens or self.tokens[0][0] != kind:
            raise ValueError(f"found {self.tokens[:1]} in {self.expression!r}, expected a {kind}")
        return self.tokens.pop(0)[1]

    def _value(self) -> Any:
        return self._next("number" if self.tokens and self.tokens[0][0] == "number" else "text")


def _token(found: re.Match[str]) -> tuple[str, Any]:
    if found["text"] is not None:
        return "text", found["text"][1:-1].replace("''", "'")
    if found["number"] is not None:
        return "number", float(found["number"])
    return ("word", found["word"]) if found["word"] is not None else ("sign", found["sign"])
