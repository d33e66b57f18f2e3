"""Real answers of CBS OData v3, replayed over HTTP: fetched, kept, read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.cbs_catalogue import fetch_v3_catalogue
from pipelines.connectors.cbs_v3 import fetch_table_v3
from pipelines.connectors.http import open_client
from pipelines.declarations.source import CbsV3Connector, CbsV3Reader
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_v3 import read_observations_v3
from tests.cbs_sources import kept, source_of
from tests.cbs_v3_server import V3Server, captured_tables
from tests.servers import QUICK, cutting_off, refusing, truncating, waiting

pytestmark = pytest.mark.shared_data


@pytest.fixture
def server(shared_data: Path) -> Iterator[V3Server]:
    with captured_tables(shared_data / "cbs_v3") as server:
        yield server


def load(server: V3Server, folder: Path, table: str, period: str | None = None, **reader: Any) -> ReadResult:
    """The way that a run takes: fetch, keep, read from what is kept."""
    where: dict[str, Any] = {"table": table} if period is None else {"editions": {period: table}}
    connector = CbsV3Connector(kind="cbs_v3", **where)
    source = source_of(connector, CbsV3Reader(kind="cbs_v3", **reader), source_id=f"cbs_{table.lower()}")
    with open_client(server.base_url, retry=QUICK, timeout_seconds=2) as client:
        fetched = fetch_table_v3(client, connector, table, folder / "scratch")
    files = kept(fetched, source.source_id, folder / "raw").open_files()
    return read_observations_v3(files, source, period)


def test_a_typed_table_of_topics_in_groups_loads_completely(server: V3Server, tmp_path: Path) -> None:
    dimensions = ("Persoonskenmerken", "BedrijfstakkenSBI93")
    result = load(server, tmp_path, "80137ned", region_dimension=None, dimensions=dimensions)

    assert (result.rows_in, result.rows_loaded, result.problems) == (675 * 12, 675 * 12, ())
    rows = result.rows.to_pylist()
    assert sum(row["value"] is None for row in rows) == 0
    values = {(row["item"], row["period_code"]): row["value"] for row in rows}
    assert values["Gemiddeld aantal banen: Totaal|1|99", "2001"] == 8811
    assert values["Gemiddeld aantal banen: Werknemers|1|99", "2001"] == 7559
    assert values["Arbeidsvolume in arbeidsjaren: Totaal|5|99", "2001"] == 3359.5
    assert values["Beloning van werknemers (loonkosten): Totaal|9|14", "2005"] == 3.8
    assert values["Per gewerkt uur|9|14", "2005"] == 30.8
    assert {(row["measure"], row["unit"]) for row in rows if row["item"].startswith("Per gewerkt uur")} == {
        ("PerGewerktUur_12", "euro")
    }
    assert {row["period_status"] for row in rows} == {"Definitief"}


def test_a_table_that_came_as_text_in_two_pages_loads_completely(server: V3Server, tmp_path: Path) -> None:
    result = load(server, tmp_path, "83599NED", dimensions=("BedrijfstakkenBranchesSBI2008",))

    assert (result.rows_in, result.rows_loaded, result.problems) == (15_504, 15_504, ())
    rows = result.rows.to_pylist()
    (missing,) = (row for row in rows if row["value"] is None)
    assert (missing["region_code"], missing["period_code"], missing["value_attribute"]) == (
        "PV31",
        "2014Q3",
        "Impossible",
    )
    values = {(row["item"].partition("|")[2], row["region_code"], row["period_code"]): row["value"] for row in rows}
    assert values["T001081", "NL01", "2011Q1"] == 135.5
    assert values["391600", "NL01", "2017Q2"] == 14.1
    assert values["300010", "PV23", "2012Q2"] == 1.0
    assert values["300010", "PV23", "2012Q3"] == 1.0
    assert values["435500", "PV31", "2020Q2"] == 0.1


def test_a_table_of_padded_texts_loads_completely(server: V3Server, tmp_path: Path) -> None:
    result = load(server, tmp_path, "84489NED", "2018", region_dimension="Woonplaatsen", period_dimension=None)

    assert (result.rows_in, result.rows_loaded, result.problems) == (2_500 * 7, 2_500 * 7, ())
    rows = result.rows.to_pylist()
    assert all(row["value"] is None and row["string_value"] for row in rows)
    texts = {(row["measure"], row["region_code"]): row["string_value"] for row in rows}
    assert texts["Naam_2", "WP1925"] == "Almelo"
    assert texts["Code_3", "WP1925"] == "GM0141"
    assert texts["Naam_4", "WP2196"] == "Friesland"
    assert texts["Naam_6", "WP2196"] == "Noord-Nederland"
    assert texts["Code_7", "WP1182"] == "LD02"


def test_a_bad_connection_gives_the_same_rows(server: V3Server, tmp_path: Path) -> None:
    dimensions = ("BedrijfstakkenBranchesSBI2008",)
    expected = load(server, tmp_path / "good", "83599NED", dimensions=dimensions)
    server.fail("UntypedDataSet?$skip=10000", cutting_off(), truncating(), refusing(500))
    server.fail("UntypedDataSet", refusing(429, {"Retry-After": "0"}), waiting(2.5))
    assert load(server, tmp_path / "bad", "83599NED", dimensions=dimensions).rows.equals(expected.rows)


def test_the_catalogue_is_read_to_its_end(server: V3Server, shared_data: Path) -> None:
    server.paths["/ODataCatalog/Tables"] = (shared_data / "cbs_v3" / "catalog_tables.json").read_bytes()
    catalogue = fetch_v3_catalogue(server.base_url, retry=QUICK, timeout_seconds=2)
    assert len(catalogue.entries) == 20
    jobs = catalogue.find("84669NED")
    assert jobs is not None
    assert (jobs.status, jobs.period) == ("Regulier", "2010 t/m 2017")
