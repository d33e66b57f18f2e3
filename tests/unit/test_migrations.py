"""From one release to the next: numbered steps, each wholly or not at all, and no way back by accident."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from pipelines import cli, main_job
from pipelines.publish.publication import publish
from pipelines.settings import PROJECT_ROOT, Settings
from pipelines.warehouse.connection import SCHEMAS, WarehouseError, connect
from pipelines.warehouse.migrations import STEPS, Step, WarehouseTooNew, migrate, refuse_newer

LATEST = STEPS[-1].version

# What the release before did when it opened a warehouse, and tables as it made them, some of which are made no longer.
_BEFORE = """
create schema if not exists declared;
create schema if not exists raw;
create schema if not exists staging;
create schema if not exists core;
create schema if not exists breaks;
create schema if not exists privacy;
create schema if not exists benchmark;
create schema if not exists marts;
create table raw.vb_wmo as select 'vb_wmo/VB01NED/0123456789ab' as vintage_id, 'VB0001' as region_code, 1.0 as value;
create table raw.delivery as
    select 'vb_wmo/VB01NED/0123456789ab' as vintage_id, 'vb_wmo' as source_id, date '2026-01-01' as vintage_date,
    'x' as vintage_label, 'ff' as checksum_sha256, true as is_current;
create view raw.figure as select vintage_id, region_code, value from raw.vb_wmo;
create view staging.stg_figure as from raw.figure;
create table core.core_observation as from staging.stg_figure;
create table marts.observation as from core.core_observation;
create table breaks.found as select 'b1' as break_id;
create table breaks.known as select 'b1' as break_id;
create table marts.no_longer_made as select 'a figure of long ago' as value;
create table marts.delivery as from raw.delivery;
comment on table marts.observation is 'One row per figure.';
create macro marts.twice(figure) as figure * 2;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "warehouse.duckdb"


@pytest.fixture
def of_the_release_before(path: Path) -> Path:
    path.parent.mkdir()
    with duckdb.connect(str(path)) as connection:
        connection.execute(_BEFORE)
    return path


def _had(path: Path) -> list[int]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return [version for (version,) in connection.execute("select version from release.step order by 1").fetchall()]


def _tables(path: Path) -> set[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() union all "
            "select schema_name || '.' || view_name from duckdb_views() where not internal"
        ).fetchall()
    return {name for (name,) in rows}


def test_a_new_warehouse_has_had_every_step(path: Path) -> None:
    with connect(path):
        pass
    assert _had(path) == [step.version for step in STEPS] == list(range(1, LATEST + 1))


def test_what_the_release_before_built_is_built_anew(of_the_release_before: Path) -> None:
    assert "marts.no_longer_made" in _tables(of_the_release_before)
    with connect(of_the_release_before) as connection:
        found = {name for (name,) in connection.execute("select schema_name from duckdb_schemas()").fetchall()}
        assert set(SCHEMAS) <= found
        connection.execute("create table marts.observation as select 1 as value")
    assert _tables(of_the_release_before) == {"breaks.known", "marts.observation", "release.step"}
    assert _had(of_the_release_before) == [1]


def test_how_breaks_were_called_is_in_no_snapshot_and_outlives_the_release(of_the_release_before: Path) -> None:
    with connect(of_the_release_before) as connection:
        assert connection.execute("from breaks.known").fetchall() == [("b1",)]


def test_a_warehouse_that_has_had_the_steps_keeps_what_is_in_it(path: Path) -> None:
    for _ in range(3):
        with connect(path) as connection:
            connection.execute("create table if not exists marts.observation as select 1 as value")
            assert connection.execute("select count(*) from marts.observation").fetchall() == [(1,)]
    assert _had(path) == [step.version for step in STEPS]


def test_a_table_that_is_no_longer_made_is_published_no_more(of_the_release_before: Path) -> None:
    settings = Settings(data_dir=of_the_release_before.parent)
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.delivery as select 'v' as vintage_id, 's' as source_id, date '2026-01-01' as "
            "vintage_date, 'x' as vintage_label, 'ff' as checksum_sha256, true as is_current"
        )
    assert list(publish(settings, "run-1").row_counts) == ["delivery"]


def _fails(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("drop table marts.observation")
    raise RuntimeError("half-way")


_LATER = (
    *STEPS,
    Step(LATEST + 1, "a column", lambda connection: _execute(connection, "alter table kept.seen add column day date")),
)


def _execute(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    connection.execute(statement)


def test_a_later_release_takes_the_steps_that_are_missing_in_order(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("create schema kept")
        connection.execute("create table kept.seen as select 'a' as what")
        assert migrate(connection, path, _LATER) == _LATER[-1:]
        assert migrate(connection, path, _LATER) == ()
        assert connection.execute("from kept.seen").fetchall() == [("a", None)]
    assert _had(path) == [*(step.version for step in STEPS), LATEST + 1]


def test_a_step_that_fails_leaves_nothing_of_itself(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("create table marts.observation as select 1 as value")
        with pytest.raises(RuntimeError, match="half-way"):
            migrate(connection, path, (*_LATER[:-1], Step(LATEST + 1, "fails", _fails)))
        assert connection.execute("from marts.observation").fetchall() == [(1,)]
    assert _had(path) == [step.version for step in STEPS]


_KILLED = """
import os, sys
from pathlib import Path
from pipelines.warehouse import migrations
from pipelines.warehouse.connection import connect

whole = migrations._make_layers_anew

def half(connection):
    whole(connection)
    os.kill(os.getpid(), 9)

if sys.argv[2] == "within":
    step = migrations.Step(1, "half", half)
    migrations.migrate.__defaults__ = ((step,),)
with connect(Path(sys.argv[1])):
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("moment", "is_done"), [("within", False), ("after", True)])
def test_killed_within_a_step_it_was_not_taken_and_killed_after_it_was(
    of_the_release_before: Path, moment: str, is_done: bool
) -> None:
    before = _tables(of_the_release_before)
    command = [sys.executable, "-c", _KILLED, str(of_the_release_before), moment]
    assert subprocess.run(command, cwd=PROJECT_ROOT, check=False).returncode == -9
    with duckdb.connect(str(of_the_release_before)):
        pass  # whatever was still to be written into the file
    assert _tables(of_the_release_before) == ({"breaks.known", "release.step"} if is_done else before)
    with connect(of_the_release_before):
        pass
    assert _had(of_the_release_before) == [1]


def test_a_warehouse_of_a_later_release_is_refused_and_left_alone(path: Path) -> None:
    with connect(path) as connection:
        connection.execute("insert into release.step values (99, 'of a later release', '9.0.0')")
        connection.execute("create table marts.observation as select 1 as value")
    sentence = "found version 99, expected 1 at most: a later release of nulmeting made it"
    with pytest.raises(WarehouseTooNew, match=sentence), connect(path):
        pass
    with pytest.raises(WarehouseTooNew, match=sentence):
        refuse_newer(path)
    assert "marts.observation" in _tables(path)
    assert not path.with_name("warehouse.duckdb.damaged").exists()


def _of_a_later_duckdb(path: Path) -> None:
    """The header as a DuckDB of a later format would write it, with the checksum that DuckDB says it should have."""
    with connect(path):
        pass
    content = bytearray(path.read_bytes())
    content[12:20] = struct.pack("<Q", 250)
    path.write_bytes(content)
    with pytest.raises(duckdb.IOException) as told:
        duckdb.connect(str(path))
    computed = re.search(r"computed checksum (\d+)", str(told.value))
    assert computed is not None
    content[0:8] = struct.pack("<Q", int(computed[1]))
    path.write_bytes(content)


def test_a_file_of_a_later_duckdb_is_no_damage(path: Path) -> None:
    _of_a_later_duckdb(path)
    before = path.read_bytes()
    with pytest.raises(WarehouseTooNew, match="found a file of a later DuckDB, expected one of"), connect(path):
        pass
    with pytest.raises(WarehouseTooNew, match="found a file of a later DuckDB, expected one of"):
        refuse_newer(path)
    assert path.read_bytes() == before
    assert not path.with_name("warehouse.duckdb.damaged").exists()


def test_a_run_on_a_warehouse_of_a_later_release_ends_with_2_before_it_begins(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(path) as connection:
        connection.execute("insert into release.step values (99, 'of a later release', '9.0.0')")
    monkeypatch.setattr(main_job, "prepare_environment", lambda *_: pytest.fail("the run has begun"))
    result = CliRunner().invoke(cli.app, ["run", "--data-dir", str(path.parent)])
    assert isinstance(result.exception, WarehouseTooNew)
    monkeypatch.setattr(sys, "argv", ["nulmeting", "run", "--data-dir", str(path.parent)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"nulmeting: {path}: found version 99")


def test_what_else_is_the_matter_with_a_file_is_left_to_whoever_opens_it(path: Path) -> None:
    refuse_newer(path)
    path.parent.mkdir()
    path.write_bytes(b"no database")
    refuse_newer(path)
    with connect(path):
        pass
    assert path.with_name("warehouse.duckdb.damaged").exists()
    with duckdb.connect(str(path)):
        refuse_newer(path)


def test_what_is_not_damaged_is_not_set_aside(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(WarehouseError, match=r"cannot be opened \(Is a directory\)"), connect(path):
        pass
    assert path.is_dir()
