"""The records of runs in a PostgreSQL database: a real server, which the test starts and ends.

That a whole run launched in the interface is kept there is with the interface (`test_interface`). Here: what the
command line, a schedule, a sensor and a retry leave there, and what is told when the server does not answer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dagster as dg
import pytest

from pipelines.dagster_home import POSTGRES_URL, POSTGRES_URL_FILE
from pipelines.main_job import prepare_environment
from pipelines.settings import PROJECT_ROOT, load_settings
from tests.integration.conftest import Workspace
from tests.live_server import LiveServer
from tests.live_tables import LiveTable, live_tables
from tests.postgres_server import PASSWORD, PostgresServer, programs
from tests.servers import Answer

pytestmark = pytest.mark.xdist_group("postgres")

WATCHED = "cbs_reintegratie"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    if programs() is None:
        pytest.skip("no PostgreSQL server is installed")
    with PostgresServer() as running:
        yield running


@dataclass
class Records:
    """An instance of Dagster whose records are in the database, and the code location of profile live."""

    instance: dg.DagsterInstance
    definitions: dg.Definitions

    def run(self, request: dg.RunRequest, job_name: str, keep: set[str]) -> dg.ExecuteInProcessResult:
        """Do of a request the steps that make these assets, without their checks."""
        job: Any = self.definitions.resolve_job_def(request.job_name or job_name)
        keys = {key for key in job.asset_layer.selected_asset_keys if key.to_user_string() in keep}
        part = job.get_subset(asset_selection=keys, asset_check_selection=set())
        return part.execute_in_process(  # type: ignore[no-any-return]
            instance=self.instance, raise_on_error=False, run_config=QUIET, tags=dict(request.tags)
        )

    def kept(self, run_id: str) -> dg.DagsterRun:
        """The run as it stands in the database."""
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run


class Stumbling(LiveServer):
    """A publisher whose server fails some times before it answers."""

    def __init__(self, tables: dict[str, LiveTable]) -> None:
        super().__init__(tables)
        self.failures = 0

    def answer(self, target: str, headers: Any) -> Answer:
        if self.failures:
            self.failures -= 1
            return Answer(b"", 503, {"Retry-After": "0"})
        return super().answer(target, headers)


@pytest.fixture(scope="module")
def publisher() -> Iterator[Stumbling]:
    from pipelines.declarations.load import load_declarations

    declared = load_declarations(load_settings().sources_dir, "live").sources
    with Stumbling(live_tables(one for one in declared if one.source_id == WATCHED)) as running:
        yield running


@pytest.fixture(scope="module")
def records(
    server: PostgresServer, publisher: Stumbling, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Records]:
    """Profile live in a folder of its own, with retries that do not wait; the address of the database from a file."""
    root = tmp_path_factory.mktemp("records")
    workspace = Workspace(root)
    _copy_declarations(workspace)
    before = dict(os.environ)
    (root / "address").write_text(server.url, encoding="utf-8")
    os.environ |= {
        **workspace.environment(),
        "NULMETING_PROFILE": "live",
        **publisher.environment(),
        POSTGRES_URL_FILE: str(root / "address"),
    }
    prepare_environment(load_settings())
    try:
        from pipelines.definitions import build_definitions

        with dg.DagsterInstance.get() as instance:
            yield Records(instance, build_definitions())
    finally:
        os.environ.clear()
        os.environ.update(before)


def _copy_declarations(workspace: Workspace) -> None:
    shutil.copytree(PROJECT_ROOT / "sources", workspace.sources, ignore=shutil.ignore_patterns("sample"))
    (declaration,) = workspace.sources.rglob("reintegratie.yml")
    text = declaration.read_text(encoding="utf-8")
    assert text.count("\nconnector:\n") == 1
    retries = "\nconnector:\n  retries: {times: 2, wait_seconds: 0}\n"
    declaration.write_text(text.replace("\nconnector:\n", retries), encoding="utf-8")


def test_the_database_is_used_and_its_address_stands_in_no_file(records: Records) -> None:
    kinds = records.instance.info_dict()
    assert {kinds[f"{part}_storage"] for part in ("run", "event_log", "schedule")} == {
        "PostgresRunStorage",
        "PostgresEventLogStorage",
        "PostgresScheduleStorage",
    }
    home = Path(os.environ["DAGSTER_HOME"])
    assert not list(home.rglob("*.db")), "and no files are kept beside it"
    for path in (path for path in home.rglob("*") if path.is_file()):
        content = path.read_text(encoding="utf-8")
        assert PASSWORD not in content and quote(PASSWORD, safe="") not in content, path


def test_a_tick_of_a_schedule_becomes_a_run_that_is_kept(records: Records) -> None:
    schedule: Any = records.definitions.resolve_schedule_def("dagelijkse_leveringen")
    tick = schedule.evaluate_tick(dg.build_schedule_context(instance=records.instance))
    (request,) = tick.run_requests
    result = records.run(request, schedule.job_name, {"raw/cbs_reintegratie"})
    assert result.success
    kept = records.kept(result.run_id)
    assert kept.status is dg.DagsterRunStatus.SUCCESS
    assert kept.tags["nulmeting/launched_by"] == "schedule"
    event = records.instance.get_latest_materialization_event(dg.AssetKey(["raw", WATCHED]))
    assert event is not None and event.run_id == result.run_id
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["dagster/row_count"].value > 0


def test_a_tick_of_a_sensor_becomes_a_run_that_is_kept(records: Records, publisher: Stumbling) -> None:
    settings = load_settings()
    sensor: Any = records.definitions.resolve_sensor_def("nieuwe_bestanden")
    settings.deliveries_dir.mkdir(parents=True)
    (settings.deliveries_dir / "wachtlijst.csv").write_text("gemeente;aantal\n", encoding="utf-8")
    cursor = None
    for _ in range(2):
        tick = sensor.evaluate_tick(
            dg.build_sensor_context(
                instance=records.instance, cursor=cursor, repository_def=records.definitions.get_repository_def()
            )
        )
        cursor = tick.cursor
    (request,) = tick.run_requests
    result = records.run(request, "monitor", {"raw/cbs_reintegratie"})
    assert result.success
    assert records.kept(result.run_id).tags["nulmeting/launched_by"] == "sensor"
    assert [
        run.run_id for run in records.instance.get_runs(dg.RunsFilter(tags={"nulmeting/source": "drop folder"}))
    ] == [result.run_id]


def test_a_source_that_fails_first_and_comes_back_is_tried_again_in_the_same_run(
    records: Records, publisher: Stumbling
) -> None:
    publisher.failures = 4  # as often as one request is tried
    result = records.run(dg.RunRequest(), "monitor", {"raw/cbs_reintegratie"})
    assert result.success
    found = records.instance.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY).records
    assert len(found) == 1
    event = found[0].event_log_entry.dagster_event
    assert event is not None and "the server failed (503)" in event.step_retry_data.error.cause.message


def test_a_server_that_does_not_answer_is_told_before_anything_starts(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)
    _copy_declarations(workspace)
    monkeypatch.delenv(POSTGRES_URL_FILE, raising=False)
    silent = server.url.replace(str(server.port), "1")
    refused = server.url.replace("een%20", "twee%20")
    for url, because in ((silent, "Connection refused"), (refused, "the user or the password is refused")):
        monkeypatch.setenv(POSTGRES_URL, url)
        for command in (("run", "--profile", "live"), ("dev", "--port", "39871", "--profile", "live")):
            outcome = workspace.command(*command)
            assert outcome.returncode == 2, outcome.stdout + outcome.stderr
            assert outcome.stderr.count("\n") == 1, outcome.stderr
            assert because in outcome.stderr
            assert PASSWORD not in outcome.stderr and quote(PASSWORD, safe="") not in outcome.stderr
    assert not list(workspace.data.rglob("*.duckdb")), "nothing was begun"
