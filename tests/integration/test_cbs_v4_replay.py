"""Real answers of CBS, replayed over HTTP: fetched, kept, read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from pipelines.connectors.cbs_v4 import FetchedTable, fetch_table
from pipelines.connectors.http import SourceError, open_client
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, Source
from pipelines.deliveries import SourceLoad, fetch_cbs_source, load_cbs_source
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_v4 import read_observations, read_region_codes
from pipelines.settings import Settings
from tests.cbs_sources import kept, source_of
from tests.servers import (
    QUICK,
    ReplayServer,
    cutting_off,
    in_pages,
    refusing,
    shared_tables,
    slice_filter,
    truncating,
    waiting,
)

pytestmark = pytest.mark.shared_data

POPULATION = "03759ned"


@pytest.fixture
def captured(shared_data: Path) -> Path:
    return shared_data / "cbs_v4"


@pytest.fixture
def server(captured: Path) -> Iterator[ReplayServer]:
    with ReplayServer(shared_tables(captured)) as server:
        yield server


def declared(captured: Path, table: str, **reader: Any) -> Source:
    connector = CbsV4Connector(kind="cbs_v4", table=table, filter=slice_filter(captured, table))
    return source_of(connector, CbsV4Reader(kind="cbs_v4", **reader), source_id=f"cbs_{table.lower()}")


def fetch(server: ReplayServer, source: Source, into: Path) -> FetchedTable:
    assert isinstance(source.connector, CbsV4Connector)
    with open_client(server.base_url, retry=QUICK, timeout_seconds=2) as client:
        return fetch_table(client, source.connector, into)


def load(server: ReplayServer, source: Source, folder: Path) -> ReadResult:
    """The way that a run takes: fetch, keep, read from what is kept."""
    fetched = fetch(server, source, folder / "scratch")
    return read_observations(kept(fetched, source.source_id, folder / "raw").read_files(), source)


def load_as_a_run(server: ReplayServer, source: Source, root: Path) -> SourceLoad:
    """The whole way that a run takes, through the settings."""
    settings = Settings(
        profile="live",
        sources_dir=root,
        data_dir=root / "data",
        cbs_v4_url=server.base_url,
        today=dt.date(2026, 8, 1),
    )
    store = SnapshotStore(settings.snapshots_dir)
    return load_cbs_source(source, settings, store, fetch_cbs_source(source, settings, store, root / "scratch"))[0]


def test_the_population_slice_gives_every_observation_and_342_municipalities_in_2026(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    result = load(server, declared(captured, POPULATION), tmp_path)

    assert (result.rows_in, result.rows_loaded, result.problems) == (13_568, 13_568, ())
    assert result.rows["value"].null_count == 8_165
    missing = result.rows.filter(pc.is_null(result.rows["value"]))
    assert set(missing["value_attribute"].to_pylist()) == {"Impossible"}
    counted = result.rows.filter(
        (pc.field("item") == "Bevolking op 1 januari")
        & (pc.field("period_code") == "2026")
        & pc.starts_with(pc.field("region_code"), "GM")
        & pc.field("value").is_valid()
    )
    assert counted.num_rows == 342
    assert set(result.rows["unit"].to_pylist()) == {"aantal"}


def test_the_population_of_the_country_and_of_one_municipality_are_the_publishers(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    rows = load(server, declared(captured, POPULATION), tmp_path).rows.to_pylist()
    values = {(row["item"], row["region_code"], row["period_code"]): row["value"] for row in rows}
    assert values["Bevolking op 1 januari", "NL01", "2019"] == 17_282_163
    assert values["Gemiddelde bevolking", "NL01", "2019"] == 17_344_874
    assert values["Bevolking op 1 januari", "GM0457", "2026"] is None


@dataclass(frozen=True)
class Spot:
    """One figure as it stands in the publisher's answer, looked up there by hand."""

    item: str
    region: str | None
    period: str
    value: float | None
    unit: str
    status: str


@pytest.mark.parametrize(
    ("table", "reader", "rows", "missing", "items", "spots"),
    [
        pytest.param(
            POPULATION,
            {},
            13_568,
            8_165,
            2,
            [
                Spot("Bevolking op 1 januari", "NL01", "2019", 17_282_163, "aantal", "Definitief"),
                Spot("Bevolking op 1 januari", "GM0599", "2019", 644_618, "aantal", "Definitief"),
                Spot("Gemiddelde bevolking", "GM0289", "2022", 40_449.5, "aantal", "Definitief"),
                Spot("Bevolking op 1 januari", "GM1978", "2020", 43_909, "aantal", "Definitief"),
                Spot("Gemiddelde bevolking", "GM0997", "2026", None, "aantal", "Definitief"),
            ],
            id="03759ned: regions",
        ),
        pytest.param(
            "37789ksz",
            {"region_dimension": None},
            6_470,
            819,
            18,
            [
                Spot("Totaal arbeidsongeschiktheidsuitkeringen", None, "1998M01", 884.4, "x 1000", "Definitief"),
                Spot("AOW-uitkeringen", None, "2023M01", 3_572.1, "x 1000", "Definitief"),
                Spot("IOW-uitkeringen", None, "2020", 9.7, "x 1000", "Definitief"),
                Spot("Totaal WIA-uitkeringen", None, "2017M12", 277, "x 1000", "Definitief"),
                Spot("AKW-gerechtigden", None, "2026M04", None, "x 1000", "Voorlopig"),
            ],
            id="37789ksz: months and years",
        ),
        pytest.param(
            "82610NED",
            {"region_dimension": None, "dimensions": ("BronTechniek",)},
            3_863,
            288,
            None,
            [
                Spot("Genormaliseerde bruto productie (M002416_1)|T001028", None, "1990", 809, "mln kWh", "Definitief"),
                Spot(
                    "Bruto elektriciteitsproductie (M002264_2)|E006583",
                    None,
                    "2018",
                    0.73,
                    "in % van het verbruik",
                    "Definitief",
                ),
                Spot("Opgestelde installaties einde van jaar|E006588", None, "2004", 1_654, "aantal", "Definitief"),
                Spot(
                    "Opgesteld elektrisch vermogen einde jaar|E006586", None, "2025", 33, "megawatt", "NaderVoorlopig"
                ),
                Spot("Opgesteld elektrisch vermogen einde jaar|E006675", None, "1993", None, "megawatt", "Definitief"),
            ],
            id="82610NED: equal titles, three statuses",
        ),
        pytest.param(
            "85770NED",
            {"region_dimension": None, "dimensions": ("Afzetgebieden", "AlleProdComCoderingen")},
            654,
            44,
            6,
            [
                Spot("Producentenprijsindex (PPI)|A044074|A052584", None, "2018M01", 90, "2021=100", "Definitief"),
                Spot("Maandmutatie PPI|A044074|A052584", None, "2022M09", -0.3, "%", "Definitief"),
                Spot("Jaarmutatie PPI|A044074|A052584", None, "2025M08", -0.5, "%", "Definitief"),
                Spot("Jaarmutatie PPI|A044077|A052584", None, "2026M05", 9.3, "%", "Voorlopig"),
                Spot("Maandmutatie PPI|A044077|A052584", None, "2020", None, "%", "Definitief"),
            ],
            id="85770NED: slice",
        ),
    ],
)
def test_every_captured_table_loads_completely(
    *,
    server: ReplayServer,
    captured: Path,
    tmp_path: Path,
    table: str,
    reader: dict[str, Any],
    rows: int,
    missing: int,
    items: int | None,
    spots: list[Spot],
) -> None:
    load = load_as_a_run(server, declared(captured, table, **reader), tmp_path)

    assert load.problems == ()
    (delivery,) = load.accounts["delivery"].to_pylist()
    assert (delivery["rows_in"], delivery["rows_loaded"], delivery["rows_quarantined"]) == (rows, rows, 0)
    found = load.rows
    assert found["value"].null_count == missing
    assert found["period_code"].null_count == 0
    if reader:
        assert found["region_code"].null_count == rows
    if items is not None:
        assert len(set(found["item"].to_pylist())) == items
    by_key = {(row["item"], row["region_code"], row["period_code"]): row for row in found.to_pylist()}
    for spot in spots:
        row = by_key[spot.item, spot.region, spot.period]
        assert (row["value"], row["unit"], row["period_status"]) == (spot.value, spot.unit, spot.status)
        assert row["value_attribute"] == ("Impossible" if spot.value is None else "None")


def test_a_table_of_which_only_the_description_is_given_is_not_delivered_and_leaves_nothing(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    source = declared(captured, "85615NED", region_dimension=None)
    load = load_as_a_run(server, source, tmp_path)

    assert server.asked("MeasureCodes") and server.asked("HerkomstlandCodes")
    assert load.rows.num_rows == 0
    (problem,) = load.problems
    assert (problem.file, problem.reason) == ("85615NED", "not_delivered")
    assert "Observations: not found (404)" in problem.found
    assert SnapshotStore(tmp_path / "data" / "raw").list(source.source_id) == ()


def test_a_table_that_announces_observations_and_gives_an_empty_list_is_refused(captured: Path, tmp_path: Path) -> None:
    table = shared_tables(captured)["85615NED"] | {"Observations": b'{"value": []}'}
    source = declared(captured, "85615NED", region_dimension=None)
    message = "85615NED, Observations: found 0 observations, expected the 181440 that the table announces"
    with ReplayServer({"85615NED": table}) as server, pytest.raises(SourceError, match=message):
        load_as_a_run(server, source, tmp_path)
    assert SnapshotStore(tmp_path / "data" / "raw").list(source.source_id) == ()


@pytest.mark.parametrize(("table", "reader"), [(POPULATION, {}), ("37789ksz", {"region_dimension": None})])
def test_a_table_that_is_fetched_again_is_asked_for_its_properties_only(
    server: ReplayServer, captured: Path, tmp_path: Path, table: str, reader: dict[str, Any]
) -> None:
    source = declared(captured, table, **reader)
    first = load_as_a_run(server, source, tmp_path)
    before = len(server.requests)
    again = load_as_a_run(server, source, tmp_path)
    assert [request.resource for request in server.requests[before:]] == ["Properties"]
    assert again.rows.equals(first.rows)


def test_a_table_whose_titles_return_keeps_its_measures_apart(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    source = declared(captured, "82610NED", region_dimension=None, dimensions=("BronTechniek",))
    rows = load(server, source, tmp_path).rows.to_pylist()
    units: dict[str, set[str]] = {}
    for row in rows:
        units.setdefault(row["item"], set()).add(row["unit"])
    assert all(len(found) == 1 for found in units.values())
    assert len({row["measure"] for row in rows}) == 8


def test_a_table_with_a_dimension_left_over_is_refused_and_names_it(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    result = load(server, declared(captured, "82610NED", region_dimension=None), tmp_path)
    assert result.refused
    assert result.problems[0].column_name == "BronTechniek"
    assert result.rows_quarantined == 3_863


def test_the_region_codes_hold_the_history_of_the_municipalities(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    source = declared(captured, POPULATION)
    fetched = fetch(server, source, tmp_path / "scratch")
    regions = read_region_codes(fetched.read_files(), source)
    assert regions.num_rows == 892
    (haaren,) = regions.filter(pc.field("region_code") == "GM0788").to_pylist()
    assert haaren["region_name"] == "Haaren"
    assert "GM0824" in haaren["description"]


def test_the_vintage_carries_the_publishers_date_and_version(
    server: ReplayServer, captured: Path, tmp_path: Path
) -> None:
    fetched = fetch(server, declared(captured, POPULATION), tmp_path / "scratch")
    assert str(fetched.modified) == "2026-06-23"
    assert fetched.version == "202606230000"
    assert server.asked("Observations")[0].options["$filter"] == slice_filter(captured, POPULATION)


def test_a_thousand_rows_a_page_and_a_bad_connection_give_the_same_rows(captured: Path, tmp_path: Path) -> None:
    tables = shared_tables(captured)
    whole = tables[POPULATION]
    paged = {**whole, **in_pages(POPULATION, whole["Observations"], 1000)}
    source = declared(captured, POPULATION)
    with ReplayServer({POPULATION: whole}) as server:
        expected = load(server, source, tmp_path / "whole")
    with ReplayServer({POPULATION: paged}) as server:
        server.fail("RegioSCodes", cutting_off())
        server.fail("Observations", refusing(429, {"Retry-After": "0"}), refusing(500), refusing(500))
        server.fail("Observations?$skip=3000", truncating())
        server.fail("Observations?$skip=7000", waiting(2.5))
        server.fail("Observations?$skip=13000", cutting_off(), cutting_off())
        result = load(server, source, tmp_path / "paged")
        assert len(server.asked("Observations")) == 14 + 7
    assert result.rows.equals(expected.rows)


def test_an_unsliced_table_that_comes_short_is_refused(captured: Path, tmp_path: Path) -> None:
    table = shared_tables(captured)["37789ksz"]
    pages = in_pages("37789ksz", table["Observations"], 6000)
    pages["Observations"] = pages["Observations"].replace(b"@odata.nextLink", b"@odata.deltaLink")
    source = declared(captured, "37789ksz", region_dimension=None)
    with (
        ReplayServer({"37789ksz": {**table, **pages}}) as server,
        pytest.raises(SourceError, match="37789ksz, Observations: found 6000 observations, expected the 6470"),
    ):
        fetch(server, source, tmp_path)


def test_the_same_answers_again_are_the_same_vintage(server: ReplayServer, captured: Path, tmp_path: Path) -> None:
    source = declared(captured, "85770NED", region_dimension=None, dimensions=("Afzetgebieden",))
    load(server, source, tmp_path / "a")
    store = SnapshotStore(tmp_path / "a" / "raw")
    (first,) = store.list(source.source_id)
    fetched = fetch(server, source, tmp_path / "scratch")
    again = store.put_files(
        source.source_id,
        fetched.table,
        fetched.read_files(),
        origin=fetched.url,
        fetched_at=fetched.fetched_at,
    )
    assert again == first
