"""Dagster resources: the lock that keeps two runs from writing one warehouse."""

import contextlib
from collections.abc import Iterator

import dagster as dg
from filelock import FileLock, Timeout

from pipelines.settings import load_settings


class RunLock(dg.ConfigurableResource):
    """Held for the whole of a run. A second run on the same data directory fails at once, and says why."""

    wait_seconds: float = 5.0

    @contextlib.contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RunLock"]:
        settings = load_settings()
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(settings.data_dir / ".run.lock", timeout=self.wait_seconds)
        try:
            lock.acquire()
        except Timeout:
            raise dg.Failure(
                f"Another run is writing {settings.data_dir}. Wait until it has ended, or name another data directory."
            ) from None
        try:
            yield self
        finally:
            lock.release()
