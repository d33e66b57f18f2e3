"""Snapshots: complete or not there, never changed, and found out when something changed them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors import snapshot as snapshot_module
from pipelines.connectors.snapshot import Mark, Snapshot, SnapshotCorrupt, SnapshotError, SnapshotStore
from pipelines.settings import PROJECT_ROOT

MONDAY = dt.datetime(2026, 7, 6, 9, 30, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)
FILES = {"a.json": b"first", "b.json": b"second"}
MARK, OTHER = Mark("a" * 32, "01234567"), Mark("d" * 32)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path / "raw")


def put(store: SnapshotStore, files: dict[str, bytes | Path], at: dt.datetime = MONDAY) -> Snapshot:
    return store.put_files(
        "cbs_wmo",
        "85043NED",
        files,
        origin="https://datasets.cbs.nl/odata/v1/CBS/85043NED",
        fetched_at=at,
        vintage_date=dt.date(2026, 6, 23),
        vintage_label="202606230000",
    )


def test_a_snapshot_holds_the_exact_bytes_and_where_they_came_from(store: SnapshotStore, tmp_path: Path) -> None:
    kept = put(store, dict(FILES))

    assert kept.folder == tmp_path / "raw" / "cbs_wmo" / "85043NED" / kept.checksum[:16]
    assert {path.name for path in kept.folder.iterdir()} == {"a.json", "b.json", "snapshot.json"}
    assert kept.read_files() == FILES
    assert kept.vintage_id == f"cbs_wmo/85043NED/{kept.checksum[:12]}"
    record = json.loads((kept.folder / "snapshot.json").read_text(encoding="utf-8"))
    assert record["origin"] == "https://datasets.cbs.nl/odata/v1/CBS/85043NED"
    assert record["fetched_at"] == "2026-07-06T09:30:00+00:00"
    assert record["files"][0] == {
        "name": "a.json",
        "size": 5,
        "sha256": hashlib.sha256(b"first").hexdigest(),
    }
    store.verify(kept)


def test_the_checksum_is_what_sha256sum_prints(store: SnapshotStore) -> None:
    assert put(store, {"a.json": b"first"}).checksum == hashlib.sha256(b"first").hexdigest()
    printed = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in sorted(FILES))
    assert put(store, dict(FILES)).checksum == hashlib.sha256(printed.encode()).hexdigest()


def test_what_is_listed_is_what_was_put(store: SnapshotStore) -> None:
    first = put(store, {"a.json": b"1"}, MONDAY)
    second = put(store, {"a.json": b"2"}, TUESDAY)
    other = store.put_files("cbs_wmo", "86050NED", {"a.json": b"1"}, origin="x", fetched_at=MONDAY)

    assert store.list("cbs_wmo", "85043NED") == (first, second)
    assert set(store.list("cbs_wmo")) == {first, second, other}
    assert store.list("cbs_jeugd") == ()
    assert store.list("cbs_wmo", "00000NED") == ()


def test_the_same_bytes_again_are_the_same_vintage_with_the_first_time_of_fetching(
    store: SnapshotStore,
) -> None:
    first = put(store, dict(FILES), MONDAY)
    again = put(store, dict(reversed(FILES.items())), TUESDAY)

    assert again == first
    assert again.fetched_at == MONDAY
    assert store.list("cbs_wmo") == (first,)


def test_one_changed_bit_is_another_vintage_and_leaves_the_first_alone(store: SnapshotStore) -> None:
    first = put(store, {"a.json": b"first"})
    second = put(store, {"a.json": b"firsu"})

    assert second.vintage_id != first.vintage_id
    assert first.read_files() == {"a.json": b"first"}


def test_another_file_name_is_another_vintage(store: SnapshotStore) -> None:
    assert put(store, dict(FILES)).checksum != put(store, {"a.json": b"first", "c.json": b"second"}).checksum


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "c d", "é.csv"]), st.binary(max_size=50), min_size=1))
def test_whatever_is_put_is_read_back(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes | Path]) -> None:
    store = SnapshotStore(tmp_path_factory.mktemp("raw"))
    kept = put(store, files)
    store.verify(kept)
    assert kept.read_files() == files
    assert store.list("cbs_wmo") == (kept,)


def test_files_are_copied_from_a_path_as_well(store: SnapshotStore, tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_bytes(b"x" * 3_000_000)
    kept = put(store, {"big.csv": path})
    path.write_bytes(b"changed afterwards")
    assert kept.read_files() == {"big.csv": b"x" * 3_000_000}


def test_a_file_that_changes_while_it_is_copied_is_refused(
    store: SnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"first")
    measure = snapshot_module._measure

    def measure_and_change(content: bytes | Path) -> tuple[int, str]:
        found = measure(content)
        path.write_bytes(b"second")
        return found

    monkeypatch.setattr(snapshot_module, "_measure", measure_and_change)
    with pytest.raises(SnapshotError, match=r"a\.csv: the file changed while it was being copied"):
        put(store, {"a.csv": path})
    assert store.list("cbs_wmo") == ()


def test_files_of_a_snapshot_cannot_be_written(store: SnapshotStore) -> None:
    kept = put(store, dict(FILES))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in kept.folder.iterdir()}
    assert modes == {0o400}


def tampered(kept: Snapshot, name: str, content: bytes) -> None:
    path = kept.folder / name
    path.chmod(0o644)
    path.write_bytes(content)


def test_changed_bytes_are_found_out(store: SnapshotStore) -> None:
    kept = put(store, dict(FILES))
    tampered(kept, "b.json", b"secome")
    with pytest.raises(SnapshotCorrupt, match=r"b\.json: found 6 bytes.*expected 6 bytes.*move it away"):
        store.verify(kept)
    with pytest.raises(SnapshotCorrupt, match=r"b\.json"):
        kept.read_files()


def test_a_missing_and_an_added_file_are_found_out(store: SnapshotStore) -> None:
    kept = put(store, dict(FILES))
    (kept.folder / "c.json").write_bytes(b"")
    with pytest.raises(SnapshotCorrupt, match=r"c\.json"):
        store.verify(kept)
    (kept.folder / "c.json").unlink()
    (kept.folder / "a.json").unlink()
    with pytest.raises(SnapshotCorrupt, match=r"a\.json"):
        store.verify(kept)
    with pytest.raises(SnapshotCorrupt, match=r"a\.json is missing"):
        kept.read_files()


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(lambda text: text.replace("2026-07-06", "2020-01-01"), id="another time"),
        pytest.param(lambda text: text.replace("85043NED", "85044NED"), id="another delivery"),
        pytest.param(lambda text: text[: len(text) // 2], id="half a record"),
        pytest.param(lambda text: text.replace('"format": 1', '"format": 2'), id="unknown format"),
        pytest.param(lambda text: text.replace(hashlib.sha256(b"first").hexdigest(), "0" * 64), id="checksum"),
        pytest.param(lambda text: "[]", id="no object"),
        pytest.param(lambda text: "\udcff" + text, id="no text"),
    ],
)
def test_a_changed_record_is_found_out(store: SnapshotStore, record: object) -> None:
    kept = put(store, dict(FILES))
    text = (kept.folder / "snapshot.json").read_text(encoding="utf-8")
    tampered(kept, "snapshot.json", record(text).encode("utf-8", "surrogateescape"))  # type: ignore[operator]
    with pytest.raises(SnapshotCorrupt):
        store.verify(kept)
    # Nobody who goes through all of them knows what it was before.
    with pytest.raises(SnapshotCorrupt):
        store.verify_folder(kept.folder)


def test_a_record_of_an_earlier_release_has_no_checksum_of_its_own(store: SnapshotStore) -> None:
    kept = put(store, dict(FILES))
    record = json.loads((kept.folder / "snapshot.json").read_text(encoding="utf-8"))
    del record["record_sha256"]
    tampered(kept, "snapshot.json", json.dumps(record).encode())
    assert store.verify_folder(kept.folder) == kept


def test_a_damaged_record_of_a_killed_writer_is_told(store: SnapshotStore) -> None:
    kept = put(store, dict(FILES))
    ready = kept.folder.parent.parent / ".ready-0123"
    shutil.copytree(kept.folder, ready)
    tampered(dataclasses.replace(kept, folder=ready), "snapshot.json", b"{")
    with pytest.raises(SnapshotCorrupt, match=r"\.ready-0123: snapshot\.json cannot be read"):
        store.tidy()


def test_a_folder_without_a_record_is_corrupt_and_not_overlooked(store: SnapshotStore) -> None:
    kept = put(store, dict(FILES))
    (kept.folder / "snapshot.json").unlink()
    with pytest.raises(SnapshotCorrupt, match=r"no snapshot\.json"):
        store.list("cbs_wmo")
    with pytest.raises(SnapshotCorrupt):
        put(store, dict(FILES))


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/etc", "a\\b", "a\0b"])
def test_names_that_are_no_part_of_a_path_are_refused(store: SnapshotStore, tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        store.put_files("cbs_wmo", name, {"a": b""}, origin="x", fetched_at=MONDAY)
    with pytest.raises(ValueError, match="expected a name"):
        put(store, {name: b""})
    assert not (tmp_path / "raw").exists()


def test_other_wrong_use_is_refused(store: SnapshotStore) -> None:
    with pytest.raises(ValueError, match="source id"):
        store.put_files("../x", "a", {"a": b""}, origin="x", fetched_at=MONDAY)
    with pytest.raises(ValueError, match="source id"):
        store.list("Cbs")
    with pytest.raises(ValueError, match="at least one file"):
        put(store, {})
    with pytest.raises(ValueError, match=r"snapshot\.json"):
        put(store, {"snapshot.json": b"{}"})
    with pytest.raises(ValueError, match="time zone"):
        put(store, dict(FILES), dt.datetime(2026, 7, 6))  # noqa: DTZ001 - that is what is refused


def test_of_a_person_level_delivery_no_byte_is_kept(store: SnapshotStore, tmp_path: Path) -> None:
    data = b"<Bsn>123456782</Bsn>"
    kept = store.put_without_bytes(
        "wmo_berichten", "wmo323.xml", {"wmo323.xml": data}, MARK, origin="x", fetched_at=MONDAY
    )

    assert not kept.has_bytes
    assert [path.name for path in kept.folder.iterdir()] == ["snapshot.json"]
    assert (kept.checksum, kept.mark_key) == (MARK.digits, MARK.key)
    assert kept.vintage_id == f"wmo_berichten/wmo323.xml/{MARK.digits[:12]}"
    everything = b"".join(str(path).encode() + path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for told in (b"123456782", hashlib.sha256(data).hexdigest()[:12].encode(), b'"size"'):
        assert told not in everything
    assert store.list("wmo_berichten") == (kept,)
    store.verify(kept)
    with pytest.raises(SnapshotError, match="only the account"):
        kept.read_files()


def test_bytes_kept_before_a_delivery_proved_to_hold_persons_are_removed(store: SnapshotStore, tmp_path: Path) -> None:
    files: dict[str, bytes | Path] = {"a.csv": b"bsn;123456782"}
    put(store, files, MONDAY)
    after = store.put_without_bytes("cbs_wmo", "85043NED", files, MARK, origin="x", fetched_at=TUESDAY)

    assert (after.has_bytes, after.fetched_at) == (False, MONDAY)
    assert store.list("cbs_wmo") == (after,)
    assert not list(tmp_path.rglob("a.csv"))
    assert not list((tmp_path / "raw" / "cbs_wmo").glob(".removed-*"))


def test_a_delivery_cleared_of_persons_can_be_kept_after_all(store: SnapshotStore) -> None:
    files: dict[str, bytes | Path] = {"a.csv": b"looked like a number"}
    marked = store.put_without_bytes("cbs_wmo", "85043NED", files, MARK, origin="x", fetched_at=MONDAY)
    after = put(store, files, TUESDAY)
    assert (after.has_bytes, after.fetched_at) == (True, TUESDAY)
    assert after.read_files() == files
    # nothing that was kept before could tell that these are the same bytes
    assert store.list("cbs_wmo") == (marked, after)


def test_the_record_of_an_earlier_release_gets_a_mark_in_place_of_its_checksum(
    store: SnapshotStore, tmp_path: Path
) -> None:
    data = b"<Bsn>123456782</Bsn>"
    told = _record_with_a_checksum(store, "wmo323.xml", data)
    assert store.list("wmo_berichten") == (told,)
    assert (told.tells_checksum, told.vintage_label) == (True, "maart")
    store.verify(told)
    with pytest.raises(ValueError, match="a mark in place of its checksum"):
        store.put_in_place_of_bytes(told, {"rows": b"x"})

    marked = store.put_mark(told, MARK)
    assert store.list("wmo_berichten") == (marked,)
    assert (marked.fetched_at, marked.vintage_label, marked.tells_checksum) == (MONDAY, "maart", False)
    assert marked.read_in_place_of_bytes() == {"rows": b"under pseudonyms"}
    store.verify(marked)
    assert told.checksum[:12] not in "".join(
        str(path) + (path.read_text(encoding="utf-8") if path.is_file() else "") for path in tmp_path.rglob("*")
    )
    again = store.put_mark(marked, Mark("b" * 32, "another"))
    assert store.list("wmo_berichten") == (again,)
    assert (again.checksum, again.mark_key) == ("b" * 32, "another")


def test_a_file_that_comes_again_takes_the_place_of_the_record_that_tells_its_checksum(store: SnapshotStore) -> None:
    data = b"<Bsn>123456782</Bsn>"
    _record_with_a_checksum(store, "wmo323.xml", data)
    files: dict[str, bytes | Path] = {"wmo323.xml": data}
    nothing = store.put_without_bytes("wmo_berichten", "wmo323.xml", files, MARK, origin="x", fetched_at=TUESDAY)
    # what was made of it is not given up for nothing
    assert len(store.list("wmo_berichten")) == 2 and nothing.fetched_at == MONDAY
    other = Mark("c" * 32, "key")
    marked = store.put_without_bytes(
        "wmo_berichten",
        "wmo323.xml",
        files,
        other,
        origin="x",
        fetched_at=TUESDAY,
        in_place_of_bytes={"rows": b"under other pseudonyms"},
    )
    assert marked.fetched_at == MONDAY
    assert [snapshot.checksum for snapshot in store.list("wmo_berichten")] == sorted([MARK.digits, other.digits])


def test_of_two_records_that_get_one_mark_the_one_with_something_in_place_stays(store: SnapshotStore) -> None:
    told = _record_with_a_checksum(store, "wmo323.xml", b"<Bsn>123456782</Bsn>")
    empty = store.put_without_bytes("wmo_berichten", "wmo323.xml", {"a": b"b"}, MARK, origin="x", fetched_at=TUESDAY)
    marked = store.put_mark(told, MARK)
    assert store.list("wmo_berichten") == (marked,)
    assert marked.in_place_of_bytes and marked.folder == empty.folder
    second = store.put_without_bytes("wmo_berichten", "wmo323.xml", {"a": b"c"}, OTHER, origin="x", fetched_at=TUESDAY)
    assert store.put_mark(second, MARK) == marked
    assert store.list("wmo_berichten") == (marked,)


def _record_with_a_checksum(store: SnapshotStore, name: str, data: bytes) -> Snapshot:
    """What an earlier release kept of a delivery about persons: its checksum, and its rows."""
    checksum, rows = hashlib.sha256(data).hexdigest(), b"under pseudonyms"
    folder = store._root / "wmo_berichten" / name / checksum[:16]
    folder.mkdir(parents=True)
    (folder / "rows").write_bytes(rows)
    record = {
        "format": 1,
        "source_id": "wmo_berichten",
        "name": name,
        "checksum_sha256": checksum,
        "files": [{"name": name, "size": len(data), "sha256": checksum}],
        "origin": "x",
        "fetched_at": MONDAY.isoformat(),
        "vintage_date": "2026-07-06",
        "vintage_label": "maart",
        "has_bytes": False,
        "in_place_of_bytes": [{"name": "rows", "size": len(rows), "sha256": hashlib.sha256(rows).hexdigest()}],
    }
    (folder / "snapshot.json").write_text(json.dumps(record), encoding="utf-8")
    (known,) = (snapshot for snapshot in store.list("wmo_berichten") if snapshot.folder == folder)
    return known


def test_what_a_killed_writer_left_is_not_seen_and_removed_by_the_next(store: SnapshotStore, tmp_path: Path) -> None:
    kept = put(store, dict(FILES))
    leftover = tmp_path / "raw" / "cbs_wmo" / ".writing-0123"
    leftover.mkdir()
    (leftover / "a.json").write_bytes(b"half")

    assert store.list("cbs_wmo") == (kept,)
    put(store, {"a.json": b"new"})
    assert not leftover.exists()


def test_what_a_killed_writer_was_about_to_put_in_its_place_is_put_there(store: SnapshotStore) -> None:
    """All that is kept of a delivery about persons may be what is being replaced."""
    kept = store.put_without_bytes(
        "wmo_berichten", "maart", FILES, MARK, origin="x", fetched_at=MONDAY, in_place_of_bytes={"rows": b"p"}
    )
    replaced = kept.folder.parent.parent / ".ready-0123"
    kept.folder.rename(replaced)

    assert store.list("wmo_berichten") == (kept,)
    assert kept.read_in_place_of_bytes() == {"rows": b"p"}
    assert not replaced.exists()


def test_writers_at_the_same_time_end_in_one_snapshot(store: SnapshotStore) -> None:
    found: list[Snapshot] = []
    writers = [threading.Thread(target=lambda: found.append(put(store, dict(FILES)))) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(found) == 8
    assert len(store.list("cbs_wmo")) == 1
    assert {snapshot.vintage_id for snapshot in found} == {store.list("cbs_wmo")[0].vintage_id}


_WRITER = """
import datetime as dt, itertools, os, sys
from pathlib import Path
from pipelines.connectors.snapshot import SnapshotStore
store = SnapshotStore(Path(sys.argv[1]))
for number in itertools.count():
    files = {f"{name}.json": f"{os.getpid()} {number} {name}".encode() * 4000 for name in "abcde"}
    kept = store.put_files("cbs_wmo", "85043NED", files, origin="x", fetched_at=dt.datetime.now(dt.UTC))
    print(kept.vintage_id, flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_whole_snapshots_only(tmp_path: Path) -> None:
    """Twenty writers killed with SIGKILL at random moments in the middle of their work."""
    root = tmp_path / "raw"
    chance = random.Random(20260706)
    store = SnapshotStore(root)
    promised: set[str] = set()
    interrupted = 0
    for _ in range(20):
        command = [sys.executable, "-c", _WRITER, str(root)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT) as writer:
            assert writer.stdout is not None
            promised.add(writer.stdout.readline().strip())
            time.sleep(chance.uniform(0.0, 0.03))
            writer.kill()
            promised.update(line.strip() for line in writer.stdout if line.endswith("\n"))
        visible = store.list("cbs_wmo")
        for snapshot in visible:
            store.verify(snapshot)
        assert promised <= {snapshot.vintage_id for snapshot in visible}
        interrupted += bool(list(root.glob("cbs_wmo/.writing-*")))

    assert interrupted > 0
    kept = put(store, dict(FILES))
    assert kept in store.list("cbs_wmo")
    assert not [path for path in (root / "cbs_wmo").iterdir() if path.name.startswith(".")]


def test_the_place_on_disk_is_synced_before_and_after_the_rename(
    store: SnapshotStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.rename

    def noted_sync(descriptor: int) -> None:
        steps.append("sync")
        sync(descriptor)

    def noted_rename(path: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    put(store, dict(FILES))
    # Two files, the record and their folder; then the folders that got a new name.
    assert steps == ["sync"] * 4 + ["rename"] + ["sync"] * 3
