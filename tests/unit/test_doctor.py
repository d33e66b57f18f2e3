"""What the doctor says of every declared source: one line each, and one for a publisher that cannot be asked."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.source import (
    CbsV3Connector,
    CbsV3Reader,
    CbsV4Connector,
    CbsV4Reader,
    FolderConnector,
    Source,
    SwingConnector,
    SwingOdataReader,
    SwingReader,
)
from pipelines.doctor import examine
from pipelines.doctor_sources import SourceFinding, examine_sources
from pipelines.settings import PROJECT_ROOT, Settings
from tests.cbs_sources import source_of
from tests.servers import BASE_PATH, ReplayServer, refusing, showing_html

V4, V3 = f"{BASE_PATH}/Datasets", "/ODataCatalog/Tables"
JULY = dt.date(2026, 7, 1)


def source(source_id: str, connector: Any, reader: Any = None, **more: Any) -> Source:
    return source_of(connector, reader or CbsV4Reader(kind="cbs_v4"), source_id=source_id, title=source_id, **more)


def v4_source(source_id: str, *tables: str, **more: Any) -> Source:
    if len(tables) == 1:
        return source(source_id, CbsV4Connector(kind="cbs_v4", table=tables[0]), **more)
    editions = {str(2020 + place): table for place, table in enumerate(tables)}
    reader = CbsV4Reader(kind="cbs_v4", period_dimension=None)
    return source(source_id, CbsV4Connector(kind="cbs_v4", editions=editions), reader, **more)


def v3_source(source_id: str, table: str, host: str = "cbs") -> Source:
    connector = CbsV3Connector(kind="cbs_v3", table=table, host=host)  # type: ignore[arg-type]
    return source(source_id, connector, CbsV3Reader(kind="cbs_v3"))


@pytest.fixture(scope="module")
def nothing() -> Declarations:
    """The declarations of the project without any source."""
    return replace(load_declarations(PROJECT_ROOT / "sources", "live"), sources=(), disabled=())


@pytest.fixture
def server() -> Iterator[ReplayServer]:
    tables = [
        ("03759ned", "2026-06-23", "Regulier"),
        ("85043NED", "2026-08-01", "Regulier"),
        ("83262NED", "2021-05-01", "Gediscontinueerd"),
        ("82972NED", "2021-05-01", "Vervallen"),
    ]
    with ReplayServer({}) as server:
        server.paths = {
            V4: json.dumps(
                {
                    "value": [
                        {"Identifier": name, "Title": name, "Modified": f"{day}T00:00:00+02:00", "Status": status}
                        for name, day, status in tables
                    ]
                }
            ).encode(),
            V3: json.dumps({"value": [{"Identifier": "45071NED", "Modified": "2026-06-01T02:00:00"}]}).encode(),
        }
        yield server


@pytest.fixture
def settings(server: ReplayServer, tmp_path: Path) -> Settings:
    return Settings(
        profile="live",
        data_dir=tmp_path,
        drop_dir=tmp_path / "drop",
        cbs_v4_url=server.base_url,
        cbs_v3_url=server.url,
        cbs_v3_third_url=server.url,
    )


Examined = Callable[..., dict[str, SourceFinding]]


@pytest.fixture
def examined(settings: Settings, nothing: Declarations) -> Examined:
    def run(*sources: Source, **changed: Any) -> dict[str, SourceFinding]:
        declared = replace(
            nothing,
            sources=tuple(source for source in sources if source.enabled),
            disabled=tuple(source for source in sources if not source.enabled),
        )
        found = list(examine_sources(settings.model_copy(update=changed), declared))
        assert len({line.subject for line in found if line.subject != "catalogue"}) == len(
            [line for line in found if line.subject != "catalogue"]
        )
        return {line.subject.removeprefix("source "): line for line in found}

    return run


def test_one_request_tells_of_all_tables_of_a_service(examined: Examined, server: ReplayServer) -> None:
    found = examined(
        v4_source("bevolking", "03759ned"), v4_source("wmo", "85043NED"), v3_source("iv3_2025", "45071NED")
    )
    assert [(line.ok, name) for name, line in found.items() if name != "catalogue"] == [
        (True, "bevolking"),
        (True, "wmo"),
        (True, "iv3_2025"),
    ]
    assert found["bevolking"].text == "03759ned; not fetched yet"
    assert sorted(request.path for request in server.requests) == [V3, V4]


@pytest.mark.parametrize(
    ("table", "suggested"),
    [("03759NED", " (did you mean 03759ned?)"), ("85043ned", " (did you mean 85043NED?)"), ("99999NED", "")],
)
def test_an_id_that_is_not_in_the_catalogue_is_wrong_and_the_spelling_is_suggested(
    examined: Examined, table: str, suggested: str
) -> None:
    line = examined(v4_source("fout", table))["fout"]
    assert (line.ok, line.text) == (False, f"{table}; unknown id {table}{suggested}")


@pytest.mark.parametrize("table", ["83262NED", "82972NED"])
def test_a_table_that_is_not_kept_up_any_more_is_said_to_be(examined: Examined, table: str) -> None:
    line = examined(v4_source("oud", table))["oud"]
    assert (line.ok, line.text) == (True, f"{table}; discontinued; not fetched yet")


def test_a_table_that_changed_since_it_was_fetched_is_said_to_have(examined: Examined, settings: Settings) -> None:
    store = SnapshotStore(settings.snapshots_dir)
    for source_id, table in (("wmo", "85043NED"), ("bevolking", "03759ned")):
        store.put_files(
            source_id,
            table,
            {"Properties.json": b"{}"},
            origin="x",
            fetched_at=dt.datetime(2026, 7, 2, tzinfo=dt.UTC),
            vintage_date=JULY,
        )
    found = examined(v4_source("wmo", "85043NED"), v4_source("bevolking", "03759ned"))
    assert found["wmo"].text == "85043NED; changed on 2026-08-01 since the last fetch"
    assert found["bevolking"].text == "03759ned"


def test_editions_are_one_line_that_names_those_that_differ(examined: Examined) -> None:
    line = examined(v4_source("wijken", "85043NED", "83262NED", "86358NED", "03759NED"))["wijken"]
    assert not line.ok
    assert line.text == (
        "4 tables; unknown id 86358NED; unknown id 03759NED (did you mean 03759ned?); discontinued: 83262NED; "
        "not fetched yet: 85043NED, 83262NED"
    )


@pytest.mark.parametrize(
    ("more", "ok", "said"),
    [
        ({"evidence": "secondhand"}, True, "declared after other people's use of it"),
        ({"evidence": "unconfirmed"}, True, "not confirmed"),
        ({"enabled": False}, True, "switched off"),
    ],
)
def test_what_a_declaration_rests_on_and_whether_it_is_switched_on_stand_in_its_line(
    examined: Examined, more: dict[str, Any], ok: bool, said: str
) -> None:
    line = examined(v4_source("wmo", "85043NED", **more))["wmo"]
    assert line.ok is ok
    assert said in line.text


def test_an_unknown_id_of_a_source_that_is_switched_off_is_told_and_no_fault(examined: Examined) -> None:
    line = examined(v4_source("uit", "99999NED", enabled=False))["uit"]
    assert line.ok
    assert "unknown id 99999NED" in line.text and "switched off" in line.text


def test_a_service_that_fails_is_one_line_for_all_its_sources(examined: Examined, server: ReplayServer) -> None:
    server.fail("Datasets", refusing(503))
    wmo = [v4_source(f"bron_{number}", "85043NED") for number in range(20)]
    found = examined(*wmo, v3_source("iv3_2025", "45071NED"))
    assert list(found) == ["catalogue", "iv3_2025"]
    assert len(server.asked("Datasets")) == 1


def test_the_line_of_a_service_that_fails_says_why_and_counts_its_sources(
    settings: Settings, nothing: Declarations, server: ReplayServer
) -> None:
    server.fail("Datasets", showing_html())
    declared = replace(nothing, sources=tuple(v4_source(f"bron_{number}", "85043NED") for number in range(20)))
    (line,) = examine_sources(settings, declared)
    assert not line.ok
    assert line.text == (
        f"{server.base_url}: no catalogue (found an HTML page titled 'Onderhoud aan StatLine', expected JSON); "
        "see the network, or cbs_v4_url; 20 sources not looked up"
    )
    assert list(examine_sources(settings, declared, silent=("cbs_v4_url",))) == []


def test_third_parties_have_a_catalogue_of_their_own(examined: Examined, server: ReplayServer) -> None:
    examined(v3_source("a", "45071NED"), v3_source("b", "45071NED", "third_party"))
    assert len(server.asked("Tables")) == 2


def test_a_snapshot_that_is_damaged_is_told_in_the_line_of_its_source(examined: Examined, settings: Settings) -> None:
    (settings.snapshots_dir / "wmo" / "85043NED" / "0123456789abcdef").mkdir(parents=True)
    line = examined(v4_source("wmo", "85043NED"))["wmo"]
    assert not line.ok
    assert "found no snapshot.json" in line.text


def test_sources_without_a_catalogue_say_what_they_wait_for(examined: Examined, settings: Settings) -> None:
    reader = SwingReader(kind="swing", items=("a",))
    folder = source("export", FolderConnector(kind="folder", folder="swing", pattern="*.csv"), reader)
    swing = source("swing", SwingConnector(kind="swing_odata", variables=("a",)), SwingOdataReader(kind="swing_odata"))
    found = examined(folder, swing)
    assert (found["export"].ok, found["export"].text) == (True, "0 deliveries in the folder")
    assert not found["swing"].ok and "swing_url" in found["swing"].text
    assert settings.drop_dir is not None
    (settings.drop_dir / "swing").mkdir(parents=True)
    (settings.drop_dir / "swing" / "a.csv").write_text("x")
    found = examined(folder, swing, swing_url="https://databank.example/jiveservices/odata")
    assert found["export"].text == "1 delivery in the folder"
    assert found["swing"].ok


def test_the_sample_asks_nobody(settings: Settings, server: ReplayServer) -> None:
    sample = settings.model_copy(update={"profile": "sample"})
    lines = list(examine(sample))
    assert not any(line.subject.startswith(("source ", "catalogue")) for line in lines)
    assert server.requests == []


def test_a_publisher_that_is_not_there_is_one_line_and_not_one_for_every_source(settings: Settings) -> None:
    nowhere = "http://127.0.0.1:9"
    unreachable = settings.model_copy(
        update={"cbs_v4_url": f"{nowhere}/odata/v1/CBS", "cbs_v3_url": nowhere, "cbs_v3_third_url": nowhere}
    )
    lines = list(examine(unreachable))
    assert [line.ok for line in lines if line.subject == "publisher"] == [False]
    assert not any(line.subject.startswith("source cbs_") for line in lines)
