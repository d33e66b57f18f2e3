"""A small HTTP server for tests: it plays the OData service of a Swing databank on this machine, with its failures.

What belongs here: the shape of the answers (a key in a header, entities in the path, a thousand values a page, links
that print the publisher's own host), and faults laid out in advance. What does not: the faults themselves
(`tests.servers`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers import Answer, LocalServer

BASE_PATH = "/jiveservices/odata"
PUBLISHER = "https://databank.example/jiveservices/odata"
KEY = "9b1c-geheime-sleutel-77aa"
PAGE_SIZE = 1000

_VALUES = re.compile(
    r"Variables\('(?P<code>[^']+)'\)/GeoLevels\('(?P<geo>[^']+)'\)/PeriodLevels\('(?P<level>[^']+)'\)"
    r"/Periods\('(?P<period>[^']+)'\)/Values"
)
_VARIABLE = re.compile(r"Variables\('(?P<code>[^']+)'\)")
_LEVELS = re.compile(r"Variables\('(?P<code>[^']+)'\)/GeoLevels")
_ITEMS = re.compile(r"GeoLevels\('(?P<geo>[^']+)'\)/GeoItems")


@dataclass
class Published:
    """One variable of the databank: what it says of it, and its values in the order in which it gives them."""

    describes: dict[str, Any]
    values: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """One request as it came in, with the key that came along."""

    path: str
    options: Mapping[str, str]
    apikey: str | None


class SwingServer(LocalServer):
    """A context manager; while it is open, `url` answers like ODS v1. `key` is what it wants, None for no key.

    Faults are laid out for `Variables('x')`, `Values`, or a page such as `Values?$skip=1000`.
    """

    def __init__(self, variables: Mapping[str, Published], key: str | None = KEY) -> None:
        super().__init__()
        self.variables = dict(variables)
        self.key = key
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"{super().url}{BASE_PATH}"

    def asked(self, ending: str) -> list[Request]:
        """The requests for resources with this ending, in order."""
        return [request for request in self.requests if request.path.endswith(ending)]

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(target)
        path, options = unquote(parts.path), dict(parse_qsl(parts.query))
        resource = path.removeprefix(f"{BASE_PATH}/")
        last = resource.rpartition("/")[2]
        apikey = headers.get("apikey")
        self.requests.append(Request(path, options, apikey))
        if self.key is not None and apikey != self.key:
            answer = _said(401, "Guest user group not found")
        else:
            answer = self._found(resource, int(options.get("$skip", 0)))
        return self.spoilt(f"{last}?$skip={options['$skip']}" if "$skip" in options else last, answer)

    def _found(self, resource: str, skip: int) -> Answer:
        if found := _VALUES.fullmatch(resource):
            rows = self._values(**found.groupdict())
        elif found := _LEVELS.fullmatch(resource):
            asked = self.variables.get(found["code"])
            levels = dict.fromkeys(value["GeoLevel"] for value in (asked.values if asked else ()))
            rows = [{"ExternalCode": level, "Name": level} for level in levels]
        elif found := _ITEMS.fullmatch(resource):
            values = [value for asked in self.variables.values() for value in asked.values]
            areas = dict.fromkeys(value["ExternalCode"] for value in values if value["GeoLevel"] == found["geo"])
            rows = [{"ExternalCode": area} for area in areas]
        elif found := _VARIABLE.fullmatch(resource):
            if asked := self.variables.get(found["code"]):
                return Answer(json.dumps(asked.describes, ensure_ascii=False).encode())
            return _said(404, "No such variable")
        else:
            rows = [asked.describes for asked in self.variables.values()] if resource == "Variables" else []
        return self._page(resource, rows, skip) if rows else _said(404, "No such resource")

    def _values(self, code: str, geo: str, level: str, period: str) -> list[dict[str, Any]]:
        asked = self.variables.get(code)
        return [
            value
            for value in (asked.values if asked else ())
            if value["GeoLevel"] == geo
            and value["PeriodLevel"].casefold() == level.casefold()
            and period in ("all", value["Period"])
        ]

    def _page(self, resource: str, values: Sequence[Mapping[str, Any]], skip: int) -> Answer:
        document: dict[str, Any] = {
            "@odata.context": f"{PUBLISHER}/$metadata",
            "value": values[skip : skip + PAGE_SIZE],
        }
        if skip + PAGE_SIZE < len(values):
            document["@odata.nextLink"] = f"{PUBLISHER}/{resource}?$skip={skip + PAGE_SIZE}"
        return Answer(json.dumps(document, ensure_ascii=False).encode())


def _said(status: int, message: str) -> Answer:
    return Answer(json.dumps({"error": {"code": str(status), "message": message}}).encode(), status=status)


def value(area: str, text: str | None, period: str = "2023", level: str = "year", **more: Any) -> dict[str, Any]:
    """One value as ODS writes it; the level of the area is what stands before its number."""
    return {
        "ExternalCode": area,
        "GeoLevel": area.rpartition("_")[0],
        "PeriodLevel": level,
        "Period": period,
        "ValueString": text,
    } | more


def published(code: str, values: Iterable[Mapping[str, Any]], unit: str | None = None, **more: Any) -> Published:
    """A variable with its values; without a unit where the databank gives none."""
    describes = {
        "@odata.context": f"{PUBLISHER}/$metadata#Variables/$entity",
        "ExternalCode": code,
        "Name": f"Het onderwerp {code}",
        "LastUpdate": "2024-05-01T00:00:00Z",
        **({} if unit is None else {"Unit": unit}),
        **more,
    }
    return Published(describes, [dict(one) for one in values])
