"""Dagster's event log in SQLite, written without waiting for the disk at every event.

What belongs here: how connections to it are opened in a run of this process. Dagster opens and closes one for every
event, and each time SQLite would write its log back and wait. With one connection held open beside them it does that
now and then; after a power cut the last events of a run may be missing, and what was there before stands.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def unhurried(folder: Path) -> Iterator[None]:
    """While inside, the SQLite files below `folder` are written so; others are left alone."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    held: dict[str, sqlite3.Connection] = {}

    def connected(connection: Any, _: object) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        path = connection.execute("pragma database_list").fetchone()[2]
        if not path or not Path(path).is_relative_to(folder):
            return
        connection.execute("pragma synchronous = normal")
        if path not in held:
            held[path] = sqlite3.connect(path, check_same_thread=False)
            held[path].execute("select count(*) from sqlite_master").fetchone()

    event.listen(Engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(Engine, "connect", connected)
        for connection in held.values():
            connection.close()
