"""Loading tables whole, in one transaction, and opening the warehouse whatever state it was left in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.declarations.load import load_declarations
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.connection import SCHEMAS, WarehouseError, connect, connect_read_only
from pipelines.warehouse.load import forget_other_sources, load_source, replace_tables
from pipelines.warehouse.raw_tables import ACCOUNTS, raw_schema


def _accounts(source_id: str, rows: int) -> dict[str, pa.Table]:
    return {
        name: pa.Table.from_pylist([{"source_id": source_id, "vintage_id": "v"}] * rows, schema=schema)
        for name, schema in ACCOUNTS.items()
    }


def test_the_layers_are_there_at_once(tmp_path: Path) -> None:
    with connect(tmp_path / "w.duckdb") as connection:
        found = {name for (name,) in connection.execute("select schema_name from duckdb_schemas()").fetchall()}
    assert set(SCHEMAS) <= found


def test_loading_a_source_again_replaces_its_rows_and_touches_no_other(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, 2]})
    with connect(tmp_path / "w.duckdb") as connection:
        load_source(connection, "one", rows, _accounts("one", 2))
        load_source(connection, "two", rows, _accounts("two", 1))
        load_source(connection, "one", rows.slice(0, 1), _accounts("one", 1))
        assert connection.execute("select count(*) from raw.one").fetchall() == [(1,)]
        assert connection.execute("select source_id, count(*) from raw.delivery group by 1 order by 1").fetchall() == [
            ("one", 1),
            ("two", 1),
        ]
        forget_other_sources(connection, ("two",))
        assert connection.execute("select distinct source_id from raw.delivery").fetchall() == [("two",)]


def test_a_load_that_fails_half_way_changes_nothing(tmp_path: Path) -> None:
    with connect(tmp_path / "w.duckdb") as connection:
        replace_tables(connection, "raw", {"a": pa.table({"x": [1]})})
        with pytest.raises(duckdb.Error):
            replace_tables(connection, "raw", {"a": pa.table({"x": [2]}), "b": None})  # type: ignore[dict-item]
        assert connection.execute("select x from raw.a").fetchall() == [(1,)]


def test_a_damaged_warehouse_is_set_aside_because_it_can_be_built_again(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"this is no database" * 1000)
    with connect(path) as connection:
        connection.execute("create table raw.a (x int)")
    assert path.with_name("w.duckdb.damaged").is_file()
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("select count(*) from raw.a").fetchall() == [(0,)]


def test_damage_that_shows_only_when_it_is_read_is_set_aside_then(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with connect(path) as connection:
        connection.execute("create table raw.a as select hash(range) as x from range(200000)")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 100] = bytes(byte ^ 255 for byte in content[middle : middle + 100])
    path.write_bytes(content)
    with (
        pytest.raises(WarehouseError, match=r"set aside as w\.duckdb\.damaged; run again"),
        connect(path) as connection,
    ):
        connection.execute("select sum(x) from raw.a").fetchall()
    with connect(path) as connection:
        assert connection.execute("select count(*) from duckdb_tables() where schema_name = 'raw'").fetchall() == [(0,)]


def test_changes_that_a_killed_run_left_damaged_are_set_aside_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    command = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute('create table a as select 1 as x'); "
        "c.execute('create table b as from range(1000)'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", command, str(path)], check=True)
    log = path.with_name("w.duckdb.wal")
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 255
    log.write_bytes(content)
    with connect(path) as connection:
        assert connection.execute("select count(*) from duckdb_tables() where table_name = 'b'").fetchall() == [(0,)]
    assert path.with_name("w.duckdb.damaged").is_file() and not log.exists()


def test_a_warehouse_that_another_process_uses_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    command = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", command, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as user:
        assert user.stdout is not None and user.stdout.readline()
        with pytest.raises(WarehouseError, match="in use by another process"), connect(path):
            pass
        user.communicate()
    assert not path.with_name("w.duckdb.damaged").exists()


def test_a_full_disk_leaves_the_warehouse_that_was_to_be_emptied(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with connect(path) as connection:
        connection.execute("create table breaks.known as select range as break_id from range(100000)")
    # No file may become larger than that: what a full disk says, without one.
    script = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from pipelines.warehouse.connection import WarehouseError, empty_warehouse\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n"
        "    empty_warehouse(Path(sys.argv[1]))\n"
        "except WarehouseError as error:\n"
        "    sys.exit(str(error))\n"
    )
    outcome = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert "cannot be renewed, and stays" in outcome.stderr
    assert [found.name for found in tmp_path.iterdir()] == ["w.duckdb"]
    with connect(path) as connection:
        assert connection.execute("select count(*) from breaks.known").fetchall() == [(100_000,)]


def test_an_error_in_a_query_sets_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    with pytest.raises(duckdb.CatalogException), connect(path) as connection:
        connection.execute("from raw.nothing")
    assert path.is_file() and not path.with_name("w.duckdb.damaged").exists()


def test_a_published_file_is_read_where_it_lies(tmp_path: Path) -> None:
    with (
        pytest.raises(WarehouseError, match="nothing has been published yet"),
        connect_read_only(tmp_path / "p.duckdb"),
    ):
        pass


def test_every_declared_source_has_a_raw_table_with_a_vintage() -> None:
    for source in load_declarations(PROJECT_ROOT / "sources", "sample").sources:
        schema = raw_schema(source)
        assert schema.names[0] == "vintage_id"
        assert len(schema.names) == len(set(schema.names))


def test_somebody_who_only_looks_into_the_file_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with connect(path):
        pass
    program = (
        "import duckdb, sys, time\n"
        f"with duckdb.connect({str(path)!r}, read_only=True):\n"
        "    print('open', flush=True)\n"
        "    time.sleep(0.4)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with connect(path) as connection:
            assert connection.execute("select 1").fetchall() == [(1,)]
