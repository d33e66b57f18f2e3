"""The job, its schedules and its sensors.

Schedules are off until somebody turns them on: in the sample profile there is nothing new to fetch.
"""

import datetime as dt

import dagster as dg

from pipelines.defs.resources import end_killed_run
from pipelines.settings import load_settings

monitor = dg.define_asset_job(
    "monitor",
    selection=dg.AssetSelection.all(),
    description="The main job: every source through raw, core and marts, checked, and published.",
    executor_def=dg.in_process_executor,
)

half_yearly = dg.ScheduleDefinition(
    name="na_de_publicaties",
    job=monitor,
    cron_schedule=["0 6 15 4 *", "0 6 15 10 *"],
    execution_timezone="Europe/Amsterdam",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="After the spring and the autumn publication of the Gemeentelijke Monitor Sociaal Domein.",
)

daily = dg.ScheduleDefinition(
    name="dagelijkse_leveringen",
    job=monitor,
    cron_schedule="30 5 * * *",
    execution_timezone="Europe/Amsterdam",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="What municipalities put in the drop folder since yesterday.",
)


def _alert_after(status: dg.DagsterRunStatus, name: str, description: str) -> dg.SensorDefinition:
    """Sends what a run found; a run that the command line has already reported changes nothing."""

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

        settings = load_settings()
        step = _failed_step(context) if status is dg.DagsterRunStatus.FAILURE else None
        path = write_findings(settings, context.dagster_run.run_id, failed_step=step)
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
    name="afgebroken_runs",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Ends a run whose process was killed, so that the runs waiting behind it can start.",
)
def end_killed_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    ended = end_killed_run(context.instance)
    return dg.SkipReason(f"run {ended} had been killed and is now marked as failed" if ended else "no run was killed")
