"""The geography as tables of the warehouse: nothing that was not understood disappears, and wijken have their year."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.geography.neighbourhoods import NEIGHBOURHOODS_SCHEMA, neighbourhoods, unknown_neighbourhood_codes
from pipelines.geography.tables import SCHEMAS, geography_tables


def region_codes(*rows: tuple[str, str, str]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], ["region_code", "region_name", "description"])


def edition(year: str, *rows: tuple[str, str], source: str = "kerncijfers") -> pa.Table:
    codes, names = (list(column) for column in zip(*rows, strict=True))
    columns = [[source] * len(rows), codes, names, ["text"] * len(rows), [year] * len(rows)]
    return pa.table(columns, ["source_id", "region_code", "region_name", "description", "edition"])


def test_without_any_input_every_table_is_there_and_empty():
    tables = geography_tables([], 2026)
    assert {name: table.schema for name, table in tables.items()} == SCHEMAS
    assert all(table.num_rows == 0 for table in tables.values())


def test_what_the_history_leaves_unclear_is_a_table():
    tables = geography_tables(
        [
            region_codes(
                ("GM0001", "Stad", "Wijziging per 01-01-1990, overgegaan naar:\n- Dorp (GM0002)\n... 7 inwoners"),
                (
                    "GM0002",
                    "Dorp",
                    "Wijziging per 01-01-1990, ontvangen van:\n- Stad (GM0001)\n... 9 inwoners\nOf niet?",
                ),
                ("GM0003", "Weg", "Opgeheven per 01-01-2016"),
            )
        ],
        2026,
    )  # fmt: skip
    problems = tables["region_problem"].to_pylist()
    assert [(one["problem"], one["region_code"], one["subject"]) for one in problems] == [
        ("unrecognised_line", "GM0002", "4"),
        ("contradiction", "GM0002", "inhabitants"),
    ]
    assert problems[0]["found"] == "Of niet?"
    assert (problems[1]["from_code"], problems[1]["found"], problems[1]["kept"]) == ("GM0001", "9", "7")
    (unmapped,) = tables["region_unmapped"].to_pylist()
    assert unmapped["region_code"] == "GM0003"
    assert unmapped["because"].startswith("opgeheven per 2016-01-01 zonder")


def test_wijken_and_buurten_have_the_municipality_that_their_code_names():
    found = neighbourhoods(
        [
            edition(
                "2021",
                ("NL00", "Nederland"),
                ("GM0014", "Groningen"),
                ("WK001400 ", " Wijk  00 Centrum "),
                ("BU00140001", "Binnenstad"),
                ("VBWK000101", "Oost (VB)"),
            )
        ]
    )
    assert found.schema == NEIGHBOURHOODS_SCHEMA
    rows = [tuple(row.values()) for row in found.drop_columns(["source_id"]).to_pylist()]
    assert rows == [
        (2021, "BU00140001", "Binnenstad", "buurt", "GM0014", False),
        (2021, "VBWK000101", "Oost (VB)", "wijk", "VB0001", True),
        (2021, "WK001400", "Wijk 00 Centrum", "wijk", "GM0014", False),
    ]


def test_a_code_that_two_sources_list_in_one_year_counts_once_and_in_each_year_again():
    found = neighbourhoods(
        [
            edition("2022", ("WK001400", "Zo heet het nu")),
            edition("2021", ("WK001400", "Van de tweede"), source="z"),
            edition("2021", ("WK001400", "Van de eerste"), source="a"),
        ]
    )
    assert list(zip(found["edition_year"].to_pylist(), found["region_name"].to_pylist(), strict=True)) == [
        (2021, "Van de eerste"),
        (2022, "Zo heet het nu"),
    ]


@pytest.mark.parametrize("code", ["WK0014", "BU001400", "WK00140001", "XX001400", "wk001400", ""])
def test_a_code_that_is_no_wijk_or_buurt_is_listed_and_not_taken_for_one(code: str):
    table = edition("2021", (code, "Iets"))
    assert neighbourhoods([table]).num_rows == 0
    (problem,) = geography_tables([], 2026, [table])["region_problem"].to_pylist()
    assert (problem["problem"], problem["region_code"], problem["subject"]) == ("unknown_code", code, "2021")
    assert (problem["found"], problem["seen_at"]) == ("Iets", "kerncijfers")


def test_an_edition_without_a_year_is_listed():
    table = edition("2021H1", ("WK001400", "Centrum"))
    assert neighbourhoods([table]).num_rows == 0
    assert unknown_neighbourhood_codes([table]).num_rows == 1


@given(st.lists(st.tuples(st.text("WKBUGMNL01 ", max_size=11), st.text(max_size=5)), max_size=20))
def test_every_listed_code_is_a_neighbourhood_a_larger_area_or_unknown(rows: list[tuple[str, str]]):
    table = edition("2021", *rows) if rows else edition("2021", ("GM0001", "Stad"))
    codes = {code.strip() for code, _ in rows} or {"GM0001"}
    found = set(neighbourhoods([table])["region_code"].to_pylist())
    unknown = set(unknown_neighbourhood_codes([table])["region_code"].to_pylist())
    assert not found & unknown
    assert all(code[:2] in ("NL", "GM", "VB") for code in codes - found - unknown)


@pytest.mark.shared_data
def test_the_real_history_leaves_four_contradictions_and_one_code_without_a_place(shared_data: Path):
    text = (shared_data / "cbs_v4" / "03759ned" / "codes-RegioS.json").read_text(encoding="utf-8")
    codes = [(one["Identifier"], one["Title"], one["Description"]) for one in json.loads(text)["value"]]
    tables = geography_tables([region_codes(*codes)], 2026)
    problems = tables["region_problem"].to_pylist()
    assert {one["problem"] for one in problems} == {"contradiction"}
    assert sorted(one["seen_at"] for one in problems) == ["CR04", "CR05", "CR17", "GM1942"]
    (unmapped,) = tables["region_unmapped"].to_pylist()
    assert unmapped["region_name"] == "Centraal persoonsregister (CPR)"
