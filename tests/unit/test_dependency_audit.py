"""The audit of what is installed: it must find what is wrong, and say when it could not look."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import Distribution
from typing import Any

import pytest

from pipelines import dependency_audit as audit

HASH = f"--hash=sha256:{'a' * 64}"


class _Package(Distribution):
    def __init__(self, *headers: tuple[str, str]) -> None:
        self._headers = headers

    @property
    def metadata(self) -> Any:
        message = Message()
        for name, value in (("Name", "pakket"), *self._headers):
            message[name] = value
        return message

    def read_text(self, filename: str) -> str | None:
        return None

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


def test_what_is_installed_here_is_what_is_locked(capsys: pytest.CaptureFixture[str]) -> None:
    code = audit.main([])
    told = capsys.readouterr().out
    assert code == 0, told
    assert "packages pinned with hashes" in told
    assert "known vulnerabilities: not asked for" in told


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (f"httpx>=0.28 {HASH}", "expected name==version"),
        (f"httpx {HASH}", "expected name==version"),
        ("-e git+https://voorbeeld.example/httpx", "expected name==version"),
        ("--index-url https://voorbeeld.example/simple", "expected name==version"),
        ("httpx==0.28.1", "httpx: found no hash"),
        ("httpx==0.28.1 --hash=md5:aaaa", "httpx: found no hash"),
    ],
)
def test_what_is_not_pinned_with_a_hash_is_found(entry: str, problem: str) -> None:
    pins, problems = audit.read_lock(f"# lock\nduckdb==1.5.5 \\\n    {HASH} \\\n    {HASH}\n{entry}\n")
    assert (pins[0].name, pins[0].version, pins[0].hashes) == ("duckdb", "1.5.5", 2)
    assert [problem in told for told in problems] == [True]


def test_markers_decide_which_pin_counts() -> None:
    text = (
        f"numpy==1.0 ; python_full_version < '3' \\\n    {HASH}\n"
        f"numpy==2.0 ; python_full_version >= '3' \\\n    {HASH}\n"
        f"pywin32==312 ; sys_platform == 'nowhere' \\\n    {HASH}\n"
    )
    pins, problems = audit.read_lock(text)
    assert problems == []
    assert [pin.version for pin in pins if pin.counts_here] == ["2.0"]
    assert list(audit.differences(pins, {"numpy": "2.0"})) == []


def test_another_version_a_missing_and_an_unlocked_package_are_found() -> None:
    pins, _ = audit.read_lock(f"a-b==1.0 {HASH}\nc==1.0 {HASH}\nd==1.0 {HASH}\n")
    told = list(audit.differences(pins, {"a-b": "1.0", "c": "2.0", "e": "1.0", "pip": "23", "nulmeting": "0"}))
    assert [line.partition(";")[0] for line in told] == [
        "c: found 2.0 installed, expected 1.0",
        "d: not installed, expected 1.0",
        "e: installed and not in the lock",
    ]


def test_two_pins_that_both_count_are_found() -> None:
    pins, _ = audit.read_lock(f"a==1.0 {HASH}\na==2.0 {HASH}\n")
    assert list(audit.differences(pins, {"a": "1.0"})) == [
        "a: found two versions in the lock for this machine, expected one"
    ]


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-2.0-only)", True),
        ("(MIT OR Apache-2.0) AND AGPL-3.0-only", False),
        ("MIT WITH niets", False),
        ("", False),
        ("(MIT", False),
        ("MIT)", False),
        ("LicenseRef-Proprietary", False),
    ],
)
def test_a_licence_is_allowed_when_it_can_be_met(expression: str, allowed: bool) -> None:
    assert audit.is_allowed(expression) is allowed


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ([("License-Expression", "MIT"), ("License", "wat dan ook")], None),
        ([("Classifier", "License :: OSI Approved :: MIT License")], None),
        ([("Classifier", "License :: OSI Approved"), ("License", "BSD-3-Clause")], None),
        ([("License", "Apache-2.0")], None),
        ([("Classifier", "License :: OSI Approved :: GNU Affero General Public License v3")], "GNU Affero"),
        ([("Classifier", "License :: Other/Proprietary License")], "Other/Proprietary"),
        ([("License", "Copyright (c) iemand")], "Copyright"),
        ([], "no licence in its metadata"),
    ],
)
def test_a_licence_is_found_where_packages_put_it(headers: list[tuple[str, str]], problem: str | None) -> None:
    told = list(audit.licences([_Package(*headers)]))
    assert [problem in line for line in told if problem] == ([True] if problem else [])
    assert bool(told) == bool(problem)


@pytest.fixture
def advisory_service() -> Iterator[tuple[str, list[Any]]]:
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            asked.extend(queries)
            known = [
                {"vulns": [{"id": "PYSEC-0-1"}]} if query["package"]["name"] == "httpx" else {} for query in queries
            ]
            body = json.dumps({"results": known if self.path == "/goed" else []}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_known_vulnerabilities_are_told_when_the_service_is_asked(
    advisory_service: tuple[str, list[Any]], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    address, asked = advisory_service
    assert audit.main(["--advisories", f"{address}/goed"]) == audit.FOUND
    told = capsys.readouterr().out
    assert "httpx" in told and "known vulnerability PYSEC-0-1" in told
    assert told.count("known vulnerability ") == 1
    # Names and versions, and nothing of the installation.
    assert {tuple(query) for query in asked} == {("package", "version")}
    assert "nulmeting" not in {query["package"]["name"] for query in asked}


@pytest.mark.parametrize("path", ["/anders", ":1/weg"])
def test_a_service_that_gives_no_answer_is_said_and_not_taken_for_good_news(
    advisory_service: tuple[str, list[Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    address = f"{advisory_service[0]}{path}" if path.startswith("/") else f"http://127.0.0.1{path}"
    assert audit.main(["--advisories", address]) == audit.NO_ANSWER
    assert f"no answer from {address}" in capsys.readouterr().out
