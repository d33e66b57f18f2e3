"""What launches a run by itself: files that arrive and tables that change; and what is sent without a run."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.load import load_declarations
from pipelines.defs.sensors import send_what_is_due, sensors
from pipelines.deliveries.cbs_vintages import fetch_changed
from pipelines.settings import Settings, load_settings
from tests.live_server import LiveServer
from tests.live_tables import LiveTable, live_tables
from tests.servers import Answer

pytestmark = pytest.mark.xdist_group("definitions")

WATCHED = ("cbs_jeugd", "cbs_reintegratie", "cbs_iv3_2025")
YOUTH, REINTEGRATION, IV3 = "85099NED", "85588NED", "45078NED"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of an installation in profile live, as a daemon finds them."""
    for name in [name for name in os.environ if name.startswith("NULMETING_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "nulmeting.toml"
    config.write_text('profile = "live"\ndata_dir = "data"\ndrop_dir = "drop"\n', encoding="utf-8")
    monkeypatch.setenv("NULMETING_CONFIG", str(config))
    (tmp_path / "drop").mkdir()
    return load_settings()


def _has_run(settings: Settings) -> None:
    """Leave what a first run leaves."""
    settings.published_path.parent.mkdir(parents=True)
    for path in (settings.warehouse_path, settings.published_path):
        path.touch()


@dataclass
class Watch:
    """One sensor as the daemon ticks it: with the cursor of the tick before."""

    sensor: dg.SensorDefinition
    repository: dg.RepositoryDefinition | None = None
    cursor: str | None = None

    def tick(self) -> dg.SensorResult:
        context = dg.build_sensor_context(cursor=self.cursor, repository_def=self.repository)
        found: Any = self.sensor(context)
        if isinstance(found, dg.SkipReason):
            return dg.SensorResult(skip_reason=found)
        assert isinstance(found, dg.SensorResult)
        self.cursor = found.cursor
        return found

    def asked(self) -> dg.RunRequest | None:
        """The one run that a tick asks for, or None."""
        requests = self.tick().run_requests or []
        assert len(requests) <= 1
        return requests[0] if requests else None


@pytest.fixture(scope="module")
def repository() -> Iterator[dg.RepositoryDefinition]:
    """The code location in profile live."""
    before = dict(os.environ)
    os.environ["NULMETING_PROFILE"] = "live"
    try:
        from pipelines.definitions import build_definitions

        yield build_definitions().get_repository_def()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _jobs(repository: dg.RepositoryDefinition) -> dict[str, Any]:
    return {name: repository.get_job(name) for name in ("monitor", "deliveries")}


# -- files that arrive -----------------------------------------------------------------------------


@pytest.fixture
def drop(settings: Settings, repository: dg.RepositoryDefinition) -> Watch:
    _has_run(settings)
    return Watch(repository.get_sensor_def("nieuwe_bestanden"))


def test_a_file_that_is_still_being_copied_waits_until_it_stands_still(drop: Watch, settings: Settings) -> None:
    assert drop.asked() is None, "an empty folder asks for nothing"
    path = settings.deliveries_dir / "wachtlijst.csv"
    path.write_text("gemeente;aantal\n", encoding="utf-8")
    assert drop.asked() is None
    path.write_text("gemeente;aantal\nHeemskerk;12\n", encoding="utf-8")
    assert drop.asked() is None, "it grew since the tick before"
    request = drop.asked()
    assert request is not None
    assert (request.job_name, request.tags["nulmeting/launched_by"]) == ("deliveries", "sensor")
    assert [drop.asked() for _ in range(3)] == [None] * 3, "one run for one state of the folder"


def test_a_tick_that_is_done_again_after_a_crash_asks_for_the_same_run(drop: Watch, settings: Settings) -> None:
    (settings.deliveries_dir / "wachtlijst.csv").write_text("a", encoding="utf-8")
    drop.asked()
    before = drop.cursor
    first = drop.asked()
    drop.cursor = before
    again = drop.asked()
    assert first is not None and again is not None and first.run_key == again.run_key


def test_a_state_that_comes_back_is_read_anew(drop: Watch, settings: Settings) -> None:
    path, aside = settings.deliveries_dir / "wachtlijst.csv", settings.data_dir / "wachtlijst.csv"
    path.write_text("a", encoding="utf-8")
    (settings.deliveries_dir / "begroting.csv").write_text("b", encoding="utf-8")
    keys = []
    for move in (None, (path, aside), (aside, path)):
        if move:
            move[0].rename(move[1])
        drop.asked()
        request = drop.asked()
        assert request is not None, "also what is taken away is read: it is withdrawn"
        keys.append(request.run_key)
    assert len(set(keys)) == 3


def test_a_folder_that_has_gone_or_lost_everything_is_not_read_by_itself(drop: Watch, settings: Settings) -> None:
    (settings.deliveries_dir / "wachtlijst.csv").write_text("a", encoding="utf-8")
    drop.asked()
    assert drop.asked() is not None
    aside = settings.deliveries_dir.rename(settings.data_dir / "aside")
    assert [drop.asked() for _ in range(3)] == [None] * 3, "a share that is not mounted"
    settings.deliveries_dir.mkdir()
    assert [drop.asked() for _ in range(3)] == [None] * 3
    settings.deliveries_dir.rmdir()
    aside.rename(settings.deliveries_dir)
    assert [drop.asked() for _ in range(3)] == [None] * 3, "it is back as it was"


def test_what_editors_and_synchronisers_leave_is_no_delivery(drop: Watch, settings: Settings) -> None:
    for name in (".wachtlijst.csv.swp", "~$begroting.xlsx", "wachtlijst.csv.part"):
        (settings.deliveries_dir / name).write_text("a", encoding="utf-8")
    assert [drop.asked() for _ in range(3)] == [None] * 3


def test_names_of_files_are_not_kept_in_the_cursor(drop: Watch, settings: Settings) -> None:
    (settings.deliveries_dir / "dossier Jan Jansen.csv").write_text("a", encoding="utf-8")
    drop.asked()
    request = drop.asked()
    assert request is not None
    assert "Jansen" not in f"{drop.cursor}{request}"


def test_the_first_run_of_all_reads_everything(
    settings: Settings, repository: dg.RepositoryDefinition, tmp_path: Path
) -> None:
    drop = Watch(repository.get_sensor_def("nieuwe_bestanden"))
    (settings.deliveries_dir / "wachtlijst.csv").write_text("a", encoding="utf-8")
    drop.asked()
    request = drop.asked()
    assert request is not None and request.job_name == "monitor", "without the regions a file cannot be read"


# -- tables that change ----------------------------------------------------------------------------


class Moody(LiveServer):
    """A publisher who answers for some tables with a status of an error."""

    def __init__(self, tables: Mapping[str, LiveTable]) -> None:
        super().__init__(tables)
        self.refused: dict[str, int] = {}

    def answer(self, target: str, headers: Mapping[str, str]) -> Answer:
        answer = super().answer(target, headers)
        status = self.refused.get(self.requests[-1].table)
        return answer if status is None else Answer(b"", status)


@dataclass
class Publishers:
    """Two services with the tables of three sources, all of them fetched once; and the sensor that watches them."""

    watch: Watch
    v4: Moody
    third: Moody


@pytest.fixture
def publishers(
    settings: Settings, repository: dg.RepositoryDefinition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Publishers]:
    declarations = load_declarations(settings.sources_dir, "live")
    watched = replace(declarations, sources=tuple(one for one in declarations.sources if one.source_id in WATCHED))
    tables = live_tables(watched.sources)
    with Moody(tables) as v4, Moody(tables) as third:
        monkeypatch.setenv("NULMETING_CBS_V4_URL", v4.environment()["NULMETING_CBS_V4_URL"])
        monkeypatch.setenv("NULMETING_CBS_V3_THIRD_URL", third.url)
        here = load_settings()
        for source in watched.sources:
            fetch_changed(source, here, SnapshotStore(here.snapshots_dir), tmp_path / "scratch")
        _has_run(here)
        v4.forget()
        third.forget()
        (sensor,) = (one for one in sensors(watched, _jobs(repository)) if one.name == "gewijzigde_cbs_tabellen")
        yield Publishers(Watch(sensor, repository), v4, third)


def test_only_what_changed_is_launched_with_all_that_is_made_of_it(publishers: Publishers) -> None:
    assert publishers.watch.asked() is None, "everything is as it was fetched"
    assert set(publishers.v4.resources()) == {"Properties"}, "asked what the tables say of themselves, and nothing else"

    publishers.v4.bump(YOUTH)
    request = publishers.watch.asked()
    assert request is not None and request.asset_selection is not None
    keys = {key.to_user_string() for key in request.asset_selection}
    raw = {key for key in keys if key.startswith("raw/cbs_")}
    assert raw == {"raw/cbs_jeugd"}
    assert {"raw/figure", "core/observation", "breaks/detected", "marts/coverage", "published/nulmeting"} <= keys
    assert "published/as_of" not in keys
    assert request.asset_check_keys, "and it is checked before it is published"
    assert request.tags["nulmeting/source"] == "cbs_jeugd"
    assert request.tags["nulmeting/modified"].startswith(f"{YOUTH} 20")
    assert publishers.watch.asked() is None, "one run for one version"

    publishers.v4.bump(YOUTH)
    again = publishers.watch.asked()
    assert again is not None and again.run_key != request.run_key


def test_what_a_sensor_asks_for_is_a_part_of_the_job(
    publishers: Publishers, repository: dg.RepositoryDefinition
) -> None:
    publishers.third.bump(IV3)
    request = publishers.watch.asked()
    assert request is not None and request.asset_selection and request.asset_check_keys
    part = repository.get_job("monitor").get_subset(
        asset_selection=set(request.asset_selection), asset_check_selection=set(request.asset_check_keys)
    )
    assert part.asset_layer.selected_asset_keys == set(request.asset_selection)


def test_a_publisher_who_is_down_does_not_hide_what_another_changed(publishers: Publishers) -> None:
    publishers.third.refused = dict.fromkeys(publishers.third.tables, 503)
    silent = publishers.watch.tick()
    assert not silent.run_requests
    assert silent.skip_reason is not None
    assert "the server failed (503)" in str(silent.skip_reason.skip_message)
    publishers.v4.bump(YOUTH)
    request = publishers.watch.asked()
    assert request is not None and request.tags["nulmeting/source"] == "cbs_jeugd"


def test_a_table_that_is_refused_hides_no_other(publishers: Publishers) -> None:
    publishers.v4.refused = {YOUTH: 403}
    publishers.v4.bump(REINTEGRATION)
    request = publishers.watch.asked()
    assert request is not None and request.tags["nulmeting/source"] == "cbs_reintegratie"


def test_without_a_first_run_everything_is_launched(publishers: Publishers, settings: Settings) -> None:
    settings.published_path.unlink()
    publishers.v4.bump(YOUTH)
    request = publishers.watch.asked()
    assert request is not None and request.asset_selection is None


def test_the_sample_asks_nobody(publishers: Publishers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NULMETING_PROFILE", "sample")
    publishers.v4.bump(YOUTH)
    assert publishers.watch.asked() is None
    assert not publishers.v4.requests and not publishers.third.requests


# -- what is sent without a run --------------------------------------------------------------------


def test_before_anything_was_found_there_is_nothing_to_send(settings: Settings) -> None:
    found = send_what_is_due(dg.build_sensor_context())
    assert isinstance(found, dg.SkipReason)
    assert not settings.alerts_dir.exists(), "and nothing is made for it"


def test_what_waits_is_tried_when_it_is_due(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.alerts import dispatch

    asked: list[tuple[dt.datetime, bool]] = []

    def deliver(settings: Settings, now: dt.datetime, *, only_due: bool = False) -> dispatch.DeliveryReport:
        asked.append((now, only_due))
        return dispatch.DeliveryReport(sent=2, pending=1, errors=("channel 'beheer': refused",))

    monkeypatch.setattr(dispatch, "deliver_pending", deliver)
    dispatch.outbox_path(settings).parent.mkdir(parents=True)
    dispatch.outbox_path(settings).touch()
    found = send_what_is_due(dg.build_sensor_context())
    assert isinstance(found, dg.SkipReason)
    assert found.skip_message == "alerts sent: 2, waiting: 1"
    ((now, only_due),) = asked
    assert only_due and now.tzinfo is not None


def test_the_snapshots_of_the_test_are_those_of_the_sensor(publishers: Publishers, settings: Settings) -> None:
    shutil.rmtree(settings.snapshots_dir)
    request = publishers.watch.asked()
    assert request is not None, "what is not kept would be fetched"
    assert request.tags["nulmeting/source"] == "cbs_iv3_2025, cbs_jeugd, cbs_reintegratie"
