"""From a failing expectation to one mail and one webhook call, and nothing the second time."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.integration.conftest import Workspace
from tests.integration.test_alert_channels import free_port

pytestmark = pytest.mark.xdist_group("main_job")


class _Mailbox:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"


class _Hook(http.server.BaseHTTPRequestHandler):
    calls: list[tuple[str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.calls.append((self.headers["X-Nulmeting-Message-Id"], json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def mailbox() -> Iterator[tuple[_Mailbox, Controller]]:
    box = _Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield box, controller
    if controller.loop.is_running():
        controller.stop()


@pytest.fixture
def hook() -> Iterator[tuple[list[tuple[str, dict[str, Any]]], int]]:
    calls: list[tuple[str, dict[str, Any]]] = []
    handler = type("Hook", (_Hook,), {"calls": calls})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield calls, server.server_address[1]
    server.shutdown()


def _config(mail_port: int, hook_port: int) -> str:
    return f"""
[[channels]]
name = "mail"
kind = "apprise"
url = "mailto://nulmeting@localhost:{mail_port}?smtp=127.0.0.1&mode=insecure&from=nulmeting@localhost&to=beheer@localhost"

[[channels]]
name = "haak"
kind = "webhook"
url = "http://127.0.0.1:{hook_port}/nulmeting"
"""


def _port(controller: Controller) -> int:
    return int(controller.server.sockets[0].getsockname()[1])


def test_new_findings_go_out_once_and_wait_for_a_server_and_a_resolved_one_is_told(
    workspace: Workspace,
    run_here: Callable[..., Any],
    mailbox: tuple[_Mailbox, Controller],
    hook: tuple[list[tuple[str, dict[str, Any]]], int],
    request: pytest.FixtureRequest,
) -> None:
    box, controller = mailbox
    calls, hook_port = hook
    mail_port = _port(controller)
    controller.stop()
    workspace.config = _config(mail_port, hook_port)

    # With the mail server down the message waits, and the other channel has it.
    first = run_here(workspace)
    assert (first.exit_code, first.alerts_sent, first.alerts_waiting) == (0, 1, 1)
    assert len(calls) == 1 and box.mails == []

    # The same findings again: the mail goes out at last, with its own id, and nobody is told twice.
    again = Controller(box, hostname="127.0.0.1", port=mail_port)
    again.start()
    request.addfinalizer(again.stop)
    second = run_here(workspace)
    assert (second.exit_code, second.alerts_sent, second.alerts_waiting) == (0, 1, 0)
    assert len(box.mails) == 1 and len(calls) == 1
    assert calls[0][0][:8] in str(box.mails[0]["Subject"])
    plain = box.mails[0].get_body(("plain",))
    assert plain is not None and "Voorbeeldland" in plain.get_content()

    # The two sources agree at last, and a figure of another municipality is ten times too high: one message tells
    # what is new and what is resolved, and keeps silent about all that stays open.
    _set_value(workspace, "VB05NED", "VB0042", "2023HJ02", 900)
    _set_value(workspace, "VB03NED", "VB0077", "2021HJ01", 10)
    before = _open_breaks(workspace)
    third = run_here(workspace)
    assert (third.alerts_sent, len(box.mails), len(calls)) == (2, 2, 2)
    assert calls[0][0] != calls[1][0]
    told = calls[1][1]["text"]
    assert "VB0077" in told and "VB0042" in told
    after = _open_breaks(workspace)
    quiet = {region for region in before.keys() & after.keys() if before[region] == after[region]}
    assert len(quiet) > 10
    assert not any(region in told for region in quiet - {"VB0077", "VB0042"})


def _open_breaks(workspace: Workspace) -> dict[str, list[str]]:
    """The ids of the unexplained breaks of every region."""
    return dict(
        workspace.rows(
            "select region_code, list_sort(list(break_id)) from marts.trend_break "
            "where cause = 'unexplained' group by region_code"
        )
    )


def _set_value(workspace: Workspace, table: str, region: str, period: str, value: int) -> None:
    """Change one observation of a table; a value below 100 is a factor on what stands there."""
    for page in workspace.sample.rglob(f"{table}/Observations*.json"):
        text = page.read_text(encoding="utf-8")
        found = re.search(rf'"Value": ?(\d+)(?=[^\n]*"{region}"[^\n]*"{period}")', text)
        if found:
            new = value if value >= 100 else int(found[1]) * value
            changed = text[: found.start(1)] + str(new) + text[found.end(1) :]
            page.write_text(changed, encoding="utf-8")
            return
    raise AssertionError(f"{table}: no figure of {region} in {period}")
