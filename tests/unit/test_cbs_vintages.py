"""Which tables are fetched again, and what becomes of the vintages of each; over real HTTP, without a warehouse."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.connectors.http import SourceError
from pipelines.connectors.snapshot import SnapshotCorrupt, SnapshotStore
from pipelines.declarations.source import (
    CbsV3Connector,
    CbsV3Reader,
    CbsV4Connector,
    CbsV4Reader,
    Source,
)
from pipelines.deliveries import SourceLoad, fetch_cbs_source, load_cbs_source
from pipelines.settings import Settings
from tests.cbs_sources import source_of
from tests.live_server import V4_PATH, LiveServer
from tests.live_tables import LiveTable
from tests.servers import BulkServer, bulk_file, small_table

TABLE = "00001ned"
REGIONS = ("GM0001", "GM0002")


def live_table(table: str = TABLE, *, periods: tuple[str, ...] = ("2015JJ00",), value: float = 10.0) -> LiveTable:
    """Inhabitants and households of two municipalities; without periods the table of one year."""
    rows = [
        {"Measure": measure, "RegioS": region} | ({"Perioden": period} if period else {})
        for region in REGIONS
        for period in periods or ("",)
        for measure in ("M1", "M2")
    ]
    codes = {"RegioS": [{"Identifier": code, "Title": f"Naam {code}", "Description": ""} for code in REGIONS]}
    if periods:
        codes["Perioden"] = [{"Identifier": code, "Title": code, "Description": ""} for code in periods]
    return LiveTable(
        table=table,
        title="Een kleine tabel",
        codes=codes,
        measures=[
            {"Identifier": code, "Title": title, "Unit": "aantal", "DataType": "Long", "Decimals": 0}
            for code, title in (("M1", "Inwoners"), ("M2", "Huishoudens"))
        ],
        observations=[
            {"Id": number, "ValueAttribute": "None", "Value": value + number, "StringValue": None, **row}
            for number, row in enumerate(rows)
        ],
    )


def source(reader: dict[str, Any] | None = None, **connector: Any) -> Source:
    return source_of(
        CbsV4Connector(kind="cbs_v4", **(connector or {"table": TABLE})),
        CbsV4Reader(kind="cbs_v4", **(reader or {})),
    )


@dataclass
class Place:
    """A publisher, and where what he gave is kept."""

    server: LiveServer
    root: Path
    csv_url: str | None = None
    as_of: dt.date | None = None

    @property
    def store(self) -> SnapshotStore:
        return SnapshotStore(self.root / "data" / "raw")

    def load(self, declared: Source | None = None) -> tuple[SourceLoad, pa.Table | None]:
        self.server.forget()
        settings = Settings(
            profile="live",
            sources_dir=self.root,
            data_dir=self.root / "data",
            cbs_v4_url=self.server.url + V4_PATH,
            cbs_csv_url=self.csv_url,
            cbs_v3_third_url=self.server.url,
            as_of=self.as_of,
            today=dt.date(2026, 8, 1),
        )
        scratch = self.root / "scratch"
        scratch.mkdir(exist_ok=True)
        wanted = declared or source()
        arrived = fetch_cbs_source(wanted, settings, self.store, scratch)
        found = load_cbs_source(wanted, settings, self.store, arrived)
        assert [path for path in scratch.rglob("*") if path.is_file()] == []
        return found

    def values(self, declared: Source | None = None) -> list[float]:
        """The figures of the vintages that count."""
        load, _ = self.load(declared)
        current = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
        return [row["value"] for row in load.rows.to_pylist() if row["vintage_id"] in current]

    def asked(self) -> list[str]:
        """The resources of the last load."""
        return [request.resource for request in self.server.requests]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with LiveServer({TABLE: live_table()}) as server:
        yield Place(server, tmp_path)


def test_a_table_that_did_not_change_is_asked_for_its_properties_and_no_more(place: Place) -> None:
    assert place.values() == [10.0, 11.0, 12.0, 13.0]
    assert "Observations" in place.asked()
    assert place.values() == [10.0, 11.0, 12.0, 13.0]
    assert place.asked() == ["Properties"]
    assert len(place.store.list("cbs_klein")) == 1


@pytest.mark.parametrize("changed", [{"version": "202607020000"}, {"modified": "2026-07-02T00:00:00+02:00"}])
def test_a_new_version_or_date_is_a_new_vintage_and_the_one_before_stays(place: Place, changed: dict[str, str]) -> None:
    place.values()
    table = place.server.tables[TABLE]
    for name, value in changed.items():
        setattr(table, name, value)
    assert place.server.revise(TABLE, "Inwoners", 99.0, RegioS="GM0001") == 1

    assert place.values() == [99.0, 11.0, 12.0, 13.0]

    load, _ = place.load()
    assert place.asked() == ["Properties"]
    assert sorted(row["value"] for row in load.rows.to_pylist()) == sorted([10, 11, 12, 13, 99, 11, 12, 13])
    assert [row["is_current"] for row in load.accounts["delivery"].to_pylist()] == [True, False]


def test_a_version_that_is_taken_back_counts_again_without_being_fetched(place: Place) -> None:
    place.values()
    place.server.bump(TABLE)
    place.server.revise(TABLE, "Inwoners", 99.0)
    assert place.values()[0] == 99.0
    place.server.tables[TABLE] = live_table()
    assert place.values()[0] == 10.0
    assert place.asked() == ["Properties"]


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ({"table": TABLE, "measures": ("Inwoners",)}, [10.0, 12.0]),
        ({"table": TABLE, "filter": "RegioS eq 'GM0002'"}, [12.0, 13.0]),
        ({"table": TABLE, "measures": ("Inwoners", "Huishoudens")}, [10.0, 11.0, 12.0, 13.0]),
    ],
)
def test_a_declaration_that_asks_for_something_else_fetches_anew(
    place: Place, declared: dict[str, Any], values: list[float]
) -> None:
    place.values()
    assert place.values(source(**declared)) == values
    assert "Observations" in place.asked()
    assert place.values(source(**declared)) == values
    assert place.asked() == ["Properties"]
    assert len(place.store.list("cbs_klein")) == 2
    # And back again.
    assert place.values() == [10.0, 11.0, 12.0, 13.0]
    assert place.asked() == ["Properties"]


def test_a_table_that_says_neither_version_nor_date_is_fetched_every_time(place: Place) -> None:
    table = place.server.tables[TABLE]
    properties = {"Identifier": TABLE, "Title": "x", "ObservationCount": len(table.observations)}
    table.properties = lambda: properties  # type: ignore[method-assign]
    place.values()
    place.values()
    assert "Observations" in place.asked()
    assert len(place.store.list("cbs_klein")) == 1


def test_a_vintage_remembers_what_was_asked_for_and_where(place: Place) -> None:
    place.values(source(table=TABLE, measures=("Inwoners",)))
    (kept,) = place.store.list("cbs_klein")
    assert kept.origin == f"{place.server.url}{V4_PATH}/{TABLE}"
    assert (kept.vintage_label, kept.vintage_date) == ("202607010000", dt.date(2026, 7, 1))
    assert json.loads(kept.read_files()["slice.json"])["measures"] == ["Inwoners"]


def test_a_measure_that_the_table_lacks_is_a_notice_of_its_delivery_in_every_run(place: Place) -> None:
    declared = source(table=TABLE, measures=("Inwoners", "Woningen"))
    for _ in range(2):
        (row,) = place.load(declared)[0].accounts["delivery"].to_pylist()
        assert row["notice"] == f"{TABLE}: no measure is called 'Woningen'"


# Editions


EDITIONS = {"2022": "00022ned", "2023": "00023ned", "2024": "00024ned"}


@pytest.fixture
def editions(tmp_path: Path) -> Iterator[Place]:
    tables = {table: live_table(table, periods=(), value=float(year)) for year, table in EDITIONS.items()}
    with LiveServer(tables) as server:
        yield Place(server, tmp_path)


def yearly() -> Source:
    return source({"period_dimension": None}, editions=EDITIONS, measures=("Inwoners",))


def test_each_edition_is_a_delivery_of_its_own_and_its_figures_are_of_its_year(editions: Place) -> None:
    load, regions = editions.load(yearly())
    found = {(row["period_code"], row["region_code"]): row["value"] for row in load.rows.to_pylist()}
    assert found == {(year, region): float(year) + 2 * REGIONS.index(region) for year in EDITIONS for region in REGIONS}
    deliveries = load.accounts["delivery"].to_pylist()
    assert [row["file"] for row in deliveries] == list(EDITIONS.values())
    assert all(row["is_current"] for row in deliveries)
    assert regions is not None
    pairs = set(zip(regions["edition"].to_pylist(), regions["region_code"].to_pylist(), strict=True))
    assert pairs == {(year, region) for year in EDITIONS for region in REGIONS}


def test_only_the_edition_that_changed_is_fetched_again(editions: Place) -> None:
    editions.load(yearly())
    editions.server.bump("00023ned")
    editions.load(yearly())
    assert editions.asked().count("Properties") == 4
    assert editions.asked().count("Observations") == 1
    assert len(editions.server.asked("00023ned", "Observations")) == 1


def test_an_edition_that_the_publisher_does_not_know_is_a_problem_and_the_others_go_on(editions: Place) -> None:
    editions.server.remove("00023ned")
    load, regions = editions.load(yearly())
    assert {row["period_code"] for row in load.rows.to_pylist()} == {"2022", "2024"}
    (problem,) = load.problems
    assert (problem.file, problem.reason) == ("00023ned", "not_delivered")
    assert "404" in problem.found
    assert regions is not None and set(regions["edition"].to_pylist()) == {"2022", "2024"}


def test_an_edition_that_has_gone_keeps_its_earlier_vintage_and_the_problem_is_its_own(editions: Place) -> None:
    editions.load(yearly())
    editions.server.remove("00023ned")
    load, _ = editions.load(yearly())
    assert {row["period_code"] for row in load.rows.to_pylist()} == set(EDITIONS)
    assert [(problem.file, problem.reason) for problem in load.problems] == [("00023ned", "not_delivered")]
    quarantined = load.accounts["quarantine"].to_pylist()
    assert [row["vintage_id"].split("/")[1] for row in quarantined] == ["00023ned"]


def test_an_edition_that_is_not_as_declared_is_a_problem_and_what_came_is_not_fetched_again(editions: Place) -> None:
    editions.server.tables["00024ned"].measures.clear()
    load, _ = editions.load(yearly())
    (problem,) = load.accounts["quarantine"].to_pylist()
    assert (problem["file"], problem["reason"]) == ("00024ned", "not_delivered")
    assert "CBS table 00024ned, MeasureCodes" in problem["found"]
    assert [kept.name for kept in editions.store.list("cbs_klein")] == ["00022ned", "00023ned"]
    editions.server.tables["00024ned"] = live_table("00024ned", periods=(), value=2024.0)
    editions.load(yearly())
    assert editions.asked().count("Observations") == 1


# What is not there, what is refused, what was known


def test_a_table_that_does_not_come_whole_leaves_nothing_behind_and_the_next_run_begins_anew(place: Place) -> None:
    place.values()
    place.server.bump(TABLE)
    observations = place.server.tables[TABLE].observations
    place.server.tables[TABLE].observations = observations[:3]
    properties = place.server.tables[TABLE].properties() | {"ObservationCount": 4}
    place.server.tables[TABLE].properties = lambda: properties  # type: ignore[method-assign]
    with pytest.raises(SourceError, match=f"CBS table {TABLE}, Observations: found 3 observations, expected the 4"):
        place.load()
    assert len(place.store.list("cbs_klein")) == 1
    place.server.tables[TABLE].observations = observations
    place.values()
    assert len(place.store.list("cbs_klein")) == 2


def test_a_table_whose_slice_is_empty_is_refused_as_an_empty_file(place: Place) -> None:
    load, _ = place.load(source(table=TABLE, filter="RegioS eq 'NL01'"))
    assert load.rows.num_rows == 0
    assert load.accounts["quarantine"]["reason"].to_pylist() == ["empty_file"]
    assert load.accounts["delivery"]["status"].to_pylist() == ["refused"]


def test_the_regions_are_those_of_the_vintage_that_counts(place: Place) -> None:
    place.load()
    table = place.server.tables[TABLE]
    table.codes["Geslacht"] = [{"Identifier": code, "Title": code, "Description": ""} for code in ("3000", "4000")]
    for row in table.observations:
        row["Geslacht"] = "3000" if row["Measure"] == "M1" else "4000"
    table.codes["RegioS"].append({"Identifier": "GM0003", "Title": "Erbij", "Description": ""})
    place.server.bump(TABLE)
    load, regions = place.load()
    assert load.accounts["quarantine"]["column_name"].to_pylist() == ["Geslacht"]
    assert regions is not None and regions["region_code"].to_pylist() == list(REGIONS)


def test_what_was_known_on_a_day_is_told_without_asking_anybody(place: Place) -> None:
    place.values()
    place.server.bump(TABLE)
    place.server.revise(TABLE, "Inwoners", 99.0)
    place.values()

    for day, first in ((dt.date(2026, 7, 1), 10.0), (dt.date(2026, 7, 2), 99.0)):
        place.as_of = day
        assert place.values()[0] == first
        assert place.asked() == []
    place.as_of = dt.date(2026, 6, 30)
    load, regions = place.load()
    assert (load.rows.num_rows, load.problems, regions) == (0, (), None)


# In bulk


def test_a_bulk_file_is_fetched_where_the_table_changed_and_gives_the_same_rows(place: Place, tmp_path: Path) -> None:
    place.server.tables[TABLE] = live_table()
    table = {"Observations": b'{"value": []}'} | small_table(TABLE)
    properties = json.loads(table["Properties"]) | {"Version": "202607010000", "Modified": "2026-07-01T00:00:00+02:00"}
    table["Properties"] = json.dumps(properties).encode()
    declared = source(table=TABLE, bulk=True)
    with BulkServer({TABLE: bulk_file(table)}) as bulk:
        place.csv_url = bulk.base_url
        assert place.values(declared) == [100, 101, 102, 103, 104, 105]
        assert place.asked() == ["Properties"]
        place.values(declared)
        assert len(bulk.requests) == 1
        # The file lags behind what is announced: it is what there is, under its own version, and asked for again.
        place.server.bump(TABLE)
        load, _ = place.load(declared)
        assert load.accounts["delivery"]["vintage_label"].to_pylist() == ["202607010000"]
        assert len(bulk.requests) == 2


def test_a_table_without_a_bulk_file_is_not_delivered(place: Place) -> None:
    with BulkServer({}) as bulk:
        place.csv_url = bulk.base_url
        load, _ = place.load(source(table=TABLE, bulk=True))
    (problem,) = load.problems
    assert (problem.reason, problem.file) == ("not_delivered", TABLE)
    assert "bulk file" in problem.found


# Over OData v3


def v3_source(**connector: Any) -> Source:
    declared = CbsV3Connector(kind="cbs_v3", host="third_party", **(connector or {"table": TABLE}))
    return source().model_copy(update={"connector": declared, "reader": CbsV3Reader(kind="cbs_v3")})


def test_a_table_of_v3_that_did_not_change_is_asked_for_its_description_and_no_more(place: Place) -> None:
    assert sorted(place.values(v3_source())) == [10.0, 11.0, 12.0, 13.0]
    assert sorted(place.values(v3_source())) == [10.0, 11.0, 12.0, 13.0]
    assert place.asked() == ["TableInfos"]
    place.server.bump(TABLE)
    place.server.revise(TABLE, "Inwoners", 99.0, RegioS="GM0001")
    assert sorted(place.values(v3_source())) == [11.0, 12.0, 13.0, 99.0]
    assert len(place.store.list("cbs_klein")) == 2
    assert sorted(place.values(v3_source(table=TABLE, measures=("Inwoners",)))) == [12.0, 99.0]
    assert len(place.store.list("cbs_klein")) == 3


def test_an_unknown_table_of_v3_is_not_delivered(place: Place) -> None:
    load, regions = place.load(v3_source(table="00009ned"))
    assert [(problem.file, problem.reason) for problem in load.problems] == [("00009ned", "not_delivered")]
    assert regions is None


# What is kept


def test_files_that_are_kept_are_read_one_by_one_and_checked(place: Place) -> None:
    place.values()
    (kept,) = place.store.list("cbs_klein")
    files = kept.open_files()
    assert set(files) == {file.name for file in kept.files} and len(files) == len(kept.files)
    assert dict(files) == kept.read_files()
    (kept.folder / "MeasureCodes.json").chmod(0o644)
    (kept.folder / "MeasureCodes.json").write_bytes(b"{}")
    assert files["Properties.json"]
    with pytest.raises(SnapshotCorrupt, match=r"MeasureCodes\.json: found 2 bytes"):
        files["MeasureCodes.json"]


def test_a_sample_is_read_anew_every_time_and_asks_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "sample" / "voorbeeldland" / "cbs_v4" / TABLE
    folder.mkdir(parents=True)
    for resource, content in small_table(TABLE).items():
        (folder / f"{resource}.json").write_bytes(content)
    settings = Settings(sources_dir=tmp_path, data_dir=tmp_path / "data", cbs_v4_url="http://127.0.0.1:9/CBS")
    store = SnapshotStore(settings.snapshots_dir)

    for value in (b'"Value": 100', b'"Value": 999'):
        # The same version, as where somebody tries something out in the sample.
        page = folder / "Observations.json"
        page.write_bytes(page.read_bytes().replace(b'"Value": 100', value))
        wanted = source(table=TABLE, bulk=True)
        load, _ = load_cbs_source(
            wanted, settings, store, fetch_cbs_source(wanted, settings, store, tmp_path / "scratch")
        )
        current = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
        figures = [row["value"] for row in load.rows.to_pylist() if row["vintage_id"] in current]
        assert figures[0] == float(value.split()[1])
    assert len(store.list("cbs_klein")) == 2
