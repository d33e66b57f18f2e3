"""Iv3 deliveries that are replaced, withdrawn and looked back at, and that keep their contact person to themselves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.deliveries import SourceLoad, load_folder_source
from pipelines.settings import Settings
from tests.corpus_iv3 import SECRETS
from tests.iv3_documents import REGIONS, document, encoded, listed, source_of


class Place:
    """A folder of deliveries and a store of snapshots, for Iv3."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(sources_dir=root, data_dir=root / "data", today=dt.date(2026, 7, 1))
        self.settings.deliveries_dir.mkdir()
        self.store = SnapshotStore(self.settings.snapshots_dir)

    def deliver(self, data: bytes, name: str = "iv3_2023.json") -> SourceLoad:
        (self.settings.deliveries_dir / name).write_bytes(data)
        return self.load()

    def load(self, settings: Settings | None = None) -> SourceLoad:
        return load_folder_source(source_of(), settings or self.settings, self.store, REGIONS)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def amounts(load: SourceLoad) -> dict[bool, list[float]]:
    """The amounts of the vintages that count, and of those that do not."""
    counts = {row["vintage_id"]: row["is_current"] for row in load.accounts["delivery"].to_pylist()}
    rows = load.rows.to_pylist()
    return {flag: [row["value"] for row in rows if counts[row["vintage_id"]] is flag] for flag in (True, False)}


def test_a_replaced_delivery_stays_as_a_vintage_although_its_bytes_are_not_kept(place: Place) -> None:
    place.deliver(encoded(document([("6.1", "3.8", 100)])))
    load = place.deliver(encoded(document([("6.1", "3.8", 120)])))
    assert amounts(load) == {True: [120.0], False: [100.0]}
    assert amounts(place.load()) == {True: [120.0], False: [100.0]}


def test_a_refused_delivery_leaves_the_one_before_it_in_place(place: Place) -> None:
    place.deliver(encoded(document([("6.1", "3.8", 100)])))
    load = place.deliver(encoded(document([("6.1", "3.8", 120)], boekjaar=1999)))
    assert amounts(load) == {True: [100.0], False: []}
    assert [problem.reason for problem in load.problems] == ["unknown_period"]


def test_a_withdrawn_delivery_stays_on_record_and_does_not_count(place: Place) -> None:
    place.deliver(encoded(document([("6.1", "3.8", 100)])))
    (place.settings.deliveries_dir / "iv3_2023.json").unlink()
    assert amounts(place.load()) == {True: [], False: [100.0]}


def test_what_was_known_on_a_day_can_be_read_from_what_is_kept(place: Place) -> None:
    place.deliver(encoded(document([("6.1", "3.8", 100)])))
    (place.settings.deliveries_dir / "iv3_2023.json").unlink()
    back = place.settings.model_copy(update={"as_of": dt.date(2026, 7, 1)})
    assert amounts(place.load(back)) == {True: [100.0], False: []}


def test_nothing_that_is_kept_names_the_contact_person(place: Place) -> None:
    content = document([("6.1", "3.8", 100), ("6.1", "3.8", 20)])
    for entry in content["data"]["lasten"]:
        entry["details"] = {"omschrijving": "Sjoukje Oosterling"}
    content["opmerkingen"] = [{"tekst": "Vraag het Sjoukje Oosterling", "auteur": "S. Oosterling"}]
    assert amounts(place.deliver(encoded(content)))[True] == [100.0, 20.0]
    place.deliver(b'{"contact": {"naam": "Sjoukje Oosterling"', "iv3_cut.json")
    place.deliver(listed("9901;2023;5;Realisatie;lasten;6.1;3.8;5"), "iv3_list.csv")
    kept = b"\n".join(path.read_bytes() for path in place.settings.snapshots_dir.rglob("*") if path.is_file())
    assert b"9901;2023;5" in kept
    assert b"Oosterling" not in kept
    assert not [secret for secret in SECRETS if secret.encode() in kept]
