"""Fetching a v3 table: all of it, in its exact bytes, or an error that names table, page and cause."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.connectors.cbs_slices import LONGEST_ADDRESS
from pipelines.connectors.cbs_v3 import fetch_properties_v3, fetch_table_v3
from pipelines.connectors.cbs_v4 import FetchedTable, NoObservations
from pipelines.connectors.http import SourceError, TableNotFound, open_client
from pipelines.declarations.source import CbsV3Connector
from tests.cbs_v3_server import PUBLISHER, ROWS, V3Server, as_text, dimension, listed, small_table, table_info, topic
from tests.failing_pages import FOR_GOOD, IN_PASSING
from tests.odata_filter import predicate
from tests.servers import (
    QUICK,
    Answer,
    Fault,
    replacing,
)

TABLE = "00001NED"
SECOND_PAGE = "TypedDataSet?$skip=2"


@pytest.fixture
def server() -> Iterator[V3Server]:
    """Six rows in three pages."""
    with V3Server({TABLE: small_table(TABLE, page_size=2)}) as server:
        yield server


def fetch(server: V3Server, into: Path, table: str = TABLE, **options: Any) -> FetchedTable:
    connector = CbsV3Connector(kind="cbs_v3", table=table, **options)
    with open_client(server.base_url, retry=QUICK, timeout_seconds=0.3) as client:
        return fetch_table_v3(client, connector, table, into)


def page(*numbers: int, link: str | None = None) -> bytes:
    return listed(*(ROWS[number] for number in numbers), link=link)


def test_a_table_comes_whole_and_in_its_exact_bytes(server: V3Server, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path / "new")

    answers = server.services["ODataFeed"][TABLE]
    assert fetched.read_files() == {
        "TableInfos.json": answers["TableInfos"],
        "DataProperties.json": answers["DataProperties"],
        "CategoryGroups.json": answers["CategoryGroups"],
        "Gemeenten.json": answers["Gemeenten"],
        "Perioden.json": answers["Perioden"],
        "TypedDataSet.json": answers["TypedDataSet"],
        "TypedDataSet-0002.json": answers["TypedDataSet?$skip=2"],
        "TypedDataSet-0003.json": answers["TypedDataSet?$skip=4"],
    }
    assert (fetched.rows, fetched.pages) == (6, 3)
    assert (fetched.modified, fetched.version) == (dt.date(2026, 6, 23), "202606230200")
    assert fetched.properties.title == "Klein"


def test_next_pages_are_asked_of_the_configured_server_whatever_host_they_print(
    server: V3Server, tmp_path: Path
) -> None:
    assert b"https://opendata.cbs.nl/" in server.services["ODataFeed"][TABLE]["TypedDataSet"]

    fetch(server, tmp_path)

    asked = [request.options for request in server.asked("TypedDataSet")]
    assert [options.get("$skip") for options in asked] == [None, "2", "4"]
    assert {options["$format"] for options in asked} == {"json"}


def test_codes_in_a_filter_are_padded_as_the_table_pads_them(server: V3Server, tmp_path: Path) -> None:
    fetched = fetch(
        server, tmp_path, filter="(Gemeenten eq 'GM0001' or Gemeenten eq 'GM0002  ') and startswith(Perioden,'2015')"
    )

    (first, *_) = server.asked("TypedDataSet")
    assert first.options["$filter"] == (
        "(Gemeenten eq 'GM0001   ' or Gemeenten eq 'GM0002   ') and startswith(Perioden,'2015')"
    )
    assert fetched.notices == ()


def test_a_code_that_the_table_has_not_is_noticed(server: V3Server, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path, filter="Gemeenten eq 'GM9999' and k_1ePlaatsing_1 gt 5")
    assert fetched.notices == (f"{TABLE}: no code of the table is meant by Gemeenten eq 'GM9999'",)


def test_only_the_declared_topics_are_asked_for(server: V3Server, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path, measures=("2e plaatsing", "3e plaatsing"))

    (first, *_) = server.asked("TypedDataSet")
    assert first.options["$select"] == "ID,Gemeenten,Perioden,k_2ePlaatsing_2"
    assert fetched.notices == (f"{TABLE}: no topic is called '3e plaatsing'",)


class Filtering(V3Server):
    """A publisher that lets through what a filter asks for."""

    def found(self, service: str, table: str, key: str, options: Mapping[str, str]) -> Answer:
        answer = super().found(service, table, key, options)
        if key != "TypedDataSet" or "$filter" not in options or answer.status != 200:
            return answer
        fits = predicate(options["$filter"])
        return Answer(listed(*filter(fits, json.loads(answer.body)["value"])))


class WithoutNull(Filtering):
    """A publisher that does not know the word."""

    def found(self, service: str, table: str, key: str, options: Mapping[str, str]) -> Answer:
        if " null" in options.get("$filter", ""):
            return Answer(b'{"odata.error":{"code":"","message":{"lang":"en-US","value":"Syntax error"}}}', 400)
        return super().found(service, table, key, options)


NEARLY_EMPTY = [
    {"ID": number, "Gemeenten": "GM0001   ", "Perioden": period, "k_1ePlaatsing_1": first, "k_2ePlaatsing_2": second}
    for number, (period, first, second) in enumerate(
        [("2015JJ00", 5, None), ("2015JJ00", None, None), ("2016KW02", None, 0), ("2016KW02", None, None)]
    )
]


@pytest.mark.parametrize(
    ("options", "asked", "ids"),
    [
        ({}, "(k_1ePlaatsing_1 ne null or k_2ePlaatsing_2 ne null)", [0, 2]),
        ({"measures": ("2e plaatsing",)}, "(k_2ePlaatsing_2 ne null)", [2]),
        (
            {"filter": "Gemeenten eq 'GM0001' or Gemeenten eq 'GM0002'"},
            "(Gemeenten eq 'GM0001   ' or Gemeenten eq 'GM0002   ') "
            "and (k_1ePlaatsing_1 ne null or k_2ePlaatsing_2 ne null)",
            [0, 2],
        ),
    ],
)
def test_rows_without_any_figure_are_left_with_the_publisher_where_that_is_declared(
    tmp_path: Path, options: dict[str, Any], asked: str, ids: list[int]
) -> None:
    with Filtering({TABLE: small_table(TABLE, NEARLY_EMPTY)}) as server:
        fetched = fetch(server, tmp_path / "filled", skip_empty=True, **options)
        (request,) = server.asked("TypedDataSet")
        assert fetch(server, tmp_path / "whole", **options).rows == 4
    assert request.options["$filter"] == asked
    assert [row["ID"] for row in json.loads(fetched.read_files()["TypedDataSet.json"])["value"]] == ids
    assert fetched.rows == len(ids)


def test_a_filter_that_is_divided_leaves_empty_rows_out_of_every_part(tmp_path: Path) -> None:
    codes = " or ".join(f"Gemeenten eq 'GM{number:04d}'" for number in range(200))
    with Filtering({TABLE: small_table(TABLE, NEARLY_EMPTY)}) as server:
        fetched = fetch(server, tmp_path, skip_empty=True, filter=codes)
        asked = [request.options["$filter"] for request in server.asked("TypedDataSet")]
    assert len(asked) > 1
    assert all(text.endswith(") and (k_1ePlaatsing_1 ne null or k_2ePlaatsing_2 ne null)") for text in asked)
    assert all(len(quote(text, safe="")) < LONGEST_ADDRESS for text in asked)
    assert fetched.rows == 2


def test_a_publisher_that_cannot_leave_empty_rows_out_gives_all_of_them(tmp_path: Path) -> None:
    with WithoutNull({TABLE: small_table(TABLE, NEARLY_EMPTY)}) as server:
        fetched = fetch(server, tmp_path, skip_empty=True, filter="Gemeenten eq 'GM0001'")
        asked = [request.options["$filter"] for request in server.asked("TypedDataSet")]
    assert asked[-1] == "Gemeenten eq 'GM0001   '"
    assert fetched.rows == 4
    assert fetched.notices[0].startswith(f"{TABLE}: empty rows came along")


@pytest.mark.parametrize("key", ["WmoClienten_85", "WmoClienten_98"])
def test_a_topic_is_known_by_its_stem_wherever_it_stands(tmp_path: Path, key: str) -> None:
    properties = listed(dimension("Gemeenten"), dimension("Perioden", "TimeDimension"), topic(key, "Wmo-cliënten 2019"))
    rows = [{"ID": 0, "Gemeenten": "GM0001   ", "Perioden": "2015JJ00", key: 5}]
    with V3Server({TABLE: small_table(TABLE, rows, DataProperties=properties)}) as server:
        fetch(server, tmp_path, measures=("WmoClienten",))
        assert server.asked("TypedDataSet")[0].options["$select"].endswith(f",{key}")


def test_a_table_without_any_declared_topic_is_refused(server: V3Server, tmp_path: Path) -> None:
    with pytest.raises(
        SourceError, match=r"none of the declared topics \('x'\); it has '1e plaatsing', '2e plaatsing'"
    ):
        fetch(server, tmp_path, measures=("x",))


def test_a_table_that_does_not_come_typed_comes_as_text(tmp_path: Path) -> None:
    table = small_table(TABLE, as_text(ROWS), data_set="UntypedDataSet")
    with V3Server({TABLE: table}) as server:
        fetched = fetch(server, tmp_path)
    assert "UntypedDataSet.json" in fetched.read_files()
    assert fetched.rows == 6


def test_a_table_that_stands_on_the_other_service_is_found_there(tmp_path: Path) -> None:
    with V3Server({}, {TABLE: small_table(TABLE)}) as server:
        assert fetch(server, tmp_path).rows == 6


class Limited(V3Server):
    """ODataApi with a limit of two rows a query: more make it fail."""

    def found(self, service: str, table: str, key: str, options: Mapping[str, str]) -> Answer:
        if key != "TypedDataSet" or service != "ODataApi":
            return super().found(service, table, key, options)
        rows = [row for row in ROWS if f"Gemeenten eq '{row['Gemeenten']}'" in options.get("$filter", "")]
        return Answer(listed(*rows)) if 0 < len(rows) <= 2 else Answer(b"", 500)


def test_where_rows_are_limited_it_is_asked_for_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.connectors.cbs_v3_table._MOST_ROWS", 2)
    with Limited({}, {TABLE: small_table(TABLE)}) as server:
        fetched = fetch(server, tmp_path)
        asked = [request for request in server.asked("TypedDataSet") if request.path.startswith("/ODataApi")]

    assert [request.options["$filter"] for request in asked] == [
        f"Gemeenten eq '{code}   '" for code in ("GM0001", "GM0002", "GM0003")
    ]
    assert fetched.rows == 6
    assert [name for name in fetched.read_files() if name.startswith("Typed")] == [
        f"TypedDataSet-{part:04d}-0001.json" for part in (1, 2, 3)
    ]


def test_a_table_of_which_nothing_is_described_speaks_for_itself(tmp_path: Path) -> None:
    table = {name: content for name, content in small_table(TABLE, page_size=3).items() if name.startswith("Typed")}
    with V3Server({TABLE: table}) as server:
        fetched = fetch(server, tmp_path)
    assert (fetched.rows, fetched.version) == (6, None)
    assert set(fetched.read_files()) == {"TypedDataSet.json", "TypedDataSet-0002.json"}


@pytest.mark.parametrize("faults", IN_PASSING)
def test_a_page_that_fails_in_passing_ends_in_the_right_rows(
    server: V3Server, tmp_path: Path, faults: list[Fault]
) -> None:
    server.fail(SECOND_PAGE, *faults)

    fetched = fetch(server, tmp_path)

    assert fetched.rows == 6
    assert fetched.read_files()["TypedDataSet-0002.json"] == server.services["ODataFeed"][TABLE][SECOND_PAGE]


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        *FOR_GOOD,
        pytest.param(replacing(page(0, 1)), "the rows of page 1 came again", id="repeated page"),
        pytest.param(
            replacing(page(2, 3, link=f"{PUBLISHER}/{TABLE}/TypedDataSet/?$format=json&$skip=2")),
            "the next-page link loops back to page 2",
            id="link to itself",
        ),
        pytest.param(
            replacing(page(2, 3, link=f"{PUBLISHER}/{TABLE}/TypedDataSet?$format=json")),
            "the next-page link loops back to page 1",
            id="link to the first page",
        ),
        pytest.param(
            replacing(page(2, 3, link=f"{PUBLISHER}/{TABLE}/TypedDataSet")),
            "the next-page link loops back to page 1",
            id="link to the first page without format",
        ),
        pytest.param(
            replacing(page(2, 3, link="https://elsewhere.example/OData/00002NED/TypedDataSet?$skip=4")),
            rf"leads elsewhere.*expected a page of {TABLE}/TypedDataSet",
            id="link to another table",
        ),
        pytest.param(
            replacing(page(2, 3).replace(b"Gemeenten", b"RegioS")),
            "the columns changed.*missing: Gemeenten; unknown: RegioS",
            id="renamed column",
        ),
        pytest.param(
            replacing(page(2, 3).replace(b"k_1ePlaatsing_1", b"k_1ePlaatsing_7")),
            "the columns changed.*missing: k_1ePlaatsing_1; unknown: k_1ePlaatsing_7",
            id="moved topic",
        ),
    ],
)
def test_a_page_that_fails_for_good_names_table_page_and_cause(
    server: V3Server, tmp_path: Path, fault: Fault, cause: str
) -> None:
    server.fail(SECOND_PAGE, *[fault] * 4)

    with pytest.raises(SourceError, match=rf"CBS table {TABLE}, TypedDataSet, page 2: .*{cause}"):
        fetch(server, tmp_path)


def test_a_link_to_another_host_is_followed_on_our_own(server: V3Server, tmp_path: Path) -> None:
    link = f"https://elsewhere.example/mirror/{TABLE}/TypedDataSet?$format=json&$skip=2"
    server.fail("TypedDataSet", replacing(page(0, 1, link=link)))
    assert fetch(server, tmp_path).rows == 6


def test_a_table_published_anew_in_the_meantime_is_refused(server: V3Server, tmp_path: Path) -> None:
    server.fail("TableInfos", lambda answer: answer, replacing(listed(table_info(TABLE, "2026-06-24T02:00:00"))))
    with pytest.raises(SourceError, match=r"published anew.*2026-06-23 02:00:00, then 2026-06-24"):
        fetch(server, tmp_path)


def test_an_unknown_table_is_told_apart_from_one_that_is_only_described(server: V3Server, tmp_path: Path) -> None:
    with pytest.raises(TableNotFound, match="case-sensitive"):
        fetch(server, tmp_path / "a", table=TABLE.lower())
    described = {name: body for name, body in small_table(TABLE).items() if "DataSet" not in name}
    with V3Server({TABLE: described}) as other, pytest.raises(NoObservations, match="does not give its figures"):
        fetch(other, tmp_path / "b")


def test_the_properties_can_be_asked_for_by_themselves(server: V3Server) -> None:
    with open_client(server.base_url, retry=QUICK) as client:
        _, properties = fetch_properties_v3(client, TABLE)
        with pytest.raises(TableNotFound):
            fetch_properties_v3(client, "00009NED")
    assert properties.version == "202606230200"


@pytest.mark.parametrize("name", ["../../etc/passwd", "Regio S", "Regio/S"])
def test_a_column_that_is_no_plain_name_is_refused(tmp_path: Path, name: str) -> None:
    table = small_table(TABLE, DataProperties=listed(dimension(name), topic("a_1", "A")))
    with V3Server({TABLE: table}) as server, pytest.raises(SourceError, match=r"DataProperties.*letters and digits"):
        fetch(server, tmp_path)


def test_fetching_into_a_folder_with_files_is_refused(server: V3Server, tmp_path: Path) -> None:
    (tmp_path / "TypedDataSet-0009.json").write_text("left over")
    with pytest.raises(ValueError, match="expected an empty folder"):
        fetch(server, tmp_path)
    assert not server.requests
