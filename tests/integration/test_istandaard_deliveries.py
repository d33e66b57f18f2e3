"""Messages about persons from the drop folder to the warehouse: what is kept, what counts, and what never gets out."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import duckdb
import pytest

from pipelines.connectors import folder
from pipelines.connectors.snapshot import SnapshotCorrupt
from pipelines.declarations.source import Source
from pipelines.deliveries import persons
from pipelines.delivery_check import check_files
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.settings import EARLIER_PSEUDONYM_KEYS_FILE, PSEUDONYM_KEY, Settings
from pipelines.warehouse.client_events import COLUMNS, create_client_events
from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source
from pipelines.warehouse.raw_tables import raw_schema
from pipelines.warehouse.transform import ensure_manifest
from tests.corpus_istandaard import SECRETS
from tests.integration.conftest import Workspace
from tests.integration.drop_folder import (
    KEY,
    OTHER_KEY,
    OTHER_SECRET,
    SECRET,
    Drop,
    allocated,
    counted,
    notices,
    reasons,
)
from tests.istandaard_messages import (
    BSN,
    OTHER_BSN,
    Client,
    allocation,
    claim,
    message,
    source_of,
    start,
)
from tests.kept_text import everything_below

pytestmark = pytest.mark.usefixtures("pseudonym_key")


def test_of_a_message_the_pseudonymised_rows_are_kept_and_no_byte_of_it(drop: Drop) -> None:
    wrong = message("wmo323", [Client(BSN, [claim()]), Client("999900007", [claim("RN2")])])
    drop.deliver(wrong)
    load = drop.load()
    assert [row["person"] for row in counted(load)] == [KEY.person(BSN)]
    (account,) = load.accounts["delivery"].to_pylist()
    assert (account["rows_in"], account["rows_loaded"], account["rows_quarantined"]) == (2, 1, 1)
    (quarantined,) = load.accounts["quarantine"].to_pylist()
    assert (quarantined["reason"], quarantined["raw_text"]) == ("not_a_bsn", "")
    (snapshot,) = drop.store.list("iwmo", "bericht.xml")
    assert not snapshot.has_bytes
    assert [path.name for path in sorted(snapshot.folder.iterdir())] == ["rows.parquet", "snapshot.json"]
    drop.store.verify(snapshot)
    kept = drop.kept()
    assert KEY.person(BSN) in kept and "bericht.xml" in kept
    assert [secret for secret in (*SECRETS, SECRET) if secret in kept] == []


def test_a_later_run_reads_the_rows_that_were_kept(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.deliver(allocated())
    first = drop.load()

    def reading(*_: object) -> None:
        raise AssertionError("the message was taken apart a second time")

    monkeypatch.setattr(persons, "read_screened", reading)
    again = drop.load()
    assert again.rows.equals(first.rows)
    assert again.accounts["delivery"].equals(first.accounts["delivery"])
    assert again.accounts["quarantine"].equals(first.accounts["quarantine"])


def test_what_an_earlier_release_kept_in_another_form_is_read_anew(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.deliver(allocated())
    first = drop.load()
    monkeypatch.setattr(persons, "_FORMAT", 2)
    assert drop.load().rows.equals(first.rows)
    drop.deliver(allocated(BSN, "300202"))
    monkeypatch.setattr(persons, "_FORMAT", 3)
    load = drop.load()
    assert [row["allocation_id"] for row in load.rows.to_pylist()] == ["300202"]
    assert "earlier vintages left out: rows made by an earlier release" in notices(load)


def test_a_replaced_message_counts_and_the_one_before_it_stays_a_vintage(drop: Drop) -> None:
    drop.deliver(allocated())
    drop.load()
    drop.deliver(allocated(BSN, "300201", "300202"))
    load = drop.load()
    assert [row["allocation_id"] for row in counted(load)] == ["300201", "300202"]
    assert load.rows.num_rows == 3
    assert sorted(row["is_current"] for row in load.accounts["delivery"].to_pylist()) == [False, True]


def test_a_refused_message_leaves_the_one_before_it_in_place(drop: Drop) -> None:
    drop.deliver(allocated())
    drop.load()
    drop.deliver(allocated(Afzender="9999"))
    load = drop.load()
    assert reasons(load) == ["unknown_region"]
    assert [row["allocation_id"] for row in counted(load)] == ["300201"]


def test_a_message_that_is_gone_is_withdrawn(drop: Drop) -> None:
    path = drop.deliver(allocated())
    drop.load()
    path.unlink()
    load = drop.load()
    assert (counted(load), load.problems) == ([], ())
    assert len(drop.store.list("iwmo", "bericht.xml")) == 1


def test_what_was_known_on_a_day_comes_from_the_rows_that_were_kept(drop: Drop) -> None:
    drop.deliver(allocated())
    drop.load()
    drop.settings = drop.settings.model_copy(update={"today": dt.date(2026, 7, 2)})
    drop.deliver(allocated(BSN, "300202"))
    drop.load()
    known = drop.load(as_of=dt.date(2026, 7, 1))
    assert [row["allocation_id"] for row in counted(known)] == ["300201"]


# The key


def test_without_a_key_every_message_is_refused_and_none_counts(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    drop.deliver(allocated())
    drop.load()
    monkeypatch.delenv(PSEUDONYM_KEY)
    drop.deliver(allocated(OTHER_BSN, "1", Identificatie="2"), "ander.xml")
    load = drop.load()
    assert reasons(load) == ["no_pseudonym_key", "no_pseudonym_key"]
    assert {problem.found for problem in load.problems} == {"no key"}
    assert load.rows.num_rows == 0
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    assert [row["allocation_id"] for row in counted(drop.load())] == ["1", "300201"]


def test_a_key_that_is_too_short_is_no_key(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PSEUDONYM_KEY, "short")
    drop.deliver(allocated())
    (problem,) = drop.load().problems
    assert str(problem) == (
        "bericht.xml: found a key of 5 bytes, expected a key of 32 bytes or more in NULMETING_PSEUDONYM_KEY, or in "
        "the file of NULMETING_PSEUDONYM_KEY_FILE"
    )


def test_with_a_key_that_does_not_follow_what_is_there_is_read_anew_and_what_was_kept_is_left_out(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.deliver(allocated())
    drop.load()
    drop.deliver(allocated(BSN, "300202"))
    drop.load()
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    load = drop.load()
    assert [(row["person"], row["person_key"]) for row in load.rows.to_pylist()] == [
        (OTHER_KEY.person(BSN), OTHER_KEY.fingerprint)
    ]
    assert load.problems == ()
    # nobody can tell any more that one of the earlier vintages is the file that is there
    assert f"2 earlier vintages left out: rows made with key {KEY.fingerprint}" in notices(load)
    again = drop.load()
    assert again.rows.equals(load.rows)
    for snapshot in drop.store.list("iwmo"):
        drop.store.verify(snapshot)
    assert [snapshot.vintage_date for snapshot in drop.store.list("iwmo")] == [dt.date(2026, 7, 1)] * 3


def test_a_later_key_renews_what_is_kept_of_files_that_are_gone(
    drop: Drop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The person of a vintage whose bytes are nowhere is the person of a delivery of today, under the new key."""
    drop.deliver(allocated())
    drop.load()
    drop.deliver(allocated(BSN, "300202"))
    drop.load()
    earlier = tmp_path / "earlier"
    earlier.write_text(SECRET, encoding="utf-8")
    monkeypatch.setenv(EARLIER_PSEUDONYM_KEYS_FILE, str(earlier))
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    later = PseudonymKey(OTHER_SECRET.encode(), [SECRET.encode()])
    load = drop.load()
    assert load.problems == ()
    assert f"made anew with key {later.fingerprint}, before with {KEY.fingerprint}" in notices(load)
    assert {(row["person"], row["person_key"]) for row in load.rows.to_pylist()} == {
        (later.person(BSN), later.fingerprint)
    }
    assert load.rows.num_rows == 2
    kept = drop.kept()
    assert later.person(BSN) in kept
    assert [secret for secret in (KEY.person(BSN), SECRET, OTHER_SECRET, *SECRETS) if secret in kept] == []
    again = drop.load()
    assert again.rows.equals(load.rows)
    assert "made anew" not in notices(again)
    for snapshot in drop.store.list("iwmo"):
        drop.store.verify(snapshot)


def test_rows_of_another_key_that_would_have_to_count_are_a_problem(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.deliver(allocated())
    drop.load()
    monkeypatch.setenv(PSEUDONYM_KEY, OTHER_SECRET)
    expected = (
        f"bericht.xml: found rows made with key {KEY.fingerprint}, "
        f"expected rows made with key {OTHER_KEY.fingerprint}: deliver the file again"
    )
    drop.deliver(allocated(Afzender="9999"))
    refused = drop.load()
    assert (refused.rows.num_rows, reasons(refused)) == (0, ["unknown_region", "other_pseudonym_key"])
    assert str(refused.problems[-1]) == expected

    def growing(path: Path) -> bytes:
        raise folder.DeliveryError(f"{path.name}: found a file that is still being written, expected a finished one")

    monkeypatch.setattr(folder, "read_bytes", growing)
    unreadable = drop.load()
    assert unreadable.rows.num_rows == 0
    assert expected in [str(problem) for problem in unreadable.problems]
    known = drop.load(as_of=dt.date(2026, 7, 1))
    assert (known.rows.num_rows, reasons(known)) == (0, ["other_pseudonym_key"])


def test_rows_that_were_changed_on_disk_are_not_read(drop: Drop) -> None:
    drop.deliver(allocated())
    drop.load()
    (snapshot,) = drop.store.list("iwmo")
    path = snapshot.folder / "rows.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SnapshotCorrupt, match=r"rows\.parquet"):
        drop.load()


# Messages among one another


def test_one_person_is_one_pseudonym_in_both_laws(drop: Drop, tmp_path: Path) -> None:
    drop.deliver(allocated())
    (tmp_path / "jw").mkdir()
    youth = Drop(tmp_path / "jw", source_of("ijw"))
    youth.deliver(message("jw301", [Client(BSN, [allocation(Product=[(":Categorie", "45")])])]))
    assert {row["person"] for row in [*counted(drop.load()), *counted(youth.load())]} == {KEY.person(BSN)}


@pytest.mark.parametrize("second", [allocated(), allocated(BSN, "300299")], ids=["a copy", "something else"])
def test_a_message_that_comes_again_under_another_name_counts_once(drop: Drop, second: str) -> None:
    first = drop.deliver(allocated(), "b.xml")
    drop.load()
    drop.deliver(second, "a.xml")
    load = drop.load()
    assert [row["allocation_id"] for row in counted(load)] == ["300201"]
    (problem,) = load.problems
    assert str(problem) == (
        "a.xml (Identificatie): found a message with the identification of b.xml, expected an identification of its own"
    )
    assert {row["file"]: row["status"] for row in load.accounts["delivery"].to_pylist()} == {
        "a.xml": "refused",
        "b.xml": "loaded",
    }
    first.unlink()
    assert len(counted(drop.load())) == 1
    assert drop.load().problems == ()


def test_messages_of_two_kinds_or_senders_may_be_called_the_same(drop: Drop) -> None:
    drop.deliver(allocated(), "a.xml")
    drop.deliver(message("wmo305", [Client(BSN, [start()])]), "b.xml")
    drop.deliver(allocated(OTHER_BSN, "1", Ontvanger="12345678"), "c.xml")
    load = drop.load()
    assert (len(counted(load)), load.problems) == (3, ())


def test_a_message_with_a_number_in_its_name_is_refused_and_shown_nowhere(drop: Drop) -> None:
    drop.deliver(allocated(), f"bericht_{BSN}.xml")
    load = drop.load()
    assert (load.rows.num_rows, reasons(load)) == (0, ["personal_data"])
    assert BSN not in str(load) and BSN not in drop.kept()


# Beyond the raw table


def _declared() -> list[Source]:
    return [source_of("iwmo"), source_of("ijw")]


def test_the_events_of_all_sources_are_one_view(drop: Drop, tmp_path: Path) -> None:
    drop.deliver(allocated())
    load = drop.load()
    with connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("create schema if not exists raw")
        load_source(connection, "iwmo", load.rows, load.accounts)
        create_client_events(connection, _declared())
        rows = connection.execute("from raw.client_event").to_arrow_table()
    assert rows.column_names == COLUMNS.names
    assert [(row["source_id"], row["person"]) for row in rows.to_pylist()] == [("iwmo", KEY.person(BSN))]


def test_without_sources_about_persons_the_view_has_its_columns_and_no_rows(tmp_path: Path) -> None:
    with connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("create schema if not exists raw")
        create_client_events(connection, [])
        table = connection.execute("from raw.client_event").to_arrow_table()
    assert (table.num_rows, table.column_names) == (0, COLUMNS.names)
    assert table.schema.types[1:] == raw_schema(source_of()).types


def test_no_mart_reads_a_row_of_a_person_or_has_a_pseudonym() -> None:
    nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"]
    models = {name: node for name, node in nodes.items() if node["resource_type"] == "model"}
    about_persons = {
        f"source.nulmeting.raw.{name}" for name in ("client_event", "person_household", "person_spell")
    } | {name for name, node in models.items() if {"person", "household"} & set(node["columns"])}
    assert {"model.nulmeting.core_client_event", "model.nulmeting.core_provision_spell"} <= about_persons
    assert {models[name]["schema"] for name in about_persons & set(models)} == {"core"}
    reading = {
        name
        for name, node in models.items()
        if node["schema"] == "marts" and about_persons & set(node["depends_on"]["nodes"])
    }
    assert reading == set()


def test_a_whole_run_on_the_sample_keeps_persons_out_of_what_it_publishes_and_prints(sample_run: Workspace) -> None:
    delivered = [path.read_text(encoding="utf-8") for path in sample_run.sample.glob("berichten/*")]
    written = "\n".join(delivered)
    numbers = set(re.findall(r"\b9999[0-9]{5}\b", written))
    others = set(re.findall(r"<\w+:(?:Achternaam|Straatnaam)>([^<]+)<", written))
    others |= set(re.findall(r"<\w+:Datum>([^<]+)<", written))
    assert len(delivered) > 20 and len(numbers) > 300 and len(others) > 15
    with duckdb.connect(str(sample_run.data / "warehouse.duckdb"), read_only=True) as connection:
        persons = {row[0] for row in connection.execute("select distinct person from core.delivered_spell").fetchall()}
        told = "select household from raw.person_spell union select household from raw.person_household"
        households = {row[0] for row in connection.execute(told).fetchall()}
    assert len(persons) > 300 and len(households) > 200
    pseudonyms = persons | households
    for place, text in everything_below(sample_run.data):
        # Every nine digits in a row, also within more: quicker than looking for each of hundreds of numbers.
        assert numbers.isdisjoint(re.findall(r"(?=(9999[0-9]{5}))", text)), place
        assert [other for other in others if other in text] == [], place
        if place.startswith(("published", "data_docs", "alerts", "logs", "runs")):
            assert pseudonyms.isdisjoint(re.findall(r"(?=([0-9a-f]{32}))", text)), place
    assert sample_run.rows("select distinct schema_name from duckdb_tables()") == [("marts",)]
    columns = {row[0] for row in sample_run.rows("select column_name from duckdb_columns()")}
    assert not columns & {"person", "person_key", "household", "allocation_id", "provider_agb"}
    tables = {row[0] for row in sample_run.rows("select table_name from duckdb_tables()")}
    assert {"drill_down", "drill_down_referrer", "stapeling"} <= tables and "costliest_case" not in tables
    shown = sample_run.rows("select max(clients), max(cost_per_client_eur) from marts.drill_down")
    assert all(figure is not None and figure >= 10 for figure in shown[0])


def test_check_finds_the_standard_by_the_root_element_and_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PSEUDONYM_KEY)
    settings = Settings(profile="live", data_dir=tmp_path / "data")

    def check(text: str, name: str = "bericht.xml") -> tuple[str, list[str], str | None]:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        (outcome,) = check_files(settings, [path], None)
        return outcome.verdict, [str(problem) for problem in outcome.problems], outcome.not_checked

    whole = "1 rijen in = 1 te laden + 0 zonder cijfer + 0 in quarantaine"
    real = {"Afzender": "0373"}
    assert check(allocated(**real)) == (f"bericht.xml als iwmo: {whole}", [], None)
    youth = message("jw301", [Client(BSN, [allocation(Product=[(":Categorie", "45")])])], Afzender="0373")
    assert check(youth) == (f"bericht.xml als ijw: {whole}", [], None)
    verdict, (problem,), _ = check(allocated(**real).replace("istandaarden.nl", "voorbeeld.example"))
    assert verdict.startswith("bericht.xml als iwmo: ") and problem.startswith("bericht.xml:2:1: found ")
    verdict, (problem,), _ = check(allocated(**real).replace(BSN, "999900007"), "b.xml")
    assert problem.startswith("b.xml:19:3 (Bsn): found nine digits that do not pass the eleven test")
    assert not settings.data_dir.exists()
