"""Alerts over real servers: an SMTP server and an HTTP server on this machine, up, down, refusing and slow.

Both servers are the outside world of the code under test; nothing inside it is replaced but where a crash is
played.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import io
import json
import logging
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiosmtpd.controller import Controller
from rich.console import Console

from pipelines.alerts import channels, dispatch
from pipelines.alerts.channels import DeliveryError, describe_problem
from pipelines.alerts.dispatch import DeliveryReport, deliver_pending, process_run
from pipelines.alerts.findings import Finding, RunFindings
from pipelines.alerts.outbox import Outbox
from pipelines.settings import Channel, Settings

# A module-scoped browser of its own, where there is one to start.
from tests.integration.test_interface import browser as browser  # noqa: PLC0414

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
SECRET = "s3cr3t-passw0rd"


class Mailbox:
    """Receives mail; refuses the receivers in `refused`."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refused: set[str] = set()

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, rcpt_options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append((envelope.rcpt_tos, parsed))
        return "250 OK"


class SmtpServer:
    """An SMTP server on a port of its own, that can go down and come back."""

    def __init__(self) -> None:
        self.box = Mailbox()
        self.port = free_port()
        self.controller: Controller | None = None
        self.up()

    def up(self) -> None:
        self.controller = Controller(self.box, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def down(self) -> None:
        if self.controller:
            self.controller.stop()
            self.controller = None

    def url(self, to: str = "team@gemeente.test") -> str:
        sender = "smtp=127.0.0.1&mode=insecure&from=nulmeting@gemeente.test"
        return f"mailto://nulmeting@localhost:{self.port}?{sender}&to={to}"


class HttpServer:
    """An HTTP server that keeps what is posted and answers `status`."""

    def __init__(self) -> None:
        self.calls: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.status = 204
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append((dict(self.headers.items()), json.loads(body)))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                if 300 <= outer.status < 400:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """The test's output stays clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def smtp() -> Iterator[SmtpServer]:
    server = SmtpServer()
    yield server
    server.down()


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpServer]:
    # A proxy of the machine the tests run on has nothing to say about this machine's own server.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    server = HttpServer()
    yield server
    server.close()


@pytest.fixture
def settings(tmp_path: Path, smtp: SmtpServer, web: HttpServer) -> Settings:
    return settings_with(
        tmp_path,
        Channel(name="mail", kind="apprise", url=smtp.url()),
        Channel(name="hook", kind="webhook", url=web.url),
    )


def settings_with(tmp_path: Path, *declared: Channel) -> Settings:
    return Settings(data_dir=tmp_path / "data", channels=declared, link_base="https://monitor.example.nl")


def a_finding(key: str, **changes: object) -> Finding:
    values: dict[str, object] = {
        "check": "marts_break_explained",
        "severity": "warning",
        "key": key,
        "title_nl": f"Onverklaarde sprong {key}: cliënten in één halfjaar gehalveerd",
        "cause_nl": "Waarschijnlijk een andere telwijze – vóór 2016 telde men cliënten dubbel",
        "next_step_nl": "Vraag het na bij de gemeente",
        "region_code": "VB0001",
        "region_name": "Aalderveen <VB>",
        "indicator_id": "wmo_hulp",
        "indicator_label": "Hulp bij het huishouden & begeleiding",
        "period_code": "2016H2",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def process(
    settings: Settings, run_id: str, *keys: str, now: dt.datetime = NOON, console: Console | None = None
) -> DeliveryReport:
    run = RunFindings(
        run_id=run_id,
        finished_at=now,
        evaluated_checks=frozenset({"marts_break_explained"}),
        findings=tuple(a_finding(key) for key in keys),
    )
    path = settings.runs_dir / run_id / "findings.json"
    run.write(path)
    return process_run(settings, path, now, console=console)


def ids_by_mail(smtp: SmtpServer) -> list[str]:
    return [mail["X-Nulmeting-Message-Id"] for _, mail in smtp.box.mails]


def test_a_failing_finding_sends_one_mail_and_one_call_and_the_second_run_sends_none(
    settings: Settings, smtp: SmtpServer, web: HttpServer
) -> None:
    report = process(settings, "run-1", "a", "b")
    assert (report.sent, report.pending, report.errors) == (2, 0, ())
    assert (len(smtp.box.mails), len(web.calls)) == (1, 1)

    report = process(settings, "run-2", "a", "b")
    assert (report.sent, report.pending, report.message) == (0, 0, None)
    assert (len(smtp.box.mails), len(web.calls)) == (1, 1)


def test_the_mail_reads_well_as_text_and_as_html_with_its_id_in_sight(settings: Settings, smtp: SmtpServer) -> None:
    report = process(settings, "run-1", "a")
    assert report.message is not None
    ((receivers, mail),) = smtp.box.mails
    assert receivers == ["team@gemeente.test"]
    assert mail["From"].addresses[0].addr_spec == "nulmeting@gemeente.test"
    assert mail["Subject"] == f"Nulmeting: 1 nieuwe bevinding [nm-{report.message.message_id[:8]}]"
    assert mail["X-Nulmeting-Message-Id"] == report.message.message_id
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content_type() == "multipart/alternative"

    text = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert text is not None
    assert html is not None
    for told in (
        "Onverklaarde sprong a: cliënten in één halfjaar gehalveerd",
        "Oorzaak: Waarschijnlijk een andere telwijze – vóór 2016 telde men cliënten dubbel",
        "Regio: Aalderveen <VB> (VB0001), Voorbeeldland, fictief",
        "Indicator: Hulp bij het huishouden & begeleiding (wmo_hulp)",
        "Periode: tweede halfjaar 2016 (2016H2)",
        "Wat te doen: Vraag het na bij de gemeente",
        "https://monitor.example.nl",
        report.message.message_id,
    ):
        assert told in text.get_content()
    assert "Aalderveen &lt;VB&gt; (VB0001)" in html.get_content()
    assert "één halfjaar" in html.get_content()
    assert "<VB>" not in html.get_content()
    assert "src=" not in html.get_content()


def test_the_webhook_call_can_be_read_by_a_machine(settings: Settings, web: HttpServer) -> None:
    report = process(settings, "run-1", "a")
    assert report.message is not None
    ((headers, body),) = web.calls
    assert headers["X-Nulmeting-Message-Id"] == report.message.message_id
    assert headers["Idempotency-Key"] == report.message.message_id
    assert headers["Content-Type"] == "application/json"
    assert body["message_id"] == report.message.message_id
    assert [finding["region_name"] for finding in body["new"]] == ["Aalderveen <VB>"]
    assert body["new"][0]["is_fictional"] is True
    assert "cliënten" in body["text"]


def test_an_eleventh_break_alarms_alone_and_a_resolved_one_alarms_once(
    settings: Settings, smtp: SmtpServer, web: HttpServer
) -> None:
    ten = [f"k{number:02d}" for number in range(10)]
    process(settings, "run-1", *ten)
    process(settings, "run-2", *ten, "k10")
    process(settings, "run-3", *ten)
    process(settings, "run-4", *ten)
    assert [len(body["new"]) for _, body in web.calls] == [10, 1, 0]
    assert [len(body["resolved"]) for _, body in web.calls] == [0, 0, 1]
    assert [body["subject"] for _, body in web.calls][1:] == [
        "Nulmeting: 1 nieuwe bevinding",
        "Nulmeting: 1 bevinding opgelost",
    ]
    second = smtp.box.mails[1][1].get_body(("plain",))
    assert second is not None
    assert "sprong k10" in second.get_content()
    assert "sprong k09" not in second.get_content()
    assert len(smtp.box.mails) == 3


def test_with_the_mail_server_down_the_message_waits_and_goes_out_later(
    settings: Settings, smtp: SmtpServer, web: HttpServer
) -> None:
    smtp.down()
    report = process(settings, "run-1", "a")
    assert (report.sent, report.pending) == (1, 1)
    assert report.message is not None
    (error,) = report.errors
    assert error.startswith("channel 'mail': ")
    assert error.endswith(f"message {report.message.tag} waits")
    assert len(web.calls) == 1

    smtp.up()
    later = process(settings, "run-2", "a", now=NOON + dt.timedelta(seconds=1))
    assert (later.sent, later.pending, later.errors) == (1, 0, ())
    assert ids_by_mail(smtp) == [report.message.message_id]
    assert len(web.calls) == 1


def test_with_the_webhook_refusing_the_message_waits_and_goes_out_later(
    settings: Settings, smtp: SmtpServer, web: HttpServer
) -> None:
    web.status = 503
    report = process(settings, "run-1", "a")
    assert (report.sent, report.pending) == (1, 1)
    assert report.errors[0].startswith("channel 'hook': refused with HTTP 503; message [nm-")
    web.status = 200
    assert deliver_pending(settings, NOON).sent == 1
    sent_ids = [headers["X-Nulmeting-Message-Id"] for headers, _ in web.calls]
    assert sent_ids[0] == sent_ids[1]
    assert len(smtp.box.mails) == 1


def test_a_redirect_is_not_taken_for_acceptance(settings: Settings, web: HttpServer) -> None:
    web.status = 302
    assert process(settings, "run-1", "a").pending == 1
    assert len(web.calls) == 1


def test_messages_that_waited_go_out_in_their_order(settings: Settings, smtp: SmtpServer, web: HttpServer) -> None:
    smtp.down()
    first = process(settings, "run-1", "a").message
    second = process(settings, "run-2", "a", "b").message
    assert first is not None
    assert second is not None
    smtp.up()
    assert deliver_pending(settings, NOON).sent == 2
    assert ids_by_mail(smtp) == [first.message_id, second.message_id]


def test_a_caller_that_comes_often_waits_longer_after_each_failure(settings: Settings, smtp: SmtpServer) -> None:
    smtp.down()
    process(settings, "run-1", "a")
    smtp.up()
    assert deliver_pending(settings, NOON + dt.timedelta(seconds=59), only_due=True).sent == 0
    assert deliver_pending(settings, NOON + dt.timedelta(seconds=60), only_due=True).sent == 1


@pytest.mark.parametrize("channel", ["mail", "hook"])
def test_a_crash_between_acceptance_and_commit_repeats_the_same_id(
    settings: Settings, smtp: SmtpServer, web: HttpServer, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    real = Outbox.mark_sent

    def crash(self: Outbox, message_id: str, name: str, now: dt.datetime) -> None:
        if name == channel:
            raise KeyboardInterrupt
        real(self, message_id, name, now)

    def crash_early(self: Outbox, message_id: str, name: str, receiver: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Outbox, "mark_sent", crash)
    if channel == "mail":
        monkeypatch.setattr(Outbox, "note_taken", crash_early)
    with pytest.raises(KeyboardInterrupt):
        process(settings, "run-1", "a")
    monkeypatch.undo()

    # The same run is reported again, as a sensor would after the crash.
    report = process_run(settings, settings.runs_dir / "run-1" / "findings.json", NOON)
    assert report.pending == 0
    assert report.message is not None
    mails, calls = ids_by_mail(smtp), [headers["X-Nulmeting-Message-Id"] for headers, _ in web.calls]
    assert {*mails, *calls} == {report.message.message_id}
    assert (len(mails), len(calls)) == ((2, 1) if channel == "mail" else (1, 2))


def test_the_same_run_reported_twice_sends_nothing_more(settings: Settings, smtp: SmtpServer, web: HttpServer) -> None:
    first = process(settings, "run-1", "a")
    again = process_run(settings, settings.runs_dir / "run-1" / "findings.json", NOON)
    assert (again.sent, again.pending) == (0, 0)
    assert again.message == first.message
    assert (len(smtp.box.mails), len(web.calls)) == (1, 1)


def test_two_processes_reporting_one_run_at_once_send_it_once(
    settings: Settings, smtp: SmtpServer, web: HttpServer
) -> None:
    process(settings, "run-0")
    RunFindings(
        run_id="run-1",
        finished_at=NOON,
        evaluated_checks=frozenset(),
        findings=(a_finding("a"),),
    ).write(settings.runs_dir / "run-1.json")
    reports: list[DeliveryReport] = []
    threads = [
        threading.Thread(target=lambda: reports.append(process_run(settings, settings.runs_dir / "run-1.json", NOON)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.sent for report in reports) == 2
    assert (len(smtp.box.mails), len(web.calls)) == (1, 1)


def test_a_receiver_that_is_refused_does_not_make_the_others_get_it_again(tmp_path: Path, smtp: SmtpServer) -> None:
    settings = settings_with(
        tmp_path, Channel(name="mail", kind="apprise", url=smtp.url("gone@gemeente.test,team@gemeente.test"))
    )
    smtp.box.refused = {"gone@gemeente.test"}
    report = process(settings, "run-1", "a")
    assert (report.sent, report.pending) == (0, 1)
    assert "gone@gemeente.test" not in report.errors[0]
    deliver_pending(settings, NOON)
    smtp.box.refused = set()
    assert deliver_pending(settings, NOON).sent == 1
    assert [receivers for receivers, _ in smtp.box.mails] == [["team@gemeente.test"], ["gone@gemeente.test"]]


def test_a_channel_without_its_secret_is_a_clear_error_and_its_message_waits(
    tmp_path: Path, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NULMETING_MAIL_URL", raising=False)
    settings = settings_with(tmp_path, Channel(name="mail", kind="apprise", url_env="NULMETING_MAIL_URL"))
    report = process(settings, "run-1", "a")
    assert report.pending == 1
    assert "channel 'mail': the environment variable NULMETING_MAIL_URL is not set" in report.errors[0]
    monkeypatch.setenv("NULMETING_MAIL_URL", smtp.url())
    assert deliver_pending(settings, NOON).sent == 1
    assert len(smtp.box.mails) == 1


@pytest.mark.parametrize(
    ("kind", "url", "problem"),
    [
        ("apprise", None, "neither url nor url_env is set in nulmeting.toml"),
        (
            "apprise",
            f"nonsense://{SECRET}",
            "url in nulmeting.toml is not an address that apprise understands",
        ),
        ("apprise", f"mailto://u:{SECRET}@x.test?to=nobody", "not an address that apprise understands"),
        ("webhook", f"ftp://x.test/{SECRET}", "url in nulmeting.toml is not an http:// or https:// address"),
        ("webhook", f"http://[{SECRET}", "url in nulmeting.toml is not an http:// or https:// address"),
        ("console", None, None),
        ("file", None, None),
        ("webhook", f"https://x.test/{SECRET}", None),
        ("apprise", f"mailtos://u:{SECRET}@x.test?to=a@x.test", None),
    ],
)
def test_a_wrong_set_up_is_described_without_the_address(
    kind: Any, url: str | None, problem: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    found = describe_problem(Channel(name="c", kind=kind, url=url))
    assert (found is None) == (problem is None)
    assert problem is None or problem in (found or "")
    printed = capfd.readouterr()
    assert SECRET not in f"{found}{printed.out}{printed.err}"


@pytest.fixture(params=["down", "refusing"])
def unwilling_port(request: pytest.FixtureRequest, web: HttpServer) -> int:
    """A port where nobody listens, and one whose server refuses everything."""
    web.status = 500
    return free_port() if request.param == "down" else int(web.server.server_port)


def test_no_secret_reaches_a_log_an_error_or_the_outbox(
    tmp_path: Path,
    unwilling_port: int,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    where = f"127.0.0.1:{unwilling_port}"
    monkeypatch.setenv("HOOK", f"http://user:{SECRET}@{where}/{SECRET}?token={SECRET}")
    monkeypatch.setenv("CHAT", f"json://user:{SECRET}@{where}/{SECRET}")
    mail = f"mailto://user:{SECRET}@localhost:{unwilling_port}?smtp=127.0.0.1&mode=insecure&cto=1"
    monkeypatch.setenv("MAIL", mail)
    settings = settings_with(
        tmp_path,
        Channel(name="hook", kind="webhook", url_env="HOOK"),
        Channel(name="chat", kind="apprise", url_env="CHAT"),
        Channel(name="mail", kind="apprise", url_env="MAIL"),
    )
    report = process(settings, "run-1", "a")
    assert (report.sent, report.pending, len(report.errors)) == (0, 3, 3)
    printed = capfd.readouterr()
    kept = b"".join(file.read_bytes() for file in settings.data_dir.rglob("*") if file.is_file())
    assert SECRET not in f"{report.errors}{caplog.text}{printed.out}{printed.err}"
    assert SECRET.encode() not in kept
    assert "127.0.0.1" not in f"{report.errors}"


def test_a_chat_channel_gets_the_text_through_apprise(tmp_path: Path, web: HttpServer) -> None:
    port = web.server.server_port
    settings = settings_with(tmp_path, Channel(name="chat", kind="apprise", url=f"json://127.0.0.1:{port}/x"))
    report = process(settings, "run-1", "a")
    assert report.sent == 1
    assert report.message is not None
    ((_, body),) = web.calls
    assert body["title"] == f"Nulmeting: 1 nieuwe bevinding {report.message.tag}"
    assert "Regio: Aalderveen <VB> (VB0001), Voorbeeldland, fictief" in body["message"]
    assert report.message.message_id in body["message"]


def test_a_long_text_is_cut_between_lines_and_keeps_its_link_and_id(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    message = process(settings, "run-1", *(f"k{number}" for number in range(30))).message
    assert message is not None
    short = channels._shortened(message, 800)
    assert len(short) <= 800
    assert short.splitlines()[-3:] == [
        "… (ingekort)",
        "Alles bekijken: https://monitor.example.nl",
        f"Bericht {message.message_id}",
    ]
    assert set(short.splitlines()[:-3]) <= set(message.text.splitlines())
    assert channels._shortened(message, 0) == message.text


def test_a_server_that_never_answers_costs_a_bounded_time_and_holds_nobody_back(
    tmp_path: Path, web: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "SOCKET_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = settings_with(
            tmp_path,
            Channel(name="mute_hook", kind="webhook", url=f"http://127.0.0.1:{port}/"),
            Channel(
                name="mute_mail",
                kind="apprise",
                url=f"mailto://u@localhost:{port}?smtp=127.0.0.1&mode=insecure&to=a@x.test",
            ),
            Channel(name="hook", kind="webhook", url=web.url),
        )
        started = dt.datetime.now(dt.UTC)
        report = process(settings, "run-1", "a")
        assert (dt.datetime.now(dt.UTC) - started).total_seconds() < 10
    assert (report.sent, report.pending) == (1, 2)
    assert "channel 'mute_hook': not reached (ReadTimeout)" in report.errors[0]
    assert report.errors[1].startswith("channel 'mute_mail': the mail server gave no answer within 0.5 s; ")
    assert len(web.calls) == 1


def test_whatever_a_channel_raises_the_others_get_their_message(
    settings: Settings, web: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dispatch.send

    def broken_mail(channel: Channel, *arguments: Any, **named: Any) -> None:
        if channel.name == "mail":
            raise ValueError(SECRET)
        real(channel, *arguments, **named)

    monkeypatch.setattr(dispatch, "send", broken_mail)
    report = process(settings, "run-1", "a")
    assert (report.sent, report.pending) == (1, 1)
    assert report.errors[0].startswith("channel 'mail': failed with ValueError; ")
    assert len(web.calls) == 1


def test_a_channel_that_is_slow_leaves_the_rest_for_the_next_call(
    settings: Settings, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp.down()
    process(settings, "run-1", "a")
    process(settings, "run-2", "a", "b")
    smtp.up()
    monkeypatch.setattr(dispatch, "CHANNEL_SECONDS", -1.0)
    report = deliver_pending(settings, NOON)
    assert report.sent == 0
    assert report.errors == ("channel 'mail': too slow, the other messages wait for the next call",)


def test_messages_for_a_channel_that_is_no_longer_declared_are_told_not_dropped(
    settings: Settings, smtp: SmtpServer, tmp_path: Path
) -> None:
    smtp.down()
    process(settings, "run-1", "a")
    without = settings_with(tmp_path)
    report = deliver_pending(without, NOON)
    assert report.pending == 1
    assert [error.partition(";")[0] for error in report.errors] == [
        "channel 'mail': messages wait for it, but nulmeting.toml no longer declares it"
    ]
    smtp.up()
    assert deliver_pending(settings, NOON).sent == 1


def test_by_default_the_console_and_a_file_get_the_message(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    out = io.StringIO()
    report = process(settings, "run-1", "a", console=Console(file=out, width=40))
    assert (report.sent, report.pending, report.errors) == (2, 0, ())
    assert report.message is not None
    shown, whole = out.getvalue().splitlines(), report.message.text.splitlines()
    assert shown[0] == whole[0] and set(shown) <= set(whole)
    assert any(line.startswith("- ") for line in shown)
    assert not any(line.startswith("    Wat te doen") for line in shown)
    (line,) = (settings.alerts_dir / "alerts.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["message_id"] == report.message.message_id
    written = settings.alerts_dir / f"{report.message.message_id}.txt"
    assert written.read_text(encoding="utf-8") == report.message.text


def test_markup_in_a_name_is_printed_not_obeyed(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, Channel(name="console", kind="console"))
    out = io.StringIO()
    process(settings, "run-1", "[red]x[/red] [/]", console=Console(file=out, width=200))
    assert "Onverklaarde sprong [red]x[/red] [/]:" in out.getvalue()


def test_the_file_holds_a_message_once_and_mends_a_line_that_a_crash_cut_off(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, Channel(name="file", kind="file"))
    first = process(settings, "run-1", "a").message
    assert first is not None
    channel = settings.channels[0]
    channels.send(channel, first, folder=settings.alerts_dir)
    log = settings.alerts_dir / "alerts.jsonl"
    assert len(log.read_bytes().splitlines()) == 1

    whole = log.read_bytes()
    log.write_bytes(whole + whole[: len(whole) // 2])
    second = process(settings, "run-2", "a", "b").message
    assert second is not None
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["message_id"] for line in lines] == [first.message_id, second.message_id]


def test_a_full_disk_leaves_the_message_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_with(tmp_path, Channel(name="file", kind="file"))

    def full(path: Path, text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(channels, "write_atomically", full)
    report = process(settings, "run-1", "a")
    assert report.pending == 1
    assert report.errors[0].startswith("channel 'file': No space left on device; ")
    monkeypatch.undo()
    assert deliver_pending(settings, NOON).sent == 1


def test_the_link_is_the_configured_address_else_the_data_docs(tmp_path: Path) -> None:
    plain = Settings(data_dir=tmp_path / "data")
    assert dispatch.link_of(settings_with(tmp_path)) == "https://monitor.example.nl"
    assert Path(dispatch.link_of(plain)) == plain.data_docs_dir / "index.html"


def test_a_problem_is_raised_before_anything_is_sent(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    message = process(settings, "run-1", "a").message
    assert message is not None
    with pytest.raises(DeliveryError, match="neither url nor url_env") as caught:
        channels.send(Channel(name="c", kind="webhook"), message, folder=tmp_path)
    assert caught.value.reached is False


def test_the_plain_part_of_a_mail_is_the_text_itself_and_a_repeat_has_the_same_message_id(
    settings: Settings, smtp: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: Outbox, *arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Outbox, "note_taken", crash)
    with pytest.raises(KeyboardInterrupt):
        process(settings, "run-1", "a")
    monkeypatch.undo()
    report = process_run(settings, settings.runs_dir / "run-1" / "findings.json", NOON)
    assert report.message is not None
    first, second = (mail for _, mail in smtp.box.mails)
    assert first["Message-ID"] == second["Message-ID"]
    plain = second.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == report.message.text.rstrip("\n")


def scripted_smtp(greeting: bytes, *answers: bytes) -> tuple[int, threading.Thread]:
    """A mail server that says exactly this, one line for every line it hears."""
    listening = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        with listening, listening.accept()[0] as line, line.makefile("rb") as heard:
            line.sendall(greeting)
            for answer in answers:
                if not heard.readline():
                    return
                line.sendall(answer)
            heard.readline()

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    return int(listening.getsockname()[1]), thread


@pytest.mark.parametrize(
    ("talk", "query", "said"),
    [
        ((b"554 go away\r\n",), "mode=insecure", "the mail server refused the connection (SMTP 554)"),
        ((b"421 too busy for team@gemeente.test\r\n",), "mode=insecure", "SMTP 421"),
        (
            (b"220 hi\r\n", b"250 hi\r\n", b"451 x\r\n", b"250 ok\r\n"),
            "mode=insecure",
            "the mail server refused 1 receiver of 1 (SMTP 451)",
        ),
        ((b"220 hi\r\n", b"250 hi\r\n"), "mode=starttls", "does not offer what the address asks for"),
        ((b"220 hi\r\n",), "mode=insecure", "the mail server broke off (SMTPServerDisconnected)"),
    ],
)
def test_a_mail_server_that_refuses_is_told_by_its_code_and_the_mail_waits(
    tmp_path: Path, talk: tuple[bytes, ...], query: str, said: str
) -> None:
    if said.endswith("(SMTPServerDisconnected)"):
        port = hanging_up(talk[0])
    else:
        port, _ = scripted_smtp(*talk)
    address = f"mailto://nulmeting@localhost:{port}?smtp=127.0.0.1&{query}&to=team@gemeente.test"
    settings = settings_with(tmp_path, Channel(name="mail", kind="apprise", url=address))
    report = process(settings, "run-1", "a")
    assert (report.sent, report.pending) == (0, 1)
    assert said in report.errors[0]
    assert "gemeente.test" not in report.errors[0]


def hanging_up(greeting: bytes) -> int:
    """A mail server that greets and is gone."""
    listening = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        with listening, listening.accept()[0] as line, line.makefile("rb") as heard:
            line.sendall(greeting)
            heard.readline()

    threading.Thread(target=talk, daemon=True).start()
    return int(listening.getsockname()[1])


def test_a_mail_goes_over_an_encrypted_line_only_to_a_server_that_is_trusted(tmp_path: Path) -> None:
    port, _ = scripted_smtp(b"220 hi\r\n", b"250-hi\r\n250 STARTTLS\r\n", b"220 go\r\n", b"this is no handshake\r\n")
    address = f"mailto://nulmeting@localhost:{port}?smtp=127.0.0.1&mode=starttls&to=team@gemeente.test"
    settings = settings_with(tmp_path, Channel(name="mail", kind="apprise", url=address))
    report = process(settings, "run-1", "a")
    assert report.pending == 1
    assert "the mail server's certificate or encryption was not accepted" in report.errors[0]


@pytest.mark.browser
@pytest.mark.parametrize("width", [900, 375])
def test_a_mail_as_received_fits_its_window_and_asks_nothing_of_anybody(
    settings: Settings, smtp: SmtpServer, browser: Browser, width: int
) -> None:
    process(settings, "run-1", "a", *(f"een_lange_naam_die_niemand_afbreekt_{number}" for number in range(25)))
    html = smtp.box.mails[0][1].get_body(("html",))
    assert html is not None
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(html.get_content())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == []
    assert page.get_by_role("link", name="Alles bekijken").get_attribute("href") == "https://monitor.example.nl"
    assert page.get_by_role("heading", level=1).inner_text() == "Nulmeting: 26 nieuwe bevindingen"
    page.close()
