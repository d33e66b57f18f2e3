"""Dagster resources: the lock that keeps two runs from writing one warehouse, and the note of who holds it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

from pipelines.declarations.load import load_declarations
from pipelines.deliveries.drop_folder import why_not_read
from pipelines.reuse import whole_run
from pipelines.run_folder import RunFolder, lock_of, note_of_holder
from pipelines.settings import Settings, load_settings
from pipelines.untold_runs import write_down
from pipelines.warehouse.accounts import told_to_whoever_runs_it
from pipelines.warehouse.connection import connect


class RunLock(dg.ConfigurableResource):
    """Held for the whole of a run. A second run on the same data directory fails at once, and says why."""

    wait_seconds: float = 5.0

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RunLock"]:
        settings = load_settings()
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        lock = _lock(settings, self.wait_seconds)
        try:
            lock.acquire()
        except Timeout:
            raise dg.Failure(
                f"Another run is writing {settings.data_dir}. Wait until it has ended, or name another data directory."
            ) from None
        holder = note_of_holder(settings)
        try:
            with contextlib.suppress(OSError):
                write_down(settings)
            if context.instance is not None:
                _end_holder(context.instance, holder)
            sources = load_declarations(settings.sources_dir, settings.profile).sources
            if (why := why_not_read(settings, sources)) is not None:
                raise dg.Failure(why)
            # Whatever this run does, what stands after the last one holds no longer until it has done it.
            begun_with = whole_run.begin(settings)
            # A warehouse of an earlier release is brought to this one before any step looks at it, dbt's included.
            # Held open for the whole of the run: each step would else read the catalogue of the file anew.
            with connect(settings.warehouse_path) as warehouse:
                if context.run is not None:
                    holder.write_text(context.run.run_id, encoding="utf-8")
                    RunFolder(settings, context.run.run_id).write("begun", {"with": begun_with})
                yield self
                if context.run is not None:
                    # While nobody else can have changed it; a full disk ends no run that came this far.
                    with contextlib.suppress(OSError):
                        accounts = told_to_whoever_runs_it(warehouse)
                        RunFolder(settings, context.run.run_id).write("accounts", accounts)
        finally:
            holder.unlink(missing_ok=True)
            lock.release()


def end_killed_run(instance: dg.DagsterInstance) -> str | None:
    """Mark the run whose process was killed as failed; returns its id, None where there is no such run.

    Dagster does not notice by itself that a process on this machine has gone. Such a run would stay "started",
    and every run after it would wait in the queue for its end.
    """
    settings = load_settings()
    holder = note_of_holder(settings)
    if not holder.is_file():
        return None
    try:
        with _lock(settings, 0):
            write_down(settings)
            return _end_holder(instance, holder)
    except Timeout:
        return None


def _lock(settings: Settings, wait_seconds: float) -> FileLock:
    return FileLock(lock_of(settings), timeout=wait_seconds)


def _end_holder(instance: dg.DagsterInstance, holder: Path) -> str | None:
    """With the lock held: whoever stands in `holder` can no longer be running."""
    if not holder.is_file():
        return None
    run = instance.get_run_by_id(holder.read_text(encoding="utf-8"))
    holder.unlink()
    if run is None or run.is_finished:
        return None
    instance.report_run_failed(run, "The process of this run was ended before the run was. Start it again.")
    return run.run_id
