"""A small HTTP server for tests: it plays the OData service of a Swing databank on this machine, with its failures.

What belongs here: the shape of the answers (a key in a header, entities in the path, a thousand values a page, links
that print the publisher's own host), and faults laid out in advance. What does not: the faults themselves
(`tests.servers`).
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers import Answer, Fault

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


class SwingServer:
    """A context manager; while it is open, `url` answers like ODS v1. `key` is what it wants, None for no key."""

    def __init__(self, variables: Mapping[str, Published], key: str | None = KEY) -> None:
        self.variables = dict(variables)
        self.key = key
        self.requests: list[Request] = []
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}{BASE_PATH}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def fail(self, resource: str, *faults: Fault) -> None:
        """Use these faults, one per request, on `Variables('x')`, `Values`, or a page such as `Values?$skip=1000`."""
        self._faults[resource].extend(faults)

    def asked(self, ending: str) -> list[Request]:
        """The requests for resources with this ending, in order."""
        return [request for request in self.requests if request.path.endswith(ending)]

    def answer(self, target: str, apikey: str | None) -> Answer:
        parts = urlsplit(target)
        path, options = unquote(parts.path), dict(parse_qsl(parts.query))
        resource = path.removeprefix(f"{BASE_PATH}/")
        last = resource.rpartition("/")[2]
        with self._lock:
            self.requests.append(Request(path, options, apikey))
            key = f"{last}?$skip={options['$skip']}" if "$skip" in options else last
            fault = self._faults[key].popleft() if self._faults[key] else None
        if self.key is not None and apikey != self.key:
            answer = _said(401, "Guest user group not found")
        else:
            answer = self._found(resource, int(options.get("$skip", 0)))
        return fault(answer) if fault else answer

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


def _handler_of(server: SwingServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            answer = server.answer(self.path, self.headers.get("apikey"))
            time.sleep(answer.delay_seconds)
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body if answer.cut_after is None else answer.body[: answer.cut_after])
                self.close_connection = self.close_connection or answer.cut_after is not None
            except (BrokenPipeError, ConnectionResetError):
                # The client had given up waiting, which is what such a test is about.
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Keep quiet: the requests are in the list."""

    return Handler


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
