"""Runs as the Dagster interface launches them: outside the command line, with the sensors to tell what was found."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from pipelines.declarations.load import load_declarations
from pipelines.defs.looking_back import AS_OF_KEY
from pipelines.defs.models import read_manifest
from pipelines.defs.sensors import alert_after_failure, alert_after_success, end_killed_runs
from pipelines.main_job import prepare_environment
from pipelines.publish.publication import verify
from pipelines.settings import PROJECT_ROOT
from tests.integration.conftest import Workspace

pytestmark = pytest.mark.xdist_group("main_job")

BREAKS = "marts_trend_break__no_unexplained_open_break"


@dataclass
class Interface:
    """An instance on a workspace, and what its daemon would do."""

    workspace: Workspace
    instance: dg.DagsterInstance

    def launch(self) -> dg.ExecuteInProcessResult:
        """Run the job without the command line's own steps after it."""
        from pipelines.definitions import defs

        return defs.resolve_job_def("monitor").execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )

    def tick(self, run_id: str) -> None:
        """Evaluate the sensor for how this run ended."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        failed = run.status is dg.DagsterRunStatus.FAILURE
        kind = dg.DagsterEventType.RUN_FAILURE if failed else dg.DagsterEventType.RUN_SUCCESS
        sensor = alert_after_failure if failed else alert_after_success
        (record,) = self.instance.get_records_for_run(run_id, of_type=kind).records
        event = record.event_log_entry.dagster_event
        assert event is not None
        context = dg.build_run_status_sensor_context(sensor.name, event, self.instance, run)
        sensor(context.for_run_failure() if failed else context)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What the file channel took, oldest first."""
        path = self.workspace.data / "alerts" / "alerts.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _interface(workspace: Workspace) -> Iterator[Interface]:
    before = dict(os.environ)
    os.environ["NULMETING_CONFIG"] = workspace.environment()["NULMETING_CONFIG"]
    prepare_environment(workspace.settings())
    try:
        with dg.DagsterInstance.get() as instance:
            yield Interface(workspace, instance)
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A workspace with one finished run from the interface, and the id of that run. Only to be read."""
    root = tmp_path_factory.mktemp("interface")
    shutil.copytree(PROJECT_ROOT / "sources", root / "sources")
    workspace = Workspace(root)
    for interface in _interface(workspace):
        result = interface.launch()
        assert result.success
        assert interface.messages == [], "nothing is sent before the sensor comes by"
    return workspace, result.run_id


@pytest.fixture
def interface(launched: tuple[Workspace, str], tmp_path: Path) -> Iterator[Interface]:
    """A copy of that workspace, to change."""
    shutil.copytree(launched[0].root, tmp_path, symlinks=True, dirs_exist_ok=True)
    yield from _interface(replace(launched[0], root=tmp_path))


@pytest.fixture
def run_id(launched: tuple[Workspace, str]) -> str:
    return launched[1]


def test_a_run_is_told_once_by_the_sensor_and_not_again_by_the_command_line(interface: Interface, run_id: str) -> None:
    interface.tick(run_id)
    (message,) = interface.messages
    assert message["run_status"] == "published"
    assert message["new_count"] > 30
    interface.tick(run_id)
    assert len(interface.messages) == 1

    # The same findings in a run of the command line, in a process of its own, are not new.
    outcome = interface.workspace.command("run")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert len(interface.messages) == 1


def test_a_failed_run_names_its_step_once_and_leaves_the_publication(interface: Interface, run_id: str) -> None:
    interface.tick(run_id)
    published = interface.workspace.data / "published"
    before = (published / "manifest.json").read_bytes()
    (page,) = interface.workspace.sample.rglob("VB01NED/Observations.json")
    page.write_bytes(page.read_bytes()[:1000])

    result = interface.launch()
    assert not result.success
    interface.tick(result.run_id)
    interface.tick(result.run_id)
    assert len(interface.messages) == 2
    message = interface.messages[-1]
    assert (message["run_status"], message["failed_step"]) == ("failed", "raw__vb_wmo")
    assert message["resolved_count"] == 0, "what was not checked is not resolved"
    assert (published / "manifest.json").read_bytes() == before
    assert verify(published / "current") == []


def test_a_second_run_while_one_is_writing_fails_and_says_why(interface: Interface) -> None:
    before = (interface.workspace.data / "published" / "manifest.json").read_bytes()
    with FileLock(interface.workspace.data / ".run.lock"):
        result = interface.launch()
    assert not result.success
    told = " ".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)
    assert f"Another run is writing {interface.workspace.data}" in told
    assert not any(event.is_step_start for event in result.all_events)
    interface.tick(result.run_id)
    assert interface.messages[-1]["failed_step"] == "start van de run"
    assert (interface.workspace.data / "published" / "manifest.json").read_bytes() == before


def test_a_killed_run_does_not_hold_up_the_runs_behind_it(interface: Interface) -> None:
    from pipelines.definitions import defs

    job = defs.resolve_job_def("monitor")
    killed = interface.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    holder = interface.workspace.data / ".run.holder"
    holder.write_text(killed.run_id, encoding="utf-8")

    def status() -> dg.DagsterRunStatus:
        end_killed_runs(dg.build_sensor_context(instance=interface.instance))
        run = interface.instance.get_run_by_id(killed.run_id)
        assert run is not None
        return run.status

    with FileLock(interface.workspace.data / ".run.lock"):
        assert status() is dg.DagsterRunStatus.STARTED, "its process is alive: it holds the lock"
    assert status() is dg.DagsterRunStatus.FAILURE
    assert not holder.exists()


def test_a_finished_run_leaves_nothing_that_looks_like_a_killed_one(interface: Interface, run_id: str) -> None:
    assert not (interface.workspace.data / ".run.holder").exists()
    end_killed_runs(dg.build_sensor_context(instance=interface.instance))
    run = interface.instance.get_run_by_id(run_id)
    assert run is not None and run.status is dg.DagsterRunStatus.SUCCESS


def test_checks_carry_their_severity_the_failing_rows_and_what_to_do(interface: Interface, run_id: str) -> None:
    records = interface.instance.get_records_for_run(
        run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION, limit=500
    ).records
    events = [record.event_log_entry.dagster_event for record in records]
    evaluations = [event.asset_check_evaluation_data for event in events if event is not None]
    gates = [found for found in evaluations if found.check_name.endswith("__structure_sound")]
    assert len(gates) == 3 and all(gate.passed and gate.blocking for gate in gates)
    checks = {found.check_name: found for found in evaluations if found not in gates}
    assert len(checks) > 30
    for check in checks.values():
        assert check.metadata["severity"].value in ("blocking", "error", "warning")
        assert (check.metadata["failing_rows"].value == 0) is check.passed
        assert check.metadata["what_to_do"].value
        assert Path(str(check.metadata["page"].value).partition("#")[0]).is_file()
    broken = checks[BREAKS]
    assert broken.severity is dg.AssetCheckSeverity.WARN and not broken.passed
    assert broken.metadata["failing_rows"].value == 24
    assert "VB0" in str(broken.metadata["preview"].value)


def test_materialisations_carry_row_counts_and_vintages(interface: Interface, run_id: str) -> None:
    from pipelines.definitions import defs

    found = {}
    for key in defs.resolve_asset_graph().get_all_asset_keys() - {AS_OF_KEY}:
        event = interface.instance.get_latest_materialization_event(key)
        assert event is not None and event.run_id == run_id, key
        assert event.asset_materialization is not None
        found[key.to_user_string()] = event.asset_materialization.metadata
    uncounted = {key for key, values in found.items() if "dagster/row_count" not in values}
    models = [node for node in read_manifest()["nodes"].values() if node["resource_type"] == "model"]
    views = {node["alias"] for node in models if node["config"]["materialized"] == "view"}
    settings = interface.workspace.settings()
    persons = {one.source_id for one in load_declarations(settings.sources_dir, "sample").sources if one.person_level}
    withheld = {f"raw/{name}" for name in (*persons, "client_event", "person_household", "person_spell")}
    assert withheld <= uncounted, "of how many persons there are rows is told nobody"
    assert not any({"rows_loaded", "rows_quarantined"} & found[key].keys() for key in withheld)
    assert {key.rpartition("/")[2] for key in uncounted - withheld} == views, "views hold no rows of their own"

    count = interface.workspace.value("select count(*) from marts.trend_break")
    assert found["marts/trend_break"]["dagster/row_count"].value == count
    assert "| break_id |" in str(found["marts/trend_break"]["preview"].value)
    assert not any("preview" in found[key] for key in found if key.startswith(("core/", "staging/", "privacy/")))
    vintages: set[Any] = set()
    checksums: dict[Any, Any] = {}
    for key, values in found.items():
        listed: Any = values["vintages"].value if "vintages" in values and key.startswith("raw/") else ()
        vintages.update(listed)
        told: Any = values["checksums_sha256"].value if "checksums_sha256" in values and listed else {}
        checksums.update(told)
        assert not listed or "vintage_date" in values, key
    current = dict(interface.workspace.rows("select vintage_id, checksum_sha256 from marts.delivery where is_current"))
    assert vintages == current.keys()
    assert checksums == {vintage: checksum for vintage, checksum in current.items() if checksum}
    files: Any = found["published/nulmeting"]["checksums_sha256"].value
    assert {"nulmeting.duckdb", "parquet/trend_break.parquet"} <= files.keys()
