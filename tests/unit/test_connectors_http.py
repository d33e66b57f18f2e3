"""Asking a service over real HTTP: what is tried again, what is not, and what the error says."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
from collections.abc import Iterator

import httpx
import pytest

from pipelines.connectors.cbs_v4 import fetch_properties
from pipelines.connectors.http import (
    CbsClient,
    SourceError,
    TableNotFound,
    UnexpectedAnswerError,
    next_page_query,
    open_client,
)
from pipelines.settings import SetupError
from tests.servers import (
    QUICK,
    Fault,
    ReplayServer,
    cutting_off,
    refusing,
    replacing,
    showing_html,
    small_table,
    truncating,
    waiting,
)

TABLE = "00001ned"


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    with ReplayServer({TABLE: small_table(TABLE)}) as server:
        yield server


@pytest.fixture
def client(server: ReplayServer) -> Iterator[CbsClient]:
    with open_client(server.base_url, retry=QUICK, timeout_seconds=0.3) as client:
        yield client


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([refusing(500), refusing(503)], id="the server fails twice"),
        pytest.param([refusing(429)], id="too many requests"),
        pytest.param([refusing(408)], id="the server gives up"),
        pytest.param([waiting(0.8)], id="time-out"),
        pytest.param([cutting_off()], id="cut connection"),
        pytest.param([truncating()], id="truncated JSON"),
        pytest.param([replacing(b"")], id="empty body"),
        pytest.param([replacing(b'{"Title": "\xff"}')], id="no UTF-8"),
        pytest.param([cutting_off(), refusing(502), truncating()], id="three different failures"),
    ],
)
def test_a_passing_failure_is_tried_again_until_the_answer_is_whole(
    server: ReplayServer, client: CbsClient, faults: list[Fault]
) -> None:
    server.fail("Properties", *faults)

    payload, properties = fetch_properties(client, TABLE)

    assert payload == server.tables[TABLE]["Properties"]
    assert properties.version == "202606230000"
    assert len(server.asked("Properties")) == len(faults) + 1


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (refusing(500), "the server failed (500)"),
        (refusing(503, body=b"<html><title>Storing</title>"), "(503): an HTML page titled 'Storing'"),
        (refusing(429), "too many requests (429)"),
        (waiting(0.8), "time-out"),
        (cutting_off(), "the connection was cut during the answer"),
        (truncating(), "the JSON is broken off or damaged"),
    ],
)
def test_a_lasting_failure_ends_after_four_tries_and_names_table_resource_and_cause(
    server: ReplayServer, client: CbsClient, fault: Fault, cause: str
) -> None:
    server.fail("Properties", *[fault] * 9)

    with pytest.raises(SourceError) as caught:
        fetch_properties(client, TABLE)

    assert f"CBS table {TABLE}, Properties" in str(caught.value)
    assert cause in str(caught.value)
    assert "tried 4 times" in str(caught.value)
    assert len(server.asked("Properties")) == 4


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (showing_html(), "an HTML page titled 'Onderhoud aan StatLine', expected JSON"),
        (refusing(401), "refused the request (401)"),
        (refusing(400, body=b'{"error":{"message":"Bad $filter"}}'), "(400): Bad $filter"),
        (
            refusing(302, {"Location": "https://elsewhere.example/"}),
            "redirects to https://elsewhere.example/",
        ),
        (replacing(b"[]"), "found a JSON list, expected an object"),
        (replacing(b'{"Identifier": "00002ned"}'), "expected those of '00001ned'"),
        (replacing(b'{"Modified": "vorige week"}'), "expected a date and time"),
        (replacing(b'{"ObservationCount": "veel"}'), "expected a whole number"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(
    server: ReplayServer, client: CbsClient, fault: Fault, cause: str
) -> None:
    server.fail("Properties", fault)

    with pytest.raises(SourceError, match="Properties") as caught:
        fetch_properties(client, TABLE)

    assert cause in str(caught.value)
    assert len(server.asked("Properties")) == 1


@pytest.mark.parametrize("as_a_date", [False, True])
def test_retry_after_is_waited_for(server: ReplayServer, client: CbsClient, as_a_date: bool) -> None:
    # An HTTP date has whole seconds: two of them ahead leave at least one.
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    header = email.utils.format_datetime(moment, usegmt=True) if as_a_date else "1"
    server.fail("Properties", refusing(429, {"Retry-After": header}))

    fetch_properties(client, TABLE)

    first, second = server.asked("Properties")
    assert second.at - first.at >= 0.9


def test_retry_after_of_zero_seconds_is_tried_again_at_once(server: ReplayServer, client: CbsClient) -> None:
    server.fail("Properties", refusing(503, {"Retry-After": "0"}))

    fetch_properties(client, TABLE)

    assert len(server.asked("Properties")) == 2


def test_a_longer_wait_than_is_borne_ends_the_fetch_and_says_how_long(server: ReplayServer, client: CbsClient) -> None:
    server.fail("Properties", refusing(429, {"Retry-After": "3600"}))

    with pytest.raises(SourceError, match="it asks to wait 3600 s, longer than 120 s"):
        fetch_properties(client, TABLE)

    assert len(server.asked("Properties")) == 1


def test_an_unreadable_retry_after_falls_back_on_the_usual_wait(server: ReplayServer, client: CbsClient) -> None:
    server.fail("Properties", refusing(429, {"Retry-After": "binnenkort"}))

    fetch_properties(client, TABLE)

    assert len(server.asked("Properties")) == 2


def test_an_unknown_table_says_that_ids_are_case_sensitive(server: ReplayServer, client: CbsClient) -> None:
    with pytest.raises(TableNotFound, match=r"CBS table 00001NED.*case-sensitive"):
        fetch_properties(client, "00001NED")

    assert len(server.asked("Properties")) == 1


def test_a_server_that_is_not_there_is_a_source_error() -> None:
    with ReplayServer({}) as gone:
        address = gone.base_url
    with open_client(address, retry=QUICK) as client, pytest.raises(SourceError, match="no connection"):
        fetch_properties(client, TABLE)


def test_a_server_on_this_machine_is_not_asked_through_a_proxy(
    server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    with open_client(server.base_url, retry=QUICK) as client:
        fetch_properties(client, TABLE)


def test_an_endless_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.connectors.http.MAX_ANSWER_BYTES", 1000)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(b"{" * 5000)))
    with (
        open_client("http://cbs.example/CBS", transport) as client,
        pytest.raises(SourceError, match="larger than 1000 bytes"),
    ):
        fetch_properties(client, TABLE)


@pytest.mark.parametrize(
    "address",
    [
        "datasets.cbs.nl/odata",
        "ftp://datasets.cbs.nl",
        "https://",
        "https://host/CBS?x=1",
        "https://me:pw@host/CBS",
    ],
)
def test_an_address_that_is_none_of_a_service_is_a_setup_error(address: str) -> None:
    with pytest.raises(SetupError) as caught:
        open_client(address)
    assert "pw" not in str(caught.value).removeprefix("expected")


def test_a_trailing_slash_in_the_address_changes_nothing(server: ReplayServer) -> None:
    with open_client(f"{server.base_url}/", retry=QUICK) as client:
        fetch_properties(client, TABLE)
    assert server.requests[0].path == f"/odata/v1/CBS/{TABLE}/Properties"


@pytest.mark.parametrize(
    ("link", "query"),
    [
        (f"https://datasets.cbs.nl/odata/v1/CBS/{TABLE}/Observations?$skip=2", "$skip=2"),
        (
            f"http://elsewhere.example/a/{TABLE}/Observations?$filter=A%20eq%20'b'&$skip=2",
            "$filter=A%20eq%20'b'&$skip=2",
        ),
        (f"/mirror/{TABLE}/Observations?$skiptoken=abc", "$skiptoken=abc"),
        (f"{TABLE}/Observations?$skip=2", "$skip=2"),
        ("Observations?$skip=2", "$skip=2"),
        ("?$skip=2", "$skip=2"),
    ],
)
def test_only_the_query_of_a_next_page_link_is_used(link: str, query: str) -> None:
    assert next_page_query(link, TABLE, "Observations") == query


@pytest.mark.parametrize(
    "link",
    [
        "https://datasets.cbs.nl/odata/v1/CBS/00002ned/Observations?$skip=2",
        "https://datasets.cbs.nl/odata/v1/CBS/00001NED/Observations?$skip=2",
        f"https://datasets.cbs.nl/odata/v1/CBS/{TABLE}/Secrets?$skip=2",
        "https://elsewhere.example/?$skip=2",
        "/Observations?$skip=2",
        "",
        7,
    ],
)
def test_a_next_page_link_to_anything_else_is_an_error(link: object) -> None:
    with pytest.raises(UnexpectedAnswerError):
        next_page_query(link, TABLE, "Observations")


def test_an_error_carries_its_parts_for_whoever_reports_it() -> None:
    error = SourceError(TABLE, "Observations", "the server failed (500)", page=3)
    assert (error.table, error.resource, error.page) == (TABLE, "Observations", 3)
    assert str(error) == f"CBS table {TABLE}, Observations, page 3: the server failed (500)"


def test_the_properties_are_what_the_table_says_of_itself(server: ReplayServer, client: CbsClient) -> None:
    _, properties = fetch_properties(client, TABLE)
    said = json.loads(server.tables[TABLE]["Properties"])
    assert properties.title == said["Title"]
    assert properties.observation_count == 6
    assert properties.modified_at == dt.datetime.fromisoformat(said["Modified"])
