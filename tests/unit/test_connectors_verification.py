"""All snapshots held against their checksums at once: every damaged one is named, with how to have it again."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines import cli
from pipelines.connectors.snapshot import Mark, Snapshot, SnapshotStore
from pipelines.connectors.verification import verify_snapshots
from pipelines.declarations.load import load_declarations
from pipelines.settings import PROJECT_ROOT

MONDAY = dt.datetime(2026, 7, 6, 9, 30, tzinfo=dt.UTC)
SOURCES = load_declarations(PROJECT_ROOT / "sources", "sample").sources


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "raw"


def _put(root: Path, source_id: str, name: str, content: bytes = b"figures") -> Snapshot:
    files: dict[str, bytes | Path] = {"a.json": content, "b.json": b"and more"}
    return SnapshotStore(root).put_files(source_id, name, files, origin="x", fetched_at=MONDAY)


def _overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def test_whole_snapshots_are_counted(root: Path) -> None:
    assert verify_snapshots(root).snapshots == 0
    for number in range(20):
        _put(root, "cbs_wmo", f"table{number}")
    store = SnapshotStore(root)
    store.key()
    store.put_without_bytes("wmo_berichten", "a.xml", {"a.xml": b"<a/>"}, Mark("a" * 32), origin="x", fetched_at=MONDAY)
    (root / "cbs_wmo" / ".writing-0123").mkdir()
    (root / "cbs_wmo" / "withdrawn.json").write_text("{}", encoding="utf-8")
    verified = verify_snapshots(root, SOURCES)
    assert (verified.snapshots, verified.files, verified.damaged) == (21, 40, ())


def _cut(folder: Path) -> None:
    _overwrite(folder / "a.json", b"figur")


def _turn_a_bit(folder: Path) -> None:
    _overwrite(folder / "a.json", b"figurer")


def _lose(folder: Path) -> None:
    (folder / "b.json").unlink()


def _add(folder: Path) -> None:
    (folder / "c.json").write_bytes(b"")


def _lose_the_record(folder: Path) -> None:
    (folder / "snapshot.json").unlink()


def _spoil_the_record(folder: Path) -> None:
    _overwrite(folder / "snapshot.json", b"\0" * 100)


def _swap_a_file_for_a_folder(folder: Path) -> None:
    (folder / "a.json").unlink()
    (folder / "a.json").mkdir()


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_cut, "a.json: found 5 bytes with SHA-256 "),
        (_turn_a_bit, "a.json: found 7 bytes with SHA-256 "),
        (_lose, "found files ['a.json'], expected ['a.json', 'b.json']"),
        (_add, "see ['c.json']"),
        (_lose_the_record, "found no snapshot.json"),
        (_spoil_the_record, "snapshot.json cannot be read"),
        (_swap_a_file_for_a_folder, "a.json cannot be read (Is a directory)"),
        (_empty, "found no snapshot.json"),
    ],
)
def test_all_that_is_damaged_is_found_at_once(root: Path, damage: Callable[[Path], None], found: str) -> None:
    whole = _put(root, "vb_wmo", "VB01NED", b"other figures")
    broken = [_put(root, "vb_wmo", "VB01NED"), _put(root, "finance_buch", "finance_buch_2016.csv")]
    for snapshot in broken:
        damage(snapshot.folder)
    verified = verify_snapshots(root, SOURCES)
    assert verified.snapshots == 3
    assert {one.folder for one in verified.damaged} == {one.folder for one in broken} != {whole.folder}
    assert all(found in one.found for one in verified.damaged), verified.damaged


def test_how_to_have_it_again_depends_on_where_it_came_from(root: Path) -> None:
    names = {"vb_wmo": "VB01NED", "finance_buch": "finance_buch_2016.csv", "vb_berichten_wmo": "a.xml", "gone": "a.csv"}
    people = next(source.source_id for source in SOURCES if source.person_level)
    names[people] = names.pop("vb_berichten_wmo")
    for source_id, name in names.items():
        _lose(_put(root, source_id, name).folder)
    remedies = {one.folder.parent.parent.name: one.remedy for one in verify_snapshots(root, SOURCES).damaged}
    assert "the next run fetches VB01NED anew" in remedies["vb_wmo"]
    assert "an earlier vintage comes from a backup only" in remedies["vb_wmo"]
    assert "deliver finance_buch_2016.csv again: the next run keeps it anew" in remedies["finance_buch"]
    assert "no bytes of it were kept" in remedies[people]
    assert remedies["gone"] == "put the folder back from a backup, or move it away"


def test_the_command_names_each_on_a_line_and_ends_with_1(root: Path) -> None:
    arguments = ["verify", "--data-dir", str(root.parent)]
    missing = CliRunner().invoke(cli.app, arguments)
    assert missing.exit_code != 0 and "found no such folder" in str(missing.exception)
    _put(root, "vb_wmo", "VB01NED")
    whole = CliRunner().invoke(cli.app, arguments)
    assert (whole.exit_code, whole.stdout) == (0, "1 snapshots with 2 files, 0 damaged; 0 publications, 0 damaged\n")
    damaged = [_put(root, "finance_buch", "finance_buch_2016.csv").folder, _put(root, "vb_wmo", "VB02NED").folder]
    for folder in damaged:
        _turn_a_bit(folder)
    found = CliRunner().invoke(cli.app, arguments)
    assert found.exit_code == 1
    *lines, last = found.stdout.splitlines()
    assert [Path(line.partition(": ")[0]) for line in lines] == damaged
    assert last == "3 snapshots with 2 files, 2 damaged; 0 publications, 0 damaged"
