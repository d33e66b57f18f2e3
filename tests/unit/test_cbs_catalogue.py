"""The catalogues of both services as one list, looked up by the exact id."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.cbs_catalogue import Catalogue, fetch_v3_catalogue, fetch_v4_catalogue
from pipelines.connectors.http import SourceError
from pipelines.settings import SetupError
from tests.servers import BASE_PATH, QUICK, ReplayServer, refusing, showing_html, truncating

V4, V3 = f"{BASE_PATH}/Datasets", "/ODataCatalog/Tables"


def v4_page(*ids: str, link: str | None = None) -> bytes:
    tables = [
        {"Identifier": name, "Title": f"Tabel {name} ", "Modified": "2026-06-23T00:00:00+02:00", "Status": "Regulier"}
        for name in ids
    ]
    return json.dumps({"value": tables} | ({"@odata.nextLink": link} if link else {})).encode()


def v3_page(*tables: dict[str, Any], link: str | None = None) -> bytes:
    return json.dumps({"value": tables} | ({"odata.nextLink": link} if link else {})).encode()


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer({}) as server:
        yield server


def v4(server: ReplayServer) -> Catalogue:
    return fetch_v4_catalogue(server.base_url, retry=QUICK, timeout_seconds=2)


def v3(server: ReplayServer) -> Catalogue:
    return fetch_v3_catalogue(server.url, retry=QUICK, timeout_seconds=2)


@pytest.mark.shared_data
def test_the_catalogue_of_v4_is_read_with_status_and_date(server: ReplayServer, shared_data: Path) -> None:
    server.paths[V4] = (shared_data / "cbs_v4" / "_catalog.json").read_bytes()
    found = v4(server)
    assert len(found.entries) == 83
    bijstand = found.find("82015NED")
    assert bijstand is not None
    assert (bijstand.modified, bijstand.status) == (dt.datetime.fromisoformat("2026-06-30T00:00:00+02:00"), "Regulier")
    assert bijstand.url == f"{server.base_url}/82015NED"
    births = found.find("00375ned")
    assert births is not None and births.is_discontinued
    assert not bijstand.is_discontinued
    assert server.requests[0].options == {"$select": "Identifier,Title,Modified,Status"}


@pytest.mark.shared_data
def test_the_catalogue_of_v3_is_read_with_its_periods(server: ReplayServer, shared_data: Path) -> None:
    server.paths[V3] = (shared_data / "cbs_v3" / "catalog_tables.json").read_bytes()
    found = v3(server)
    assert len(found.entries) == 20
    jobs = found.find("84669NED")
    assert jobs is not None
    assert (jobs.title, jobs.period) == (
        "Banen van werknemers; internationaliseringskenmerken van bedrijven",
        "2010 t/m 2017",
    )
    assert jobs.modified == dt.datetime.fromisoformat("2019-12-18T02:00:00")
    ended = found.find("83257NED")
    assert ended is not None and ended.is_discontinued


def test_both_are_followed_through_their_pages_on_the_configured_host(server: ReplayServer) -> None:
    server.paths = {
        V4: v4_page("1ned", "2ned", link="https://datasets.cbs.nl/odata/v1/CBS/Datasets?$skip=2"),
        f"{V4}?$skip=2": v4_page("3ned"),
        V3: v3_page({"Identifier": "1ned"}, link="http://opendata.cbs.nl/ODataCatalog/Tables?$format=json&$skip=1"),
        f"{V3}?$skip=1": v3_page({"Identifier": "2ned", "Period": " 2015 - 2024 "}),
    }
    assert list(v4(server).entries) == ["1ned", "2ned", "3ned"]
    found = v3(server)
    assert [(entry.table, entry.period) for entry in found.entries.values()] == [
        ("1ned", None),
        ("2ned", "2015 - 2024"),
    ]
    assert found.entries["2ned"].url == f"{server.url}/ODataFeed/odata/2ned"


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("85043ned", ("85043NED",)),
        ("03759NED", ("03759ned",)),
        ("85043", ("85043NED",)),
        ("37789", ("37789ksz",)),
        ("85044NED", ()),
        ("KSZ", ()),
    ],
)
def test_an_id_is_found_exactly_as_written_and_a_near_miss_is_suggested(
    server: ReplayServer, asked: str, near: tuple[str, ...]
) -> None:
    server.paths[V4] = v4_page("03759ned", "85043NED", "37789ksz", "85430NED")
    found = v4(server)
    assert found.find(asked) is None
    assert found.near(asked) == near
    assert found.find("85043NED") is not None


def test_a_table_with_an_odd_date_is_in_the_catalogue_all_the_same(server: ReplayServer) -> None:
    server.paths[V3] = v3_page({"Identifier": "1ned", "Modified": "gisteren"}, {"Identifier": "2ned"}, {"Title": "x"})
    assert [(entry.table, entry.modified) for entry in v3(server).entries.values()] == [("1ned", None), ("2ned", None)]


def test_a_catalogue_that_cannot_be_had_is_an_error_that_says_why(server: ReplayServer) -> None:
    with pytest.raises(SourceError, match=r"Datasets, page 1: not found \(404\)"):
        v4(server)
    server.paths[V4] = v4_page("1ned", link="https://datasets.cbs.nl/odata/v1/CBS/Datasets")
    with pytest.raises(SourceError, match="loops back to page 1"):
        v4(server)
    server.paths[V4] = b'{"values": []}'
    with pytest.raises(SourceError, match="found no list named 'value'"):
        v4(server)
    server.fail("Datasets", showing_html())
    with pytest.raises(SourceError, match="found an HTML page"):
        v4(server)


def test_a_failure_that_passes_is_tried_again(server: ReplayServer) -> None:
    server.paths[V4] = v4_page("1ned")
    server.fail("Datasets", refusing(500), truncating())
    assert list(v4(server).entries) == ["1ned"]


def test_an_address_without_a_path_has_no_catalogue() -> None:
    with pytest.raises(SetupError, match="expected an address such as"):
        fetch_v4_catalogue("http://127.0.0.1:9")
