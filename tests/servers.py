"""Small HTTP servers for tests: they play a publisher's OData service and his bulk files on this machine, with their
failures.

Tables are bytes by resource: `tables["03759ned"]["Observations"]`; a further page stands under the query by
which it is asked for: `tables["03759ned"]["Observations?$skip=5000"]`. Every request is written down. Faults
are laid out in advance, per resource, and used up one by one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import threading
import time
import zipfile
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pipelines.connectors.http import RetryPolicy

BASE_PATH = "/odata/v1/CBS"
PUBLISHER = "https://datasets.cbs.nl/odata/v1/CBS"
QUICK = RetryPolicy(wait_initial=0.01, wait_max=0.02, wait_jitter=0.01)
"""The usual number of tries, without the usual waits."""


@dataclass(frozen=True)
class Answer:
    """What goes over the wire. `cut_after`: close the connection after so many bytes of the body."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    cut_after: int | None = None
    content_type: str = "application/json; odata.metadata=minimal"


Fault = Callable[[Answer], Answer]


@dataclass(frozen=True)
class Request:
    """One request as it came in; `options` are the query's, decoded."""

    path: str
    options: Mapping[str, str]
    at: float

    @property
    def resource(self) -> str:
        return self.path.rpartition("/")[2]


class LocalServer(ABC):
    """A context manager; while it is open, a port of this machine gives the answers that a subclass makes."""

    def __init__(self) -> None:
        self._faults: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @abstractmethod
    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        """The answer to one request: its path with its query, and its headers."""

    def fail(self, resource: str, *faults: Fault) -> None:
        """Use these faults, one per request, on a resource such as `Properties` or `Observations?$skip=4`."""
        self._faults[resource].extend(faults)

    def spoilt(self, resource: str, answer: Answer) -> Answer:
        """The answer with the next fault that was laid out for the resource, where there is one."""
        with self._lock:
            fault = self._faults[resource].popleft() if self._faults[resource] else None
        return fault(answer) if fault else answer


def _handler_of(server: LocalServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            answer = server.answer(self.path, dict(self.headers))
            time.sleep(answer.delay_seconds)
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.content_type)
                self.send_header("Content-Length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if answer.cut_after is None:
                    self.wfile.write(answer.body)
                else:
                    self.wfile.write(answer.body[: answer.cut_after])
                    self.close_connection = True
            except (BrokenPipeError, ConnectionResetError):
                # The client had given up waiting, which is what such a test is about.
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Keep quiet: the requests are in the list."""

    return Handler


class ReplayServer(LocalServer):
    """A context manager; while it is open, `base_url` answers like an OData v4 service.

    `paths` are answers outside the tables, such as a catalogue, by path and `?$skip=`.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, bytes]]) -> None:
        super().__init__()
        self.tables = tables
        self.paths: dict[str, bytes] = {}
        self.requests: list[Request] = []

    @property
    def base_url(self) -> str:
        return f"{self.url}{BASE_PATH}"

    def asked(self, resource: str) -> list[Request]:
        """The requests for a resource, in order."""
        return [request for request in self.requests if request.resource == resource]

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(target)
        path, options = unquote(parts.path), dict(parse_qsl(parts.query))
        prefix, _, rest = path.partition(f"{BASE_PATH}/")
        table = rest.partition("/")[0]
        page = f"?$skip={options['$skip']}" if "$skip" in options else ""
        key = path.rpartition("/")[2] + page
        self.requests.append(Request(path, options, time.monotonic()))
        body = self.tables.get(table, {}).get(key) if not prefix else None
        body = self.paths.get(path + page, body)
        if body is None:
            answer = Answer(b'{"error":{"code":"404","message":"No such resource"}}', status=404)
        else:
            answer = Answer(body)
        return self.spoilt(key, answer)


class BulkServer(LocalServer):
    """A context manager; while it is open, `files` stand below `base_url`, each under its name.

    `ranges` is whether a part of a file can be had, `etag` whether a file has one. `breaks` are the bytes after which
    the answers to come are cut off, in order. Every request's headers are written down.
    """

    def __init__(self, files: Mapping[str, bytes], *, ranges: bool = True, etag: bool = True) -> None:
        super().__init__()
        self.files = dict(files)
        self.ranges, self.etag = ranges, etag
        self.breaks: deque[int] = deque()
        self.requests: list[Mapping[str, str]] = []

    @property
    def base_url(self) -> str:
        return f"{self.url}/csv/CBS/nl"

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        """All of a file, or the part that was asked for if it is still the same file."""
        self.requests.append(headers)
        answer = self._found(target.removeprefix("/csv/CBS/nl/"), headers)
        return replace(answer, cut_after=self.breaks.popleft()) if self.breaks else answer

    def _found(self, name: str, headers: Mapping[str, str]) -> Answer:
        kind = "application/zip"
        body = self.files.get(name)
        if body is None:
            return Answer(b"", status=404, content_type=kind)
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        sent = {"ETag": tag} if self.etag else {}
        asked = re.fullmatch(r"bytes=([0-9]+)-", headers.get("Range", ""))
        if not self.ranges or asked is None or headers.get("If-Range", tag) != tag:
            return Answer(body, headers=sent, content_type=kind)
        start = int(asked[1])
        sent |= {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        return Answer(body[start:], status=206, headers=sent, content_type=kind)


def bulk_file(table: Mapping[str, bytes], extra: Mapping[str, str] | None = None) -> bytes:
    """The answers of OData about one table as the zip of CSV files that CBS makes of it; `extra` are further files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for resource, payload in table.items():
            document = json.loads(payload)
            rows = [document] if resource == "Properties" else document["value"]
            rows = [{name: _as_csv(value) for name, value in row.items() if name[0] != "@"} for row in rows]
            if resource == "Observations":
                last = ("Value", "StringValue", "ValueAttribute")
                rows = [
                    {**{name: row[name] for name in row if name not in last}, **{name: row[name] for name in last}}
                    for row in rows
                ]
            archive.writestr(f"{resource}.csv", csv_text(rows))
        for name, text in (extra or {}).items():
            archive.writestr(name, text)
    return packed.getvalue()


def csv_text(rows: Sequence[Mapping[str, str]]) -> str:
    """Rows as CBS writes CSV: `;`, quotes where they are needed, a byte-order mark."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", delimiter=";", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return "\ufeff" + text.getvalue()


def _as_csv(value: object) -> str:
    if value is None:
        return ""
    return str(value).replace(".", ",") if isinstance(value, float) else str(value)


def refusing(status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Fault:
    return lambda answer: replace(answer, status=status, headers=headers or {}, body=body)


def waiting(seconds: float) -> Fault:
    return lambda answer: replace(answer, delay_seconds=seconds)


def cutting_off() -> Fault:
    """Announce the whole body, send half of it and close the connection."""
    return lambda answer: replace(answer, cut_after=len(answer.body) // 2)


def truncating() -> Fault:
    """Send half of the document as if it were the whole."""
    return lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2])


def showing_html(status: int = 200) -> Fault:
    page = b"<!DOCTYPE html>\n<html><head><title>Onderhoud aan\nStatLine</title></head><body>Wacht</body></html>"
    return lambda answer: replace(answer, status=status, body=page, content_type="text/html")


def replacing(body: bytes) -> Fault:
    return lambda answer: replace(answer, body=body)


def shared_tables(folder: Path) -> dict[str, dict[str, bytes]]:
    """The captured answers below `folder` (shared/data/cbs_v4), by table and resource."""
    return {index.parent.name: _captured(index) for index in sorted(folder.glob("*/index.json"))}


def slice_filter(folder: Path, table: str) -> str | None:
    """The filter with which a table was captured."""
    found: str | None = json.loads((folder / table / "index.json").read_text(encoding="utf-8"))["sliceFilter"]
    return found


def _captured(index: Path) -> dict[str, bytes]:
    described = json.loads(index.read_text(encoding="utf-8"))
    names = {"properties": "Properties", "dimensions": "Dimensions", "measure-codes": "MeasureCodes"}
    table = {
        names.get(key) or f"{key.removeprefix('codes-')}Codes": (index.parent / file).read_bytes()
        for key, file in described["files"].items()
    }
    pages = [(index.parent / page).read_bytes() for page in described["observationPages"]]
    if len(pages) > 1:
        raise ValueError(f"{index}: found several pages, expected one that the tests cut up themselves")
    if pages:
        table["Observations"] = pages[0]
    return table


def in_pages(table: str, observations: bytes, size: int) -> dict[str, bytes]:
    """One page of observations cut into pages of `size`, linked as the publisher does, with its host."""
    rows = json.loads(observations)["value"]
    pages = {}
    for start in range(0, len(rows), size):
        document: dict[str, Any] = {"value": rows[start : start + size]}
        if start + size < len(rows):
            document["@odata.nextLink"] = f"{PUBLISHER}/{table}/Observations?$skip={start + size}"
        key = f"Observations?$skip={start}" if start else "Observations"
        pages[key] = json.dumps(document, ensure_ascii=False).encode()
    return pages


def small_table(
    table: str = "00001ned",
    rows: Iterable[Mapping[str, Any]] = (),
    page_size: int = 100,
    properties: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """A table of one measure by region and period; without `rows` six observations of three regions."""
    observations = list(rows) or [
        observation(number, region, period)
        for number, (region, period) in enumerate(product(("GM0001", "GM0002", "GM0003"), ("2015JJ00", "2016HJ02")))
    ]
    described = {
        "Identifier": table,
        "Title": "Een kleine tabel",
        "Modified": "2026-06-23T00:00:00+02:00",
        "Version": "202606230000",
        "Status": "Regulier",
        "ObservationCount": len(observations),
    }
    return {
        "Properties": json.dumps(described | dict(properties or {})).encode(),
        "Dimensions": codes("RegioS", "Perioden"),
        "MeasureCodes": listed({"Identifier": "M000352", "Title": "Bevolking op 1 januari ", "Unit": "aantal"}),
        "RegioSCodes": listed(
            {"Identifier": "GM0001", "Title": "Aap ", "Description": "Eerste"},
            {"Identifier": "GM0002  ", "Title": "Noot", "Description": ""},
            {"Identifier": "GM0003", "Title": "Mies", "Description": None},
        ),
        "PeriodenCodes": listed(
            {"Identifier": "2015JJ00", "Title": "2015", "Status": "Definitief"},
            {"Identifier": "2016HJ02", "Title": "2016 2e halfjaar", "Status": "Voorlopig "},
        ),
        **in_pages(table, json.dumps({"value": observations}).encode(), page_size),
    }


def observation(number: int, region: str | None, period: str | None, **fields: Any) -> dict[str, Any]:
    """One observation of `small_table`, as CBS writes it."""
    return {
        "Id": number,
        "Measure": "M000352",
        "ValueAttribute": "None",
        "Value": 100 + number,
        "StringValue": None,
        "RegioS": region,
        "Perioden": period,
    } | fields


def codes(*identifiers: str) -> bytes:
    """A list of codes without more than their identifiers."""
    return listed(*({"Identifier": identifier, "Title": identifier} for identifier in identifiers))


def listed(*entries: Mapping[str, Any]) -> bytes:
    """A list as an OData service writes it."""
    return json.dumps({"value": list(entries)}, ensure_ascii=False).encode()
