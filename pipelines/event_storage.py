"""Dagster's event log in SQLite, written through one connection per file instead of one per event.

What belongs here: how a run of this process writes its events. Dagster makes an engine, opens a connection and closes
it again for every event, and each time SQLite writes its log back and waits for the disk. Here that is done now and
then: after a power cut the last events of a run may be missing, and what was there before stands.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagster import DagsterInstance
    from sqlalchemy import Connection, Engine

_SECONDS_TO_WAIT_FOR_OTHERS = 30


@contextlib.contextmanager
def unhurried(instance: DagsterInstance) -> Iterator[None]:
    """While inside, the events of this instance are written so; a PostgreSQL storage is left alone."""
    from dagster._core.storage.event_log.sqlite import SqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    one_each_time, lock = storage._connect, threading.Lock()
    engines: dict[str, Engine] = {}

    @contextlib.contextmanager
    def connect(shard: str) -> Iterator[Connection]:
        with lock:
            if shard not in engines:
                # Dagster's own way makes the tables where there are none yet.
                with one_each_time(shard):
                    pass
                engines[shard] = _held_open(storage.conn_string_for_shard(shard))
            with engines[shard].begin() as connection:
                yield connection

    storage._connect = connect  # type: ignore[method-assign]
    try:
        yield
    finally:
        storage._connect = one_each_time  # type: ignore[method-assign]
        for engine in engines.values():
            engine.dispose()


def _held_open(address: str) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import StaticPool

    engine = create_engine(
        address,
        poolclass=StaticPool,
        connect_args={"timeout": _SECONDS_TO_WAIT_FOR_OTHERS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.execute("pragma synchronous = normal")

    return engine
