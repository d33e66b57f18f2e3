"""Fetching variables of a Swing databank over real HTTP: the key, the pages, and what goes wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.connectors.swing_odata import (
    KEY,
    KEY_FILE,
    SwingClient,
    SwingError,
    VariableNotFound,
    fetch_list,
    fetch_variable,
    open_databank,
    swing_apikey,
)
from pipelines.declarations.source import SwingConnector
from pipelines.settings import SetupError
from tests import swing_server
from tests.servers import QUICK, Answer, Fault, cutting_off, refusing, replacing, showing_html, truncating, waiting
from tests.swing_server import PAGE_SIZE, SwingServer, published, value

CODE = "wmo_clienten"
# Municipalities that do not exist: what counts here is how many there are.
YEARS = ("2021", "2022", "2023")
MANY = [value(f"gemeente_{5000 + number}", str(number), year) for year in YEARS for number in range(700)]


@pytest.fixture
def server() -> Iterator[SwingServer]:
    with SwingServer({CODE: published(CODE, MANY, "per 1.000 inwoners")}) as server:
        yield server


@pytest.fixture
def client(server: SwingServer) -> Iterator[SwingClient]:
    with open_databank(server.url, swing_server.KEY, retry=QUICK, timeout_seconds=0.3) as client:
        yield client


def declared(*periods: str, **more: object) -> SwingConnector:
    return SwingConnector.model_validate(
        {"kind": "swing_odata", "variables": [CODE], "periods": periods or ("all",), **more}
    )


def test_all_pages_come_as_they_were_sent_and_the_key_went_along(server: SwingServer, client: SwingClient) -> None:
    fetched = fetch_variable(client, declared(), CODE, "gemeente")

    assert (fetched.rows, sorted(fetched.files)) == (
        2100,
        ["Values_all-0001.json", "Values_all-0002.json", "Values_all-0003.json", "Variable.json"],
    )
    sent = [row for name in sorted(fetched.files)[:3] for row in json.loads(fetched.files[name])["value"]]
    assert sent == MANY
    assert {request.apikey for request in server.requests} == {swing_server.KEY}
    # The links print the publisher's own host; what was asked is this server.
    assert [request.options for request in server.asked("Values")] == [
        {},
        {"$skip": str(PAGE_SIZE)},
        {"$skip": str(2 * PAGE_SIZE)},
    ]
    assert fetched.variable.unit == "per 1.000 inwoners"


def test_declared_periods_are_asked_for_one_by_one(server: SwingServer, client: SwingClient) -> None:
    fetched = fetch_variable(client, declared("2022", "2023"), CODE, "gemeente")
    assert (fetched.rows, sorted(fetched.files)) == (
        1400,
        ["Values_2022-0001.json", "Values_2023-0001.json", "Variable.json"],
    )


def test_a_databank_without_a_key_is_asked_without_one(server: SwingServer) -> None:
    server.key = None
    with open_databank(server.url, None, retry=QUICK) as client:
        assert fetch_variable(client, declared(), CODE, "gemeente").rows == 2100
    assert {request.apikey for request in server.requests} == {None}


def test_without_a_key_the_error_says_what_to_set(server: SwingServer) -> None:
    with open_databank(server.url, None, retry=QUICK) as client, pytest.raises(SwingError) as caught:
        fetch_variable(client, declared(), CODE, "gemeente")
    assert caught.value.status == 401
    assert f"Swing variable {CODE}" in str(caught.value)
    assert "Guest user group not found" in str(caught.value)
    assert f"set {KEY}, or {KEY_FILE}" in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_shown_nowhere(
    server: SwingServer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "verkeerde-sleutel-1234"
    server.fail(f"Variables('{CODE}')", refusing(status, body=json.dumps({"error": {"message": wrong}}).encode()))
    with (
        caplog.at_level(logging.DEBUG),
        open_databank(server.url, wrong, retry=QUICK) as client,
        pytest.raises(SwingError) as caught,
    ):
        fetch_variable(client, declared(), CODE, "gemeente")
    assert f"the key in {KEY}" in str(caught.value)
    chain = [caught.value, caught.value.__cause__, caught.value.__cause__ and caught.value.__cause__.__cause__]
    assert wrong not in "".join(map(repr, chain)) + caplog.text


def test_an_answer_that_repeats_the_key_is_not_kept(server: SwingServer, client: SwingClient) -> None:
    document = {**server.variables[CODE].describes, "Description": f"voor {swing_server.KEY}"}
    server.variables[CODE].describes = document
    with pytest.raises(SwingError, match="the answer repeats the key that was sent") as caught:
        fetch_variable(client, declared(), CODE, "gemeente")
    assert swing_server.KEY not in str(caught.value)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([refusing(500), refusing(503)], id="the server fails twice"),
        pytest.param([refusing(429, {"Retry-After": "0"})], id="too many requests"),
        pytest.param([waiting(0.8)], id="time-out"),
        pytest.param([cutting_off()], id="cut connection in mid-page"),
        pytest.param([truncating()], id="truncated JSON"),
    ],
)
@pytest.mark.parametrize("resource", [f"Variables('{CODE}')", f"Values?$skip={PAGE_SIZE}"])
def test_a_passing_failure_is_tried_again(
    server: SwingServer, client: SwingClient, resource: str, faults: list[Fault]
) -> None:
    server.fail(resource, *faults)
    assert fetch_variable(client, declared(), CODE, "gemeente").rows == 2100


def _without(name: str) -> Fault:
    return _changing(lambda row: {key: text for key, text in row.items() if key != name})


def _changing(change: Callable[[dict[str, object]], dict[str, object]]) -> Fault:
    def fault(answer: Answer) -> Answer:
        document = json.loads(answer.body)
        document["value"] = [change(row) for row in document["value"]]
        return replace(answer, body=json.dumps(document).encode())

    return fault


def _linking(link: object) -> Fault:
    return lambda answer: replace(
        answer, body=json.dumps({**json.loads(answer.body), "@odata.nextLink": link}).encode()
    )


def _first_page(link: str | None = None) -> bytes:
    document = {"value": MANY[:PAGE_SIZE], **({"@odata.nextLink": link} if link else {})}
    return json.dumps(document).encode()


VALUES = f"Variables('{CODE}')/GeoLevels('gemeente')/PeriodLevels('year')/Periods('all')/Values"


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        pytest.param(showing_html(), "an HTML page titled", id="HTML error page"),
        pytest.param(replacing(b"[]"), "found a JSON list", id="another document"),
        pytest.param(replacing(b'{"value": 7}'), "found no list named 'value'", id="no list"),
        pytest.param(_without("ValueString"), "found values without ValueString", id="changed column"),
        pytest.param(_changing(lambda row: {**row, "ValueString": 7}), "a value that is no text", id="changed type"),
        pytest.param(_changing(lambda row: {**row, "Period": None}), "a value without Period", id="no period"),
        pytest.param(replacing(_first_page()), "the rows of page 1 came again", id="repeated page"),
        pytest.param(_linking(f"{swing_server.PUBLISHER}/{VALUES}?$skip=1000"), "loops back to page 2", id="loop"),
        pytest.param(_linking("https://elsewhere.example/a?$skip=2000"), "leads elsewhere", id="another host"),
        pytest.param(
            _linking(f"{swing_server.PUBLISHER}/{VALUES.replace(CODE, 'x')}"), "leads elsewhere", id="another"
        ),
    ],
)
def test_what_will_not_pass_names_variable_page_and_cause(
    server: SwingServer, client: SwingClient, fault: Fault, cause: str
) -> None:
    server.fail(f"Values?$skip={PAGE_SIZE}", fault)
    with pytest.raises(SwingError) as caught:
        fetch_variable(client, declared(), CODE, "gemeente")
    assert f"Swing variable {CODE}, GeoLevels('gemeente')/PeriodLevels('year')/Periods('all')/Values, page 2" in str(
        caught.value
    )
    assert cause in str(caught.value)
    assert len(server.asked("Values")) == 2


def test_a_link_of_another_host_is_followed_on_this_one(server: SwingServer, client: SwingClient) -> None:
    server.fail("Values", _linking(f"https://elsewhere.example/x/odata/{VALUES}?$skip=1000"))
    assert fetch_variable(client, declared(), CODE, "gemeente").rows == 2100


def test_a_lasting_failure_ends_after_four_tries(server: SwingServer, client: SwingClient) -> None:
    server.fail("Values", *[refusing(500)] * 9)
    with pytest.raises(SwingError, match=r"page 1: the server failed \(500\) \(tried 4 times\)"):
        fetch_variable(client, declared(), CODE, "gemeente")


def test_an_unknown_variable_and_an_unpublished_level_are_told_apart(server: SwingServer, client: SwingClient) -> None:
    with pytest.raises(VariableNotFound, match=r"Swing variable bestaat_niet, .*No such variable"):
        fetch_variable(client, declared(), "bestaat_niet", "gemeente")
    with pytest.raises(VariableNotFound, match="it is published at the levels gemeente"):
        fetch_variable(client, declared(), CODE, "wijk")


def test_another_variable_than_was_asked_for_is_an_error(server: SwingServer, client: SwingClient) -> None:
    server.variables[CODE].describes["ExternalCode"] = "iets_anders"
    with pytest.raises(SwingError, match="found the variable 'iets_anders', expected 'wmo_clienten'"):
        fetch_variable(client, declared(), CODE, "gemeente")


def test_a_variable_that_changes_while_it_is_fetched_is_an_error(server: SwingServer, client: SwingClient) -> None:
    later = json.dumps({**server.variables[CODE].describes, "LastUpdate": "2024-05-02T00:00:00Z"}).encode()
    server.fail(f"Variables('{CODE}')", lambda answer: answer, replacing(later))
    with pytest.raises(SwingError, match=r"changed while it was being fetched \(2024-05-01, then 2024-05-02\)"):
        fetch_variable(client, declared(), CODE, "gemeente")


def test_a_code_with_other_signs_is_asked_for_nowhere(server: SwingServer, client: SwingClient) -> None:
    with pytest.raises(SwingError, match="found another sign in the name"):
        fetch_variable(client, declared(), "x')/../Secrets('y", "gemeente")
    assert server.requests == []


def test_the_lists_of_a_databank_can_be_read(server: SwingServer, client: SwingClient) -> None:
    assert [entry["ExternalCode"] for entry in fetch_list(client, "Variables")] == [CODE]
    assert len(fetch_list(client, "GeoLevels('gemeente')/GeoItems")) == 700


@pytest.mark.parametrize("url", [None, "", "https://", "https://host", "host/odata", "https://host/a?b=c"])
def test_an_address_that_is_none_of_a_databank_is_a_setup_error(url: str | None) -> None:
    with pytest.raises(SetupError, match=r"https://host/jiveservices/odata|expected an address"):
        open_databank(url, None)


# The key


def test_the_key_comes_from_the_environment_or_from_the_file_named_there(tmp_path: Path) -> None:
    file = tmp_path / "sleutel"
    file.write_text(" uit-een-bestand \n", encoding="ascii")
    assert swing_apikey({}) is None
    assert swing_apikey({KEY: " uit-de-omgeving "}) == "uit-de-omgeving"
    assert swing_apikey({KEY_FILE: str(file)}) == "uit-een-bestand"
    assert swing_apikey({KEY: "uit-de-omgeving", KEY_FILE: str(file)}) == "uit-de-omgeving"


@pytest.mark.parametrize("content", [b"", b" \n", b"geheim\nnog iets", "geheim\u00e9".encode(), b"geheim\x00"])
def test_a_file_with_anything_but_a_key_is_a_setup_error_that_shows_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "sleutel"
    file.write_bytes(content)
    with pytest.raises(SetupError, match=KEY_FILE) as caught:
        swing_apikey({KEY_FILE: str(file)})
    assert "geheim" not in str(caught.value) + repr(caught.value.__cause__)


def test_a_file_that_is_not_there_and_a_key_with_a_space_are_setup_errors(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="cannot be read"):
        swing_apikey({KEY_FILE: str(tmp_path / "niets")})
    with pytest.raises(SetupError, match=KEY) as caught:
        swing_apikey({KEY: "een geheim"})
    assert "een geheim" not in str(caught.value)
