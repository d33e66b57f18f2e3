"""Everything gone at once is a share that is not mounted, and withdraws nothing."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import FolderConnector
from pipelines.deliveries import load_folder_source
from pipelines.deliveries.drop_folder import why_not_read
from pipelines.settings import Settings
from tests.unit.reader_sources import REGIONS, delimited

SOURCE = delimited().model_copy(update={"connector": FolderConnector(kind="folder", pattern="levering*.csv")})


class Drop:
    """A drop folder with one delivery that was loaded."""

    def __init__(self, root: Path) -> None:
        self.settings = self.told(root)
        self.settings.deliveries_dir.mkdir()
        self.file = self.settings.deliveries_dir / "levering.csv"
        self.file.write_text("Gemeente;Jaar;Bedrag\nHeemskerk;2016;100\n", encoding="utf-8")
        self.load()

    @staticmethod
    def told(root: Path, **more: Any) -> Settings:
        today = dt.date(2026, 7, 1)
        return Settings(profile="live", data_dir=root / "data", drop_dir=root / "drop", today=today, **more)

    def load(self) -> None:
        load_folder_source(SOURCE, self.settings, SnapshotStore(self.settings.snapshots_dir), REGIONS)


@pytest.fixture
def drop(tmp_path: Path) -> Drop:
    return Drop(tmp_path)


def test_a_folder_with_deliveries_is_read(drop: Drop) -> None:
    assert why_not_read(drop.settings, [SOURCE]) is None


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_that_is_empty_or_gone_is_not(drop: Drop, is_there: bool) -> None:
    shutil.rmtree(drop.settings.deliveries_dir)
    if is_there:
        drop.settings.deliveries_dir.mkdir()
    why = why_not_read(drop.settings, [SOURCE])
    assert why is not None and str(drop.settings.deliveries_dir) in why
    assert ("an empty folder" if is_there else "no such folder") in why and "1 that came from it" in why


def test_one_file_that_has_gone_while_another_lies_there_is_withdrawn(drop: Drop) -> None:
    drop.file.rename(drop.settings.deliveries_dir / "leesmij.txt")
    assert why_not_read(drop.settings, [SOURCE]) is None
    drop.load()
    (drop.settings.deliveries_dir / "leesmij.txt").unlink()
    assert why_not_read(drop.settings, [SOURCE]) is None, "nothing counts any more that could be lost"


def test_a_folder_in_which_nothing_ever_lay_is_read(tmp_path: Path) -> None:
    assert why_not_read(Drop.told(tmp_path), [SOURCE]) is None


def test_a_look_back_reads_no_folder(drop: Drop) -> None:
    drop.file.unlink()
    settings = drop.settings.model_copy(update={"as_of": dt.date(2026, 6, 1)})
    assert why_not_read(settings, [SOURCE]) is None
