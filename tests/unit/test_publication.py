"""The published set: whole, swapped in as one, and described."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from pipelines.publish.publication import current, publish, verify
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", keep_publications=2)


def _fill(settings: Settings, figure: int) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            f"create or replace table marts.observation as select {figure}::bigint as value from range(1000)"
        )
        connection.execute("comment on column marts.observation.value is 'The figure''s value'")
        connection.execute(
            "create or replace table marts.delivery as select 'a/b/c' as vintage_id, 'a' as source_id, "
            "date '2026-01-01' as vintage_date, 'x' as vintage_label, 'ff' as checksum_sha256, true as is_current"
        )


def _published(settings: Settings, query: str) -> object:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        ((value,),) = connection.execute(query).fetchall()
    return value


def test_nothing_is_published_before_the_first_time(settings: Settings) -> None:
    assert current(settings) is None


def test_a_publication_holds_marts_parquet_and_a_manifest_that_agree(settings: Settings) -> None:
    _fill(settings, 1)
    publication = publish(settings, "run-1")
    manifest = current(settings)
    assert manifest is not None
    assert manifest["row_counts"] == {"delivery": 1, "observation": 1000}
    assert manifest["vintages"][0]["vintage_id"] == "a/b/c"
    assert verify(publication.folder) == []
    assert _published(settings, "select sum(value) from marts.observation") == 1000


def test_descriptions_travel_with_the_file(settings: Settings) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    comment = _published(
        settings,
        "select comment from duckdb_columns() where table_name = 'observation' and column_name = 'value'",
    )
    assert comment == "The figure's value"


def test_a_changed_byte_is_found(settings: Settings) -> None:
    _fill(settings, 1)
    folder = publish(settings, "run-1").folder
    parquet = folder / "parquet" / "observation.parquet"
    content = bytearray(parquet.read_bytes())
    content[10] ^= 1
    parquet.write_bytes(content)
    assert verify(folder) == ["parquet/observation.parquet"]


def test_the_same_content_gives_the_same_parquet_bytes(settings: Settings) -> None:
    _fill(settings, 1)
    first = publish(settings, "run-1").checksums
    second = publish(settings, "run-2").checksums
    assert {k: v for k, v in first.items() if k.startswith("parquet/")} == {
        k: v for k, v in second.items() if k.startswith("parquet/")
    }


def test_a_failing_publication_leaves_the_standing_one(settings: Settings) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    with connect(settings.warehouse_path) as connection:
        connection.execute("drop table marts.delivery")
    with pytest.raises(duckdb.Error):
        publish(settings, "run-2")
    manifest = current(settings)
    assert manifest is not None and manifest["run_id"] == "run-1"
    assert _published(settings, "select max(value) from marts.observation") == 1


def test_what_a_killed_run_left_is_cleared_and_old_sets_are_dropped(settings: Settings) -> None:
    _fill(settings, 1)
    left_over = settings.published_path.parent / "versions" / ".building-x"
    left_over.mkdir(parents=True)
    for number in range(4):
        publish(settings, f"run-{number}")
    versions = settings.published_path.parent / "versions"
    assert not left_over.exists()
    assert len(list(versions.iterdir())) == 2


def test_readers_never_fail_or_see_a_mixture_while_sets_are_swapped(settings: Settings) -> None:
    _fill(settings, 0)
    publish(settings, "run-0")
    done = threading.Event()
    torn: list[object] = []

    def read() -> None:
        while not done.is_set():
            with duckdb.connect(str(settings.published_path.resolve()), read_only=True) as connection:
                ((low, high),) = connection.execute("select min(value), max(value) from marts.observation").fetchall()
            if low != high:
                torn.append((low, high))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    patient = settings.model_copy(update={"keep_publications": 50})
    for number in range(1, 6):
        _fill(settings, number)
        publish(patient, f"run-{number}")
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert _published(settings, "select max(value) from marts.observation") == 5
