"""Recording what a run found and sending it: to a file, a web server and a mail server."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import apprise.plugins.email  # noqa: F401 - sending would import it in every child
import httpx  # noqa: F401

from pipelines.alerts.dispatch import outbox_path, process_run
from pipelines.alerts.findings import Finding, RunFindings
from pipelines.settings import Channel, Settings
from tests.chaos.collector import Collector

_MAIL_FROM = 50
_NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class OutboxWork:
    """Every round is a run that finds something new, while what the run before it found is resolved."""

    def __init__(self, folder: Path) -> None:
        self._collector = Collector(folder / "taken")

    def kind(self, number: int) -> str:
        # A mail costs as much as all the rest: that channel is declared after two thirds of the rounds in CI.
        return "with mail" if number >= _MAIL_FROM else "webhook"

    def prepare(self, home: Path, number: int) -> None:
        findings = tuple(
            Finding(
                check="breaks",
                severity="warning",
                key=f"{number}-{part}",
                title_nl="Sprong",
                cause_nl="Andere telwijze",
                next_step_nl="Navragen",
                region_code="VB0042",
            )
            for part in range(3)
        )
        RunFindings(
            run_id=f"run-{number:04d}",
            finished_at=_NOON + dt.timedelta(minutes=number),
            evaluated_checks=frozenset({"breaks"}),
            findings=findings,
        ).write(home / "findings.json")

    def act(self, home: Path, number: int) -> None:
        report = process_run(self._settings(home, number), home / "findings.json", _NOON + dt.timedelta(minutes=number))
        assert (report.pending, report.errors) == (0, ())

    def describe(self, home: Path) -> Mapping[str, object]:
        """What was recorded is one part; every message that a channel has is another."""
        path = outbox_path(self._settings(home, 0))
        if not path.is_file():
            return {}
        with sqlite3.connect(path) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
            if not db.execute("select 1 from sqlite_master where name = 'message'").fetchone():
                return {}
            runs = db.execute("select run_id, message_id from processed_run order by run_id").fetchall()
            opened = db.execute("select full_key from open_finding order by full_key").fetchall()
            sent = db.execute("select channel, message_id from delivery where state = 'sent'").fetchall()
        taken = self._taken(home)
        self._hold_sent(home, taken, sent)
        # None of an outbox that was made and has seen no run yet: as one that is not there.
        recorded = {"recorded": (runs, opened)} if runs else {}
        return {**recorded, **{f"{channel} has {message_id}": True for channel, message_id in taken}}

    def leftovers(self, home: Path) -> list[str]:
        path = outbox_path(self._settings(home, 0))
        with sqlite3.connect(path) as db:
            unsent = db.execute("select message_id from delivery where state <> 'sent'").fetchall()
        # Of the file channel no line may stand twice: it can look at what it wrote.
        twice = [name for name, times in Counter(_in_file(path.parent)).items() if times > 1]
        hidden = [found.name for found in path.parent.glob(".*")]
        return [f"{name} waits" for (name,) in unsent] + twice + hidden

    def close(self) -> None:
        self._collector.close()

    def _settings(self, home: Path, number: int) -> Settings:
        name = home.name
        channels = (
            Channel(name="file", kind="file"),
            Channel(name="webhook", kind="webhook", url=self._collector.webhook(name)),
            Channel(name="mail", kind="apprise", url=self._collector.mail(name)),
        )
        return Settings(data_dir=home, channels=channels if self.kind(number) == "with mail" else channels[:2])

    def _taken(self, home: Path) -> Counter[tuple[str, str]]:
        """How many times each channel took each message."""
        taken = Counter(("file", message_id) for message_id in _in_file(self._settings(home, 0).alerts_dir))
        for kind in ("webhook", "mail"):
            taken.update((kind, one["message_id"]) for one in self._collector.taken(kind, home.name))
        return taken

    @staticmethod
    def _hold_sent(home: Path, taken: Counter[tuple[str, str]], sent: list[tuple[str, str]]) -> None:
        """What is marked as sent was taken, and is never sent again: the count of every such message stays."""
        path = home / "sent.json"
        noted = {(channel, one): times for channel, one, times in json.loads(path.read_text())} if path.exists() else {}
        for pair in sent:
            assert taken[pair] >= 1, f"{pair} is marked as sent and was not taken"
            assert taken[pair] == noted.setdefault(pair, taken[pair]), f"{pair} was sent and came again"
        path.write_text(json.dumps([[*pair, times] for pair, times in noted.items()]))


def _in_file(folder: Path) -> list[str]:
    """The messages that stand whole in the file channel's lines."""
    path = folder / "alerts.jsonl"
    whole = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
    return [json.loads(line)["message_id"] for line in whole]
