"""Dagster's event log in SQLite: the same events as Dagster writes by itself, through one connection per file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from pipelines.event_storage import unhurried


@dg.asset
def first() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 1})


@dg.asset(deps=[first])
def second() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 2})


def _types(instance: dg.DagsterInstance, run_id: str) -> Counter[str]:
    return Counter(
        entry.get_dagster_event().event_type_value for entry in instance.all_logs(run_id) if entry.is_dagster_event
    )


@pytest.fixture
def opened() -> Iterator[Counter[str]]:
    """How often a connection to each SQLite file is opened."""
    counted = Counter[str]()

    def connected(connection: sqlite3.Connection, _: object) -> None:
        counted[Path(connection.execute("pragma database_list").fetchone()[2]).name] += 1

    event.listen(Engine, "connect", connected)
    yield counted
    event.remove(Engine, "connect", connected)


def test_the_same_events_are_kept_through_a_connection_per_file(tmp_path: Path, opened: Counter[str]) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        plain = dg.materialize([first, second], instance=instance)
        by_dagster = opened.copy()
        opened.clear()
        with unhurried(instance):
            held = dg.materialize([first, second], instance=instance)
            during = _types(instance, held.run_id)
        by_us = opened.copy()
        again = dg.materialize([first, second], instance=instance)
        wanted = _types(instance, plain.run_id)
        assert during == _types(instance, held.run_id) == _types(instance, again.run_id) == wanted
        record = instance.get_latest_materialization_event(dg.AssetKey("second"))
        assert record is not None and record.run_id == again.run_id
    # Dagster's own way of making the tables opens a new file a few times.
    assert by_us[f"{held.run_id}.db"] < 10 < by_dagster[f"{plain.run_id}.db"]
    assert by_us["index.db"] < 10 < by_dagster["index.db"]


def test_what_was_written_is_there_for_whoever_opens_the_files_next(tmp_path: Path) -> None:
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance, unhurried(instance):
        made = dg.materialize([first], instance=instance)
        with dg.DagsterInstance.from_ref(instance.get_ref()) as other:
            assert _types(other, made.run_id) == _types(instance, made.run_id)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as later:
        record = later.get_latest_materialization_event(dg.AssetKey("first"))
        assert record is not None and record.run_id == made.run_id
