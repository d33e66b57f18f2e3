"""The main job as the command line runs it: the Dagster job in this process, then alerts, then a summary."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
import uuid
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pipelines import progress
from pipelines.alerts.findings import ITSELF
from pipelines.dagster_home import POSTGRES_URL, dagster_home
from pipelines.declarations.marked_yaml import DeclarationError
from pipelines.disk_full import means_disk_full
from pipelines.findings import STEPS, write_findings
from pipelines.privacy import redact_text
from pipelines.run_folder import RunFolder, forget_old_runs, lock_of
from pipelines.run_log import RunLog
from pipelines.settings import Settings, SetupError
from pipelines.step_timings import LAUNCHED_BY
from pipelines.untold_runs import record_untold, was_killed

if TYPE_CHECKING:
    import duckdb

DONE, DONE_WITH_REFUSALS, WRONG_USE, FAILED = 0, 1, 2, 3
SELECTION_EXAMPLES = 'key:"marts/coverage", group:marts or key:"raw/finance_buch"+'

# What Dagster says when the database with its records went away during a run, and did not come back for a while.
_RECORDS_GONE = ("too many retries for DB connection", "(psycopg2.")
_BUSY_SECONDS = 1.0
_ABOUT_A_PUBLISHER = ("SourceError", "TableNotFound")
_LONGEST_CAUSE = 600


class RunBusyError(Exception):
    """Another run holds the data directory; the command line ends with exit code 3."""


@dataclass(frozen=True)
class StepFailure:
    """A step that failed: its key in Dagster, what it is called, and why, in one line."""

    step: str
    title: str
    cause: str


@dataclass(frozen=True)
class RunSummary:
    """What a run did, in the figures a person asks for. `exit_code` is the command line's.

    `published` is what stands there, whoever published it at `published_at`; `is_published` says that this run
    did. `deliveries` and what follows it are known of a run that published, `rows_refused` of one that did not.
    `is_unchanged` says that nothing had changed since the run `run_id`, whose publication and findings stand.
    """

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
    alerts_held: int = 0
    alert_errors: list[str] = field(default_factory=list)
    is_published: bool = False
    published: Path | None = None
    published_at: dt.datetime | None = None
    docs: Path | None = None
    log: Path | None = None
    is_partial: bool = False
    tables_updated: int = 0
    rows_refused: int = 0
    failures: tuple[StepFailure, ...] = ()
    failed_step: str | None = None
    error: str | None = None
    is_unchanged: bool = False


@dataclass(frozen=True)
class _Outcome:
    """What became of the steps."""

    failures: tuple[StepFailure, ...] = ()
    tables_updated: int = 0
    rows_refused: int = 0
    is_partial: bool = False
    unchanged: bool = False


@dataclass(frozen=True)
class _Alerts:
    """What became of the messages."""

    sent: int = 0
    waiting: int = 0
    held: int = 0
    errors: tuple[str, ...] = ()


def prepare_environment(settings: Settings) -> None:
    """Hand the settings of this process to everything that reads them from the environment."""
    os.environ.update(
        {
            "NULMETING_PROFILE": settings.profile,
            "NULMETING_DATA_DIR": str(settings.data_dir),
            "NULMETING_SOURCES_DIR": str(settings.sources_dir),
            "NULMETING_TODAY": settings.today.isoformat(),
            "NULMETING_AS_OF": settings.as_of.isoformat() if settings.as_of else "",
            "NULMETING_CBS_V3_URL": settings.cbs_v3_url,
            "NULMETING_CBS_V3_THIRD_URL": settings.cbs_v3_third_url,
            "NULMETING_SWING_URL": settings.swing_url or "",
            "NULMETING_CBS_V4_URL": settings.cbs_v4_url,
            "NULMETING_WAREHOUSE": str(settings.warehouse_path),
            "DO_NOT_TRACK": "1",
            # dbt would print a failure beside the summary, which says it already.
            "DBT_LOG_LEVEL": "none",
            "DAGSTER_HOME": str(dagster_home(settings)),
        }
    )


def run_main_job(settings: Settings, selection: str | None = None, *, full: bool = False) -> RunSummary:
    """Run the job `monitor`, or the part of it that a Dagster asset selection names; send its alerts; sum it up.

    What would come out as it stands is not made again: the run as a whole, a source, a model. With `full` everything
    is. Never raises for a step that fails: that is a summary with exit code 3, as is a failure between the steps (a
    full disk). Raises SetupError for a data directory that cannot be used and a selection that names no asset,
    DeclarationError for wrong declarations, and RunBusyError when another run is writing.
    """
    from pipelines.warehouse.migrations import refuse_newer

    started = time.monotonic()
    if settings.as_of is not None and not settings.snapshots_dir.is_dir():
        kept = settings.snapshots_dir
        raise SetupError(f"--as-of: found no deliveries kept in {kept}, expected those of earlier runs")
    _prepare_data_dir(settings)
    # Whoever was killed could not tell it; this run may be as well.
    told_before = _sent(settings, None) if was_killed(settings) else _Alerts()
    if selection is None and not full and (unchanged := _unchanged(settings, started)) is not None:
        return unchanged
    refuse_newer(settings.warehouse_path)
    prepare_environment(settings)
    for name in ("dagster", "dbt", "great_expectations", "httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    logging.getLogger().addFilter(_of_weight)
    run_id = str(uuid.uuid4())
    with RunLog(settings, run_id) as log:
        stop = progress.listen(log.begin)
        try:
            if full:
                _forget_what_stands(settings)
            outcome = _execute(settings, run_id, selection, log)
        except (SetupError, DeclarationError):
            raise
        except Exception as error:
            # Whatever breaks off a run between its steps: told in one line, the trace is in the log.
            log.failure(error)
            outcome = _Outcome((StepFailure(ITSELF, ITSELF, _said(type(error).__name__, str(error), settings)),))
        finally:
            stop()
        alerts = _alert(settings, run_id, outcome, log)
    alerts = replace(alerts, sent=told_before.sent + alerts.sent)
    return _summarise(settings, run_id, outcome, alerts, log.path, time.monotonic() - started)


def _unchanged(settings: Settings, started: float) -> RunSummary | None:
    """The summary of a run that has nothing to do: what is published is what it would publish. Else None.

    Messages that wait are sent all the same, and what the last run found is told where it was ended before it could.
    """
    from pipelines.reuse.publishers import have_changed
    from pipelines.reuse.whole_run import unchanged

    last = unchanged(settings)
    if last is None or have_changed(settings) or _has_failed_since(settings):
        return None
    alerts = _sent(settings, None)
    return _summarise(settings, last.run_id, _Outcome(unchanged=True), alerts, None, time.monotonic() - started)


def _has_failed_since(settings: Settings) -> bool:
    """Whether somebody was told that a run failed: only one that does its work can say that it is over."""
    from pipelines.alerts.dispatch import last_run_failed
    from pipelines.alerts.findings import AlertError

    try:
        return last_run_failed(settings)
    except AlertError:
        # An outbox that cannot be read is told where messages are sent.
        return False


def _forget_what_stands(settings: Settings) -> None:
    from pipelines.reuse.contents import forget_everything
    from pipelines.warehouse.connection import connect

    with connect(settings.warehouse_path) as warehouse:
        forget_everything(warehouse)


def _prepare_data_dir(settings: Settings) -> None:
    """Make the data directory; raises SetupError where that or writing in it fails, RunBusyError where a run is on."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        settings.logs_dir.mkdir(parents=True, exist_ok=True)
        # The lock that a run holds (`defs.resources`), looked at before anything heavy is imported.
        with FileLock(lock_of(settings), timeout=_BUSY_SECONDS):
            pass
    except Timeout:
        raise RunBusyError(
            f"another run is writing {settings.data_dir}; wait until it has ended, or name another --data-dir"
        ) from None
    except OSError as error:
        raise SetupError(f"{settings.data_dir}: cannot be written ({error.strerror}); see --data-dir") from None


def _execute(settings: Settings, run_id: str, selection: str | None, log: RunLog) -> _Outcome:
    import dagster as dg

    from pipelines.definitions import defs
    from pipelines.event_storage import unhurried

    job: Any = defs.resolve_job_def("monitor")
    if selection is not None:
        job = _part_of(defs, job, selection)
    with dg.DagsterInstance.get() as instance, unhurried(instance):
        instance.add_event_listener(run_id, log.event)
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={LAUNCHED_BY: "cli", "nulmeting/profile": settings.profile},
        )
    materialized = [event.materialization for event in result.all_events if event.is_step_materialization]
    read = [one.asset_key.path[-1] for one in materialized if "vintages" in one.metadata]
    by_source = (RunFolder(settings, run_id).read("accounts") or {"refused": {}})["refused"]
    refused = sum(by_source.get(source_id, 0) for source_id in read)
    return _Outcome(_failures(result, settings, run_id, log.titles), len(materialized), refused, selection is not None)


def _part_of(defs: Any, job: Any, selection: str) -> Any:
    """The job with the selected assets, what is made in one step with them, and the checks of their layers.

    The expectations of a layer are one step, so that they are all checked or none; a publication comes only
    after those of every layer.
    """
    import dagster as dg
    from dagster._core.definitions.asset_selection import DagsterInvalidAssetSelectionError

    graph = defs.resolve_asset_graph()
    try:
        with warnings.catch_warnings():
            # parts of the selection syntax are marked beta; this project pins the version it uses
            warnings.simplefilter("ignore", category=dg.BetaWarning)
            chosen = dg.AssetSelection.from_string(selection)
        keys = frozenset(chosen.required_multi_asset_neighbors().resolve(graph))
        keys &= frozenset(job.asset_layer.selected_asset_keys)
    except (DagsterInvalidAssetSelectionError, dg.DagsterInvalidSubsetError):
        keys = frozenset()
    if not keys:
        raise SetupError(f"--select: found {selection}, expected assets that exist, written like {SELECTION_EXAMPLES}")
    layers = {key.path[0] for key in keys}
    checks = {check for check in graph.asset_check_keys if "published" in layers or check.asset_key.path[0] in layers}
    return job.get_subset(asset_selection=keys, asset_check_selection=checks)


def _failures(result: Any, settings: Settings, run_id: str, titles: dict[str, str]) -> tuple[StepFailure, ...]:
    """Every step that failed, in order, with its cause in one line."""
    if result.success:
        return ()
    found = []
    for event in result.all_events:
        if event.is_step_failure:
            error, step = event.step_failure_data.error, event.step_key
        elif event.is_failure and (error := getattr(event.event_specific_data, "error", None)) is not None:
            step = ITSELF
        else:
            continue
        while error.cls_name.startswith("Dagster") and error.cause is not None:
            error = error.cause
        cause = _failed_gates(settings, run_id) if error.cls_name == "DagsterAssetCheckFailedError" else None
        message = error.message.strip().partition(": ")[2] or error.message.strip()
        found.append(StepFailure(step, titles.get(step, step), cause or _said(error.cls_name, message, settings)))
    # Where steps failed, the failure of the run as a whole says nothing more.
    steps = [failure for failure in found if failure.step != ITSELF]
    nothing_known = StepFailure(ITSELF, ITSELF, "the run could not be started")
    return tuple(steps) or tuple(found[:1]) or (nothing_known,)


def _failed_gates(settings: Settings, run_id: str) -> str | None:
    """The blocking expectations that held up a run."""
    folder = RunFolder(settings, run_id)
    failed = [
        f"{check['title_nl']} ({check['check']}: {check['failing_count']} rijen)"
        for name in STEPS
        for check in (folder.read(f"checks_{name}") or {"results": []})["results"]
        if check["severity"] == "blocking" and not check["passed"]
    ]
    return "; ".join(failed) or None


def _said(kind: str, message: str, settings: Settings) -> str:
    """What an error says, in one line, without what could identify a person."""
    if means_disk_full(message, settings.data_dir):
        return f"de schijf is vol; maak ruimte vrij op die van {settings.data_dir} en start de run opnieuw"
    if any(sign in message for sign in _RECORDS_GONE):
        return f"de database met de gegevens van runs ({POSTGRES_URL}) antwoordt niet meer; start haar en dan de run"
    if kind == "DagsterExecutionInterruptedError":
        return "de run is afgebroken"
    # Below a blank line the database quotes the query; all of that is in the log.
    line = " ".join(message.strip().partition("\n\n")[0].partition("\n  \n")[0].split()) or kind
    # A publisher's table, page and address are no personal data, and would look like it.
    said = line if kind in _ABOUT_A_PUBLISHER else redact_text(line)
    return said if len(said) <= _LONGEST_CAUSE else f"{said[:_LONGEST_CAUSE]}…"


def _of_weight(record: logging.LogRecord) -> bool:
    """Of what libraries log under no name at all (Dagster: each new try to reach its database) only what failed."""
    return record.levelno >= logging.ERROR


def _alert(settings: Settings, run_id: str, outcome: _Outcome, log: RunLog) -> _Alerts:
    """Write down what was found, and send it. The run is done by then: what fails here is told, and waits."""
    failure = outcome.failures[0] if outcome.failures else None
    step, cause = (failure.step, failure.cause) if failure else (None, None)
    try:
        path = write_findings(settings, run_id, step, cause=cause)
    except OSError as error:
        log.failure(error)
        return _not_sent(settings, error)
    alerts = _sent(settings, path, log)
    try:
        forget_old_runs(settings)
    except OSError as error:
        log.failure(error)
    return alerts


def _sent(settings: Settings, findings: Path | None, log: RunLog | None = None) -> _Alerts:
    """Send what was found, and what waits; what fails is told, and waits."""
    from pipelines.alerts.dispatch import deliver_pending, process_run

    try:
        now = dt.datetime.now(dt.UTC)
        record_untold(settings, now)
        report = process_run(settings, findings, now) if findings else deliver_pending(settings, now)
    except SetupError:
        raise
    except Exception as error:
        if log is not None:
            log.failure(error)
        return _not_sent(settings, error)
    return _Alerts(report.sent, report.pending, report.held, tuple(report.errors))


def _not_sent(settings: Settings, error: Exception) -> _Alerts:
    cause = _said(type(error).__name__, str(error), settings)
    return _Alerts(errors=(f"de meldingen zijn niet verwerkt: {cause}",))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _summarise(
    settings: Settings, run_id: str, outcome: _Outcome, alerts: _Alerts, log: Path | None, seconds: float
) -> RunSummary:
    from pipelines.publish.publication import current
    from pipelines.warehouse.connection import connect_read_only

    folder = RunFolder(settings, run_id)
    steps = [step for name in STEPS if (step := folder.read(f"checks_{name}"))]
    manifest = current(settings)
    summary: dict[str, Any] = {
        "run_id": run_id,
        "seconds": seconds,
        "checks": sum(len(step["results"]) for step in steps),
        "failed_checks": [check for step in steps for check in step["results"] if not check["passed"]],
        "alerts_sent": alerts.sent,
        "alerts_waiting": alerts.waiting,
        "alerts_held": alerts.held,
        "alert_errors": list(alerts.errors),
        "docs": docs if (docs := settings.data_docs_dir / "index.html").is_file() else None,
        "log": log,
        "published": settings.published_path if manifest else None,
        "published_at": dt.datetime.fromisoformat(manifest["published_at"]) if manifest else None,
        "is_partial": outcome.is_partial,
        "tables_updated": outcome.tables_updated,
        "is_unchanged": outcome.unchanged,
    }
    if outcome.failures:
        first = outcome.failures[0]
        return RunSummary(
            exit_code=FAILED, failures=outcome.failures, failed_step=first.step, error=first.cause, **summary
        )
    if folder.read("publication") is None:
        refused = outcome.rows_refused
        return RunSummary(exit_code=DONE_WITH_REFUSALS if refused else DONE, rows_refused=refused, **summary)
    with connect_read_only(settings.published_path) as published:

        def rows(query: str) -> list[dict[str, Any]]:
            return _rows(published, query)

        quarantined = rows('select * from marts.quarantine order by file, line, "column"')
        return RunSummary(
            exit_code=DONE_WITH_REFUSALS if quarantined else DONE,
            is_published=not outcome.unchanged,
            deliveries=(folder.read("accounts") or {"deliveries": []})["deliveries"],
            observations=rows("select count(*) as n from marts.observation where is_latest")[0]["n"],
            quarantined=quarantined,
            breaks={
                row["cause"]: row["n"]
                # a gap, another rounding and a copy have no size and no cause; a part is counted with its whole
                for row in rows(
                    "select cause, count(*) as n from marts.trend_break "
                    "where effect_pct is not null and part_of is null group by cause"
                )
            },
            **summary,
        )
