"""What the outbox does by the rules of a channel: digests, quiet hours, mutes, escalation; files of version 1."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.alerts.dispatch import DeliveryReport, deliver_pending, outbox_path, process_run
from pipelines.alerts.findings import AlertError, Finding, RunFindings
from pipelines.alerts.message import Message
from pipelines.alerts.outbox import Outbox
from pipelines.cli import app
from pipelines.settings import Channel, Settings, SetupError

NOON = dt.datetime(2026, 11, 23, 11, tzinfo=dt.UTC)  # a Monday, 12:00 in the Netherlands
HOUR = dt.timedelta(hours=1)


def a_finding(key: str, severity: str = "warning", **values: Any) -> Finding:
    needed = {"check": "breaks", "title_nl": f"Sprong {key}", "cause_nl": "Telwijze", "next_step_nl": "Vraag na"}
    return Finding(key=key, severity=severity, **(needed | values))  # type: ignore[arg-type]


class Setting:
    """Runs into files: every channel writes what it took to the console's place, read back by `heard`."""

    def __init__(self, folder: Path, *channels: Channel) -> None:
        self.settings = Settings(data_dir=folder, channels=channels, link_base="https://monitor.example.nl")
        self.runs = 0

    @property
    def outbox(self) -> Outbox:
        return Outbox(outbox_path(self.settings))

    def run(self, now: dt.datetime, *findings: Finding) -> DeliveryReport:
        self.runs += 1
        path = self.settings.runs_dir / f"{self.runs}.json"
        RunFindings(
            run_id=f"run-{self.runs}", finished_at=now, evaluated_checks=frozenset({"breaks"}), findings=findings
        ).write(path)
        return process_run(self.settings, path, now)

    def pass_by(self, now: dt.datetime) -> DeliveryReport:
        return deliver_pending(self.settings, now, only_due=True)

    def heard(self, channel: str = "a") -> list[Message]:
        with sqlite3.connect(outbox_path(self.settings)) as db:
            rows = db.execute(
                "select message.message_id, payload, body_text, body_html "
                "from delivery join message using (message_id) where channel = ? and state = 'sent' order by position",
                [channel],
            ).fetchall()
        return [
            Message(i, "", "new", json.loads(p)["subject"], text, html, json.loads(p), NOON)
            for i, p, text, html in rows
        ]

    def named(self, channel: str = "a", part: str = "new") -> list[list[str]]:
        return [[one["key"] for one in message.payload[part]] for message in self.heard(channel)]


def a_channel(name: str = "a", **rules: Any) -> Channel:
    return Channel(name=name, kind="file", **rules)


def test_warnings_wait_for_the_digest_and_errors_do_not(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel(digest={"at": "08:00"}))
    report = here.run(NOON, a_finding("w"), a_finding("e", "error"))
    assert (report.sent, report.pending, report.held, report.errors) == (1, 0, 1, ())
    here.run(NOON + HOUR, a_finding("e", "error"), a_finding("x"))
    here.run(NOON + 2 * HOUR, a_finding("e", "error"), a_finding("x"), a_finding("y"))
    assert here.named() == [["e"]]
    assert here.pass_by(NOON + 19 * HOUR).sent == 0
    assert here.pass_by(NOON + 20 * HOUR).sent == 1
    digest = here.heard()[1]
    assert here.named()[1] == ["x", "y"]
    assert here.named(part="passed")[1] == ["w"]
    assert digest.payload["subject"] == "Nulmeting: 2 nieuwe bevindingen, 1 ontstaan en alweer opgelost"
    assert "Dit bericht verzamelt wat sinds 23 november 2026 om 12:00 nieuw of opgelost is." in digest.text
    assert "1 bevinding stond al open" in digest.text
    assert "ONTSTAAN EN ALWEER OPGELOST" in digest.text
    assert here.pass_by(NOON + 48 * HOUR).sent == 0


def test_a_finding_that_went_and_came_back_says_so_once(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel(digest={"at": "08:00"}))
    here.run(NOON, a_finding("w"))
    here.pass_by(NOON + 20 * HOUR)
    here.run(NOON + 21 * HOUR)
    here.run(NOON + 22 * HOUR, a_finding("w"))
    here.pass_by(NOON + 44 * HOUR)
    assert here.named() == [["w"], ["w"]]
    assert "Let op: was tussentijds opgelost en is weer terug" in here.heard()[1].text


def test_in_quiet_hours_only_what_breaks_through_goes_out_and_the_rest_in_the_morning(tmp_path: Path) -> None:
    night = NOON + 11 * HOUR
    here = Setting(tmp_path, a_channel(quiet={"from": "22:00", "to": "07:00", "through": ["blocking"]}))
    here.run(night, a_finding("e", "error"), a_finding("b", "blocking"))
    assert here.named() == [["b"]]
    here.run(night + HOUR, a_finding("e", "error"))
    assert len(here.heard()) == 1
    here.pass_by(night + 7 * HOUR)
    assert len(here.heard()) == 1
    here.pass_by(night + 8 * HOUR)
    assert (here.named(), here.named(part="resolved")) == ([["b"], ["e"]], [[], ["b"]])


def test_what_the_clock_promised_is_not_waited_for_after_it_was_set_back(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel(digest={"at": "08:00"}))
    here.run(NOON + 9000 * HOUR, a_finding("w"))
    here.pass_by(NOON)
    here.pass_by(NOON + 20 * HOUR)
    assert here.named() == [["w"]]
    here.pass_by(NOON + 9100 * HOUR)
    assert here.named() == [["w"]]


def test_a_refused_message_is_tried_again_after_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    here = Setting(tmp_path, Channel(name="a", kind="webhook", url_env="HOOK"))
    assert here.run(NOON + 9000 * HOUR, a_finding("e", "error")).pending == 1
    here.settings = Settings(data_dir=tmp_path, channels=(a_channel(),))
    assert here.pass_by(NOON).sent == 1


def test_findings_go_where_they_belong_and_resolved_ones_where_they_were_told(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel(only={"law": ["wmo"]}), a_channel("rest", gets="rest"))
    wmo, other = a_finding("w", laws=("wmo",)), a_finding("o", laws=("jeugd",))
    here.run(NOON, wmo, other)
    assert (here.named("a"), here.named("rest")) == ([["w"]], [["o"]])
    here.run(NOON + HOUR)
    assert (here.named("a", "resolved"), here.named("rest", "resolved")) == ([[], ["w"]], [[], ["o"]])
    assert here.heard("a")[0].message_id != here.heard("rest")[0].message_id


def test_a_mute_hides_counts_and_tells_what_is_open_when_it_ends(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel())
    here.run(NOON, a_finding("told", region_code="VB0001"))
    mute = {"check": "breaks", "region": "VB0001", "until": NOON + 10 * HOUR, "reason": "bekend"}
    here.outbox.mute(**mute, now=NOON)
    hidden, gone = a_finding("hidden", region_code="VB0001"), a_finding("gone", region_code="VB0001")
    here.run(NOON + HOUR, hidden, gone, a_finding("seen"))
    assert here.named()[1:] == [["seen"]]
    assert "2 bevindingen zijn gedempt en worden hier niet genoemd." in here.heard()[1].text
    here.run(NOON + 2 * HOUR, hidden, a_finding("seen"))
    assert len(here.heard()) == 2
    here.pass_by(NOON + 10 * HOUR)
    assert here.named()[2:] == [["hidden"]]
    assert here.named(part="resolved")[2] == ["told"]
    assert here.pass_by(NOON + 11 * HOUR).held == 0
    here.run(NOON + 12 * HOUR, a_finding("seen"))
    assert here.named(part="resolved")[3:] == [["hidden"]]


def test_a_mute_needs_something_to_fit_and_an_end_to_come(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel())
    with pytest.raises(ValueError, match="nothing to mute"):
        here.outbox.mute(until=NOON + HOUR, reason="x", now=NOON)
    with pytest.raises(ValueError, match="expected a moment to come"):
        here.outbox.mute(check="breaks", until=NOON, reason="x", now=NOON)


def test_what_nobody_acknowledges_goes_to_another_channel_once_and_its_end_too(tmp_path: Path) -> None:
    here = Setting(
        tmp_path, a_channel(escalate={"to": "head", "after_hours": 4}), a_channel("head", gets="escalations")
    )
    found = (a_finding("b", "blocking"), a_finding("e", "error"), a_finding("w"))
    here.run(NOON, *found)
    tag = here.heard()[0].tag
    assert f"Gezien? Bevestig met: nulmeting alerts acknowledge {tag[1:-1]}" in here.heard()[0].text
    assert here.outbox.acknowledge("breaks|e", NOON) == 1
    here.pass_by(NOON + 3 * HOUR)
    assert here.heard("head") == []
    here.pass_by(NOON + 4 * HOUR)
    here.pass_by(NOON + 50 * HOUR)
    assert here.named("head") == [["b"]]
    (message,) = here.heard("head")
    assert message.payload["subject"] == "Nulmeting: 1 bevinding is na 4 uur niet bevestigd"
    assert "binnen 4 uur na het bericht aan het kanaal 'a' (van 23 november 2026 om 12:00)" in message.text
    assert "nog niet alles aangenomen" not in message.text
    here.run(NOON + 51 * HOUR, *found[1:])
    assert here.named("head", "resolved") == [[], ["b"]]


def test_who_got_nothing_yet_is_not_said_to_have_left_it(tmp_path: Path) -> None:
    unreachable = Channel(name="a", kind="webhook", url_env="NOWHERE", escalate={"to": "head", "after_hours": 4})
    here = Setting(tmp_path, unreachable, a_channel("head", gets="escalations"))
    here.run(NOON, a_finding("b", "blocking"))
    here.pass_by(NOON + 4 * HOUR)
    (message,) = here.heard("head")
    assert "Dat kanaal heeft nog niet alles aangenomen." in message.text


def test_an_acknowledged_message_is_not_escalated_and_what_opens_again_is(tmp_path: Path) -> None:
    here = Setting(
        tmp_path, a_channel(escalate={"to": "head", "after_hours": 4}), a_channel("head", gets="escalations")
    )
    here.run(NOON, a_finding("b", "blocking"), a_finding("e", "error"))
    first = here.heard()[0]
    assert here.outbox.acknowledge(first.tag, NOON) == 2
    assert here.outbox.acknowledge(first.message_id, NOON) == 0
    here.pass_by(NOON + 5 * HOUR)
    assert here.heard("head") == []
    here.run(NOON + 6 * HOUR)
    here.run(NOON + 7 * HOUR, a_finding("b", "blocking"))
    # Acknowledging the old message says nothing about the new opening.
    assert here.outbox.acknowledge(first.tag, NOON) == 0
    here.pass_by(NOON + 11 * HOUR)
    assert here.named("head") == [["b"]]
    with pytest.raises(KeyError):
        here.outbox.acknowledge("nm-", NOON)


def test_a_channel_that_goes_while_changes_wait_for_it_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    here = Setting(tmp_path, a_channel(digest={"at": "08:00"}))
    here.run(NOON, a_finding("w"))
    declared, here.settings = here.settings, Settings(data_dir=tmp_path, channels=(a_channel("b"),))
    report = here.pass_by(NOON + 30 * HOUR)
    assert report.held == 1
    assert [error.partition(";")[0] for error in report.errors] == [
        "channel 'a': messages wait for it, but nulmeting.toml no longer declares it"
    ]
    here.settings = declared
    assert here.pass_by(NOON + 31 * HOUR).sent == 1


@pytest.mark.parametrize("to", ["b", None])
def test_what_waited_for_a_channel_that_is_no_more_goes_to_another_or_to_nobody(tmp_path: Path, to: str | None) -> None:
    webhook = Channel(name="a", kind="webhook", url_env="NOWHERE", digest={"at": "08:00"})
    here = Setting(tmp_path, webhook)
    here.run(NOON, a_finding("sent", "error"), a_finding("held"))
    here.settings = Settings(data_dir=tmp_path, channels=(a_channel("b"),))
    assert here.outbox.forget_channel("a", to) == 2
    report = here.pass_by(NOON + 30 * HOUR)
    assert (report.pending, report.held, report.errors) == (0, 0, ())
    assert here.named("b") == ([["sent"], ["held"]] if to else [])
    here.run(NOON + 31 * HOUR)
    assert here.named("b", "resolved")[-1:] == ([["held", "sent"]] if to else [])


# The statements of version 1, as they were released.
VERSION_1 = """
create table processed_run (run_id text primary key, status text not null, finished_at text not null,
    processed_at text not null, message_id text);
create table check_report (check_name text primary key, run_id text not null, finished_at text not null);
create table open_finding (full_key text primary key, check_name text not null, first_run text not null,
    opened_at text not null, last_run text not null, finding text not null);
create table message (position integer primary key autoincrement, message_id text not null unique,
    run_id text not null, kind text not null check (kind in ('new', 'resolved', 'mixed')), subject text not null,
    body_text text not null, body_html text not null, payload text not null, created_at text not null);
create table delivery (message_id text not null references message (message_id), channel text not null,
    state text not null check (state in ('pending', 'sent')), attempts integer not null, last_error text,
    taken_by text not null, sent_at text, next_try_at text not null, primary key (message_id, channel));
create index delivery_waiting on delivery (channel) where state = 'pending';
pragma user_version = 1;
"""


@pytest.fixture
def of_version_1(tmp_path: Path) -> Setting:
    """A file with one open finding that two channels were told of, one of which has not taken the message yet."""
    here = Setting(tmp_path, a_channel("a"), a_channel("b"))
    path = outbox_path(here.settings)
    path.parent.mkdir(parents=True)
    old = {
        name: value
        for name, value in a_finding("old", "error").to_json().items()
        if name not in ("source_id", "owner", "laws")
    }
    payload = {"new": [old | {"full_key": "breaks|old"}], "resolved": [], "subject": "Nulmeting: 1 nieuwe bevinding"}
    at = (NOON - 48 * HOUR).isoformat()
    with sqlite3.connect(path) as db:
        db.executescript(VERSION_1)
        db.execute("insert into processed_run values ('run-0', 'published', ?, ?, 'm0')", [at, at])
        db.execute("insert into check_report values ('breaks', 'run-0', ?)", [at])
        db.execute(
            "insert into open_finding values ('breaks|old', 'breaks', 'run-0', ?, 'run-0', ?)", [at, json.dumps(old)]
        )
        message = ["m0" * 16, "run-0", "new", payload["subject"], "tekst", "<p>tekst</p>", json.dumps(payload), at]
        db.execute("insert into message values (1, ?, ?, ?, ?, ?, ?, ?, ?)", message)
        db.execute("insert into delivery values (?, 'a', 'sent', 1, null, '[]', ?, ?)", ["m0" * 16, at, at])
        db.execute("insert into delivery values (?, 'b', 'pending', 3, 'down', '[\"x\"]', null, ?)", ["m0" * 16, at])
    return here


def test_a_file_of_version_1_goes_on_where_it_was(of_version_1: Setting) -> None:
    here = of_version_1
    (waiting,) = here.outbox.waiting()
    assert (waiting.channel, waiting.attempts, waiting.taken_by, waiting.message.text) == ("b", 3, {"x"}, "tekst")
    assert waiting.message.severity == "error"
    assert here.outbox.open_keys() == {"breaks|old"}
    assert here.run(NOON, a_finding("old", "error")).message is None
    assert here.outbox.acknowledge("nm-" + "m0" * 4, NOON) == 1
    here.run(NOON + HOUR)
    assert here.named("a", "resolved")[1:] == here.named("b", "resolved")[1:] == [["old"]]


def test_a_migration_that_is_cut_off_leaves_the_file_as_it_was(
    of_version_1: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.alerts import outbox_schema

    half = outbox_schema._TO_VERSION_2.split(";\n")[:6]
    monkeypatch.setattr(outbox_schema, "_TO_VERSION_2", ";\n".join([*half, "select * from no_such_table"]))
    path = outbox_path(of_version_1.settings)
    with sqlite3.connect(path) as db:
        before = list(db.iterdump())
    with pytest.raises(AlertError, match="cannot be used"):
        _ = of_version_1.outbox
    with sqlite3.connect(path) as db:
        assert list(db.iterdump()) == before
        assert db.execute("pragma user_version").fetchone() == (1,)
    monkeypatch.undo()
    assert of_version_1.outbox.open_keys() == {"breaks|old"}


def test_a_file_of_version_1_has_the_tables_of_a_new_one(of_version_1: Setting, tmp_path: Path) -> None:
    def tables(path: Path) -> dict[str, list[tuple[Any, ...]]]:
        with sqlite3.connect(path) as db:
            names = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
            return {name: db.execute(f"pragma table_info({name})").fetchall() for name in names}

    fresh = Outbox(tmp_path / "fresh" / "outbox.sqlite")
    assert tables(of_version_1.outbox.path) == tables(fresh.path)


def command(folder: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alerts", *arguments, "--data-dir", str(folder)])
    if isinstance(done.exception, SetupError):
        return 2, str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    text = '[[channels]]\nname = "a"\nkind = "file"\n[[channels]]\nname = "hook"\nkind = "webhook"\nurl_env = "HOOK"\n'
    (tmp_path / "nulmeting.toml").write_text(text)
    monkeypatch.setenv("NULMETING_CONFIG", str(tmp_path / "nulmeting.toml"))
    monkeypatch.delenv("HOOK", raising=False)
    here = Setting(tmp_path, a_channel("a"), Channel(name="hook", kind="webhook", url_env="HOOK"))
    here.run(dt.datetime.now(dt.UTC), a_finding("k", region_code="VB0001"))
    return tmp_path


def test_the_command_line_lists_mutes_acknowledges_and_sends(configured: Path) -> None:
    code, text = command(configured, "list")
    assert code == 0
    assert "open: 1 findings" in text and "warning breaks|k" in text
    assert "waiting for a channel: 1 messages" in text and "variable HOOK is not set" in text
    assert command(configured, "acknowledge", "breaks|k") == (0, "acknowledged 1 open findings\n")

    code, text = command(configured, "send")
    assert code == 1
    assert "sent 0, waiting 1, held for their moment 0" in text

    code, text = command(configured, "mute", "--region", "VB0001", "--until", "2999-01-31", "--because", "herindeling")
    assert (code, text) == (0, "mute 1: region VB0001, up to and including 2999-01-31\n")
    code, text = command(configured, "list")
    assert "breaks|k (muted, acknowledged)" in text
    assert "1: region VB0001, up to and including 2999-01-31: herindeling" in text
    assert command(configured, "unmute", "1") == (0, "mute 1 ended\n")
    code, text = command(configured, "unmute", "1")
    assert code == 2 and "found no mute 1" in text
    assert command(configured, "forget-channel", "z", "--to", "a") == (0, "0 messages and changes handed to a\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("mute", "--check", "x", "--until", "morgen", "--because", "y"), "found morgen, expected a date"),
        (("mute", "--check", "x", "--until", "2001-01-01", "--because", "y"), "expected a moment to come"),
        (("mute", "--until", "2999-01-01", "--because", "y"), "found nothing to mute"),
        (("mute", "--check", "x", "--until", "2999-01-01", "--because", " "), "expected one sentence"),
        (("mute", "--check", "x", "--until", "9999-12-31", "--because", "y"), "expected a date before the year 9999"),
        (("forget-channel", "a"), "a is declared; take it out of nulmeting.toml first"),
        (("forget-channel", "z", "--to", "y"), "found y, expected a channel that is declared: a, hook"),
        (("acknowledge", "nm-00000000"), "found no message and no open finding nm-00000000"),
    ],
)
def test_wrong_use_of_the_commands_is_one_clear_message(
    configured: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, text = command(configured, *arguments)
    assert code == 2 and said in text


def test_without_an_outbox_there_is_nothing_to_send_and_nothing_to_list(tmp_path: Path) -> None:
    assert command(tmp_path, "send") == (0, "nothing to send: no run has found anything yet\n")
    code, text = command(tmp_path, "list")
    assert code == 2 and "found no outbox" in text
