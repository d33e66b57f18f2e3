"""Looking back by half-years: which days there are, and what a day that could not be made says."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.defs import looking_back
from pipelines.defs.looking_back import AS_OF_KEY, HALF_YEARS, as_of_asset, run_as_of
from pipelines.publish.place import swap
from pipelines.publish.versions import write_manifest
from pipelines.settings import load_settings

DAY = "2016-12-31"


def _days(moment: dt.datetime) -> list[str]:
    return list(HALF_YEARS.get_partition_keys(current_time=moment))


def test_the_days_are_the_last_of_every_half_year_up_to_the_present() -> None:
    days = _days(dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
    assert days[:3] == ["2015-06-30", "2015-12-31", "2016-06-30"]
    assert days[-1] == "2026-06-30"
    assert all(day.endswith(("-06-30", "-12-31")) for day in days) and len(days) == 23
    assert _days(dt.datetime(2026, 12, 31, 12, tzinfo=dt.UTC))[-1] == "2026-12-31", "on the day itself"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NULMETING_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NULMETING_PROFILE", "sample")
    return tmp_path


def _make(monkeypatch: pytest.MonkeyPatch, code: int, said: str = "") -> tuple[list[str], Any]:
    """Make one day, where the command ends so; the days it was asked for, and the result."""
    asked: list[str] = []

    def ended(day: str) -> subprocess.CompletedProcess[str]:
        asked.append(day)
        return subprocess.CompletedProcess([], code, "", said)

    monkeypatch.setattr(looking_back, "run_as_of", ended)
    return asked, dg.materialize([as_of_asset()], partition_key=DAY, raise_on_error=False)


@pytest.mark.parametrize("code", [0, 1])
def test_a_day_tells_what_was_published_for_it(code: int, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = load_settings(as_of=DAY).published_path.parent
    folder = published / "versions" / "20170101T000000-run-1"
    folder.mkdir(parents=True)
    told = {"row_counts": {"region": 2, "budget": 3}, "git_revision": "abc", "vintages": [{}, {}]}
    write_manifest(folder, {**told, "published_at": "2017-01-01T00:00:00Z", "checksums": {}})
    swap(published, folder)
    asked, result = _make(monkeypatch, code)
    assert result.success and asked == [DAY]
    (event,) = result.get_asset_materialization_events()
    assert (event.asset_key, event.partition) == (AS_OF_KEY, DAY)
    told = event.materialization.metadata
    assert (told["dagster/row_count"].value, told["vintages"].value) == (5, 2)
    assert str(told["file"].value) == str(data / "as-of" / DAY / "published" / "nulmeting.duckdb")


@pytest.mark.parametrize("code", [2, 3])
def test_a_day_that_could_not_be_made_says_why(code: int, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, result = _make(monkeypatch, code, "nulmeting: another run is writing\n")
    assert not result.success
    (failure,) = (event for event in result.all_events if event.is_step_failure)
    told = failure.step_failure_data.user_failure_data.description
    assert told == f"run --as-of {DAY} ended with {code}: nulmeting: another run is writing"


def test_the_day_is_made_by_the_command_line_itself(data: Path) -> None:
    outcome = run_as_of(DAY)
    assert outcome.returncode == 2
    assert "found no deliveries kept in" in outcome.stderr
