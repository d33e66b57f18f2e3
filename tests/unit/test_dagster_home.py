"""Where Dagster keeps the records of runs, and what is told of an address that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.dagster_home import POSTGRES_URL, POSTGRES_URL_FILE, dagster_home, postgres_url
from pipelines.settings import SetupError, load_settings

SECRET = "heel-geheim"
ADDRESS = f"postgresql://dagster:{SECRET}@127.0.0.1:1/records"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (POSTGRES_URL, POSTGRES_URL_FILE):
        monkeypatch.delenv(name, raising=False)


def _written(home: Path) -> Any:
    return yaml.safe_load((home / "dagster.yaml").read_text(encoding="utf-8"))


def test_without_a_database_the_records_are_files(tmp_path: Path) -> None:
    home = dagster_home(load_settings(data_dir=tmp_path))
    assert home == tmp_path / "dagster"
    assert "storage" not in _written(home)
    assert _written(home)["freshness"] == {"enabled": True}


def test_a_database_that_is_no_longer_named_is_no_longer_used(tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    (tmp_path / "dagster" / "dagster.yaml").write_text("storage: {postgres: {}}\n", encoding="utf-8")
    assert "storage" not in _written(dagster_home(load_settings(data_dir=tmp_path)))


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://dagster:{SECRET}@127.0.0.1/records",
        f"postgres://dagster:{SECRET}@127.0.0.1/records",
        f"postgresql://dagster:{SECRET}@127.0.0.1:port/records",
        f"postgresql://dagster:{SECRET}@127.0.0.1",
        f"postgresql://dagster:%zz{SECRET}@127.0.0.1:1/records",
        f"postgresql://dagster:{SECRET}@127.0.0.1:1/records?{SECRET}=1",
        SECRET,
    ],
)
def test_an_address_that_is_none_is_told_without_what_is_secret_in_it(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_URL, address)
    with pytest.raises(SetupError, match="found no address of a database, expected one like postgresql://") as told:
        dagster_home(load_settings(data_dir=tmp_path))
    assert SECRET not in str(told.value)
    assert not (tmp_path / "dagster").exists()


def test_a_server_that_does_not_answer_is_named_by_its_place_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(POSTGRES_URL, ADDRESS)
    with pytest.raises(SetupError, match=r"the database records on 127\.0\.0\.1:1, .*Connection refused") as told:
        dagster_home(load_settings(data_dir=tmp_path))
    assert SECRET not in str(told.value)


def test_what_is_looked_back_at_has_records_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_URL, ADDRESS)
    home = dagster_home(load_settings(data_dir=tmp_path, as_of="2026-05-01"))
    assert "storage" not in _written(home)


def test_the_address_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "address"
    kept.write_text(f"{ADDRESS}\n", encoding="utf-8")
    monkeypatch.setenv(POSTGRES_URL_FILE, str(kept))
    assert postgres_url() == ADDRESS
    # What a process hands to those that it starts is the same address, with the driver named.
    monkeypatch.setenv(POSTGRES_URL, ADDRESS.replace("postgresql://", "postgresql+psycopg2://"))
    assert postgres_url() == ADDRESS
    monkeypatch.setenv(POSTGRES_URL, ADDRESS.replace("records", "other"))
    with pytest.raises(SetupError, match="give different addresses; set one of the two"):
        postgres_url()


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_URL_FILE, str(tmp_path / "nowhere"))
    with pytest.raises(SetupError, match=r"found a file that cannot be read \(No such file or directory\)"):
        postgres_url()
