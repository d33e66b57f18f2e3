"""Real answers of CBS, replayed over HTTP: fetched, kept, read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from pipelines.connectors.cbs_v4 import FetchedTable, fetch_table
from pipelines.connectors.http import RetryPolicy, SourceError, open_client
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, Origin, Source
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_v4 import read_observations, read_region_codes
from tests.servers import (
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

QUICK = RetryPolicy(wait_initial=0.01, wait_max=0.02, wait_jitter=0.01)
POPULATION = "03759ned"


@pytest.fixture
def captured(shared_data: Path) -> Path:
    return shared_data / "cbs_v4"


@pytest.fixture
def server(captured: Path) -> Iterator[ReplayServer]:
    with ReplayServer(shared_tables(captured)) as server:
        yield server


def declared(captured: Path, table: str, **reader: Any) -> Source:
    return Source(
        source_id=f"cbs_{table.lower()}",
        title=table,
        publisher="CBS",
        licence="CC BY 4.0",
        cadence="yearly",
        profiles=("live",),
        origin=Origin(producer="CBS", citation=f"CBS StatLine, {table}"),
        connector=CbsV4Connector(kind="cbs_v4", table=table, filter=slice_filter(captured, table)),
        reader=CbsV4Reader(kind="cbs_v4", **reader),
    )


def fetch(server: ReplayServer, source: Source, into: Path) -> FetchedTable:
    assert isinstance(source.connector, CbsV4Connector)
    with open_client(server.base_url, retry=QUICK, timeout_seconds=2) as client:
        return fetch_table(client, source.connector, into)


def load(server: ReplayServer, source: Source, folder: Path) -> ReadResult:
    """The way that a run takes: fetch, keep, read from what is kept."""
    fetched = fetch(server, source, folder / "scratch")
    kept = SnapshotStore(folder / "raw").put_files(
        source.source_id,
        fetched.table,
        {file.name: file.path for file in fetched.files},
        origin=fetched.url,
        fetched_at=fetched.fetched_at,
        vintage_date=fetched.modified,
        vintage_label=fetched.version,
    )
    return read_observations(kept.read_files(), source)


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


@pytest.mark.parametrize(
    ("table", "reader", "rows", "missing", "items"),
    [
        pytest.param("37789ksz", {}, 6_470, 819, 18, id="37789ksz: months and years"),
        pytest.param("82610NED", {"dimensions": ("BronTechniek",)}, 3_863, 288, None, id="82610NED: equal titles"),
        pytest.param(
            "85770NED",
            {"dimensions": ("Afzetgebieden", "AlleProdComCoderingen")},
            654,
            44,
            6,
            id="85770NED: slice",
        ),
    ],
)
def test_tables_without_regions_load_completely(
    *,
    server: ReplayServer,
    captured: Path,
    tmp_path: Path,
    table: str,
    reader: dict[str, Any],
    rows: int,
    missing: int,
    items: int | None,
) -> None:
    result = load(server, declared(captured, table, region_dimension=None, **reader), tmp_path)

    assert (result.rows_in, result.rows_loaded, result.rows_quarantined) == (rows, rows, 0)
    assert result.rows["value"].null_count == missing
    assert result.rows["region_code"].null_count == rows
    assert result.rows["period_code"].null_count == 0
    if items is not None:
        assert len(set(result.rows["item"].to_pylist())) == items


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
