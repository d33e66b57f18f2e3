"""How many rows were refused, as a run tells it: the rows of the accounts, not the problems that are listed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import dagster as dg
import pytest

from pipelines.alerts.findings import RunFindings
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import FolderConnector
from pipelines.defs.raw import _accounts_asset
from pipelines.deliveries import load_folder_source
from pipelines.findings import write_findings
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source
from tests.unit.reader_sources import REGIONS, delimited

MANY = 2500
SOURCE = delimited().model_copy(update={"connector": FolderConnector(kind="folder", pattern="*.csv")})


class _Runs:
    """A folder of deliveries, a warehouse, and the step of a run that adds the accounts up."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(sources_dir=root, data_dir=root / "data", today=dt.date(2026, 7, 1))
        self.settings.deliveries_dir.mkdir()
        self._store = SnapshotStore(self.settings.snapshots_dir)

    def deliver(self, *rows: str, name: str = "levering.csv") -> None:
        text = "\n".join(["Gemeente;Jaar;Bedrag", *rows, ""])
        (self.settings.deliveries_dir / name).write_text(text, encoding="utf-8")

    def told(self) -> int:
        """The number of refused rows in the message about a run."""
        load = load_folder_source(SOURCE, self.settings, self._store, REGIONS)
        with connect(self.settings.warehouse_path) as connection:
            load_source(connection, load.source_id, load.rows, load.accounts)
        done = dg.materialize([_accounts_asset([SOURCE])], resources={"run_lock": None})
        path = write_findings(self.settings, done.run_id, failed_step="core")
        assert path is not None
        return RunFindings.read(path).quarantined


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Runs:
    runs = _Runs(tmp_path)
    monkeypatch.setattr("pipelines.defs.raw.load_settings", lambda: runs.settings)
    return runs


def test_rows_of_which_the_problems_are_not_told_one_by_one_are_counted_all_the_same(runs: _Runs) -> None:
    runs.deliver("Heiloo;2016;1", *["Heiloo;2017;geen"] * MANY)
    assert runs.told() == MANY


def test_a_row_with_two_faults_is_one_row(runs: _Runs) -> None:
    runs.deliver("Heiloo;2016;1", "Nergens;2017;geen")
    assert runs.told() == 1


def test_rows_of_an_earlier_vintage_and_of_a_delivery_without_faults_are_not_counted(runs: _Runs) -> None:
    runs.deliver("Heiloo;2016;1", "Heiloo;2017;geen", "Castricum;2017;geen", name="een.csv")
    runs.deliver("Heiloo;2018;1", name="twee.csv")
    assert runs.told() == 2
    runs.deliver("Heiloo;2016;1", "Heiloo;2017;2", "Castricum;2017;geen", name="een.csv")
    assert runs.told() == 1
    runs.deliver("Heiloo;2016;1", "Heiloo;2017;2", name="een.csv")
    assert runs.told() == 0


def test_a_delivery_that_is_refused_counts_with_all_its_rows_and_the_one_before_it_with_none(runs: _Runs) -> None:
    runs.deliver("Heiloo;2016;1", "Castricum;2017;geen")
    assert runs.told() == 1
    text = "Plaats;Wanneer;Wat\n" + "Heiloo;2016;1\n" * 9
    (runs.settings.deliveries_dir / "levering.csv").write_text(text, encoding="utf-8")
    assert runs.told() == 10


def test_a_file_that_cannot_be_opened_counts_as_one_and_the_delivery_before_it_stands(
    runs: _Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.deliver("Heiloo;2016;1")
    assert runs.told() == 0

    def closed(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pipelines.connectors.folder.read_bytes", closed)
    assert runs.told() == 1
    with connect(runs.settings.warehouse_path) as connection:
        assert connection.execute("select count(*) from raw.delivery where is_current").fetchall() == [(1,)]
