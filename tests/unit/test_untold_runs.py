"""What runs found and nobody heard: told by whoever comes next, once, and never over what a later run said."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from pipelines import cli
from pipelines.alerts.dispatch import deliver_pending, last_run_failed, outbox_path, process_run
from pipelines.alerts.findings import Finding
from pipelines.alerts.outbox import Outbox
from pipelines.findings import write_findings
from pipelines.run_folder import RunFolder, lock_of, note_of_holder
from pipelines.settings import Settings
from pipelines.untold_runs import record_untold, was_killed

NOW = dt.datetime(2026, 7, 1, 6, 0, tzinfo=dt.UTC)
KILLED = "run|failed|de run zelf"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {"data_dir": tmp_path / "data", "channels": [{"name": "bestand", "kind": "file"}], "today": NOW.date()}
    )


def _ran(settings: Settings, run_id: str, minutes: int, *keys: str, published: bool = True) -> RunFolder:
    """A run that ended so many minutes after NOW, with these failing rows of one check."""
    folder = RunFolder(settings, run_id)
    findings = [
        Finding(
            check="c", severity="error", key=key, title_nl=f"fout {key}", cause_nl="oorzaak", next_step_nl="doe"
        ).to_json()
        for key in keys
    ]
    folder.write("checks_raw", {"evaluated": ["c"], "findings": findings, "results": []})
    if published:
        folder.write("publication", {"id": run_id})
    moment = (NOW + dt.timedelta(minutes=minutes)).timestamp()
    for path in (*folder.path.iterdir(), folder.path):
        os.utime(path, (moment, moment))
    return folder


def _tell(settings: Settings, minutes: int) -> list[str]:
    """Who comes by so many minutes after NOW; the subjects of what was sent."""
    now = NOW + dt.timedelta(minutes=minutes)
    record_untold(settings, now)
    before = _subjects(settings)
    if outbox_path(settings).is_file():
        deliver_pending(settings, now)
    return _subjects(settings)[len(before) :]


def _subjects(settings: Settings) -> list[str]:
    path = settings.alerts_dir / "alerts.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(line)["subject"] for line in lines]


def test_a_run_that_was_killed_is_told_once_with_what_it_had_found(settings: Settings) -> None:
    _ran(settings, "run-1", 1, "a", published=False)
    note_of_holder(settings).write_text("run-1", encoding="utf-8")
    assert was_killed(settings)
    (subject,) = _tell(settings, 5)
    assert subject.startswith("Nulmeting: run mislukt, 2 nieuwe bevindingen")
    assert Outbox(outbox_path(settings)).open_keys() == {KILLED, "c|a"}
    assert last_run_failed(settings)
    (text,) = (path.read_text(encoding="utf-8") for path in settings.alerts_dir.glob("*.txt"))
    assert "er is niets nieuws gepubliceerd" in text and "geheugen vol, machine herstart, of met de hand" in text
    assert _tell(settings, 6) == []
    _ran(settings, "run-2", 10)
    (over,) = _tell(settings, 11)
    assert over.startswith("Nulmeting: 2 bevindingen opgelost") and not last_run_failed(settings)


def test_of_a_run_that_is_on_nothing_is_told_yet(settings: Settings) -> None:
    _ran(settings, "run-1", 1, "a")
    note_of_holder(settings).write_text("run-1", encoding="utf-8")
    with FileLock(lock_of(settings)):
        assert _tell(settings, 5) == []
    assert len(_tell(settings, 6)) == 1


def test_a_run_that_had_published_before_it_was_killed_did_not_fail(settings: Settings) -> None:
    _ran(settings, "run-1", 1, "a")
    note_of_holder(settings).write_text("run-1", encoding="utf-8")
    (subject,) = _tell(settings, 5)
    assert subject.startswith("Nulmeting: 1 nieuwe bevinding")
    assert Outbox(outbox_path(settings)).open_keys() == {"c|a"}


def test_what_could_not_be_recorded_is_recorded_later_in_the_order_of_the_runs(settings: Settings) -> None:
    first = write_findings(settings, "run-0", "raw", ended_at=NOW)
    assert first is not None
    process_run(settings, first, NOW)
    for number, key in ((2, "b"), (1, "a")):
        _ran(settings, f"run-{number}", number, key)
    told = _tell(settings, 5)
    assert [subject.partition(" [")[0] for subject in told] == [
        "Nulmeting: 1 nieuwe bevinding, 1 opgelost",
        "Nulmeting: 1 nieuwe bevinding, 1 opgelost",
    ]
    assert Outbox(outbox_path(settings)).open_keys() == {"c|b"}


def test_a_run_is_judged_by_when_it_ended_and_not_by_when_somebody_wrote_it_down(settings: Settings) -> None:
    later = write_findings(settings, "run-2", None, ended_at=NOW + dt.timedelta(minutes=20))
    assert later is None, "it published nothing"
    _ran(settings, "run-2", 20)
    assert _tell(settings, 21) == []
    # Its process ended at a restart of the machine, and was found only after somebody had run it by hand.
    _ran(settings, "run-1", 10, "a", published=False)
    note_of_holder(settings).write_text("run-1", encoding="utf-8")
    assert _tell(settings, 25) == []
    assert Outbox(outbox_path(settings)).open_keys() == frozenset()


def test_an_outbox_that_was_lost_brings_back_what_is_open_and_not_the_past(settings: Settings) -> None:
    for number, key in ((1, "a"), (2, "b"), (3, "c")):
        _ran(settings, f"run-{number}", number, key)
        _tell(settings, number)
    for path in settings.alerts_dir.glob("*"):
        path.unlink()
    (subject,) = _tell(settings, 9)
    assert subject.startswith("Nulmeting: 1 nieuwe bevinding")
    assert Outbox(outbox_path(settings)).open_keys() == {"c|c"}


def test_a_clock_that_was_ahead_keeps_no_later_run_untold(settings: Settings) -> None:
    _ran(settings, "run-1", 60 * 24 * 365, "a")
    _tell(settings, 60 * 24 * 365 + 1)
    _ran(settings, "run-2", 5, "b")
    assert len(_tell(settings, 6)) == 1


def test_the_command_for_cron_tells_of_a_killed_run(settings: Settings, tmp_path: Path) -> None:
    config = tmp_path / "nulmeting.toml"
    config.write_text('[[channels]]\nname = "bestand"\nkind = "file"\n', encoding="utf-8")
    command = ["alerts", "send", "--data-dir", str(settings.data_dir)]
    runner = CliRunner(env={"NULMETING_CONFIG": str(config)})
    assert "nothing to send" in runner.invoke(cli.app, command).stdout
    assert not settings.data_dir.exists(), "a folder that was named by mistake is not made"
    _ran(settings, "run-1", 1, published=False)
    note_of_holder(settings).write_text("run-1", encoding="utf-8")
    assert runner.invoke(cli.app, command).stdout.startswith("sent 1, waiting 0")
    assert _subjects(settings)[0].startswith("Nulmeting: run mislukt")
