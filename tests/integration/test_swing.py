"""A databank of waarstaatjegemeente.nl from its service to rows: vintages, and what is left of them when it fails."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.connectors.http import SourceError
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.connectors.swing_odata import KEY, KEY_FILE
from pipelines.declarations.source import Origin, Series, Source, SwingConnector, SwingOdataReader
from pipelines.deliveries.accounts import SourceLoad
from pipelines.deliveries.swing import fetch_swing_source, load_swing_source
from pipelines.settings import PROJECT_ROOT, Settings, SetupError
from tests import swing_server
from tests.servers import refusing, replacing
from tests.swing_server import PAGE_SIZE, SwingServer, published, value
from tests.unit.reader_sources import REGIONS

CLIENTS, HELP = "wmo_clienten", "wmo_hulp"
PER_1000 = "per 1.000 inwoners"
AREAS = ("gemeente_373", "gemeente_383", "gemeente_399", "gemeente_450")
# More values than a page holds, of the four municipalities that the lookup of these tests knows.
LONG = [
    value(area, f"{number}.5", f"m{month:02}y{year}", "month")
    for number, area in enumerate(AREAS)
    for year in range(1998, 2023)
    for month in range(1, 13)
]


class Databank:
    """A server, and a place where a run keeps what it fetched."""

    def __init__(self, root: Path, server: SwingServer) -> None:
        self.server = server
        self.settings = Settings(data_dir=root, profile="live", today=dt.date(2026, 7, 1), swing_url=server.url)
        self.store = SnapshotStore(self.settings.snapshots_dir)
        self.connector: dict[str, Any] = {"variables": (CLIENTS, HELP)}

    @property
    def source(self) -> Source:
        return Source(
            source_id="wsjg",
            title="Proef",
            publisher="VNG",
            licence="geen",
            cadence="yearly",
            profiles=("live",),
            origin=Origin(producer="VNG", citation="Proef"),
            connector=SwingConnector(kind="swing_odata", **self.connector),
            reader=SwingOdataReader(kind="swing_odata"),
            series=tuple(Series(item=item, indicator_id=item, unit=PER_1000) for item in (CLIENTS, HELP)),
        )

    def load(self, **settings: Any) -> SourceLoad:
        told = self.settings.model_copy(update=settings)
        arrived = fetch_swing_source(self.source, told, self.store)
        return load_swing_source(self.source, told, self.store, REGIONS, arrived)

    def deliveries(self, load: SourceLoad | None = None) -> list[tuple[str, str, bool]]:
        rows = (load or self.load()).accounts["delivery"].to_pylist()
        return [(row["file"], row["status"], row["is_current"]) for row in rows]

    def current(self, load: SourceLoad) -> list[tuple[str, str, float]]:
        """Item, region and value of what counts."""
        counting = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
        rows = [row for row in load.rows.to_pylist() if row["vintage_id"] in counting]
        return [(row["item"], row["region_code"], row["value"]) for row in rows]

    def kept(self) -> bytes:
        """Every byte below the data directory, with the names."""
        files = sorted(path for path in self.settings.data_dir.rglob("*") if path.is_file())
        return b"\n".join(str(path).encode() + path.read_bytes() for path in files)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Databank]:
    monkeypatch.setenv(KEY, swing_server.KEY)
    monkeypatch.delenv(KEY_FILE, raising=False)
    variables = {
        CLIENTS: published(CLIENTS, [value("gemeente_373", "55.5"), value("gemeente_383", "?")], PER_1000),
        HELP: published(HELP, [value("gemeente_373", "9"), value("nederland_1", "22")], PER_1000),
    }
    with SwingServer(variables) as server:
        yield Databank(tmp_path, server)


def test_a_variable_at_a_level_is_a_delivery_with_its_origin_and_date(bank: Databank) -> None:
    load = bank.load()
    assert bank.current(load) == [(CLIENTS, "GM0373", 55.5), (CLIENTS, "GM0383", None), (HELP, "GM0373", 9.0)]
    first = load.accounts["delivery"].to_pylist()[0]
    assert (first["file"], first["vintage_date"], first["vintage_label"]) == (
        f"{CLIENTS}.gemeente",
        dt.date(2024, 5, 1),
        f"Het onderwerp {CLIENTS}",
    )
    assert first["origin"] == (
        f"{bank.server.url}/Variables('{CLIENTS}')/GeoLevels('gemeente')/PeriodLevels('year')/Periods('all')/Values"
    )
    assert (load.rows_loaded, load.problems) == (3, ())


def test_every_level_is_a_delivery_of_its_own(bank: Databank) -> None:
    bank.connector = {"variables": (HELP,), "geolevels": ("gemeente", "nederland")}
    load = bank.load()
    assert bank.deliveries(load) == [(f"{HELP}.gemeente", "loaded", True), (f"{HELP}.nederland", "loaded", True)]
    assert bank.current(load) == [(HELP, "GM0373", 9.0), (HELP, "NL01", 22.0)]


def test_more_than_a_page_is_loaded_whole(bank: Databank) -> None:
    assert len(LONG) > PAGE_SIZE
    bank.server.variables[CLIENTS].values[:] = LONG
    bank.connector = {"variables": (CLIENTS,), "period_level": "month"}
    load = bank.load()
    assert load.rows_loaded == len(LONG)
    spots = {(row["region_code"], row["period_code"]): row["value"] for row in load.rows.to_pylist()}
    assert (spots["GM0373", "1998M01"], spots["GM0383", "2022M12"], spots["GM0450", "2010M06"]) == (0.5, 1.5, 3.5)


def test_the_same_bytes_are_no_second_vintage_and_other_bytes_are(bank: Databank) -> None:
    first = bank.load().accounts["delivery"].to_pylist()
    assert bank.load().accounts["delivery"].to_pylist() == first
    bank.server.variables[HELP].values[0]["ValueString"] = "10"
    load = bank.load()
    assert bank.deliveries(load) == [
        (f"{CLIENTS}.gemeente", "loaded", True),
        (f"{HELP}.gemeente", "loaded", True),
        (f"{HELP}.gemeente", "loaded", False),
    ]
    assert bank.current(load)[-1] == (HELP, "GM0373", 10.0)


def test_a_failure_half_way_leaves_the_whole_source_as_it_was(bank: Databank) -> None:
    before = bank.load().accounts["delivery"].to_pylist()
    kept = bank.kept()
    for variable in bank.server.variables.values():
        variable.values[0]["ValueString"] = "77"
    # The first variable comes whole, and the second does not.
    bank.server.fail(f"Variables('{HELP}')", refusing(400))
    with pytest.raises(SourceError, match=rf"Swing variable {HELP}.*\(400\)"):
        bank.load()
    assert bank.kept() == kept
    assert len(bank.store.list("wsjg")) == len(before)


def test_a_variable_that_is_gone_is_a_problem_and_its_earlier_vintage_counts(bank: Databank) -> None:
    bank.load()
    del bank.server.variables[HELP]
    load = bank.load()
    assert bank.current(load)[-1] == (HELP, "GM0373", 9.0)
    (problem,) = load.problems
    assert (problem.file, problem.reason) == (f"{HELP}.gemeente", "not_delivered")
    assert "No such variable" in problem.found


def test_a_variable_that_was_never_there_is_a_problem_without_rows(bank: Databank) -> None:
    bank.connector = {"variables": ("bestaat_niet",)}
    load = bank.load()
    assert (load.rows.num_rows, load.deliveries) == (0, ())
    assert load.accounts["quarantine"].column("reason").to_pylist() == ["not_delivered"]


def test_a_variable_that_changes_its_unit_leaves_the_vintage_before_it(bank: Databank) -> None:
    bank.load()
    bank.server.variables[CLIENTS].describes["Unit"] = "per 10.000 inwoners"
    bank.server.variables[CLIENTS].values[0]["ValueString"] = "555"
    load = bank.load()
    assert bank.current(load)[0] == (CLIENTS, "GM0373", 55.5)
    assert bank.deliveries(load)[:2] == [
        (f"{CLIENTS}.gemeente", "refused", False),
        (f"{CLIENTS}.gemeente", "loaded", True),
    ]
    assert [problem.reason for problem in load.problems] == ["unexpected_unit"]


def test_what_was_known_on_a_day_is_not_fetched(bank: Databank) -> None:
    bank.load()
    bank.server.variables[CLIENTS].describes["LastUpdate"] = "2025-05-01T00:00:00Z"
    bank.server.variables[CLIENTS].values[0]["ValueString"] = "60"
    bank.load()
    asked = len(bank.server.requests)
    assert bank.current(bank.load(as_of=dt.date(2025, 4, 30)))[0] == (CLIENTS, "GM0373", 55.5)
    assert bank.current(bank.load(as_of=dt.date(2025, 5, 1)))[0] == (CLIENTS, "GM0373", 60.0)
    assert bank.load(as_of=dt.date(2024, 4, 30)).rows.num_rows == 0
    assert len(bank.server.requests) == asked


def test_without_an_address_or_with_a_bad_key_nothing_is_asked(bank: Databank, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SetupError, match="NULMETING_SWING_URL"):
        bank.load(swing_url=None)
    monkeypatch.setenv(KEY, "twee woorden")
    with pytest.raises(SetupError, match=KEY):
        bank.load()
    assert bank.server.requests == []


def test_the_key_is_nowhere_but_in_the_requests(
    bank: Databank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path.parent / "sleutel"
    secret.write_text(swing_server.KEY, encoding="ascii")
    monkeypatch.delenv(KEY)
    monkeypatch.setenv(KEY_FILE, str(secret))
    with caplog.at_level(logging.DEBUG):
        load = bank.load()
        bank.server.key = "een-andere-sleutel"
        with pytest.raises(SourceError) as caught:
            bank.load()
        bank.server.key = swing_server.KEY
        bank.server.fail(f"Variables('{CLIENTS}')", replacing(swing_server.KEY.encode()))
        with pytest.raises(SourceError) as repeated:
            bank.load()
    assert {request.apikey for request in bank.server.requests} == {swing_server.KEY}
    shown = str(load) + str(caught.value) + str(repeated.value) + caplog.text
    shown += "".join(str(table.to_pylist()) for table in load.accounts.values())
    assert swing_server.KEY not in shown
    assert swing_server.KEY.encode() not in bank.kept()


@pytest.mark.parametrize("file", ["wsjg_wmo.yml", "wsjg_participatie.yml"])
def test_a_declared_databank_loads_once_somebody_puts_the_real_codes_in_their_place(bank: Databank, file: str) -> None:
    text = (PROJECT_ROOT / "sources" / "swing" / file).read_text(encoding="utf-8")
    as_declared = Source.model_validate(yaml.safe_load(text))
    assert (as_declared.enabled, as_declared.evidence) == (False, "unconfirmed")
    assert isinstance(as_declared.connector, SwingConnector)
    assert [series.item for series in as_declared.series] == list(as_declared.connector.variables)

    # As its comment says: the codes in their place, and switched on.
    codes = {code: f"wsjg{number}" for number, code in enumerate(as_declared.connector.variables)}
    for code, real in codes.items():
        text = (
            text.replace(f" {code}\n", f" {real}\n").replace(f"[{code},", f"[{real},").replace(f" {code}]", f" {real}]")
        )
        values = [value("gemeente_373", "555"), value("nederland_1", "220.5")]
        bank.server.variables[real] = published(real, values, "Per 10.000 inwoners")
    source = Source.model_validate(yaml.safe_load(text.replace("enabled: false\n", "")))
    arrived = fetch_swing_source(source, bank.settings, bank.store)
    load = load_swing_source(source, bank.settings, bank.store, REGIONS, arrived)

    assert load.problems == ()
    assert len(load.deliveries) == 2 * len(codes)
    found = {(row["item"], row["region_code"]): row["value"] for row in load.rows.to_pylist()}
    assert found == {
        (real, region): figure for real in codes.values() for region, figure in [("GM0373", 555), ("NL01", 220.5)]
    }
    assert {(series.unit, series.factor) for series in source.series} == {("per 10.000 inwoners", 0.1)}
