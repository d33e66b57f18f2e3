"""A publisher who fails in every way that was seen or can be thought of.

Each time either all rows come, or the run stops with a message that names the table, the page and the cause; and what
was there before is there still, with nothing beside it. Everything goes the way of a run, over real HTTP, into real
snapshots.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from pipelines.connectors import http
from pipelines.connectors.http import SourceError
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import CbsV4Connector, CbsV4Reader
from pipelines.deliveries import SourceLoad, fetch_cbs_source, load_cbs_source
from pipelines.settings import Settings
from tests.cbs_sources import source_of
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
SECOND_PAGE, THIRD_PAGE = "Observations?$skip=2", "Observations?$skip=4"
LISTS = ("Properties", "Dimensions", "MeasureCodes", "RegioSCodes", "PeriodenCodes")

SOURCE = source_of(CbsV4Connector(kind="cbs_v4", table=TABLE), CbsV4Reader(kind="cbs_v4"))


class Run:
    """A publisher with six observations on three pages, and a data directory that a run fills."""

    def __init__(self, server: ReplayServer, root: Path) -> None:
        self.server = server
        self.settings = Settings(
            profile="live",
            sources_dir=root,
            data_dir=root / "data",
            cbs_v4_url=server.base_url,
            today=dt.date(2026, 8, 1),
        )
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        self.settings.data_dir.mkdir()
        self.settings.warehouse_path.write_bytes(b"what was loaded before")

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.settings.snapshots_dir)

    def load(self) -> SourceLoad:
        arrived = fetch_cbs_source(SOURCE, self.settings, self.store, self.scratch)
        return load_cbs_source(SOURCE, self.settings, self.store, arrived)[0]

    def figures(self) -> list[tuple[int, float]]:
        """Number and value of every observation of the vintage that counts."""
        load = self.load()
        current = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
        rows = [row for row in load.rows.to_pylist() if row["vintage_id"] in current]
        assert (load.problems, len(current)) == ((), 1)
        return [(row["row_id"], row["value"]) for row in rows]

    def on_disk(self) -> dict[str, str]:
        """Every file of the data directory and of the scratch folder, with a checksum of its bytes."""
        root = self.settings.sources_dir
        files = sorted(path for path in root.rglob("*") if path.is_file() and path.name != ".lock")
        return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


ALL = [(number, 100 + number) for number in range(6)]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(http, "open_client", partial(http.open_client, retry=QUICK, timeout_seconds=0.3))
    tables: dict[str, Mapping[str, bytes]] = {
        TABLE: small_table(TABLE, page_size=2),
        "00002ned": small_table("00002ned", page_size=2),
    }
    with ReplayServer(tables) as server:
        yield Run(server, tmp_path)


def page(*ids: int, link: str | None = None, **fields: object) -> bytes:
    """A page of these observations, each with `fields` in place of its own."""
    rows = [json.loads(small_table(page_size=6)["Observations"])["value"][number] | fields for number in ids]
    return json.dumps({"value": rows} | ({"@odata.nextLink": link} if link else {})).encode()


def without(column: str) -> bytes:
    """The second page with a column less."""
    rows = json.loads(page(2, 3))["value"]
    return json.dumps({"value": [{name: row[name] for name in row if name != column} for row in rows]}).encode()


@pytest.mark.parametrize("resource", ["Properties", "RegioSCodes", "Observations", THIRD_PAGE])
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([refusing(429, {"Retry-After": "0"})], id="429 with Retry-After"),
        pytest.param([refusing(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})], id="429 until a day long past"),
        pytest.param([refusing(429)], id="429 without more"),
        pytest.param([refusing(500), refusing(500)], id="500 twice"),
        pytest.param([refusing(503, {"Retry-After": "0"}), refusing(502)], id="503 and 502"),
        pytest.param([showing_html(503)], id="an HTML page with a 503"),
        pytest.param([cutting_off()], id="cut in mid-page"),
        pytest.param([truncating()], id="truncated JSON"),
        pytest.param([replacing(b"")], id="nothing"),
        pytest.param([cutting_off(), refusing(500), truncating()], id="three failures, one after the other"),
    ],
)
def test_what_fails_in_passing_ends_in_all_rows(run: Run, resource: str, faults: list[Fault]) -> None:
    run.server.fail(resource, *faults)
    assert run.figures() == ALL
    (kept,) = run.store.list("cbs_klein")
    run.store.verify(kept)


@pytest.mark.parametrize("resource", ["Properties", SECOND_PAGE])
def test_a_time_out_that_passes_ends_in_all_rows(run: Run, resource: str) -> None:
    run.server.fail(resource, waiting(0.5))
    assert run.figures() == ALL


def test_a_server_that_stops_answering_for_good_is_refused(run: Run) -> None:
    run.server.fail(SECOND_PAGE, *[waiting(0.5)] * 4)
    assert_refused(run, f"CBS table {TABLE}, Observations, page 2: time-out")


_FOR_GOOD = [
    pytest.param([refusing(500)] * 4, r"the server failed \(500\) \(tried 4 times\)", id="500 for good"),
    pytest.param([refusing(429, {"Retry-After": "0"})] * 4, r"too many requests \(429\)", id="429 for good"),
    pytest.param(
        [refusing(429, {"Retry-After": "7200"})], "it asks to wait 7200 s, longer than 120 s", id="429 for two hours"
    ),
    pytest.param([cutting_off()] * 4, "the connection was cut", id="cut every time"),
    pytest.param([truncating()] * 4, "the JSON is broken off or damaged", id="truncated every time"),
    pytest.param([showing_html()], "found an HTML page titled 'Onderhoud aan StatLine', expected JSON", id="HTML"),
    pytest.param([refusing(403)], r"the server refused the request \(403\)", id="403"),
    pytest.param(
        [refusing(302, {"Location": "https://elders.nl/"})],
        "the server redirects to https://elders.nl/, which is not followed",
        id="a redirect",
    ),
    pytest.param([replacing(b"[]")], "found a JSON list, expected an object", id="another document"),
]


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ("Properties", "Properties"),
        ("MeasureCodes", "MeasureCodes, page 1"),
        (SECOND_PAGE, "Observations, page 2"),
    ],
)
@pytest.mark.parametrize(("faults", "cause"), _FOR_GOOD)
def test_what_fails_for_good_names_table_page_and_cause_and_leaves_nothing(
    run: Run, resource: str, place: str, faults: list[Fault], cause: str
) -> None:
    run.server.fail(resource, *faults)
    assert_refused(run, f"CBS table {TABLE}, {place}: .*{cause}")


_WRONG_PAGES = [
    pytest.param(page(0, 1), "the rows of page 1 came again", id="repeated page"),
    pytest.param(page(1, 2), "observation 1 came a second time", id="a page that overlaps"),
    pytest.param(
        page(2, 3, link=f"{TABLE}/Observations?$skip=2"), "the next-page link loops back to page 2", id="link to itself"
    ),
    pytest.param(
        page(2, 3, link=f"https://datasets.cbs.nl/odata/v1/CBS/{TABLE}/Observations"),
        "the next-page link loops back to page 1",
        id="link to the first page",
    ),
    pytest.param(
        page(2, 3, link="https://elders.nl/odata/v1/CBS/00002ned/Observations?$skip=2"),
        "the next-page link leads elsewhere",
        id="link to another table on another host",
    ),
    pytest.param(
        page(2, 3, link="https://elders.nl/"), "the next-page link leads elsewhere", id="link to a front page"
    ),
    pytest.param(without("RegioS"), "the columns changed: .*missing: RegioS; unknown: none", id="column gone"),
    pytest.param(without("Value"), "the columns changed: .*missing: Value", id="value gone"),
    pytest.param(page(2, 3, Geslacht="3000"), "the columns changed: .*unknown: Geslacht", id="column more"),
    pytest.param(
        page(2, 3).replace(b"RegioS", b"Regio"), "missing: RegioS; unknown: Regio", id="column of another name"
    ),
    pytest.param(page(2, 3, Id="zeven"), "Id.* changed from number to string", id="column of another type"),
    pytest.param(b'{"values": []}', "found no list named 'value'", id="list of another name"),
    pytest.param(page(2, 3), "found 4 observations, expected the 6", id="the last page never comes"),
]


@pytest.mark.parametrize(("answer", "cause"), _WRONG_PAGES)
def test_a_page_that_is_not_what_was_agreed_on_is_refused(run: Run, answer: bytes, cause: str) -> None:
    run.server.fail(SECOND_PAGE, replacing(answer))
    place = "Observations" if "expected the 6" in cause else "Observations, page [23]"
    assert_refused(run, f"CBS table {TABLE}, {place}: .*{cause}")


def test_links_that_lead_on_for_ever_end_at_the_announced_number(run: Run) -> None:
    run.server.fail(THIRD_PAGE, replacing(page(4, 5, link=f"{TABLE}/Observations?$skip=6")))
    further = {f"Observations?$skip={skip}": page(0, 1, link="x") for skip in (6, 8)}
    rows = json.loads(page(0, 1))["value"]
    for number, name in enumerate(further, start=1):
        moved = [row | {"Id": row["Id"] + 10 * number} for row in rows]
        link = f"{TABLE}/Observations?$skip={6 + 2 * number}"
        further[name] = json.dumps({"value": moved, "@odata.nextLink": link}).encode()
    run.server.tables = {TABLE: {**run.server.tables[TABLE], **further}}
    assert_refused(run, f"CBS table {TABLE}, Observations, page 4: found 8 observations, more than the 6")


def test_a_table_that_is_published_anew_in_the_meantime_is_refused(run: Run) -> None:
    renewed = run.server.tables[TABLE]["Properties"].replace(b"202606230000", b"202606240000")
    run.server.fail("Properties", lambda answer: answer, replacing(renewed))
    assert_refused(run, f"CBS table {TABLE}, Properties: .*published anew while it was being fetched")


def test_pages_are_asked_of_the_configured_host_whatever_host_the_links_name(run: Run) -> None:
    with ReplayServer({TABLE: small_table(TABLE, page_size=2)}) as elsewhere:
        first = run.server.tables[TABLE]["Observations"]
        link = f"{elsewhere.base_url}/{TABLE}/Observations?$skip=2"
        named = json.dumps(json.loads(first) | {"@odata.nextLink": link}).encode()
        run.server.fail("Observations", replacing(named))

        assert run.figures() == ALL

        assert elsewhere.requests == []
    assert len(run.server.asked("Observations")) == 3


def test_a_table_that_the_publisher_does_not_know_is_no_failure_and_leaves_nothing(run: Run) -> None:
    before = run.on_disk()
    run.server.tables = {}
    load = run.load()
    assert [(problem.file, problem.reason) for problem in load.problems] == [(TABLE, "not_delivered")]
    assert run.on_disk() == before


def test_a_table_that_is_described_without_its_figures_is_no_failure_and_leaves_nothing(run: Run) -> None:
    before = run.on_disk()
    run.server.tables = {TABLE: {name: run.server.tables[TABLE][name] for name in LISTS}}
    load = run.load()
    (problem,) = load.problems
    assert problem.reason == "not_delivered"
    assert f"CBS table {TABLE}, Observations: not found (404)" in problem.found
    assert run.on_disk() == before


def test_a_server_that_is_not_there_is_one_message(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "settings", run.settings.model_copy(update={"cbs_v4_url": "http://127.0.0.1:9/CBS"}))
    with pytest.raises(SourceError, match=f"CBS table {TABLE}, Properties: no connection could be made"):
        run.load()


def assert_refused(run: Run, message: str) -> None:
    """The faults laid out in advance stop the load with this message, and change nothing on the disk.

    The next load, without them, has all rows. The same holds where a vintage is there already: it counts on.
    """
    laid_out = {resource: list(faults) for resource, faults in run.server._faults.items()}
    before = run.on_disk()
    with pytest.raises(SourceError, match=message):
        run.load()
    assert run.on_disk() == before
    assert run.store.list("cbs_klein") == ()

    run.server._faults.clear()
    assert run.figures() == ALL
    kept = run.on_disk()

    run.server.tables = {TABLE: _renewed(run.server.tables[TABLE])}
    for resource, faults in laid_out.items():
        run.server.fail(resource, *faults)
    with pytest.raises(SourceError, match=message):
        run.load()
    assert run.on_disk() == kept
    assert len(run.store.list("cbs_klein")) == 1


def _renewed(table: Mapping[str, bytes]) -> dict[str, bytes]:
    """The table as its publisher publishes it a month later."""
    return {**table, "Properties": table["Properties"].replace(b"2026-06-23", b"2026-07-23")}
