"""What is not made again: what tables hold, the memory of steps, and for which days a run holds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reuse import made_of, steps
from pipelines.reuse.contents import forget_everything, measured, note_for_dbt
from pipelines.reuse.whole_run import LastRun, _next_date, unchanged
from pipelines.settings import load_settings

DAYS = st.dates(dt.date(2020, 1, 1), dt.date(2030, 1, 1))


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema raw; create schema core; create schema declared")
    return connection


def held(connection: duckdb.DuckDBPyConnection, rows: str, columns: str = "(a integer, b varchar)") -> str:
    connection.execute(f"create or replace table raw.t {columns}")
    connection.execute(f"insert into raw.t values {rows}")
    return measured(connection, ["raw"])["raw.t"]


def test_the_order_of_rows_is_no_difference(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert held(warehouse, "(1, 'x'), (2, 'y')") == held(warehouse, "(2, 'y'), (1, 'x')")


@pytest.mark.parametrize(
    "rows",
    ["(1, 'x')", "(1, 'x'), (2, 'y'), (2, 'y')", "(1, 'y'), (2, 'x')", "(1, 'x'), (2, null)", "(1, 'x'), (3, 'y')"],
)
def test_other_rows_are(warehouse: duckdb.DuckDBPyConnection, rows: str) -> None:
    assert held(warehouse, rows) != held(warehouse, "(1, 'x'), (2, 'y')")


def test_rows_that_stand_twice_do_not_cancel_out(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert held(warehouse, "(1, 'x'), (1, 'x')") != held(warehouse, "(2, 'y'), (2, 'y')")


@pytest.mark.parametrize("columns", ["(a integer, c varchar)", "(a bigint, b varchar)"])
def test_columns_of_another_name_or_type_are_a_difference(warehouse: duckdb.DuckDBPyConnection, columns: str) -> None:
    assert held(warehouse, "(1, 'x')", columns) != held(warehouse, "(1, 'x')")


@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from("xyz")), max_size=6), st.randoms())
def test_what_is_measured_is_the_rows_and_nothing_else(rows: list[tuple[int, str]], chance: object) -> None:
    connection = duckdb.connect()
    connection.execute("create schema raw; create table raw.a (n integer, t varchar); create table raw.b as from raw.a")
    mixed = list(rows)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    for table, given_rows in (("a", rows), ("b", mixed)):
        for row in given_rows:
            connection.execute(f"insert into raw.{table} values (?, ?)", row)
    found = measured(connection, ["raw"])
    assert found["raw.a"] == found["raw.b"]
    connection.execute("insert into raw.b values (0, 'x')")
    assert measured(connection, ["raw"])["raw.b"] != found["raw.a"]


def test_some_tables_may_be_asked_for_or_left_out(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create table raw.a (n integer); create table raw.b (n integer); create view raw.v as from raw.a")
    assert set(measured(warehouse, ["raw"])) == {"raw.a", "raw.b", "raw.v"}
    assert set(measured(warehouse, ["raw"], only=["raw.b"])) == {"raw.b"}
    assert set(measured(warehouse, ["raw"], besides=["raw.v", "raw.a"])) == {"raw.b"}
    assert measured(warehouse, ["nowhere"]) == {}


def test_what_dbt_did_not_make_is_measured_each_time(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("create table raw.t as select 1 as n")
    before = note_for_dbt(warehouse)["raw.t"]
    warehouse.execute("insert into built.content values ('core.made', 'by dbt', 'from something')")
    warehouse.execute("update raw.t set n = 2")
    after = note_for_dbt(warehouse)
    assert after["raw.t"] != before
    assert after["core.made"] == "by dbt"
    warehouse.execute("drop table raw.t")
    assert "raw.t" not in note_for_dbt(warehouse)


def test_a_step_is_recalled_by_its_inputs_alone(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert steps.recall(warehouse, "raw.x", "one") is None
    steps.remember(warehouse, "raw.x", "one", {"rows": 3})
    assert steps.recall(warehouse, "raw.x", "one") == {"rows": 3}
    assert steps.recall(warehouse, "raw.y", "one") is None


def test_a_step_that_was_begun_and_not_ended_is_forgotten(warehouse: duckdb.DuckDBPyConnection) -> None:
    steps.remember(warehouse, "raw.x", "one", {"rows": 3})
    assert steps.recall(warehouse, "raw.x", "two") is None
    assert steps.recall(warehouse, "raw.x", "one") is None, "its tables may be half of something else"


def test_everything_can_be_forgotten(warehouse: duckdb.DuckDBPyConnection) -> None:
    steps.remember(warehouse, "raw.x", "one", {})
    forget_everything(warehouse)
    assert steps.recall(warehouse, "raw.x", "one") is None


def test_a_file_counts_by_its_bytes_and_its_name(tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    one.write_bytes(b"a;b")
    before = made_of.files([one], tmp_path)
    one.write_bytes(b"a;c")
    assert made_of.files([one], tmp_path) != before
    one.write_bytes(b"a;b")
    assert made_of.files([one], tmp_path) == before
    assert made_of.files([one.rename(tmp_path / "two.csv")], tmp_path) != before
    (gone,) = made_of.files([tmp_path / "gone.csv"], tmp_path)
    assert gone[1].startswith("FileNotFoundError")


@given(DAYS, DAYS, DAYS)
def test_a_run_holds_on_its_day_and_on_later_ones_before_the_next_date(
    judged: dt.date, before: dt.date, day: dt.date
) -> None:
    last = LastRun("run", "publication", "d", "k", judged, before)
    assert last.holds_on(judged)
    if last.holds_on(day) and day != judged:
        assert judged < day < before


def test_the_next_date_is_the_first_from_the_day_on(warehouse: duckdb.DuckDBPyConnection) -> None:
    day = dt.date(2026, 7, 1)
    warehouse.execute("create table declared.setting (today date); insert into declared.setting values ('2026-07-01')")
    warehouse.execute("create table core.expected (due_date date, late_until date)")
    warehouse.execute("create table core.spell (end_date date); insert into core.spell values ('2026-07-02')")
    assert _next_date(warehouse, day) == day, "nothing is known to hold longer"
    warehouse.execute("insert into core.expected values ('2026-06-30', '2026-09-01'), ('2026-08-15', null)")
    assert _next_date(warehouse, day) == dt.date(2026, 8, 15)


@pytest.mark.parametrize("text", [None, "", "{}", '{"run_id": 1}', "[]", '{"judged_on": "gisteren"}'])
def test_without_a_record_that_can_be_read_everything_is_looked_at(tmp_path: Path, text: str | None) -> None:
    settings = load_settings(data_dir=tmp_path)
    if text is not None:
        (tmp_path / "state").mkdir()
        (tmp_path / "state" / "last_run.json").write_text(text, encoding="utf-8")
    assert unchanged(settings) is None


def test_the_program_is_seen_wherever_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "target" / "logs"
    (installed / "pipelines").mkdir(parents=True)
    (installed / "pipelines" / "a.py").write_text("", encoding="utf-8")
    (installed / "dbt_project" / "target").mkdir(parents=True)
    (installed / "dbt_project" / "target" / "b.sql").write_text("", encoding="utf-8")
    monkeypatch.setattr(made_of, "PROJECT_ROOT", installed)
    assert [path.name for path in made_of._program_files()] == ["a.py"]
