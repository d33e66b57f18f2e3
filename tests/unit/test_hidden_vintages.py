"""Deliveries with counts that are hidden: called so that no guess at a count can be tried, and shown to nobody."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.connectors.snapshot import SnapshotError, SnapshotStore
from pipelines.declarations.source import FolderConnector, Source
from pipelines.defs.raw import _loaded
from pipelines.deliveries import SourceLoad
from pipelines.durable import write_atomically
from pipelines.step_timings import REUSED
from pipelines.warehouse.accounts import rows_refused
from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source
from tests.unit.reader_sources import GEMEENTE, JAAR, delimited
from tests.unit.test_deliveries import Place
from tests.unit.test_surveys import HEADER as ANSWERS
from tests.unit.test_surveys import table
from tests.unit.test_told_problems import COUNT, HEADER, complaints, protected, tallies

FEW = HEADER + "Heiloo;2016;7\nUitgeest;2016;50\n"
REFUSED = FEW + "Nergens;2016;4\n"
HIDING = {"protected": protected(), "complaints": complaints(), "tallies": tallies()}


def open_source() -> Source:
    return delimited(GEMEENTE, JAAR, COUNT, key=("gemeente", "jaar"))


def delivered(load: SourceLoad) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = load.accounts["delivery"].to_pylist()
    return rows


def digests(*texts: str) -> list[str]:
    return [hashlib.sha256(text.encode()).hexdigest() for text in texts]


def vintages(load: SourceLoad) -> set[str]:
    """Every vintage that is named in anything that a source gives."""
    named = set(load.rows["vintage_id"].to_pylist())
    for account in load.accounts.values():
        named.update(account["vintage_id"].to_pylist())
    return named | {delivery.snapshot.vintage_id for delivery in load.deliveries}


@pytest.mark.parametrize("source", HIDING.values(), ids=HIDING)
def test_no_guess_at_a_hidden_count_can_be_tried_by_what_leaves_the_kept_bytes(tmp_path: Path, source: Source) -> None:
    place = Place(tmp_path, source)
    place.deliver(REFUSED)
    load = place.load()
    (digest,) = digests(REFUSED)
    (vintage,) = vintages(load)
    assert re.fullmatch(r"proef/levering\.csv/[0-9a-f]{12}", vintage)
    assert vintage[-12:] not in digest
    told = "".join(str(table.to_pylist()) for table in (load.rows, *load.accounts.values()))
    assert digest[:12] not in told
    assert [row["checksum_sha256"] for row in delivered(load)] == [None]
    assert delivered(place.load()) == delivered(load), "a second run tells the same"
    # whoever has the bytes needs no key, and they can still be verified
    (kept,) = place.store.list("proef")
    assert kept.checksum == digest
    place.store.verify(kept)


def test_a_delivery_without_hidden_counts_is_called_by_its_checksum_and_takes_no_key(tmp_path: Path) -> None:
    place = Place(tmp_path, open_source())
    place.deliver(FEW)
    (row,) = delivered(place.load())
    assert row["checksum_sha256"] == digests(FEW)[0]
    assert row["vintage_id"] == f"proef/levering.csv/{digests(FEW)[0][:12]}"
    assert not list(place.settings.snapshots_dir.glob("*.key"))


def test_each_installation_calls_the_same_file_otherwise(tmp_path: Path) -> None:
    named = set[str]()
    for name in ("een", "twee"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data").mkdir()
        place = Place(tmp_path / name, protected())
        place.deliver(FEW)
        named |= vintages(place.load())
    assert len(named) == 2


def test_a_snapshot_of_an_earlier_release_stays_the_one_vintage_that_it_was(tmp_path: Path) -> None:
    place = Place(tmp_path, open_source())
    path = place.deliver(FEW)
    (before,) = delivered(place.load())
    (kept,) = place.store.list("proef")
    place.source = protected()
    place.settings = place.settings.model_copy(update={"today": dt.date(2026, 7, 9)})
    (after,) = delivered(place.load())
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"vintage_id", "checksum_sha256"}
    assert place.store.list("proef") == (kept,)
    # one that is replaced, and one that has gone, are called as they were
    place.deliver(FEW.replace(";7", ";6"))
    both = {row["vintage_id"]: row["is_current"] for row in delivered(place.load())}
    assert len(both) == 2 and both[after["vintage_id"]] is False
    path.unlink()
    assert {row["vintage_id"] for row in delivered(place.load())} == set(both)
    place.settings = place.settings.model_copy(update={"as_of": dt.date(2026, 7, 5)})
    assert [row["vintage_id"] for row in delivered(place.load())] == [after["vintage_id"]]


def test_a_copy_without_a_number_of_a_person_is_not_called_by_what_stands_in_it(tmp_path: Path) -> None:
    answers = table(connector=FolderConnector(kind="folder", pattern="levering*.csv"))
    place = Place(tmp_path, answers)
    place.deliver(ANSWERS + "GM0399;2016;Ja;7;ja;3;x\n")
    load = place.load()
    (kept,) = place.store.list("antwoorden")
    assert not kept.has_bytes and kept.in_place_of_bytes and load.rows_loaded == 1
    assert all(kept.checksum[:12] not in vintage for vintage in vintages(load))


def test_the_key_is_made_once_by_chance_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    root = tmp_path / "raw"
    with ThreadPoolExecutor(4) as together:
        keys = set(together.map(lambda _: SnapshotStore(root).key(), range(8)))
    (key,) = keys
    (path,) = [path for path in root.iterdir() if path.suffix == ".key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (len(key), bytes.fromhex(path.read_text())) == (32, key)
    assert SnapshotStore(tmp_path / "other").key() != key
    path.write_text("geen sleutel")
    with pytest.raises(SnapshotError, match="found no key of 32 bytes"):
        SnapshotStore(root).key()


def test_a_file_that_is_written_anew_for_its_owner_is_not_what_it_was(tmp_path: Path) -> None:
    path = tmp_path / "sleutel"
    path.write_text("oud")
    path.chmod(0o644)
    write_atomically(path, "nieuw", mode=0o600)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("nieuw", 0o600)


# -- what the interface of Dagster keeps of a delivery -----------------------------------------------------------------


def kept_by_dagster(place: Place) -> dict[str, Any]:
    made = _loaded(dg.build_asset_context(), place.settings, place.source, [], place.load)
    assert isinstance(made.metadata, dict)
    return {name: getattr(value, "value", value) for name, value in made.metadata.items()}


@pytest.mark.parametrize("source", HIDING.values(), ids=HIDING)
def test_no_row_of_a_delivery_with_hidden_counts_is_shown_as_an_example(tmp_path: Path, source: Source) -> None:
    place = Place(tmp_path, source)
    place.deliver(REFUSED)
    told = kept_by_dagster(place)
    assert (told["dagster/row_count"], told["rows_loaded"], told["rows_quarantined"]) == (2, 2, 1)
    assert told["preview"] == ""
    assert digests(REFUSED)[0][:12] not in str(told)


def test_rows_of_a_delivery_that_hides_nothing_are_shown(tmp_path: Path) -> None:
    place = Place(tmp_path, open_source())
    place.deliver(FEW)
    assert "Heiloo" in kept_by_dagster(place)["preview"]


def test_of_a_delivery_about_persons_it_is_not_told_how_many_rows_it_has(tmp_path: Path) -> None:
    place = Place(tmp_path, table(connector=FolderConnector(kind="folder", pattern="levering*.csv")))
    place.deliver(ANSWERS + "GM0399;2016;Ja;7;ja;3;x\nGM0399;2016;Ja;veel;ja;3;x\n")
    told = kept_by_dagster(place)
    assert told.keys() == {"vintages", "vintage_date", "preview", REUSED} and told["preview"] == ""
    assert len(told["vintages"]) == 1
    # the operator's own run counts what was refused all the same
    with connect(place.settings.warehouse_path) as warehouse:
        assert rows_refused(warehouse, ["antwoorden"]) == 1


def test_rows_are_counted_as_refused_of_the_sources_that_are_asked_for(tmp_path: Path) -> None:
    place = Place(tmp_path, open_source())
    place.deliver(REFUSED)
    load = place.load()
    with connect(place.settings.warehouse_path) as warehouse:
        load_source(warehouse, load.source_id, load.rows, load.accounts)
        found = [rows_refused(warehouse, asked) for asked in (None, ["proef"], ["een", "proef"], ["een"], [])]
    assert found == [1, 1, 1, 0, 0]
