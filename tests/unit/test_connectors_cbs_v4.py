"""Fetching a table: all of it, in its exact bytes, or an error that names table, page and cause."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.cbs_v4 import FetchedTable, fetch_table
from pipelines.connectors.http import SourceError, TableNotFound, open_client
from pipelines.declarations.source import CbsV4Connector
from tests.failing_pages import FOR_GOOD, IN_PASSING
from tests.servers import (
    QUICK,
    Fault,
    ReplayServer,
    codes,
    refusing,
    replacing,
    small_table,
)

TABLE = "00001ned"
SECOND_PAGE = "Observations?$skip=2"


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    """Six observations in three pages."""
    with ReplayServer({TABLE: small_table(TABLE, page_size=2), "00002ned": small_table("00002ned")}) as server:
        yield server


def fetch(server: ReplayServer, into: Path, table: str = TABLE, **options: Any) -> FetchedTable:
    allow = options.pop("allow_count_mismatch", False)
    connector = CbsV4Connector(kind="cbs_v4", table=table, **options)
    with open_client(server.base_url, retry=QUICK, timeout_seconds=0.3) as client:
        return fetch_table(client, connector, into, allow_count_mismatch=allow)


def page(*ids: int, link: object = None) -> bytes:
    rows = [json.loads(small_table(page_size=6)["Observations"])["value"][number] for number in ids]
    return json.dumps({"value": rows} | ({"@odata.nextLink": link} if link is not None else {})).encode()


def test_a_table_comes_whole_and_in_its_exact_bytes(server: ReplayServer, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path / "new")

    answers = server.tables[TABLE]
    assert fetched.read_files() == {
        "Properties.json": answers["Properties"],
        "Dimensions.json": answers["Dimensions"],
        "MeasureCodes.json": answers["MeasureCodes"],
        "RegioSCodes.json": answers["RegioSCodes"],
        "PeriodenCodes.json": answers["PeriodenCodes"],
        "Observations.json": answers["Observations"],
        "Observations-0002.json": answers["Observations?$skip=2"],
        "Observations-0003.json": answers["Observations?$skip=4"],
    }
    assert (fetched.rows, fetched.pages) == (6, 3)
    assert (fetched.modified, fetched.version) == (dt.date(2026, 6, 23), "202606230000")
    assert fetched.fetched_at.tzinfo is dt.UTC
    for file in fetched.files:
        assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
        assert file.size == file.path.stat().st_size


def test_next_pages_are_asked_of_the_configured_server_whatever_host_they_print(
    server: ReplayServer, tmp_path: Path
) -> None:
    assert b"https://datasets.cbs.nl/" in server.tables[TABLE]["Observations"]

    fetch(server, tmp_path)

    assert [request.options.get("$skip") for request in server.asked("Observations")] == [None, "2", "4"]


def test_the_declared_filter_reaches_the_server_as_it_was_written(server: ReplayServer, tmp_path: Path) -> None:
    text = "Geslacht eq 'T001038' and startswith(RegioS,'GM') and Titel ne 'a&b=c+d/é'"

    fetch(server, tmp_path, filter=text)

    assert server.asked("Observations")[0].options == {"$filter": text}


def test_dimensions_without_codes_are_not_asked_for_any(tmp_path: Path) -> None:
    table = small_table()
    table["Dimensions"] = json.dumps(
        {"value": [{"Identifier": "RegioS", "ContainsCodes": False}, {"Identifier": "Perioden"}]}
    ).encode()
    with ReplayServer({TABLE: table}) as server:
        fetch(server, tmp_path)
    assert server.asked("PeriodenCodes")
    assert not server.asked("RegioSCodes")


def test_lists_of_codes_are_followed_through_their_pages_too(tmp_path: Path) -> None:
    table = small_table()
    first = json.loads(table["RegioSCodes"])
    last = {"value": [first["value"].pop()]}
    first["@odata.nextLink"] = "RegioSCodes?$skip=2"
    table["RegioSCodes"] = json.dumps(first).encode()
    table["RegioSCodes?$skip=2"] = json.dumps(last).encode()
    with ReplayServer({TABLE: table}) as server:
        fetched = fetch(server, tmp_path)
    assert fetched.read_files()["RegioSCodes-0002.json"] == table["RegioSCodes?$skip=2"]


@pytest.mark.parametrize("faults", IN_PASSING)
def test_a_page_that_fails_in_passing_ends_in_the_right_rows(
    server: ReplayServer, tmp_path: Path, faults: list[Fault]
) -> None:
    server.fail(SECOND_PAGE, *faults)

    fetched = fetch(server, tmp_path)

    assert fetched.rows == 6
    assert fetched.read_files()["Observations-0002.json"] == server.tables[TABLE][SECOND_PAGE]


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        *FOR_GOOD,
        pytest.param(replacing(page(0, 1)), "the rows of page 1 came again", id="repeated page"),
        pytest.param(
            replacing(page(2, 3, link=f"{TABLE}/Observations?$skip=2")),
            "the next-page link loops back to page 2",
            id="link to itself",
        ),
        pytest.param(
            replacing(page(2, 3, link=f"{TABLE}/Observations")),
            "the next-page link loops back to page 1",
            id="link to the first page",
        ),
        pytest.param(
            replacing(page(2, 3, link="https://datasets.cbs.nl/odata/v1/CBS/00002ned/Observations?$skip=2")),
            r"leads elsewhere.*expected a page of 00001ned/Observations",
            id="link to another table",
        ),
        pytest.param(replacing(b'{"value":[{"Id":"zeven"}]}'), "changed from number to string", id="other type"),
        pytest.param(
            replacing(page(2, 3).replace(b"RegioS", b"Regios")),
            "the columns changed.*missing: RegioS; unknown: Regios",
            id="renamed column",
        ),
        pytest.param(
            replacing(page(2, 3).replace(b'"Value": ', b'"Amount": ')),
            "the columns changed.*missing: Value; unknown: Amount",
            id="renamed value",
        ),
    ],
)
def test_a_page_that_fails_for_good_names_table_page_and_cause(
    server: ReplayServer, tmp_path: Path, fault: Fault, cause: str
) -> None:
    server.fail(SECOND_PAGE, *[fault] * 4)

    with pytest.raises(SourceError, match=rf"CBS table {TABLE}, Observations, page 2: .*{cause}"):
        fetch(server, tmp_path)


def test_links_that_lead_on_for_ever_end_at_the_announced_number(tmp_path: Path) -> None:
    table = small_table(page_size=2, properties={"ObservationCount": 4})
    with (
        ReplayServer({TABLE: table}) as server,
        pytest.raises(SourceError, match="page 3: found 6 observations, more than the 4"),
    ):
        fetch(server, tmp_path)


def test_empty_pages_that_lead_on_for_ever_are_refused(server: ReplayServer, tmp_path: Path) -> None:
    server.fail("Observations", replacing(page(link=f"{TABLE}/Observations?$skip=2")))
    server.fail(SECOND_PAGE, replacing(page(link=f"{TABLE}/Observations?$skip=4")))

    with pytest.raises(SourceError, match="page 2: the rows of page 1 came again"):
        fetch(server, tmp_path)


def test_fewer_observations_than_announced_are_refused(tmp_path: Path) -> None:
    with (
        ReplayServer({TABLE: small_table(properties={"ObservationCount": 7})}) as server,
        pytest.raises(SourceError, match="found 6 observations, expected the 7"),
    ):
        fetch(server, tmp_path)


def test_fewer_observations_than_announced_can_be_a_notice(tmp_path: Path) -> None:
    with ReplayServer({TABLE: small_table(properties={"ObservationCount": 7})}) as server:
        fetched = fetch(server, tmp_path, allow_count_mismatch=True)
    assert fetched.notices == ("found 6 observations, expected the 7 that the table announces",)


def test_a_slice_may_have_fewer_observations_than_the_table(tmp_path: Path) -> None:
    with ReplayServer({TABLE: small_table(properties={"ObservationCount": 7})}) as server:
        assert fetch(server, tmp_path, filter="RegioS eq 'GM0001'").rows == 6


def test_a_table_that_announces_no_number_is_taken_as_it_comes(tmp_path: Path) -> None:
    with ReplayServer({TABLE: small_table(properties={"ObservationCount": None})}) as server:
        assert fetch(server, tmp_path).rows == 6


def test_a_table_published_anew_in_the_meantime_is_refused(server: ReplayServer, tmp_path: Path) -> None:
    renewed = server.tables[TABLE]["Properties"].replace(b"202606230000", b"202606240000")
    server.fail("Properties", lambda answer: answer, replacing(renewed))

    with pytest.raises(SourceError, match=r"published anew.*version 202606230000, then 202606240000"):
        fetch(server, tmp_path)


def test_an_unknown_table_is_told_apart_from_a_failing_one(server: ReplayServer, tmp_path: Path) -> None:
    with pytest.raises(TableNotFound):
        fetch(server, tmp_path / "a", table="00003ned")
    server.fail("RegioSCodes", refusing(404))
    with pytest.raises(SourceError, match="RegioSCodes") as caught:
        fetch(server, tmp_path / "b")
    assert not isinstance(caught.value, TableNotFound)


@pytest.mark.parametrize("name", ["../../etc/passwd", "Regio S", "", "Regio/S"])
def test_a_dimension_that_is_no_plain_name_is_refused(tmp_path: Path, name: str) -> None:
    table = small_table() | {"Dimensions": codes(name, "Perioden")}
    with (
        ReplayServer({TABLE: table}) as server,
        pytest.raises(SourceError, match=r"Dimensions.*letters and digits"),
    ):
        fetch(server, tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"Properties.json", "Dimensions.json"}


@pytest.mark.parametrize("table", ["..", "../other", "a/b", "%2e%2e", "a b", ""])
def test_a_table_id_that_would_lead_away_from_the_address_is_never_asked_for(
    server: ReplayServer, tmp_path: Path, table: str
) -> None:
    with pytest.raises(SourceError, match="expected letters and digits"):
        fetch(server, tmp_path, table=table)
    assert not server.requests


def test_fetching_into_a_folder_with_files_is_refused(server: ReplayServer, tmp_path: Path) -> None:
    (tmp_path / "Observations-0009.json").write_text("left over")
    with pytest.raises(ValueError, match="expected an empty folder"):
        fetch(server, tmp_path)
    assert not server.requests
