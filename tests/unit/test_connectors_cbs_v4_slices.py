"""Fetching the declared measures of a table, in slices of it: whatever codes they have in it, and nothing twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipelines.connectors import cbs_slices, cbs_v4
from pipelines.connectors.cbs_v4 import FetchedTable, NoObservations, fetch_table
from pipelines.connectors.http import SourceError, open_client
from pipelines.declarations.source import CbsV4Connector
from tests.live_server import V4_PATH, LiveServer
from tests.live_tables import LiveTable
from tests.servers import QUICK, ReplayServer, observation, small_table

TABLE = "00001ned"
REGIONS = [f"GM{number:04d}" for number in range(1, 11)]
TITLES = {"M1": "Inwoners ", "M2": "Appartement", "M3": "Appartement", "M4": "Huishoudens"}


def live_table(groups: bool = True) -> LiveTable:
    """Four measures of ten municipalities and two years; two of them have one title."""
    observations = [
        {"Measure": measure, "RegioS": region, "Perioden": period}
        for region in REGIONS
        for period in ("2015JJ00", "2016JJ00")
        for measure in TITLES
    ]
    return LiveTable(
        table=TABLE,
        title="Een kleine tabel",
        codes={
            "RegioS": [{"Identifier": code, "Title": code, "Description": ""} for code in REGIONS],
            "Perioden": [
                {"Identifier": code, "Title": code, "Description": "", "Status": "Definitief"}
                for code in ("2015JJ00", "2016JJ00")
            ],
        },
        measures=[
            {"Identifier": code, "Title": title, "Unit": "aantal", "MeasureGroupId": f"G{code}" if groups else None}
            for code, title in TITLES.items()
        ],
        observations=[
            {"Id": number, "ValueAttribute": "None", "Value": number, "StringValue": None, **row}
            for number, row in enumerate(observations)
        ],
        groups=[{"Id": f"G{code}", "Title": f"Groep {code}"} for code in TITLES] if groups else [],
    )


@pytest.fixture
def server() -> Iterator[LiveServer]:
    with LiveServer({TABLE: live_table()}, page_size=7) as server:
        yield server


def fetch(server: LiveServer, into: Path, **declared: Any) -> FetchedTable:
    with open_client(server.url + V4_PATH, retry=QUICK, timeout_seconds=2) as client:
        return fetch_table(client, CbsV4Connector(kind="cbs_v4", table=TABLE, **declared), into)


def rows(fetched: FetchedTable) -> list[dict[str, Any]]:
    """The observations that came, in the order of their pages."""
    files = fetched.read_files()
    pages = [json.loads(files[name])["value"] for name in sorted(files) if name.startswith("Observations")]
    return [row for page in pages for row in page]


@pytest.mark.parametrize(
    ("titles", "codes"),
    [
        (("Inwoners",), {"M1"}),
        (("Appartement",), {"M2", "M3"}),
        (("Groep M3: Appartement", "Huishoudens"), {"M3", "M4"}),
    ],
)
def test_only_the_declared_measures_are_fetched(
    server: LiveServer, tmp_path: Path, titles: tuple[str, ...], codes: set[str]
) -> None:
    fetched = fetch(server, tmp_path, measures=titles)
    assert {row["Measure"] for row in rows(fetched)} == codes
    assert fetched.rows == 20 * len(codes)
    assert "MeasureGroups.json" in fetched.read_files()
    assert fetched.notices == ()


def test_the_same_title_has_other_codes_in_another_edition(tmp_path: Path) -> None:
    other = live_table()
    for entry in (*other.measures, *other.observations):
        for name in ("Identifier", "Measure"):
            if name in entry:
                entry[name] = entry[name].replace("M", "ZW")
    with LiveServer({TABLE: other}) as server:
        fetched = fetch(server, tmp_path, measures=("Huishoudens",))
    assert {row["Measure"] for row in rows(fetched)} == {"ZW4"}


def test_a_title_that_the_table_lacks_is_a_notice(server: LiveServer, tmp_path: Path) -> None:
    fetched = fetch(server, tmp_path, measures=("Inwoners", "Woningen"))
    assert fetched.rows == 20
    assert fetched.notices == (f"{TABLE}: no measure is called 'Woningen'",)


def test_a_table_with_none_of_the_declared_measures_is_an_error_that_says_what_it_has(
    server: LiveServer, tmp_path: Path
) -> None:
    expected = r"found none of the declared measures \('Inwonders'\); it has 'Inwoners'"
    with pytest.raises(SourceError, match=rf"CBS table {TABLE}, MeasureCodes: {expected}"):
        fetch(server, tmp_path, measures=("Inwonders",))
    assert not server.asked(TABLE, "Observations")


def test_a_table_whose_groups_are_not_offered_does_without(tmp_path: Path) -> None:
    table = live_table()
    table.groups = []
    with LiveServer({TABLE: table}) as server:
        fetched = fetch(server, tmp_path, measures=("Huishoudens",))
        assert len(server.asked(TABLE, "MeasureGroups")) == 1
    assert "MeasureGroups.json" not in fetched.read_files()


def test_a_table_without_groups_is_not_asked_for_them(tmp_path: Path) -> None:
    with LiveServer({TABLE: live_table(groups=False)}) as server:
        fetch(server, tmp_path)
        assert not server.asked(TABLE, "MeasureGroups")


def test_a_long_filter_is_asked_for_in_slices_that_are_one_vintage(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared: dict[str, Any] = {
        "filter": " or ".join(f"RegioS eq '{code}'" for code in REGIONS),
        "measures": ("Inwoners", "Huishoudens"),
    }
    whole = rows(fetch(server, tmp_path / "whole", **declared))
    server.forget()
    monkeypatch.setattr(cbs_v4, "LONGEST_ADDRESS", 250)

    fetched = fetch(server, tmp_path / "slices", **declared)

    asked = {request.options["$filter"] for request in server.asked(TABLE, "Observations")}
    assert len(asked) > 2
    found = rows(fetched)
    assert sorted(row["Id"] for row in found) == sorted(row["Id"] for row in whole)
    assert fetched.rows == len(found) == 40
    names = [file.name for file in fetched.files if file.name.startswith("Observations")]
    assert names == sorted(names)
    assert names[:2] == ["Observations-0001-0001.json", "Observations-0001-0002.json"]


def test_a_very_large_table_is_fetched_measure_by_measure(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cbs_v4, "_ONE_BY_ONE_FROM", 50)
    fetched = fetch(server, tmp_path)
    assert fetched.rows == 80
    asked = [request.options.get("$filter") for request in server.asked(TABLE, "Observations")]
    assert list(dict.fromkeys(asked)) == [f"Measure eq '{code}'" for code in TITLES]


def test_slices_that_do_not_make_up_the_table_are_refused(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cbs_v4, "_ONE_BY_ONE_FROM", 50)
    server.tables[TABLE].measures.pop()
    with pytest.raises(SourceError, match="found 60 observations, expected the 80"):
        fetch(server, tmp_path)


def test_a_server_that_ignores_the_filter_is_found_out(tmp_path: Path) -> None:
    table = small_table(TABLE) | {
        "MeasureCodes": json.dumps(
            {"value": [{"Identifier": "M000352", "Title": "A"}, {"Identifier": "M1", "Title": "B"}]}
        ).encode()
    }
    cause = r"page 1: found measures that were not asked for \(M000352\): the server did not apply the filter"
    connector = CbsV4Connector(kind="cbs_v4", table=TABLE, measures=("B",))
    with (
        ReplayServer({TABLE: table}) as server,
        open_client(server.base_url, retry=QUICK) as client,
        pytest.raises(SourceError, match=cause),
    ):
        fetch_table(client, connector, tmp_path)


def test_slices_that_overlap_are_refused(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twice = (cbs_slices.Slice("Measure eq 'M1'", ("M1",)),) * 2
    monkeypatch.setattr(cbs_v4, "slices", lambda *_: twice)
    cause = r"Observations, page 1: observation 0 came a second time \(slice 2 of 2\)"
    with pytest.raises(SourceError, match=cause):
        fetch(server, tmp_path, measures=("Inwoners",))


def test_an_observation_that_comes_twice_on_different_pages_is_refused(tmp_path: Path) -> None:
    rows = [observation(number, f"GM{number:04d}", "2015JJ00") for number in (1, 2, 3, 2)]
    with (
        ReplayServer({TABLE: small_table(TABLE, rows, page_size=3)}) as server,
        open_client(server.base_url, retry=QUICK) as client,
        pytest.raises(SourceError, match="Observations, page 2: observation 2 came a second time"),
    ):
        fetch_table(client, CbsV4Connector(kind="cbs_v4", table=TABLE), tmp_path)


def test_a_table_that_is_described_without_its_figures_says_so(tmp_path: Path) -> None:
    table = small_table(TABLE)
    del table["Observations"]
    with (
        ReplayServer({TABLE: table}) as server,
        open_client(server.base_url, retry=QUICK) as client,
        pytest.raises(NoObservations, match=r"Observations: not found \(404\).*does not give its observations"),
    ):
        fetch_table(client, CbsV4Connector(kind="cbs_v4", table=TABLE), tmp_path)


class _Counting(httpx.BaseTransport):
    """Answers every request with the same, and knows how many it was answering at once."""

    def __init__(self, body: bytes) -> None:
        self.body, self.at_once, self.most = body, 0, 0
        self.lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.01)
        with self.lock:
            self.at_once -= 1
        return httpx.Response(200, stream=httpx.ByteStream(self.body))


def test_no_more_than_two_requests_are_under_way_at_once_even_of_several_threads() -> None:
    transport = _Counting(small_table(TABLE)["Properties"])
    with open_client("http://127.0.0.1/CBS", transport) as client, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cbs_v4.fetch_properties(client, TABLE), range(16)))
    assert 1 <= transport.most <= 2


def test_an_edition_is_fetched_by_its_own_id(server: LiveServer, tmp_path: Path) -> None:
    connector = CbsV4Connector(kind="cbs_v4", editions={"2015": TABLE, "2016": "00002ned"})
    with open_client(server.url + V4_PATH, retry=QUICK) as client:
        assert fetch_table(client, connector, tmp_path / "a", table=TABLE).table == TABLE
        with pytest.raises(ValueError, match="the connector declares editions"):
            fetch_table(client, connector, tmp_path / "b")
