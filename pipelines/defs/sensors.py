"""What starts or follows a run by itself: alerts, runs whose process was killed, files that arrive, tables that change.

Wiring only: what is sent is in `alerts`, what a delivery is in `deliveries`. The sensors that launch runs are off until
somebody turns them on; those that tell and tidy are on.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.declarations.load import Declarations
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, FolderConnector
from pipelines.defs.jobs import DELIVERIES, MONITOR, all_that_follows
from pipelines.defs.resources import end_killed_run
from pipelines.defs.run_tags import BY_SENSOR, MODIFIED, SOURCE
from pipelines.settings import Settings, load_settings

# Dagster ends a tick after a minute.
_POLL_SECONDS = 35.0
_ASK_AGAIN = dt.timedelta(days=7)
_LONGEST_TAG = 200


def sensors(declarations: Declarations, jobs: Mapping[str, Any]) -> list[dg.SensorDefinition]:
    """All sensors of the code location, for these jobs."""
    return [
        alert_after_success,
        alert_after_failure,
        send_what_is_due,
        end_killed_runs,
        _watch_drop_folder(jobs),
        _watch_cbs(declarations, jobs),
    ]


# -- alerts ----------------------------------------------------------------------------------------


def _alert_after(status: dg.DagsterRunStatus, name: str, description: str) -> dg.SensorDefinition:
    """Sends what a run found that was launched in the interface; of others Dagster tells no sensor."""

    @dg.run_status_sensor(
        run_status=status,
        name=name,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description=description,
    )
    def _alert(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
        from pipelines.alerts.dispatch import process_run
        from pipelines.findings import write_findings
        from pipelines.step_timings import record_run

        settings, run_id = load_settings(), context.dagster_run.run_id
        step = _failed_step(context) if status is dg.DagsterRunStatus.FAILURE else None
        record = context.instance.get_run_record_by_id(run_id)
        ended_at = dt.datetime.fromtimestamp(record.end_time, dt.UTC) if record and record.end_time else None
        # Once it is written down it is told, also where Dagster does not come back to this run after an error here.
        path = write_findings(settings, run_id, step, ended_at=ended_at)
        try:
            record_run(settings, context.instance, run_id)
        except Exception as error:
            context.log.warning(f"what the steps took is not kept: {type(error).__name__}")
        if path is None:
            return dg.SkipReason("this run published nothing")
        report = process_run(settings, path, dt.datetime.now(dt.UTC))
        context.log.info(f"alerts sent: {report.sent}, waiting: {report.pending}")
        return None

    return _alert


def _failed_step(context: dg.RunStatusSensorContext) -> str:
    """The step that failed, else the one in which the process was ended, else the start."""
    for event in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_START):
        records = context.instance.get_records_for_run(
            context.dagster_run.run_id, of_type=event, limit=1, ascending=False
        ).records
        if records and (step := records[0].event_log_entry.step_key):
            return step
    return "start van de run"


alert_after_success = _alert_after(
    dg.DagsterRunStatus.SUCCESS,
    "melding_na_run",
    "Alerts on what a run launched in the interface found: new and resolved findings, once each.",
)
alert_after_failure = _alert_after(
    dg.DagsterRunStatus.FAILURE,
    "melding_na_mislukte_run",
    "Alerts on a run that did not reach its end; what was published stays as it was.",
)


@dg.sensor(
    name="wachtende_meldingen",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Sends what has become due without a run: what a channel did not take before, and what had to wait.",
)
def send_what_is_due(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    from pipelines.alerts.dispatch import deliver_pending, outbox_path
    from pipelines.run_folder import forget_old_runs
    from pipelines.untold_runs import record_untold

    settings, now = load_settings(), dt.datetime.now(dt.UTC)
    record_untold(settings, now)
    if not outbox_path(settings).is_file():
        return dg.SkipReason("no run has found anything to tell yet")
    report = deliver_pending(settings, now, only_due=True)
    forget_old_runs(settings)
    for error in report.errors:
        context.log.warning(error)
    return dg.SkipReason(f"alerts sent: {report.sent}, waiting: {report.pending}")


# -- runs that were killed -------------------------------------------------------------------------


@dg.sensor(
    name="afgebroken_runs",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Ends a run whose process was killed, so that the runs waiting behind it can start.",
)
def end_killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    ended = end_killed_run(context.instance)
    return dg.SkipReason(f"run {ended} had been killed and is now marked as failed" if ended else "no run was killed")


# -- files that arrive -----------------------------------------------------------------------------


def _watch_drop_folder(jobs: Mapping[str, Any]) -> dg.SensorDefinition:
    @dg.sensor(
        name="nieuwe_bestanden",
        jobs=[jobs[DELIVERIES], jobs[MONITOR]],
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=60,
        description="Reads what came into or went from the drop folder, once nothing in it changes any more.",
    )
    def _arrived(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        settings = load_settings()
        seen = _fingerprint(settings)
        known: dict[str, Any] = json.loads(context.cursor) if context.cursor else {"asked": _NOTHING, "number": 0}
        known, stood = {**known, "stood": seen}, known.get("stood")
        if seen == known["asked"]:
            return dg.SensorResult(skip_reason="nothing new in the drop folder", cursor=json.dumps(known))
        if seen == _NOTHING:
            # A share that is not mounted looks like this, and would have every delivery withdrawn.
            return dg.SensorResult(
                skip_reason="the drop folder is empty, where it held files; if that is meant, launch it by hand",
                cursor=json.dumps(known),
            )
        if seen != stood:
            # What is still being copied grows from one tick to the next.
            return dg.SensorResult(skip_reason="the drop folder is still changing", cursor=json.dumps(known))
        known |= {"asked": seen, "number": known["number"] + 1}
        request = dg.RunRequest(
            # The number tells a state that comes back from the same request after a crash.
            run_key=f"drop-{known['number']}-{seen[:16]}",
            job_name=DELIVERIES if _has_run(settings) else MONITOR,
            tags={**BY_SENSOR, SOURCE: "drop folder"},
        )
        return dg.SensorResult(run_requests=[request], cursor=json.dumps(known))

    return _arrived


def _fingerprint(settings: Settings) -> str:
    """Of the names, sizes and times of all files in the folder; names may hold names of persons, and are not kept."""
    from pipelines.connectors.folder import find_deliveries

    digest = hashlib.sha256()
    for path in find_deliveries(settings.deliveries_dir, FolderConnector(kind="folder", pattern="**/*")):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        name = path.relative_to(settings.deliveries_dir).as_posix()
        digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


_NOTHING = hashlib.sha256().hexdigest()


def _has_run(settings: Settings) -> bool:
    """Whether there is a warehouse to go on from; without one the regions are not known yet."""
    return settings.warehouse_path.is_file() and settings.published_path.is_file()


# -- tables that change ----------------------------------------------------------------------------


def _watch_cbs(declarations: Declarations, jobs: Mapping[str, Any]) -> dg.SensorDefinition:
    sources = [one for one in declarations.sources if isinstance(one.connector, CbsV4Connector | CbsV3Connector)]

    @dg.sensor(
        name="gewijzigde_cbs_tabellen",
        job=jobs[MONITOR],
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=4 * 3600,
        description="Asks CBS which declared tables it changed, and launches those and all that is made of them.",
    )
    def _changed(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from pipelines.deliveries.cbs_changes import poll_changes

        settings = load_settings()
        if settings.profile == "sample":
            return dg.SkipReason("the sample is bundled: there is nobody to ask")
        known: dict[str, Any] = json.loads(context.cursor) if context.cursor else {}
        asked: dict[str, list[str]] = known.get("asked", {})
        names = [source.source_id for source in sources]
        start = names.index(known["next"]) if known.get("next") in names else 0
        polled = poll_changes([*sources[start:], *sources[:start]], settings, _POLL_SECONDS)
        told = [f"{where}: {why}" for where, why in polled.failed.items()]
        for line in told:
            context.log.warning(line)
        today = dt.datetime.now(dt.UTC).date()
        new = {
            (source_id, table): version
            for source_id, tables in polled.changed.items()
            for table, version in tables.items()
            if not _asked_lately(asked.get(f"{source_id}/{table}"), version, today)
        }
        asked |= {f"{source_id}/{table}": [version, today.isoformat()] for (source_id, table), version in new.items()}
        cursor = json.dumps({"asked": asked, "next": polled.not_asked}, sort_keys=True)
        if not new:
            return dg.SensorResult(skip_reason="; ".join(told) or "CBS changed no declared table", cursor=cursor)
        request = _launch(context, settings, new, today)
        return dg.SensorResult(run_requests=[request], cursor=cursor)

    return _changed


def _asked_lately(before: list[str] | None, version: str, today: dt.date) -> bool:
    """Whether a run was launched for this version before; one that never came is launched for again after a week."""
    return before is not None and before[0] == version and today - dt.date.fromisoformat(before[1]) < _ASK_AGAIN


def _launch(
    context: dg.SensorEvaluationContext, settings: Settings, new: dict[tuple[str, str], str], today: dt.date
) -> dg.RunRequest:
    ids = sorted({source_id for source_id, _ in new})
    changes = [f"{table} {version}" for (_, table), version in sorted(new.items())]
    key = hashlib.sha256("\n".join([*changes, today.isoformat()]).encode()).hexdigest()[:16]
    tags = {**BY_SENSOR, SOURCE: _as_tag(ids), MODIFIED: _as_tag(changes)}
    if not _has_run(settings) or context.repository_def is None:
        return dg.RunRequest(run_key=f"cbs-{key}", tags=tags)
    graph = context.repository_def.asset_graph
    selection = sorted(all_that_follows(ids).resolve(graph), key=lambda found: found.to_user_string())
    return dg.RunRequest(
        run_key=f"cbs-{key}", tags=tags, asset_selection=selection, asset_check_keys=sorted(graph.asset_check_keys)
    )


def _as_tag(values: list[str]) -> str:
    text = ", ".join(values)
    return text if len(text) <= _LONGEST_TAG else f"{text[: _LONGEST_TAG - 1]}…"
