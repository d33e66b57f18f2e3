"""`nulmeting pull cbs` as anybody would run it, against servers that hold nothing but answers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.pull.services import Patience, pull_table
from pipelines.settings import Settings
from tests.cbs_v3_server import V3Server, captured_tables
from tests.cbs_v3_server import small_table as small_v3_table
from tests.integration.conftest import NULMETING
from tests.servers import QUICK, ReplayServer, in_pages, listed, shared_tables, showing_html, small_table, waiting

OURS = ("value", "value_attribute", "string_value", "period_code", "period_status")


def environment(data: Path, **addresses: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NULMETING_")}
    return kept | {"NULMETING_DATA_DIR": str(data), "NULMETING_CONFIG": os.devnull} | addresses


def pull(data: Path, *arguments: str, **addresses: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(NULMETING), "pull", "cbs", *arguments],
        env=environment(data, **addresses),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def pulled(data: Path, table: str) -> Path:
    (path,) = (data / "pulled" / table).glob("*/observations.parquet")
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("table", "count", "missing", "spots"),
    [
        (
            "03759ned",
            13_568,
            8_165,
            {
                ("M000352", "NL01", "2019JJ00"): 17_282_163,
                ("M000352", "GM0523", "2024JJ00"): 18_762,
                ("M000352", "GM0168", "2019JJ00"): 22_622,
                ("M000365", "GM0830", "2021JJ00"): None,
                ("M000365", "GM0997", "2026JJ00"): None,
            },
        ),
        (
            "37789ksz",
            6_470,
            819,
            {
                ("D000198_2", "1998MM01"): 884.4,
                ("D007076_2", "2007MM04"): 226.4,
                ("D000203_2", "2011MM12"): 359.1,
                ("D000286", "2016MM08"): 247.9,
                ("D001690", "2026MM04"): None,
            },
        ),
        (
            "82610NED",
            3_863,
            288,
            {
                ("M002416_1", "T001028", "1990JJ00"): 809,
                ("M002417_1", "E006638", "2016JJ00"): 2_269,
                ("M002264_1", "E006661", "2003JJ00"): 1_208,
                ("M002416_1", "E006583", "1991JJ00"): 125,
                ("M002163", "E006586", "2025JJ00"): 33,
            },
        ),
        (
            "85770NED",
            654,
            44,
            {
                ("M003367", "A044074", "2018MM01"): 90,
                ("M003288", "A044074", "2023MM08"): -9.2,
                ("M003367", "A044077", "2018MM01"): 94.3,
                ("M003316", "A044077", "2020MM11"): 0.5,
                ("M003288", "A044077", "2026MM05"): 9.3,
            },
        ),
    ],
)
def test_every_captured_v4_table_comes_completely(
    *, shared_data: Path, tmp_path: Path, table: str, count: int, missing: int, spots: dict[tuple[str, ...], Any]
) -> None:
    tables = shared_tables(shared_data / "cbs_v4")
    with ReplayServer(tables) as server:
        outcome = pull(tmp_path, table, NULMETING_CBS_V4_URL=server.base_url)
        assert not server.asked("MeasureGroups")
    assert outcome.returncode == 0, outcome.stderr
    path = pulled(tmp_path, table)
    assert outcome.stdout.splitlines()[-1] == str(path)

    captured = json.loads(tables[table]["Observations"])["value"]
    dimensions = [entry["Identifier"] for entry in json.loads(tables[table]["Dimensions"])["value"]]
    assert pq.read_schema(path).names == ["measure", *dimensions, *OURS]
    found = rows(path)
    names = {"measure": "Measure", "value": "Value", "value_attribute": "ValueAttribute"}
    names |= {name: name for name in dimensions}
    expected = [[row[name] for name in names.values()] for row in captured]
    assert [[row[name] for name in names] for row in found] == expected
    assert (len(found), sum(row["value"] is None for row in found)) == (count, missing)
    keys = ["measure", *(name for name in dimensions if name in spots_of(table))]
    assert {tuple(row[key] for key in keys): row["value"] for row in found}.items() >= spots.items()
    periods = json.loads(tables[table]["PeriodenCodes"])["value"]
    statuses = {entry["Identifier"]: entry.get("Status") or None for entry in periods}
    assert all(row["period_status"] == statuses[row["Perioden"]] for row in found)
    codes = {code: re.sub("MM", "M", re.sub("JJ00$", "", code)) for code in statuses}
    assert all(row["period_code"] == codes[row["Perioden"]] for row in found)


def spots_of(table: str) -> set[str]:
    """The dimensions that tell the spots of a table apart."""
    return {"RegioS", "Perioden", "BronTechniek"} | ({"Afzetgebieden"} if table == "85770NED" else set())


@pytest.mark.shared_data
def test_a_slice_is_no_error_and_a_table_that_is_only_described_is_one(shared_data: Path, tmp_path: Path) -> None:
    with ReplayServer(shared_tables(shared_data / "cbs_v4")) as server:
        part = pull(tmp_path, "03759ned", NULMETING_CBS_V4_URL=server.base_url)
        described = pull(tmp_path, "85615NED", NULMETING_CBS_V4_URL=server.base_url)
    assert part.returncode == 0
    assert "found 13568 observations, expected the" in part.stderr
    assert described.returncode == 3
    assert described.stderr.startswith("nulmeting: CBS table 85615NED, Observations: not found (404)")
    assert "the publisher describes the table, but does not give its observations here" in described.stderr
    assert not (tmp_path / "pulled" / "85615NED").exists()


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("table", "count", "missing", "key", "spots"),
    [
        (
            "80137ned",
            8_100,
            0,
            ("measure", "Persoonskenmerken", "BedrijfstakkenSBI93", "period_code"),
            {
                ("Totaal_1", "1", "99", "2001"): 8_811,
                ("Werknemers_2", "1", "99", "2001"): 7_559,
                ("Totaal_4", "5", "99", "2001"): 3_359.5,
                ("Totaal_10", "9", "14", "2005"): 3.8,
                ("PerGewerktUur_12", "9", "14", "2005"): 30.8,
            },
        ),
        (
            "83599NED",
            15_504,
            1,
            ("BedrijfstakkenBranchesSBI2008", "RegioS", "period_code"),
            {
                ("T001081", "NL01", "2011Q1"): 135.5,
                ("391600", "NL01", "2017Q2"): 14.1,
                ("300010", "PV23", "2012Q3"): 1.0,
                ("300013", "PV31", "2014Q3"): None,
                ("435500", "PV31", "2020Q2"): 0.1,
            },
        ),
    ],
)
def test_every_captured_v3_table_comes_completely(
    *,
    shared_data: Path,
    tmp_path: Path,
    table: str,
    count: int,
    missing: int,
    key: tuple[str, ...],
    spots: dict[tuple[str, ...], Any],
) -> None:
    with captured_tables(shared_data / "cbs_v3") as server:
        outcome = pull(tmp_path, table, NULMETING_CBS_V3_URL=server.base_url)
    assert outcome.returncode == 0, outcome.stderr
    found = rows(pulled(tmp_path, table))
    assert (len(found), sum(row["value"] is None for row in found)) == (count, missing)
    assert {tuple(row[name] for name in key): row["value"] for row in found}.items() >= spots.items()


@pytest.mark.shared_data
def test_padded_texts_come_trimmed(shared_data: Path, tmp_path: Path) -> None:
    with captured_tables(shared_data / "cbs_v3") as server:
        outcome = pull(tmp_path, "84489NED", "--service", "third", NULMETING_CBS_V3_THIRD_URL=server.base_url)
    assert outcome.returncode == 0, outcome.stderr
    found = rows(pulled(tmp_path, "84489NED"))
    texts = {(row["measure"], row["Woonplaatsen"]): row["string_value"] for row in found}
    assert len(found) == len(texts) == 17_500
    assert all(row["value"] is None and row["period_code"] is None for row in found)
    assert texts["Naam_2", "WP1925"] == "Almelo"
    assert texts["Code_3", "WP1925"] == "GM0141"
    assert texts["Naam_4", "WP2196"] == "Friesland"
    assert texts["Naam_6", "WP2196"] == "Noord-Nederland"
    assert texts["Code_7", "WP1182"] == "LD02"


def test_an_id_in_other_letters_is_wrong_use_with_a_hint(tmp_path: Path) -> None:
    with ReplayServer({"85043NED": small_table("85043NED")}) as v4, V3Server({}) as v3:
        addresses = {
            "NULMETING_CBS_V4_URL": v4.base_url,
            "NULMETING_CBS_V3_URL": v3.base_url,
            "NULMETING_CBS_V3_THIRD_URL": v3.base_url,
        }
        outcome = pull(tmp_path, "85043ned", **addresses)
        wrong = pull(tmp_path, "85043NED", "--service", "v5", **addresses)
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    assert "CBS table 85043ned: found at none of" in outcome.stderr
    assert "case-sensitive" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert (wrong.returncode, wrong.stderr) == (2, "nulmeting: --service: found v5, expected one of v4, v3, third\n")


def test_the_file_can_be_queried_by_anything_that_reads_parquet(tmp_path: Path) -> None:
    with ReplayServer({"00001ned": small_table()}) as server:
        assert pull(tmp_path, "00001ned", "--service", "v4", NULMETING_CBS_V4_URL=server.base_url).returncode == 0
    with duckdb.connect() as connection:
        path = pulled(tmp_path, "00001ned")
        query = f"select RegioS, sum(value) from '{path}' where period_code = '2015' group by all order by all"
        assert connection.execute(query).fetchall() == [("GM0001", 100.0), ("GM0002", 102.0), ("GM0003", 104.0)]


def test_a_pull_that_is_killed_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    table = small_v3_table(page_size=1)
    for number in range(1, 6):
        with V3Server({"00001NED": table}) as server:
            server.fail(f"TypedDataSet?$skip={number}", waiting(30))
            process = subprocess.Popen(
                [str(NULMETING), "pull", "cbs", "00001NED"],
                env=environment(tmp_path, NULMETING_CBS_V3_URL=server.base_url),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            until = time.monotonic() + 60
            while len(server.asked("TypedDataSet")) <= number and time.monotonic() < until:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL if number % 2 else signal.SIGTERM)
            process.wait()
            assert process.returncode != 0
        assert not [path for path in tmp_path.rglob("*.parquet") if ".writing-" not in str(path)]
    with V3Server({"00001NED": table}) as server:
        assert pull(tmp_path, "00001NED", NULMETING_CBS_V3_URL=server.base_url).returncode == 0
    folder = tmp_path / "pulled" / "00001NED"
    assert {path.name for path in folder.iterdir()} == {".lock", "202606230200"}


def test_a_page_that_fails_for_good_ends_with_its_name_and_without_a_file(tmp_path: Path) -> None:
    table = small_v3_table(page_size=2)
    with V3Server({"00001NED": table}) as server:
        server.fail("TypedDataSet?$skip=4", showing_html())
        outcome = pull(tmp_path, "00001NED", NULMETING_CBS_V3_URL=server.base_url)
    assert outcome.returncode == 3
    assert outcome.stderr == (
        "nulmeting: CBS table 00001NED, TypedDataSet, page 3: found an HTML page titled 'Onderhoud aan StatLine', "
        "expected JSON\n"
    )
    assert not list(tmp_path.rglob("*.parquet"))


PERIODS = {
    "2016JJ00": "2016",
    "2016HJ02": "2016H2",
    "2016KW03": "2016Q3",
    "2016MM07": "2016M07",
    "2016SJ00": "2016SJ",
    "2016X005": "2016X005",
    "20160101": "2016-01-01",
    "2016G400": None,
}
_NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in ("Id", "Measure", "Value", "ValueAttribute", "StringValue") and "odata" not in name
)
_CODES = st.text(st.sampled_from("ABGMN0123456789 -_"), min_size=1, max_size=8).filter(str.strip)


@st.composite
def _tables(draw: st.DrawFn) -> tuple[list[str], str | None, list[dict[str, Any]]]:
    """Dimensions, the period among them or none, and observations."""
    dimensions = draw(st.lists(_NAMES, max_size=4, unique=True))
    period = draw(st.sampled_from([None, *dimensions]))
    codes = {name: draw(st.lists(_CODES, min_size=1, max_size=3)) for name in dimensions}
    if period:
        codes[period] = draw(st.lists(st.sampled_from(list(PERIODS)), min_size=1, max_size=4))
    figure = st.one_of(st.none(), st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9))
    observation = st.fixed_dictionaries(
        {
            "Measure": st.sampled_from(["M000352", "D000198_2 "]),
            "ValueAttribute": st.sampled_from(["None", "Impossible", "Confidential"]),
            "Value": figure,
            "StringValue": st.one_of(st.none(), st.sampled_from(["    .", "geheim  ", ""])),
            **{name: st.sampled_from(codes[name]) for name in dimensions},
        }
    )
    observations = draw(st.lists(observation, max_size=9))
    return dimensions, period, [{"Id": number, **row} for number, row in enumerate(observations)]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=_tables(), size=st.integers(1, 4))
def test_a_table_that_nobody_has_seen_comes_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, table: tuple[list[str], str | None, list[dict[str, Any]]], size: int
) -> None:
    dimensions, period, observations = table
    kinds = [{"Identifier": name, "Kind": "TimeDimension" if name == period else "Dimension"} for name in dimensions]
    pages = in_pages("83625NED", json.dumps({"value": observations}).encode(), size) or {"Observations": listed()}
    answers = {"Properties": b"{}", "Dimensions": listed(*kinds), "MeasureCodes": listed(), **pages}
    data = tmp_path_factory.mktemp("unseen")
    with ReplayServer({"83625NED": answers}) as server:
        here = Settings(data_dir=data, cbs_v4_url=server.base_url)
        path = pull_table(here, "83625NED", patience=Patience(QUICK, QUICK)).path

    columns = [name + "_" * (name in ("measure", *OURS)) for name in dimensions]
    assert pq.read_schema(path).names == ["measure", *columns, *OURS]
    assert rows(path) == [
        {
            "measure": row["Measure"].strip(),
            **{column: row[name].strip() for column, name in zip(columns, dimensions, strict=True)},
            "value": row["Value"],
            "value_attribute": row["ValueAttribute"],
            "string_value": (row["StringValue"] or "").strip() or None,
            "period_code": PERIODS[row[period]] if period else None,
            "period_status": None,
        }
        for row in observations
    ]
