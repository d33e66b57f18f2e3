"""The memory of the alerts: one message per change, none repeated, none lost, whatever kills the process."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.alerts.findings import AlertError, Finding, RunFindings
from pipelines.alerts.message import Message
from pipelines.alerts.outbox import Outbox
from pipelines.settings import Channel

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
CHANNELS = (Channel(name="console", kind="console"), Channel(name="mail", kind="webhook", url="http://x.test"))


def a_finding(key: str, check: str = "breaks") -> Finding:
    return Finding(
        check=check,
        severity="warning",
        key=key,
        title_nl=f"Sprong {key}",
        cause_nl="Andere telwijze",
        next_step_nl="Navragen",
    )


def a_run(run_id: str, *keys: str, minute: int = 0, **changes: object) -> RunFindings:
    values: dict[str, object] = {
        "run_id": run_id,
        "finished_at": NOON + dt.timedelta(minutes=minute),
        "evaluated_checks": frozenset({"breaks"}),
        "findings": tuple(a_finding(key) for key in keys),
    }
    return RunFindings(**(values | changes))  # type: ignore[arg-type]


def record(outbox: Outbox, run: RunFindings, now: dt.datetime | None = None) -> Message | None:
    return outbox.record_run(run, channels=CHANNELS, link="https://example.nl", now=now or run.finished_at)


def named(message: Message | None, part: str) -> list[str]:
    return [] if message is None else sorted(finding["full_key"] for finding in message.payload[part])


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "alerts" / "outbox.sqlite")


def test_an_eleventh_break_is_named_alone_while_ten_stay_open(outbox: Outbox) -> None:
    ten = [f"k{number:02d}" for number in range(10)]
    record(outbox, a_run("run-1", *ten))
    message = record(outbox, a_run("run-2", *ten, "k10"))
    assert named(message, "new") == ["breaks|k10"]
    assert message is not None
    assert "Sprong k10" in message.text
    assert not any(f"Sprong {key}" in message.text for key in ten)
    assert "10 bevindingen stonden al open" in message.text


def test_what_stays_open_brings_no_message(outbox: Outbox) -> None:
    assert record(outbox, a_run("run-1", "a", "b")) is not None
    assert record(outbox, a_run("run-2", "a", "b")) is None
    assert record(outbox, a_run("run-3", "b", "a")) is None


def test_what_is_resolved_brings_one_message_and_may_open_again(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    resolved = record(outbox, a_run("run-2"))
    assert resolved is not None
    assert (resolved.kind, named(resolved, "resolved")) == ("resolved", ["breaks|a"])
    assert "Sprong a" in resolved.text
    assert record(outbox, a_run("run-3")) is None
    again = record(outbox, a_run("run-4", "a"))
    assert named(again, "new") == ["breaks|a"]


def test_a_run_with_both_brings_one_mixed_message(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    message = record(outbox, a_run("run-2", "b"))
    assert message is not None
    assert (message.kind, named(message, "new"), named(message, "resolved")) == (
        "mixed",
        ["breaks|b"],
        ["breaks|a"],
    )


def test_a_run_without_findings_brings_nothing(outbox: Outbox) -> None:
    assert record(outbox, a_run("run-1")) is None
    assert outbox.waiting() == []


def test_a_check_that_did_not_run_resolves_nothing(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    assert record(outbox, a_run("run-2", evaluated_checks=frozenset({"totals"}))) is None
    assert outbox.open_keys() == {"breaks|a"}


def test_a_finding_of_a_check_that_did_not_finish_opens_but_resolves_nothing(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    message = record(outbox, a_run("run-2", "b", evaluated_checks=frozenset()))
    assert (named(message, "new"), named(message, "resolved")) == (["breaks|b"], [])


ANOTHER = frozenset({"totals"})


def test_what_is_open_of_a_check_that_exists_no_more_is_withdrawn_and_not_called_resolved(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    message = record(outbox, a_run("run-2", evaluated_checks=ANOTHER, known_checks=ANOTHER))
    assert outbox.open_keys() == frozenset()
    assert message is not None
    assert message.subject == "Nulmeting: 1 bevinding vervallen"
    assert "VERVALLEN: DE BRON OF DE CONTROLE BESTAAT NIET MEER\n" in message.text
    assert "pgelost" not in message.text
    assert [one["is_withdrawn"] for one in message.payload["resolved"]] == [True]
    assert record(outbox, a_run("run-3", evaluated_checks=ANOTHER, known_checks=ANOTHER)) is None
    assert named(record(outbox, a_run("run-4", "a")), "new") == ["breaks|a"]


def test_what_is_open_of_a_source_that_is_declared_no_more_is_withdrawn_and_the_rest_is_resolved(
    outbox: Outbox,
) -> None:
    sources = {"a": "gone", "b": "stays", "c": None}
    found = tuple(replace(a_finding(key), source_id=source) for key, source in sources.items())
    record(outbox, a_run("run-1", findings=found))
    message = record(outbox, a_run("run-2", known_sources=frozenset({"stays"})))
    assert message is not None
    assert message.subject == "Nulmeting: 2 bevindingen opgelost, 1 vervallen"
    withdrawn = [one["full_key"] for one in message.payload["resolved"] if one["is_withdrawn"]]
    assert (withdrawn, message.payload["withdrawn_count"]) == (["breaks|a"], 1)
    resolved, _, lapsed = message.text.partition("VERVALLEN")
    assert ("Sprong a" in lapsed, "Sprong a" in resolved, "Sprong b" in resolved) == (True, False, True)


def test_a_check_that_exists_and_did_not_run_withdraws_nothing(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    known = ANOTHER | {"breaks"}
    assert record(outbox, a_run("run-2", evaluated_checks=ANOTHER, known_checks=known)) is None
    assert outbox.open_keys() == {"breaks|a"}


def test_an_earlier_run_that_is_reported_late_withdraws_nothing(outbox: Outbox) -> None:
    record(outbox, a_run("run-2", "a", minute=5))
    earlier = a_run("run-1", evaluated_checks=ANOTHER, known_checks=ANOTHER)
    assert record(outbox, earlier, NOON + dt.timedelta(minutes=6)) is None
    assert outbox.open_keys() == {"breaks|a"}


def test_the_failure_of_a_run_is_of_no_check_and_is_not_withdrawn(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", status="failed", failed_step="load", evaluated_checks=frozenset()))
    again = {"status": "failed", "failed_step": "load", "evaluated_checks": ANOTHER, "known_checks": ANOTHER}
    assert record(outbox, a_run("run-2", minute=1, **again)) is None
    over = record(outbox, a_run("run-3", minute=2, evaluated_checks=ANOTHER, known_checks=ANOTHER))
    assert over is not None
    assert [one["is_withdrawn"] for one in over.payload["resolved"]] == [False]


def test_the_same_run_reported_twice_changes_nothing(outbox: Outbox) -> None:
    first = record(outbox, a_run("run-1", "a"))
    waiting = outbox.waiting()
    assert record(outbox, a_run("run-1", "a")) is None
    assert record(outbox, a_run("run-1", "b", "c")) is None
    assert outbox.open_keys() == {"breaks|a"}
    assert outbox.waiting() == waiting
    assert outbox.message_of_run("run-1") == first


def test_a_failed_run_opens_once_and_is_resolved_by_the_next_good_one(outbox: Outbox) -> None:
    def failed(run_id: str, step: str) -> RunFindings:
        return a_run(run_id, status="failed", failed_step=step, evaluated_checks=frozenset())

    assert named(record(outbox, failed("run-1", "dbt")), "new") == ["run|failed|dbt"]
    assert record(outbox, failed("run-2", "dbt")) is None
    other = record(outbox, failed("run-3", "swap"))
    assert (named(other, "new"), named(other, "resolved")) == (["run|failed|swap"], [])
    good = record(outbox, a_run("run-4"))
    assert named(good, "resolved") == ["run|failed|dbt", "run|failed|swap"]


def test_a_failed_run_leaves_open_what_it_did_not_check(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    record(outbox, a_run("run-2", status="failed", failed_step="load", evaluated_checks=frozenset()))
    assert outbox.open_keys() == {"breaks|a", "run|failed|load"}


def test_a_run_reported_after_a_later_one_says_nothing_about_the_same_check(outbox: Outbox) -> None:
    later = a_run("later", "a", minute=10)
    earlier = a_run(
        "earlier",
        "old",
        minute=5,
        findings=(a_finding("old"), a_finding("t", "totals")),
        evaluated_checks=frozenset({"breaks", "totals"}),
    )
    now = NOON + dt.timedelta(minutes=20)
    record(outbox, later, now)
    message = record(outbox, earlier, now)
    assert named(message, "new") == ["totals|t"]
    assert outbox.open_keys() == {"breaks|a", "totals|t"}


def test_a_clock_that_was_set_back_silences_nothing(outbox: Outbox) -> None:
    record(outbox, a_run("fast-clock", "a", minute=60 * 24 * 365))
    message = record(outbox, a_run("right-clock", "b", minute=1))
    assert (named(message, "new"), named(message, "resolved")) == (["breaks|b"], ["breaks|a"])


def test_a_message_waits_for_every_channel_until_that_channel_took_it(outbox: Outbox) -> None:
    message = record(outbox, a_run("run-1", "a"))
    assert message is not None
    assert [(d.channel, d.attempts) for d in outbox.waiting()] == [("console", 0), ("mail", 0)]
    outbox.mark_sent(message.message_id, "console", NOON)
    later = NOON + dt.timedelta(minutes=1)
    outbox.mark_failed(message.message_id, "mail", "not reached", later)
    (waiting,) = outbox.waiting()
    assert (waiting.channel, waiting.attempts, waiting.next_try_at) == ("mail", 1, later)
    assert waiting.message == message
    assert waiting.message.payload == message.payload


def test_receivers_that_have_a_message_are_remembered(outbox: Outbox) -> None:
    message = record(outbox, a_run("run-1", "a"))
    assert message is not None
    for receiver in ("x", "y", "x"):
        outbox.note_taken(message.message_id, "mail", receiver)
    taken = {delivery.channel: delivery.taken_by for delivery in outbox.waiting()}
    assert taken == {"mail": {"x", "y"}, "console": frozenset()}


def test_the_state_survives_closing_and_opening(outbox: Outbox) -> None:
    record(outbox, a_run("run-1", "a"))
    again = Outbox(outbox.path)
    assert again.open_keys() == {"breaks|a"}
    assert record(again, a_run("run-2", "a")) is None


def test_a_failure_in_the_middle_of_recording_leaves_no_trace(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(Outbox, "_put_out", staticmethod(fail))
    with pytest.raises(RuntimeError):
        record(outbox, a_run("run-1", "a"))
    monkeypatch.undo()
    assert outbox.open_keys() == frozenset()
    assert record(outbox, a_run("run-1", "a")) is not None


def test_a_file_that_is_no_outbox_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    path.write_bytes(b"this is not a database, but long enough to be looked at " * 40)
    with pytest.raises(AlertError, match=r"outbox\.sqlite: the outbox cannot be used"):
        Outbox(path)


def test_an_outbox_of_a_later_release_is_refused(outbox: Outbox) -> None:
    with sqlite3.connect(outbox.path) as db:
        db.execute("pragma user_version = 9")
    with pytest.raises(AlertError, match="schema version 9, expected 2"):
        Outbox(outbox.path)


def test_an_outbox_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "alerts").write_text("a file where a folder should be", encoding="utf-8")
    with pytest.raises(AlertError, match="the folder of the outbox cannot be made"):
        Outbox(tmp_path / "alerts" / "outbox.sqlite")


CHECKS = ("breaks", "totals")
some_keys = st.frozensets(st.tuples(st.sampled_from(CHECKS), st.sampled_from("abc")), max_size=6)
steps = st.lists(
    st.tuples(
        some_keys,
        st.frozensets(st.sampled_from(CHECKS)),
        st.sampled_from([None, None, "load", "swap"]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_any_sequence_of_runs_announces_each_change_once(
    tmp_path_factory: pytest.TempPathFactory,
    sequence: list[tuple[frozenset[tuple[str, str]], frozenset[str], str | None, bool]],
) -> None:
    outbox = Outbox(tmp_path_factory.mktemp("outbox") / "outbox.sqlite")
    expected_open: set[str] = set()
    announced: dict[str, int] = {}
    for number, (keys, evaluated, failed_step, reported_twice) in enumerate(sequence):
        run = a_run(
            f"run-{number}",
            minute=number,
            findings=tuple(a_finding(key, check) for check, key in sorted(keys)),
            evaluated_checks=evaluated,
            status="failed" if failed_step else "published",
            failed_step=failed_step,
        )
        failing = {f"{check}|{key}" for check, key in keys} | ({f"run|failed|{failed_step}"} if failed_step else set())
        may_close = evaluated if failed_step else evaluated | {"run"}
        gone = {key for key in expected_open - failing if key.split("|")[0] in may_close}

        message = record(outbox, run)
        assert set(named(message, "new")) == failing - expected_open
        assert set(named(message, "resolved")) == gone
        assert (message is None) == (not (failing - expected_open) and not gone)
        if reported_twice:
            assert record(outbox, run) is None

        expected_open = (expected_open - gone) | failing
        assert outbox.open_keys() == expected_open
        for key in named(message, "new"):
            announced[key] = announced.get(key, 0) + 1
        for key in named(message, "resolved"):
            announced[key] = announced[key] - 1
    # Whatever is open was announced once more than it was called resolved; everything else as often.
    assert {key for key, balance in announced.items() if balance == 1} == expected_open
    assert set(announced.values()) <= {0, 1}


CHILD = """
import datetime as dt, sys
from pathlib import Path
from pipelines.alerts.findings import Finding, RunFindings
from pipelines.alerts.outbox import Outbox
from pipelines.settings import Channel

mail = Channel(name="mail", kind="console")
outbox = Outbox(Path(sys.argv[1]))
start = int(sys.argv[2])
now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
print("ready", flush=True)
for number in range(start, start + 100_000):
    findings = tuple(
        Finding(check="breaks", severity="warning", key=f"{number}-{part}", title_nl="Sprong", cause_nl="?",
                next_step_nl="?")
        for part in range(200)
    )
    run = RunFindings(run_id=f"run-{number}", finished_at=now, evaluated_checks=frozenset({"breaks"}),
                      findings=findings)
    outbox.record_run(run, channels=(mail,), link="x", now=now)
"""


def test_killing_a_process_while_it_records_leaves_whole_runs_only(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    chance = random.Random(20)
    recorded = 0
    for _ in range(20):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), str(recorded)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.2))
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        assert child.returncode == -signal.SIGKILL

        outbox = Outbox(path)
        with sqlite3.connect(path) as db:
            assert db.execute("pragma integrity_check").fetchone() == ("ok",)
            runs = {run for (run,) in db.execute("select run_id from processed_run")}
            messages = {run for (run,) in db.execute("select run_id from message")}
        recorded = len(runs)
        # Every run is there with its message and its open findings, or not at all.
        assert runs == messages == {f"run-{number}" for number in range(recorded)}
        assert len(outbox.waiting()) == recorded
        last = {f"breaks|{recorded - 1}-{part}" for part in range(200)} if recorded else set()
        assert outbox.open_keys() == last
    assert recorded > 0
