"""Tables about persons: what leaves the reader, what is told of what is wrong, and what is kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import DelimitedReader, Source
from pipelines.deliveries import load_folder_source
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.readers import read_file
from pipelines.settings import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, Settings
from pipelines.warehouse.client_events import HOUSEHOLD_COLUMNS, SPELL_COLUMNS, create_client_events
from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source
from tests.istandaard_messages import BSN, KEY, OTHER_BSN, REGIONS, bsn
from tests.kept_text import everything_below

SECRET = "a key for a table about persons, for tests"
HEADER = "Gemeente;BSN;Huishouden;Wet;Voorziening;Begin;Einde;Volledig vanaf;Volledig tot en met"
ROW = f"GM9001;{BSN};Dorpsstraat 1;participatie;bijstand;2025-01-15;30-06-2025;2025-01-01;2025-12-31"
COLUMNS: list[dict[str, Any]] = [
    {"header": "Gemeente", "name": "gemeente", "type": "region_code"},
    {"header": "BSN", "name": "person", "type": "person"},
    {"header": "Huishouden", "name": "household", "type": "household", "required": False},
    {"header": "Wet", "name": "law", "type": "text", "allowed": ("participatie",)},
    {"header": "Voorziening", "name": "provision", "type": "text", "allowed": ("bijstand", "schuldhulp")},
    {"header": "Begin", "name": "start_date", "type": "date"},
    {"header": "Einde", "name": "end_date", "type": "date", "nullable": True},
    {"header": "Volledig vanaf", "name": "known_from", "type": "date"},
    {"header": "Volledig tot en met", "name": "known_to", "type": "date"},
]
HOUSEHOLDS: list[dict[str, Any]] = [
    *COLUMNS[:2],
    {**COLUMNS[2], "required": True},
    {**COLUMNS[5], "header": "Peildatum"},
]


def source(columns: list[dict[str, Any]] | None = None, **more: Any) -> Source:
    values: dict[str, Any] = {
        "source_id": "participatie_client",
        "title": "Test",
        "publisher": "Testgemeente",
        "licence": "geen",
        "cadence": "half_yearly",
        "profiles": ("live",),
        "person_level": True,
        "origin": {"producer": "Testgemeente", "citation": "Test"},
        "connector": {"kind": "folder", "pattern": "participatie*.csv"},
        "reader": {
            "kind": "delimited",
            "encoding": "utf-8",
            "delimiter": ";",
            "columns": COLUMNS if columns is None else columns,
            "key": ("gemeente", "person", "provision", "start_date"),
        },
    }
    return Source.model_validate({**values, **more})


def read(*rows: str, key: PseudonymKey | None = KEY, header: str = HEADER) -> Any:
    text = "\n".join([header, *rows]) + "\n"
    return read_file("participatie.csv", text.encode(), source(), REGIONS, key)


def told(result: Any) -> list[tuple[int | None, str | None, str, str]]:
    return [(one.line, one.column_name, one.reason, one.found) for one in result.problems]


def test_persons_and_households_leave_the_reader_as_pseudonyms_with_the_key_they_were_made_with() -> None:
    result = read(ROW, ROW.replace(BSN, OTHER_BSN).replace("30-06-2025", ""))
    first, second = result.rows.to_pylist()
    assert (first["person"], first["household"]) == (KEY.person(BSN), KEY.household("Dorpsstraat 1"))
    assert second["person"] == KEY.person(OTHER_BSN) and second["household"] == first["household"]
    assert (first["start_date"], first["end_date"]) == (dt.date(2025, 1, 15), dt.date(2025, 6, 30))
    assert second["end_date"] is None and second["person_key"] == KEY.fingerprint
    assert (result.rows_in, result.rows_loaded, result.rows_no_data) == (3, 2, 1)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 5000))
def test_a_number_is_the_same_person_however_it_is_written(number: int) -> None:
    digits = bsn(number)
    written = [
        digits,
        f" {digits} ",
        f"{digits[:3]}.{digits[3:6]}.{digits[6:]}",
        f"{digits[:3]} {digits[3:6]} {digits[6:]}",
    ]
    rows = [ROW.replace(BSN, text).replace("2025-01-15", f"2025-01-{day:02}") for day, text in enumerate(written, 1)]
    assert set(read(*rows).rows["person"].to_pylist()) == {KEY.person(digits)}


def test_a_household_never_has_the_pseudonym_of_a_person() -> None:
    assert KEY.household(BSN) != KEY.person(BSN)


def test_of_what_is_wrong_the_place_is_told_and_never_what_stands_there() -> None:
    result = read(
        ROW,
        ROW.replace(BSN, "999900007"),
        ROW.replace(BSN, "Sjoukje Vlasblom"),
        ROW.replace(BSN, ""),
        ROW.replace("bijstand", "Sjoukje Vlasblom"),
        ROW.replace("GM9001", "Sjoukje Vlasblom"),
        ROW.replace("2025-01-15", "Sjoukje"),
        ROW.replace("2025-01-15", "2025-13-15").replace(BSN, OTHER_BSN),
        ROW.replace("30-06-2025", "30-06-2024").replace(BSN, bsn(9)),
        f"{ROW};Sjoukje Vlasblom",
    )
    hidden = "a value that is not shown, in a table about persons"
    assert told(result) == [
        (3, "BSN", "not_a_bsn", "something else than a BSN"),
        (4, "BSN", "not_a_bsn", "something else than a BSN"),
        (5, "BSN", "missing_value", hidden),
        (6, "Voorziening", "not_allowed", hidden),
        (7, "Gemeente", "unknown_region", hidden),
        (8, "Begin", "not_a_date", hidden),
        (9, "Begin", "not_a_date", hidden),
        (10, "Einde", "out_of_range", "a day before the start"),
        (11, None, "wrong_column_count", "10 fields"),
    ]
    everything = f"{result.problems} {result.notices} {result.no_data.to_pylist()} {result.rows.to_pylist()}"
    for secret in (BSN, OTHER_BSN, "999900007", "Sjoukje", "Vlasblom", "Dorpsstraat"):
        assert secret not in everything
    assert all(problem.raw_text == "" for problem in result.problems)


def test_a_row_that_stands_twice_is_told_by_its_lines_only() -> None:
    result = read(ROW, ROW)
    assert told(result) == [(line, "Gemeente", "duplicate_key", "the same key on lines 2, 3") for line in (2, 3)]
    assert KEY.person(BSN) not in str(result.problems)


def test_other_columns_about_persons_refuse_the_whole_table() -> None:
    result = read(f"{ROW};Vlasblom", header=f"{HEADER};Achternaam")
    assert result.refused and [problem.reason for problem in result.problems] == ["personal_data"]
    assert "Vlasblom" not in str(result.problems)


def test_without_a_key_nothing_is_read() -> None:
    result = read(ROW, key=None)
    assert result.refused and [problem.reason for problem in result.problems] == ["no_pseudonym_key"]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (COLUMNS[1:3], "has a column law"),
        ([*COLUMNS, {"header": "Bedrag", "name": "bedrag", "type": "number"}], "'bedrag' is no column"),
        ([{**COLUMNS[1], "name": "bsn"}, *COLUMNS[3:]], "has a column person"),
        ([COLUMNS[1], {**COLUMNS[2], "type": "text"}, *COLUMNS[3:]], "found household as text, expected household"),
        ([*HOUSEHOLDS, COLUMNS[6]], "'end_date' is no column"),
        ([*COLUMNS[:1], *HOUSEHOLDS[2:]], r"has a column person \(person\)"),
    ],
)
def test_a_declaration_has_all_that_the_core_layer_needs_and_nothing_else(
    columns: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        DelimitedReader.model_validate(
            {"kind": "delimited", "encoding": "utf-8", "delimiter": ";", "columns": columns, "key": ()}
        )


def test_a_table_without_provisions_says_in_which_household_a_person_is_and_is_nothing_else(tmp_path: Path) -> None:
    reader = {"kind": "delimited", "encoding": "utf-8", "delimiter": ";", "columns": HOUSEHOLDS, "key": ("person",)}
    declared = source(source_id="huishouden_client", reader=reader)
    assert (declared.has_households, declared.has_spells, declared.makes_pseudonyms) == (True, False, True)
    text = f"Gemeente;BSN;Huishouden;Peildatum\nGM9001;{BSN};Dorpsstraat 1;2025-12-31\n"
    result = read_file("huishouden.csv", text.encode(), declared, REGIONS, KEY)
    with connect(tmp_path / "w.duckdb") as connection:
        connection.execute("create schema if not exists raw")
        incoming = result.rows.add_column(0, "vintage_id", [["v"]])
        connection.register("incoming", incoming)
        connection.execute("create table raw.huishouden_client as select * from incoming")
        create_client_events(connection, [declared])
        (row,) = connection.execute("from raw.person_household").to_arrow_table().to_pylist()
        spells = connection.execute("from raw.person_spell").to_arrow_table().num_rows
    assert (row["person"], row["household"]) == (KEY.person(BSN), KEY.household("Dorpsstraat 1"))
    assert (row["region_code"], row["start_date"], spells) == ("GM9001", dt.date(2025, 12, 31), 0)


def test_a_table_of_persons_is_declared_to_be_one() -> None:
    with pytest.raises(ValueError, match="person_level: found false"):
        source(person_level=False)


def test_of_a_table_the_pseudonymised_rows_are_kept_and_no_byte_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    monkeypatch.delenv(PSEUDONYM_KEY_FILE, raising=False)
    here = Settings(profile="live", data_dir=tmp_path / "data", drop_dir=tmp_path / "drop", today=dt.date(2026, 7, 1))
    here.deliveries_dir.mkdir()
    path = here.deliveries_dir / "participatie_2025.csv"
    path.write_text("\n".join([HEADER, ROW, ROW.replace(BSN, "Vlasblom")]) + "\n", encoding="utf-8")
    store, declared = SnapshotStore(here.snapshots_dir), source()
    loads = [load_folder_source(declared, here, store, REGIONS) for _ in range(2)]
    # The second time it is read from what was kept, with the same account.
    assert loads[0].rows.equals(loads[1].rows)
    for name in ("delivery", "quarantine", "no_data_row"):
        assert loads[0].accounts[name].equals(loads[1].accounts[name])
    (account,) = loads[1].accounts["delivery"].to_pylist()
    assert [account[f"rows_{kind}"] for kind in ("in", "loaded", "no_data", "quarantined")] == [3, 1, 1, 1]
    with connect(here.warehouse_path) as connection:
        load_source(connection, declared.source_id, loads[1].rows, loads[1].accounts)
        create_client_events(connection, [declared])
        found = connection.execute("from raw.person_spell").to_arrow_table()
        assert found.column_names == SPELL_COLUMNS.names
        (row,) = found.to_pylist()
    assert row["person"] == PseudonymKey(SECRET.encode()).person(BSN) and row["region_code"] == "GM9001"
    kept = "\n".join(text for _, text in everything_below(here.data_dir))
    assert row["person"] in kept
    assert [secret for secret in (BSN, "Vlasblom", "Dorpsstraat", SECRET) if secret in kept] == []


def test_the_views_of_spells_and_households_have_their_columns_without_any_table(tmp_path: Path) -> None:
    with connect(tmp_path / "w.duckdb") as connection:
        create_client_events(connection, [])
        table = connection.execute("from raw.person_spell").to_arrow_table()
        of_households = connection.execute("from raw.person_household").to_arrow_table()
    assert table.schema.equals(SPELL_COLUMNS)
    assert of_households.schema.equals(HOUSEHOLD_COLUMNS)
