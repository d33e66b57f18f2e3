"""What a run leaves behind: a log for people, the same as JSON lines, and how long its steps took."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import step_timings, structured_log
from pipelines.run_log import RunLog
from pipelines.settings import Settings
from pipelines.step_timings import StepRun, read_steps, record_run, record_steps, steps_path, write_run_steps
from pipelines.warehouse.connection import connect

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
FIELDS = {"time", "level", "run_id", "step", "event", "message", "seconds", "rows"}
BSN = "123456782"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@dg.asset(key=["raw", "goed"])
def good(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log.info("eerste regel\ntweede regel")
    return dg.MaterializeResult(metadata={"dagster/row_count": 12})


@dg.asset(key=["core", "tussen"])
def between() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 34})


@dg.asset(key=["marts", "zelfde"])
def same() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 5, step_timings.REUSED: True})


@dg.asset(key=["raw", "fout"])
def wrong() -> None:
    raise ValueError(f"kan {BSN} niet lezen")


def _run(settings: Settings, *assets: Any, run_id: str = "3b0f5a0e-0000-4000-8000-000000000001") -> RunLog:
    """A real run of Dagster with these assets, under a log."""
    with RunLog(settings, run_id) as log, dg.DagsterInstance.ephemeral() as instance:
        instance.add_event_listener(run_id, log.event)
        job = dg.Definitions(assets=assets, jobs=[dg.define_asset_job("alles")]).resolve_job_def("alles")
        job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    return log


def _lines(log: RunLog) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.lines_path.read_text(encoding="utf-8").splitlines()]


def test_every_event_is_one_json_line_with_its_run_step_length_and_rows(settings: Settings) -> None:
    log = _run(settings, good)
    lines = _lines(log)
    assert all(set(line) == FIELDS and line["run_id"] == log.path.stem for line in lines)
    events = [line["event"] for line in lines if line["event"] != "log"]
    assert events == ["run_start", "step_start", "asset_materialization", "step_success", "run_success"]
    by_event = {line["event"]: line for line in lines}
    assert by_event["asset_materialization"]["rows"] == 12
    assert by_event["step_success"]["seconds"] >= 0 and by_event["step_success"]["step"] == "raw__goed"
    assert by_event["log"]["message"] == "eerste regel\ntweede regel"
    assert all(dt.datetime.fromisoformat(line["time"]).utcoffset() == dt.timedelta(0) for line in lines)


def test_a_failure_is_there_with_its_trace_and_without_the_person(settings: Settings) -> None:
    log = _run(settings, wrong)
    failure = next(line for line in _lines(log) if line["event"] == "error")
    assert failure["level"] == "ERROR" and failure["step"] == "raw__fout"
    assert "ValueError: kan [withheld] niet lezen" in failure["message"]
    for path in (log.path, log.lines_path):
        assert BSN not in path.read_text(encoding="utf-8")


def test_the_steps_of_a_run_are_kept_with_how_they_ended(settings: Settings) -> None:
    _run(settings, good, between, same, wrong)
    kept = {step.step: step for step in read_steps(settings)}
    assert {name: (step.status, step.rows) for name, step in kept.items()} == {
        "raw__goed": ("succeeded", 12),
        "core__tussen": ("succeeded", None),  # of tables that may be about persons nothing is told
        "marts__zelfde": ("reused", 5),
        "raw__fout": ("failed", None),
    }
    assert all(step.seconds >= 0 and step.launched_by == "cli" for step in kept.values())


def test_a_run_of_the_interface_is_kept_from_what_dagster_has_of_it(settings: Settings) -> None:
    job = dg.Definitions(assets=[good], jobs=[dg.define_asset_job("alles")]).resolve_job_def("alles")
    with dg.DagsterInstance.ephemeral() as instance:
        for tags in ({"dagster/schedule_name": "dagelijks"}, {}):
            run = job.execute_in_process(instance=instance, tags=tags)
            for _ in range(2):  # once, however often it is told
                record_run(settings, instance, run.run_id)
        record_run(settings, instance, "00000000-0000-4000-8000-00000000dead")
    assert [(step.step, step.launched_by) for step in read_steps(settings)] == [
        ("raw__goed", "schedule"),
        ("raw__goed", "interface"),
    ]


def _step(run_id: str, day: dt.datetime, **more: Any) -> StepRun:
    given: dict[str, Any] = {"title_nl": "Stap", "seconds": 1.5, "rows": None, "status": "succeeded"}
    return StepRun(run_id=run_id, started_at=day, step="stap", launched_by="cli", **{**given, **more})


def test_steps_older_than_two_years_are_forgotten_and_the_file_stays_bounded(settings: Settings) -> None:
    for number in range(800):
        day = NOW + dt.timedelta(days=number)
        record_steps(settings, [_step(f"run {number}", day)], day)
    kept = read_steps(settings)
    assert kept[-1].run_id == "run 799"
    oldest = NOW + dt.timedelta(days=799 - step_timings.KEPT_DAYS - 31)
    assert oldest <= kept[0].started_at and len(kept) >= step_timings.KEPT_DAYS


def test_a_line_that_was_cut_off_costs_that_line_only(settings: Settings) -> None:
    record_steps(settings, [_step("eerst", NOW)], NOW)
    with steps_path(settings).open("ab") as file:
        file.write(b'{"run_id": "half", "started_at": "2026-0')
    record_steps(settings, [_step("daarna", NOW)], NOW)
    assert [step.run_id for step in read_steps(settings)] == ["eerst", "daarna"]


@given(junk=st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([b"{}", b"null", b"[1]", b'{"run_id": 1}']))))
def test_whatever_stands_in_the_file_the_steps_around_it_are_read(
    junk: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(data_dir=tmp_path_factory.mktemp("steps"))
    record_steps(settings, [_step("eerst", NOW)], NOW)
    with steps_path(settings).open("ab") as file:
        file.write(b"".join(piece + b"\n" for piece in junk))
    record_steps(settings, [_step("daarna", NOW)], NOW)
    assert [step.run_id for step in read_steps(settings)] == ["eerst", "daarna"]


def test_the_warehouse_holds_the_steps_of_earlier_runs_and_a_new_one_holds_them_again(settings: Settings) -> None:
    record_steps(settings, [_step("een", NOW, rows=7), _step("een", NOW, status="failed")], NOW)
    for name in ("a.duckdb", "b.duckdb"):
        with connect(settings.data_dir / name) as connection:
            assert write_run_steps(connection, settings) == 2
            found = connection.execute("select started_at, rows, status from runs.step order by status").fetchall()
        moment = NOW.replace(tzinfo=None)
        assert found == [(moment, None, "failed"), (moment, 7, "succeeded")]


def test_before_the_first_run_the_table_is_there_and_empty(settings: Settings) -> None:
    with connect(settings.data_dir / "a.duckdb") as connection:
        assert write_run_steps(connection, settings) == 0
        assert connection.execute("from runs.step").fetchall() == []


def test_a_log_that_cannot_be_written_stops_no_run(settings: Settings) -> None:
    settings.data_dir.mkdir()
    settings.logs_dir.write_text("a file where the folder should be")
    steps_path(settings).parent.write_text("here too")
    with RunLog(settings, "run") as log:
        log.failure(ValueError("iets"))
    assert settings.logs_dir.is_file()


# Standard error as JSON lines


def _printed(script: str, **environment: str) -> tuple[int, list[str]]:
    outcome = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, structured_log.FORMAT_VARIABLE: "json", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return outcome.returncode, outcome.stderr.splitlines()


def test_whatever_is_printed_is_a_json_line_and_a_person_is_withheld() -> None:
    script = (
        "import sys, warnings\n"
        "from pipelines.structured_log import structured_errors\n"
        "with structured_errors():\n"
        f"    print('van {BSN}', file=sys.stderr); warnings.warn('let op'); sys.stderr.write('zonder einde')\n"
    )
    code, printed = _printed(script)
    lines = [json.loads(line) for line in printed]
    assert code == 0 and all(set(line) == FIELDS and line["event"] == "output" for line in lines)
    assert lines[0]["message"] == "van [withheld]" and lines[-1]["message"] == "zonder einde"
    assert any("let op" in line["message"] for line in lines)


def test_what_a_command_says_is_an_error_line_and_its_exit_code_stays() -> None:
    call = "import sys; sys.argv = ['nulmeting', {}]; from pipelines.cli import main; main()"
    code, (line,) = _printed(call.format("'run', '--today', '2026-13-01'"))
    said = json.loads(line)
    assert (code, said["level"]) == (2, "ERROR")
    assert said["message"] == "--today: found 2026-13-01, expected a date like 2026-07-01"
    code, printed = _printed(call.format("'run', '--bestaatniet'"))
    assert code == 2 and all(json.loads(line)["event"] == "output" for line in printed)


def test_a_format_that_is_not_known_is_wrong_use() -> None:
    script = "import sys; sys.argv = ['nulmeting', 'doctor']; from pipelines.cli import main; main()"
    code, printed = _printed(script, NULMETING_LOG_FORMAT="xml")
    assert (code, printed) == (2, ["nulmeting: NULMETING_LOG_FORMAT: found xml, expected text or json"])
