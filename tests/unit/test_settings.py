"""Configuration: what wins, and what is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.settings import SetupError, load_settings


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PROFILE", "DATA_DIR", "SOURCES_DIR", "DROP_DIR", "TODAY", "CBS_V4_URL", "CONFIG"):
        monkeypatch.delenv(f"NULMETING_{name}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_sample_profile_needs_no_configuration() -> None:
    settings = load_settings()
    assert settings.profile == "sample"
    assert [channel.kind for channel in settings.channels] == ["console", "file"]


def test_an_argument_wins_from_the_environment_and_that_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nulmeting.toml").write_text('today = 2026-01-01\nreference_year = 2024\ndata_dir = "d"\n')
    assert load_settings().today == dt.date(2026, 1, 1)
    assert load_settings().reference_year == 2024
    assert load_settings().data_dir == tmp_path / "d"
    monkeypatch.setenv("NULMETING_TODAY", "2026-02-02")
    assert load_settings().today == dt.date(2026, 2, 2)
    assert load_settings(today=dt.date(2026, 3, 3)).today == dt.date(2026, 3, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('profle = "live"\n', "profle"),
        ('profile = "test"\n', "profile"),
        ("profile = live\n", "not valid TOML"),
        ('[[channels]]\nname = "x"\nkind = "pigeon"\n', "channels"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "nulmeting.toml").write_text(text)
    with pytest.raises(SetupError, match=said):
        load_settings()


def test_a_configuration_file_that_is_named_and_absent_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NULMETING_CONFIG", str(tmp_path / "nowhere.toml"))
    with pytest.raises(SetupError, match="no such configuration file"):
        load_settings()


def test_the_address_of_a_channel_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nulmeting.toml").write_text('[[channels]]\nname = "m"\nkind = "apprise"\nurl_env = "MAIL"\n')
    (channel,) = load_settings().channels
    assert channel.resolved_url() is None
    monkeypatch.setenv("MAIL", "mailto://x")
    assert channel.resolved_url() == "mailto://x"


def test_deliveries_come_from_the_drop_folder_outside_the_sample(tmp_path: Path) -> None:
    assert load_settings(profile="sample").deliveries_dir.name == "sample"
    assert load_settings(profile="live", drop_dir=tmp_path / "drop").deliveries_dir == tmp_path / "drop"
