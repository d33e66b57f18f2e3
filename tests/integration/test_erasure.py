"""Erasing a person: gone from every byte that is kept, not back with a next delivery, and everybody else as before."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.connectors import snapshot as snapshot_module
from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.deliveries.kept_rows import ERASED, ROWS, read_kept_rows
from pipelines.main_job import RunBusyError
from pipelines.privacy.pseudonym import SAMPLE_ONLY_KEY, PseudonymKey
from pipelines.retention import erasure as erasure_module
from pipelines.retention.erased_persons import read_erased
from pipelines.retention.erasure import erase_person
from pipelines.settings import EARLIER_PSEUDONYM_KEYS_FILE, PSEUDONYM_KEY, SetupError
from pipelines.warehouse.connection import WarehouseError, connect
from pipelines.warehouse.load import load_source
from tests.integration.conftest import NULMETING, Workspace
from tests.integration.drop_folder import KEY, OTHER_SECRET, SECRET, Drop, allocated, counted, reasons
from tests.istandaard_messages import BSN, OTHER_BSN, THIRD_BSN, Client, allocation, message
from tests.kept_text import everything_below

pytestmark = pytest.mark.usefixtures("pseudonym_key")

EVERYBODY = (BSN, OTHER_BSN, THIRD_BSN)


def of_all(*numbers: str) -> str:
    """A message in which everybody has these allocations."""
    given = [Client(bsn, [allocation(f"{number}{place}") for number in numbers]) for place, bsn in enumerate(EVERYBODY)]
    return message("wmo301", given)


def persons(load: Any) -> set[str]:
    return {row["person"] for row in load.rows.to_pylist()}


def adds_up(load: Any) -> bool:
    return all(
        row["rows_in"] == row["rows_loaded"] + row["rows_no_data"] + row["rows_quarantined"]
        for row in load.accounts["delivery"].to_pylist()
    )


# What is kept


def test_a_person_is_gone_from_every_vintage_and_everybody_else_is_as_before(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    drop.deliver(of_all("1", "2"))
    before = drop.load()
    done = erase_person(drop.settings, BSN)
    assert sorted(one.rows for one in done.left_out) == [1, 2]
    assert (done.not_searched, done.still_delivered, done.is_remembered) == ((), ("bericht.xml",), True)
    after = drop.load()
    others = [row for row in before.rows.to_pylist() if row["person"] != KEY.person(BSN)]
    assert after.rows.to_pylist() == others and len(others) == 6
    assert KEY.person(BSN) not in drop.kept() and BSN not in drop.kept()
    for one in drop.store.list("iwmo"):
        drop.store.verify(one)
    assert [row["vintage_id"] for row in before.accounts["delivery"].to_pylist()] == [
        row["vintage_id"] for row in after.accounts["delivery"].to_pylist()
    ]


def test_rows_that_were_erased_count_as_rows_without_data_and_say_nothing_else(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    erase_person(drop.settings, BSN)
    load = drop.load()
    (account,) = load.accounts["delivery"].to_pylist()
    assert [account[f"rows_{name}"] for name in ("in", "loaded", "no_data", "quarantined")] == [3, 2, 1, 0]
    (gone,) = load.accounts["no_data_row"].to_pylist()
    assert (gone["kind"], gone["line"], gone["cells"]) == (ERASED, None, "{}")


def test_the_bytes_are_gone_from_the_warehouse_where_a_deleted_row_would_stay(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    load = drop.load()
    with connect(drop.settings.warehouse_path) as connection:
        load_source(connection, "iwmo", load.rows, load.accounts)
        connection.execute("checkpoint")
        connection.execute("delete from raw.iwmo where person = ?", [KEY.person(BSN)])
    shutil.copytree(drop.settings.data_dir, drop.settings.data_dir / "as-of" / "2026-06-01")
    drop.settings.warehouse_path.with_name("warehouse.duckdb.damaged").write_text(KEY.person(BSN))
    places = {place for place, text in everything_below(drop.settings.data_dir) if KEY.person(BSN) in text}
    assert {"warehouse.duckdb", "as-of/2026-06-01/warehouse.duckdb"} <= places
    shutil.rmtree(drop.settings.data_dir / "as-of" / "2026-06-01" / "raw")
    assert erase_person(drop.settings, BSN).warehouses == 2
    assert KEY.person(BSN) not in drop.kept()


def test_looking_without_removing_changes_nothing(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    before = drop.load()
    drop.settings.warehouse_path.touch()
    (kept,) = drop.store.list("iwmo")
    done = erase_person(drop.settings, BSN, dry_run=True)
    assert ([one.rows for one in done.left_out], done.warehouses) == ([1], 0)
    assert drop.settings.warehouse_path.exists() and drop.store.list("iwmo") == (kept,)
    assert not (drop.settings.data_dir / "removed.log").exists()
    assert drop.load().rows.equals(before.rows)


def test_what_an_earlier_release_quoted_of_refused_rows_goes_with_them(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    (kept,) = drop.store.list("iwmo")
    rows = read_kept_rows(kept.read_in_place_of_bytes()[ROWS])
    quoted = dict.fromkeys(("file", "line", "column", "column_name", "reason", "found", "expected"), "x")
    account = {**rows.account, "problems": [{**quoted, "raw_text": "GM9001;bijstand"}]}
    made = dataclasses.replace(rows, account=account)
    drop.store.put_in_place_of_bytes(kept, {ROWS: made.as_bytes()})
    assert "GM9001;bijstand" in drop.kept()
    erase_person(drop.settings, BSN)
    assert "GM9001;bijstand" not in drop.kept()


def test_the_new_warehouse_remembers_how_breaks_were_called(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    load = drop.load()
    with connect(drop.settings.warehouse_path) as connection:
        load_source(connection, "iwmo", load.rows, load.accounts)
        connection.execute("create table breaks.known as select 'b1' as break_id")
    (drop.settings.data_dir / "warehouse.duckdb.new").write_text("of a kill")
    erase_person(drop.settings, BSN)
    with connect(drop.settings.warehouse_path) as connection:
        assert connection.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall() == [
            ("breaks", "known"),
            ("release", "step"),
        ]
        assert connection.execute("from breaks.known").fetchall() == [("b1",)]
    assert not list(drop.settings.data_dir.glob("warehouse.duckdb.*"))


def test_a_warehouse_that_somebody_has_open_is_told_and_a_repeat_does_the_rest(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    path = drop.settings.warehouse_path
    with connect(path) as connection:
        connection.execute("create table breaks.known as select 'b1' as break_id")
    program = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "open\n"
        with pytest.raises(WarehouseError, match="in use by another process"):
            erase_person(drop.settings, BSN)
        other.communicate("")
    assert [one.rows for one in erase_person(drop.settings, BSN).left_out] == [1]
    assert KEY.person(BSN) not in drop.kept()


# What comes later


def test_a_file_that_comes_again_does_not_bring_the_person_back(drop: Drop) -> None:
    path = drop.deliver(of_all("1"))
    drop.load()
    erase_person(drop.settings, BSN)
    path.unlink()
    drop.load()
    drop.deliver(of_all("1"))
    assert persons(drop.load()) == {KEY.person(OTHER_BSN), KEY.person(THIRD_BSN)}
    drop.deliver(of_all("1", "2"))
    later = drop.load()
    assert persons(later) == {KEY.person(OTHER_BSN), KEY.person(THIRD_BSN)}
    assert len(counted(later)) == 4 and adds_up(later)
    assert KEY.person(BSN) not in drop.kept()


def test_a_person_of_whom_nothing_is_kept_yet_is_left_out_of_what_comes(drop: Drop) -> None:
    drop.deliver(allocated(OTHER_BSN))
    drop.load()
    assert erase_person(drop.settings, BSN).left_out == ()
    drop.deliver(of_all("1"), "later.xml")
    assert KEY.person(BSN) not in persons(drop.load()) | {drop.kept()}


def test_a_backup_that_is_put_back_does_not_bring_the_person_back(drop: Drop, tmp_path: Path) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    drop.deliver(of_all("1", "2"))
    drop.load()
    shutil.copytree(drop.settings.snapshots_dir / "iwmo", tmp_path / "backup")
    erase_person(drop.settings, BSN)
    shutil.rmtree(drop.settings.snapshots_dir / "iwmo")
    shutil.copytree(tmp_path / "backup", drop.settings.snapshots_dir / "iwmo")
    assert KEY.person(BSN) not in persons(drop.load())
    assert KEY.person(BSN) not in drop.kept()


def test_the_person_stays_erased_when_the_key_makes_way_for_another(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    erase_person(drop.settings, BSN)
    (tmp_path / "earlier").write_text(SECRET, encoding="utf-8")
    monkeypatch.setenv(EARLIER_PSEUDONYM_KEYS_FILE, str(tmp_path / "earlier"))
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    later = PseudonymKey(OTHER_SECRET.encode(), [SECRET.encode()])
    assert persons(drop.load()) == {later.person(OTHER_BSN), later.person(THIRD_BSN)}
    drop.deliver(of_all("1", "2"))
    assert persons(drop.load()) == {later.person(OTHER_BSN), later.person(THIRD_BSN)}
    # and what is erased under the later key is found in rows that the first one made
    erase_person(drop.settings, OTHER_BSN)
    assert persons(drop.load()) == {later.person(THIRD_BSN)}


def test_rows_of_an_earlier_key_are_searched_before_any_run_renews_them(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    (tmp_path / "earlier").write_text(SECRET, encoding="utf-8")
    monkeypatch.setenv(EARLIER_PSEUDONYM_KEYS_FILE, str(tmp_path / "earlier"))
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    assert [one.rows for one in erase_person(drop.settings, BSN).left_out] == [1]
    assert KEY.person(BSN) not in drop.kept()


def test_a_list_whose_key_is_lost_refuses_deliveries_instead_of_bringing_everybody_back(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    erase_person(drop.settings, BSN)
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    load = drop.load()
    assert "other_pseudonym_key" in reasons(load) and load.rows.num_rows == 0
    assert f"a list of erased persons made with key {KEY.fingerprint}" in str(load.problems[0])


def test_rows_of_a_key_that_is_not_there_are_told_to_be_not_searched(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    (kept,) = drop.store.list("iwmo")
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    done = erase_person(drop.settings, BSN)
    assert (done.left_out, done.not_searched) == ((), (kept.vintage_id,))


def test_the_list_is_for_its_owner_alone_and_leads_to_no_row(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    erase_person(drop.settings, BSN)
    for name in ("raw/erased.json", "removed.log"):
        assert stat.S_IMODE((drop.settings.data_dir / name).stat().st_mode) == 0o600
    text = (drop.settings.snapshots_dir / "erased.json").read_text(encoding="utf-8")
    assert BSN not in text and KEY.person(BSN) not in text
    # under a key that everybody has, a mark would be the number itself
    public = PseudonymKey(SAMPLE_ONLY_KEY)
    assert public.erasure_marks(public.person(BSN), public.fingerprint)[0][1] not in text


def test_a_list_that_cannot_be_read_stops_the_load(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    (drop.settings.snapshots_dir / "erased.json").write_text("{", encoding="utf-8")
    with pytest.raises(SetupError, match=r"erased\.json: found no list of erased persons"):
        drop.load()


# Broken off


class Killed(BaseException):
    """What a kill is to the lines after it."""


def killing(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Break off at the n-th thing that is done to the disk, counted over all that touches it."""
    left = [after]

    def counting(name: str, of: Any) -> Callable[..., Any]:
        done = getattr(of, name)

        def step(*args: Any, **more: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return done(*args, **more)

        return step

    for of, name in (
        (erasure_module, "remember_erased"),
        (erasure_module, "empty_warehouses"),
        (erasure_module, "note"),
        (snapshot_module, "_write_synced"),
        (snapshot_module, "sync"),
        (snapshot_module.shutil, "rmtree"),
        (Path, "rename"),
    ):
        monkeypatch.setattr(of, name, counting(name, of))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(erased=st.permutations(EVERYBODY), kills=st.lists(st.integers(0, 40), max_size=4))
def test_in_any_order_with_kills_between_all_who_were_erased_are_gone_and_nobody_else(
    erased: list[str], kills: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    drop = Drop(tmp_path_factory.mktemp("erased"))
    drop.deliver(of_all("1"))
    drop.load()
    drop.deliver(of_all("1", "2"))
    drop.deliver(allocated(THIRD_BSN, "9", Identificatie="other"), "ander.xml")
    before = drop.load().rows.to_pylist()
    gone: set[str] = set()
    for bsn in erased[:2]:
        for after in kills:
            with pytest.MonkeyPatch.context() as patch:
                killing(patch, after)
                with contextlib.suppress(Killed):
                    erase_person(drop.settings, bsn)
            # whatever a kill left, each vintage is there, whole, with the person or without
            assert len(drop.store.list("iwmo")) == 3
            for one in drop.store.list("iwmo"):
                drop.store.verify(one)
        erase_person(drop.settings, bsn)
        gone.add(KEY.person(bsn))
        kept = drop.kept()
        assert [person for person in gone if person in kept] == []
    after_all = drop.load()
    assert after_all.rows.to_pylist() == [row for row in before if row["person"] not in gone]
    assert adds_up(after_all)
    assert not list(drop.settings.snapshots_dir.glob("*/.*"))


def test_a_kill_between_the_old_vintage_and_the_new_loses_neither(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    (kept,) = drop.store.list("iwmo")
    rename = Path.rename

    def dying(path: Path, target: Path) -> Path:
        if target == kept.folder:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", dying)
        with pytest.raises(Killed):
            erase_person(drop.settings, BSN)
    assert not kept.folder.exists()
    (found,) = SnapshotStore(drop.settings.snapshots_dir).list("iwmo")
    drop.store.verify(found)
    assert KEY.person(BSN) not in drop.kept()


def test_while_a_run_is_writing_nothing_is_erased(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    monkeypatch.setattr("pipelines.retention.removal._BUSY_SECONDS", 0.1)
    with FileLock(drop.settings.data_dir / ".run.lock"), pytest.raises(RunBusyError, match="a run is writing"):
        erase_person(drop.settings, BSN)
    assert read_erased(drop.settings).marks == frozenset()


def test_a_list_that_is_gone_is_not_taken_for_one_of_nobody(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    erase_person(drop.settings, BSN)
    (drop.settings.snapshots_dir / "erased.json").unlink()
    drop.deliver(of_all("1", "2"))
    for begun in (drop.load, lambda: erase_person(drop.settings, OTHER_BSN)):
        with pytest.raises(
            SetupError, match=r"erased\.json: is gone, and removed\.log tells of persons who were erased"
        ):
            begun()
    assert KEY.person(BSN) not in drop.kept()


def test_after_it_the_next_run_does_its_work_also_where_nothing_was_delivered(drop: Drop) -> None:
    drop.deliver(of_all("1"))
    drop.load()
    record = drop.settings.state_dir / "state" / "last_run.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}", encoding="utf-8")
    erase_person(drop.settings, "999900007")
    assert not record.exists()


# The command, on a copy of what a whole run of the sample made


@pytest.fixture(scope="module")
def used(sample_run: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    workspace = Workspace(tmp_path_factory.mktemp("used"))
    shutil.copytree(sample_run.data, workspace.data, symlinks=True)
    shutil.copytree(sample_run.sources, workspace.sources)
    yield workspace


def erase(workspace: Workspace, given: str, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [NULMETING, "erase", *more],
        input=given,
        env={**workspace.environment(), **environment},
        capture_output=True,
        text=True,
        cwd=workspace.root,
        check=False,
    )


def test_after_the_command_the_person_is_in_no_byte_below_the_data_directory(used: Workspace) -> None:
    with duckdb.connect(str(used.data / "warehouse.duckdb"), read_only=True) as connection:
        query = (
            "select person from raw.person_household semi join raw.person_spell using (person) "
            "semi join raw.client_event using (person) order by person limit 1"
        )
        (pseudonym,) = connection.execute(query).fetchall()[0]
    delivered = "\n".join(path.read_text(encoding="utf-8") for path in used.sample.glob("berichten/*"))
    public = PseudonymKey(SAMPLE_ONLY_KEY)
    numbers = {delivered[at : at + 9] for at in range(len(delivered)) if delivered[at : at + 4] == "9999"}
    bsn = next(number for number in numbers if number.isdigit() and public.person(number) == pseudonym)
    assert any(pseudonym in text for _, text in everything_below(used.data))
    done = erase(used, f"{bsn}\n")
    assert done.returncode == 0, done.stderr
    told = {line.split()[-1].split("/")[0] for line in done.stdout.splitlines() if " rows  " in line}
    assert {"vb_participatie_client", "vb_huishouden_client"} < told
    places = [place for place, text in everything_below(used.data) if pseudonym in text or bsn in text]
    assert places == []
    assert bsn not in done.stdout + done.stderr and pseudonym not in done.stdout + done.stderr
    again = erase(used, bsn)
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, "0 rows in 0 vintages removed")


def test_a_number_on_the_command_line_is_refused_and_not_repeated(used: Workspace) -> None:
    done = erase(used, "", BSN)
    assert done.returncode == 2 and "the history of the shell" in done.stderr
    assert BSN not in done.stderr + done.stdout


@pytest.mark.parametrize("given", ["", "123456789\n", f"{BSN}\n{OTHER_BSN}\n", "Vlasblom\n"])
def test_what_is_no_number_of_one_person_is_refused_and_not_repeated(used: Workspace, given: str) -> None:
    done = erase(used, given)
    assert done.returncode == 2 and "found no BSN, expected one number of nine digits" in done.stderr
    assert not [word for word in given.split() if word in done.stderr + done.stdout]


def test_without_a_key_the_command_says_so_before_it_asks(used: Workspace) -> None:
    done = erase(used, BSN, "--profile", "live", **{PSEUDONYM_KEY: ""})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("nulmeting: the key of the pseudonyms: found no key, expected a key of 32 bytes")


def test_where_nothing_is_kept_the_command_says_so(used: Workspace, tmp_path: Path) -> None:
    done = erase(used, BSN, "--data-dir", str(tmp_path / "other"))
    assert done.returncode == 2 and "found no deliveries kept" in done.stderr


def test_at_a_terminal_the_number_is_asked_for_without_an_echo(used: Workspace) -> None:
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [NULMETING, "erase", "--dry-run"],
        stdin=end,
        stdout=end,
        stderr=end,
        env=used.environment(),
        cwd=used.root,
        start_new_session=True,
    )
    os.close(end)
    shown = b""
    while b"BSN: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, f"{BSN}\n".encode())
    try:
        while part := os.read(terminal, 1000):
            shown += part
    except OSError:
        # this is how a terminal says that nobody is at the other end any more
        assert process.wait() == 0
    os.close(terminal)
    assert b"would be removed" in shown and BSN.encode() not in shown


def test_a_vintage_of_another_source_is_left_as_it_is(drop: Drop) -> None:
    """Bytes that hold nobody are not rewritten by an erasure."""
    drop.deliver(of_all("1"))
    drop.load()
    store = drop.store
    other: Snapshot = store.put_files(
        "finance", "a.csv", {"a.csv": b"1"}, origin="a.csv", fetched_at=dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    )
    before = (other.folder / "snapshot.json").stat().st_mtime_ns
    erase_person(drop.settings, BSN)
    store.verify(other)
    assert (other.folder / "snapshot.json").stat().st_mtime_ns == before
