"""The main job as the command line runs it: the Dagster job in this process, then alerts, then a summary."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.settings import PROJECT_ROOT, Settings

DONE, DONE_WITH_REFUSALS, WRONG_USE, FAILED = 0, 1, 2, 3


@dataclass(frozen=True)
class RunSummary:
    """What a run did, in the figures a person asks for. `exit_code` is the command line's."""

    run_id: str
    exit_code: int
    seconds: float
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    observations: int = 0
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    breaks: dict[str, int] = field(default_factory=dict)
    checks: int = 0
    failed_checks: list[dict[str, Any]] = field(default_factory=list)
    alerts_sent: int = 0
    alerts_waiting: int = 0
    alert_errors: list[str] = field(default_factory=list)
    published: Path | None = None
    docs: Path | None = None
    failed_step: str | None = None
    error: str | None = None


def prepare_environment(settings: Settings) -> None:
    """Hand the settings of this process to everything that reads them from the environment."""
    os.environ.update(
        {
            "NULMETING_PROFILE": settings.profile,
            "NULMETING_DATA_DIR": str(settings.data_dir),
            "NULMETING_SOURCES_DIR": str(settings.sources_dir),
            "NULMETING_TODAY": settings.today.isoformat(),
            "NULMETING_CBS_V4_URL": settings.cbs_v4_url,
            "NULMETING_WAREHOUSE": str(settings.warehouse_path),
            "DO_NOT_TRACK": "1",
            "DAGSTER_HOME": str(dagster_home(settings)),
        }
    )


def dagster_home(settings: Settings) -> Path:
    """The folder of the Dagster instance, with the project's `dagster.yaml` in it; made when absent."""
    home = settings.data_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    template = PROJECT_ROOT / "dagster.yaml"
    target = home / "dagster.yaml"
    if not target.is_file() or target.read_bytes() != template.read_bytes():
        shutil.copyfile(template, target)
    return home


def run_main_job(settings: Settings, selection: str | None = None) -> RunSummary:
    """Run the job `monitor`, send its alerts, and say what happened. Never raises for a failing step."""
    started = time.monotonic()
    prepare_environment(settings)
    for name in ("dagster", "dbt", "great_expectations", "httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)

    import dagster as dg

    from pipelines.alerts.dispatch import deliver_pending, process_run
    from pipelines.definitions import defs
    from pipelines.findings import write_findings
    from pipelines.run_folder import forget_old_runs

    run_id = str(uuid.uuid4())
    job = defs.resolve_job_def("monitor")
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            asset_selection=_keys(defs, selection),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={"nulmeting/launched_by": "cli", "nulmeting/profile": settings.profile},
        )
    failed_step, error = _failure(result)
    path = write_findings(settings, run_id, failed_step)
    now = dt.datetime.now(dt.UTC)
    report = process_run(settings, path, now) if path else deliver_pending(settings, now)
    forget_old_runs(settings)
    return _summarise(settings, run_id, failed_step, error, report, time.monotonic() - started)


def _keys(defs: Any, selection: str | None) -> list[Any] | None:
    if selection is None:
        return None
    import dagster as dg

    return list(dg.AssetSelection.from_string(selection).resolve(defs.resolve_asset_graph()))


def _failure(result: Any) -> tuple[str | None, str | None]:
    if result.success:
        return None, None
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error
            return event.step_key, cause.message.strip()
    return "start van de run", "the run could not be started"


def _summarise(
    settings: Settings, run_id: str, failed_step: str | None, error: str | None, report: Any, seconds: float
) -> RunSummary:
    from pipelines.findings import STEPS
    from pipelines.run_folder import RunFolder
    from pipelines.warehouse.connection import connect_read_only

    folder = RunFolder(settings, run_id)
    steps = [step for name in STEPS if (step := folder.read(f"checks_{name}"))]
    failed_checks = [check for step in steps for check in step["results"] if not check["passed"]]
    summary: dict[str, Any] = {
        "run_id": run_id,
        "seconds": seconds,
        "checks": sum(len(step["results"]) for step in steps),
        "failed_checks": failed_checks,
        "alerts_sent": report.sent,
        "alerts_waiting": report.pending,
        "alert_errors": list(report.errors),
        "docs": docs if (docs := settings.data_docs_dir / "index.html").is_file() else None,
    }
    if failed_step is not None or folder.read("publication") is None:
        return RunSummary(
            exit_code=FAILED if failed_step else DONE,
            failed_step=failed_step,
            error=error,
            published=settings.published_path if settings.published_path.exists() else None,
            **summary,
        )
    with connect_read_only(settings.published_path) as published:

        def rows(query: str) -> list[dict[str, Any]]:
            cursor = published.execute(query)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        quarantined = rows('select * from marts.quarantine order by file, line, "column"')
        return RunSummary(
            exit_code=DONE_WITH_REFUSALS if quarantined else DONE,
            deliveries=rows(
                "select source_id, file, status, rows_in, rows_loaded, rows_no_data, rows_quarantined "
                "from marts.delivery where is_current or status = 'refused' order by source_id, file"
            ),
            observations=rows("select count(*) as n from marts.observation where is_latest")[0]["n"],
            quarantined=quarantined,
            breaks={
                row["cause"]: row["n"]
                for row in rows("select cause, count(*) as n from marts.trend_break where kind != 'gap' group by cause")
            },
            published=settings.published_path,
            **summary,
        )
