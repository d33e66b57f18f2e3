"""The bundled CBS tables, served through the same HTTP client as the real ones.

What belongs here: answering requests from files. What does not: what the files hold, and who wrote them.
A table is a folder; `Observations.json` is its first page, `Observations-skip-<N>.json` that at `$skip=N`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import httpx

_NAME = re.compile(r"[A-Za-z0-9_-]+")


def sample_transport(folder: Path) -> httpx.BaseTransport:
    """A transport that answers `.../<table>/<resource>` with the bytes of `<folder>/<table>/<resource>.json`.

    A table whose folder is absent, or a resource whose file is, gives a 404 as the publisher would. A query
    that the files cannot answer (a `$filter`) gives a 400: the sample never pretends to have filtered.
    """
    return _SampleTransport(folder)


class _SampleTransport(httpx.BaseTransport):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        table, _, resource = request.url.path.rpartition("/")
        table = table.rpartition("/")[2]
        options = dict(parse_qsl(request.url.query.decode("ascii")))
        skip = options.pop("$skip", None)
        if options:
            return _error(400, f"the bundled sample cannot answer {', '.join(sorted(options))}")
        name = resource if skip is None else f"{resource}-skip-{skip}"
        path = self._folder / table / f"{name}.json"
        if not (_NAME.fullmatch(table) and _NAME.fullmatch(name) and path.is_file()):
            return _error(404, f"the bundled sample has no {table}/{name}")
        return _answer(200, path.read_bytes())


def _error(status: int, message: str) -> httpx.Response:
    return _answer(status, json.dumps({"error": {"code": str(status), "message": message}}).encode())


def _answer(status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, headers={"Content-Type": "application/json"}, stream=httpx.ByteStream(body))
