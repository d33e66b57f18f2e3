"""Deliveries whose bytes are not kept: one file is one vintage, and nothing that is written lets a guess be tried."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.connectors.folder import find_deliveries
from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import FolderConnector
from pipelines.deliveries import SourceLoad
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.settings import EARLIER_PSEUDONYM_KEYS_FILE, PSEUDONYM_KEY, PSEUDONYM_KEY_FILE
from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source
from tests.integration.conftest import Workspace
from tests.integration.drop_folder import Drop, allocated, counted, reasons
from tests.istandaard_messages import BSN
from tests.kept_text import everything_below
from tests.unit.test_deliveries import HEADER, Place
from tests.unit.test_surveys import table

SECRETS = [f"secret number {number} of this municipality, for tests" for number in range(3)]
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{12,}")


@pytest.fixture
def drop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drop:
    monkeypatch.delenv(PSEUDONYM_KEY_FILE, raising=False)
    rotate(monkeypatch, tmp_path, SECRETS[:1])
    return Drop(tmp_path)


def rotate(monkeypatch: pytest.MonkeyPatch, root: Path, secrets: list[str]) -> None:
    """The last of the secrets is that of now, those before it are declared as the earlier ones."""
    earlier = root / "earlier"
    earlier.write_text("\n".join(secrets[:-1]), encoding="utf-8")
    monkeypatch.setenv(EARLIER_PSEUDONYM_KEYS_FILE, str(earlier))
    monkeypatch.setenv(PSEUDONYM_KEY, secrets[-1])


def vintages(load: SourceLoad) -> list[tuple[str, bool, dt.date]]:
    rows = load.accounts["delivery"].to_pylist()
    return [(row["vintage_id"], row["is_current"], row["vintage_date"]) for row in rows]


def traces(root: Path, files: Iterable[bytes]) -> set[str]:
    """Where below a folder a checksum of one of the files stands, or the digits by which a vintage would be called.

    In whatever case, and as the 32 bytes that it is; in names, in bytes, and in what is packed.
    """
    digests = [hashlib.sha256(data) for data in files]
    called = {digest.hexdigest()[:12] for digest in digests}
    bare = re.compile("|".join(re.escape(digest.digest().decode("latin-1")) for digest in digests))
    found = set[str]()
    for place, text in everything_below(root):
        for run in _HEXADECIMAL.findall(text):
            digits = run.lower()
            if any(digits[at : at + 12] in called for at in range(len(digits) - 11)):
                found.add(place)
        if bare.search(text):
            found.add(place)
    return found


def test_the_search_would_find_a_checksum_in_any_form(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"a file")
    (tmp_path / "a.json").write_text(f"x{digest.hexdigest()}", encoding="utf-8")
    (tmp_path / "b.txt").write_text(digest.hexdigest().upper()[:12], encoding="utf-16")
    (tmp_path / "c.bin").write_bytes(b"\0" + digest.digest())
    (tmp_path / f"d-{digest.hexdigest()[:16]}").mkdir()
    with duckdb.connect(str(tmp_path / "e.duckdb")) as connection:
        connection.execute("create table t as select ? as vintage_id", [f"s/f/{digest.hexdigest()[:12]}"])
        connection.execute(f"copy t to '{tmp_path / 'f.parquet'}' (format parquet, compression zstd)")
    (tmp_path / "g.txt").write_text(hashlib.sha256(b"another").hexdigest(), encoding="utf-8")
    assert {place[0] for place in traces(tmp_path, [b"a file", b"a third"])} == set("abcdef")


def test_after_a_run_no_checksum_of_a_delivery_about_persons_stands_anywhere(sample_run: Workspace) -> None:
    settings = sample_run.settings()
    sources = [source for source in load_declarations(settings.sources_dir, "sample").sources if source.person_level]
    files = [
        path
        for source in sources
        if isinstance(source.connector, FolderConnector)
        for path in find_deliveries(settings.deliveries_dir, source.connector)
    ]
    assert {path.suffix for path in files} == {".xml", ".csv"} and len(files) > 30
    assert traces(sample_run.data, [path.read_bytes() for path in files]) == set()
    ids = tuple(source.source_id for source in sources)
    about = f"from marts.delivery where source_id in {ids}"
    assert sample_run.value(f"select count(distinct vintage_id) {about}") == len(files)
    assert sample_run.rows(f"select file {about} and checksum_sha256 is not null") == []


def test_after_a_run_no_checksum_of_hidden_counts_stands_outside_the_folder_of_the_kept_bytes(
    sample_run: Workspace,
) -> None:
    settings = sample_run.settings()
    sources = [source for source in load_declarations(settings.sources_dir, "sample").sources if source.hides_counts]
    files = [
        path.read_bytes()
        for source in sources
        if isinstance(source.connector, FolderConnector)
        for path in find_deliveries(settings.deliveries_dir, source.connector)
    ]
    assert len(files) >= len(sources) > 3
    for name in ("alerts", "dagster", "logs", "published", "runs"):
        assert traces(sample_run.data / name, files) == set()
    ids = tuple(source.source_id for source in sources)
    about = f"from marts.delivery where source_id in {ids}"
    assert sample_run.rows(f"select file {about} and checksum_sha256 is not null") == []
    assert sample_run.value(f"select count(distinct vintage_id) {about}") == len(files)


def test_a_file_is_one_vintage_however_often_the_secret_changes(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = drop.deliver(allocated())
    first = drop.load()
    (kept,) = drop.store.list("iwmo")
    for known in (2, 3):
        rotate(monkeypatch, tmp_path, SECRETS[:known])
        drop.settings = drop.settings.model_copy(update={"today": dt.date(2026, 7, known)})
        load = drop.load()
        (after,) = drop.store.list("iwmo")
        assert (after.fetched_at, after.vintage_date) == (kept.fetched_at, dt.date(2026, 7, 1))
        assert vintages(load) == [(after.vintage_id, True, dt.date(2026, 7, 1))]
        assert [row["allocation_id"] for row in counted(load)] == [row["allocation_id"] for row in counted(first)]
        key = PseudonymKey(SECRETS[known - 1].encode(), [secret.encode() for secret in SECRETS[: known - 1]])
        assert after.mark_key == key.fingerprint
        assert after.checksum == key.delivery(hashlib.sha256(path.read_bytes()).hexdigest())
        drop.store.verify(after)
        assert vintages(drop.load()) == vintages(load)
    # who has the secrets of before has nothing to try a guess with
    assert kept.checksum[:12] not in drop.kept()
    assert traces(drop.settings.data_dir, [path.read_bytes()]) == set()


def test_a_file_that_was_gone_when_the_secret_changed_is_known_when_it_comes_back(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = drop.deliver(allocated())
    drop.load()
    path.unlink()
    rotate(monkeypatch, tmp_path, SECRETS[:2])
    drop.load()
    drop.deliver(allocated())
    drop.settings = drop.settings.model_copy(update={"today": dt.date(2026, 8, 1)})
    assert [(current, date) for _, current, date in vintages(drop.load())] == [(True, dt.date(2026, 7, 1))]


def test_secrets_that_differ_give_one_file_different_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = set[str]()
    for number, secret in enumerate(SECRETS):
        root = tmp_path / str(number)
        root.mkdir()
        rotate(monkeypatch, root, [secret])
        drop = Drop(root)
        drop.deliver(allocated())
        drop.load()
        (kept,) = drop.store.list("iwmo")
        marks.add(kept.checksum)
    assert len(marks) == len(SECRETS)


def test_without_a_secret_a_message_is_refused_and_leaves_no_checksum(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PSEUDONYM_KEY)
    text = allocated()
    drop.deliver(text)
    assert reasons(drop.load()) == ["no_pseudonym_key"]
    drop.load()
    assert len(drop.store.list("iwmo")) == 1
    assert traces(drop.settings.data_dir, [text.encode()]) == set()


def test_what_stands_in_the_warehouse_tells_no_checksum(drop: Drop) -> None:
    drop.deliver(allocated())
    load = drop.load()
    with connect(drop.settings.data_dir / "warehouse.duckdb") as connection:
        connection.execute("create schema if not exists raw")
        load_source(connection, "iwmo", load.rows, load.accounts)
        assert connection.execute("select checksum_sha256 from raw.delivery").fetchall() == [(None,)]
    assert traces(drop.settings.data_dir, [allocated().encode()]) == set()


# What an earlier release left


def as_earlier_release(store: SnapshotStore, snapshot: Snapshot, data: bytes) -> Snapshot:
    """Put a snapshot back into the form that told the checksum of the delivery, and none of its own record."""
    digest = hashlib.sha256(data).hexdigest()
    path = snapshot.folder / "snapshot.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    del record["mark"], record["mark_key"], record["record_sha256"]
    files = [{"name": snapshot.name, "size": len(data), "sha256": digest}]
    path.chmod(0o644)
    path.write_text(json.dumps({**record, "format": 1, "checksum_sha256": digest, "files": files}), encoding="utf-8")
    snapshot.folder.rename(snapshot.folder.with_name(digest[:16]))
    (told,) = (known for known in store.list(snapshot.source_id) if known.checksum == digest)
    return told


def test_a_message_of_which_an_earlier_release_told_the_checksum_is_the_same_vintage(drop: Drop) -> None:
    drop.deliver(allocated(BSN, "1"))
    drop.load()
    drop.deliver(allocated())
    first = drop.load()
    marked = drop.store.list("iwmo")
    texts = [allocated(BSN, "1").encode(), allocated().encode()]
    for snapshot, data in zip(marked, texts, strict=True):
        as_earlier_release(drop.store, snapshot, data)
    assert traces(drop.settings.data_dir, texts) != set()
    again = drop.load()
    assert (vintages(again), again.problems) == (vintages(first), ())
    assert again.rows.equals(first.rows)
    assert drop.store.list("iwmo") == marked
    assert traces(drop.settings.data_dir, texts) == set()


def test_without_a_secret_what_an_earlier_release_left_breaks_nothing_and_waits(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.deliver(allocated())
    drop.load()
    (marked,) = drop.store.list("iwmo")
    as_earlier_release(drop.store, marked, allocated().encode())
    monkeypatch.delenv(PSEUDONYM_KEY)
    assert reasons(drop.load()) == ["no_pseudonym_key"]
    monkeypatch.setenv(PSEUDONYM_KEY, SECRETS[0])
    load = drop.load()
    assert (len(counted(load)), load.problems) == (1, ())
    assert traces(drop.settings.data_dir, [allocated().encode()]) == set()


def test_a_refused_file_of_which_an_earlier_release_told_the_checksum_breaks_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    leaky = HEADER + f"Heiloo;2016;10\nBron: {BSN}\n"
    place.deliver(leaky)
    place.load()
    (marked,) = place.store.list("proef")
    as_earlier_release(place.store, marked, leaky.encode())
    place.deliver(HEADER + "Heiloo;2016;11\n")
    assert place.current() == [11]
    assert traces(place.settings.data_dir, [leaky.encode()]) == set()


# Sources whose deliveries are not read under pseudonyms


def test_of_a_file_that_is_refused_for_a_person_in_it_only_the_account_tells_it_from_others(tmp_path: Path) -> None:
    place = Place(tmp_path)
    texts = [HEADER + f"Heiloo;2016;10\nBron: {number}\n" for number in (BSN, "111222333")]
    for text in (texts[0], *texts):
        place.deliver(text)
        assert {problem.reason for problem in place.load().problems} == {"personal_data"}
    assert len(place.store.list("proef")) == 1
    place.deliver(HEADER + f"Heiloo;2016;10\nUitgeest;2016;10\nBron: {BSN}\n")
    place.load()
    assert len(place.store.list("proef")) == 2
    assert traces(place.settings.data_dir, [text.encode() for text in texts]) == set()


def test_a_survey_is_another_vintage_when_an_answer_changes_and_not_when_a_text_does(tmp_path: Path) -> None:
    place = Place(tmp_path, table())
    header = "Gemeente;Jaar;Weg;Cijfer;Sport;Wmo;Veilig\n"
    written = [header + f"GM0399;2023;Ja;8;ja;60;{text}\n" for text in ("het licht", "de buren")]
    for text in (*written, written[0]):
        place.deliver(text, "antwoorden_2023.csv")
        load = place.load()
        assert (load.problems, load.rows["cijfer"].to_pylist()) == ((), [8])
    (snapshot,) = place.store.list("antwoorden")
    as_earlier_release(place.store, snapshot, written[0].encode())
    assert place.load().problems == ()
    assert place.store.list("antwoorden") == (snapshot,)
    other = header + "GM0399;2023;Ja;9;ja;60;het licht\n"
    place.deliver(other, "antwoorden_2023.csv")
    place.load()
    assert len(place.store.list("antwoorden")) == 2
    assert traces(place.settings.data_dir, [text.encode() for text in (*written, other)]) == set()
