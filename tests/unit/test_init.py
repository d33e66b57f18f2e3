"""Setting up one's own municipality: the code is held against CBS's list, and what is written is valid and kept."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.initialise.files import Answers, check_variable, environment_text, settings_text, write_everything
from pipelines.initialise.municipality import (
    Municipality,
    NoMunicipalityError,
    UnlistedError,
    find_municipality,
    listed,
)
from pipelines.settings import Settings, SetupError, load_settings

BERGEN = Municipality("GM0373", "Bergen (NH.)")


def test_the_list_has_the_municipalities_of_2026_and_where_the_others_went() -> None:
    assert sum(not one.ended_on for one in listed().values()) == 342
    assert find_municipality(" gm0373 ") == BERGEN
    heirs = {code for one in listed().values() for code in one.went_to}
    assert heirs <= set(listed())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Deventer", "found Deventer, expected a code of CBS like GM0373; GM0150 (Deventer) has that name"),
        ("bergen", "GM0373 (Bergen (NH.)) or GM0893 (Bergen (L.)) has that name"),
        ("373", "did you mean GM0373?"),
        ("", "found nothing, expected a code of CBS like GM0373"),
        ("GM0003", "found GM0003, Appingedam, which ended on 2021-01-01 and went to GM1979 (Eemsdelta)"),
        ("VB0001", "found VB0001, expected a code of CBS like GM0373"),
    ],
)
def test_what_is_no_municipality_of_now_is_refused_and_nothing_is_guessed(text: str, said: str) -> None:
    with pytest.raises(NoMunicipalityError) as refused:
        find_municipality(text)
    assert said in str(refused.value) and not isinstance(refused.value, UnlistedError)


def test_a_code_that_is_newer_than_the_list_is_told_apart() -> None:
    with pytest.raises(UnlistedError, match="GM2999, which is not in the list of CBS"):
        find_municipality("GM2999")


_TEXT = st.text(min_size=1, max_size=30).filter(lambda text: "\x00" not in text)


@given(name=_TEXT, data=_TEXT, drop=_TEXT)
def test_whatever_the_answers_are_the_settings_are_valid_and_say_them(name: str, data: str, drop: str) -> None:
    try:
        (name + data + drop).encode("utf-8")
    except UnicodeEncodeError:
        return
    one_line = " ".join(name.split()) or "x"
    text = settings_text(Answers(Municipality("GM0373", one_line), data_dir=data, drop_dir=drop, mail_env="MAIL"))
    found = tomllib.loads("".join(line for line in text.splitlines(keepends=True) if not line.startswith("#")))
    assert (found["data_dir"], found["drop_dir"], found["municipality"]) == (data, drop, "GM0373")
    assert [channel["kind"] for channel in found["channels"]] == ["console", "file", "apprise"]
    assert Settings(**{**found, "data_dir": "/x", "drop_dir": "/y"}).channels[-1].url_env == "MAIL"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_files_are_written_with_their_modes_and_the_settings_are_read_back(tmp_path: Path) -> None:
    config = tmp_path / "nulmeting.toml"
    write_everything(Answers(BERGEN, mail_env="NULMETING_MAIL_URL", make_key=True), config, force=False)
    settings = load_settings(config)
    assert (settings.municipality, settings.profile) == ("GM0373", "live")
    assert settings.data_dir == tmp_path / "data" and settings.deliveries_dir == tmp_path / "data" / "drop"
    assert settings.deliveries_dir.is_dir() and _mode(settings.deliveries_dir) & 0o027 == 0
    key = tmp_path / "secrets" / "pseudonym.key"
    assert (_mode(key), _mode(key.parent), _mode(tmp_path / "nulmeting.env")) == (0o600, 0o700, 0o600)
    assert len(key.read_text(encoding="ascii").strip()) == 64
    named = (tmp_path / "nulmeting.env").read_text(encoding="utf-8")
    assert f'NULMETING_PSEUDONYM_KEY_FILE="{key}"' in named and "#NULMETING_MAIL_URL=\n" in named
    assert key.read_text(encoding="ascii").strip() not in named + config.read_text(encoding="utf-8")


def test_settings_that_stand_there_are_kept_and_secrets_and_keys_always(tmp_path: Path) -> None:
    config = tmp_path / "nulmeting.toml"
    answers = Answers(BERGEN, make_key=True)
    write_everything(answers, config, force=False)
    key = (tmp_path / "secrets" / "pseudonym.key").read_bytes()
    (tmp_path / "nulmeting.env").write_text("NULMETING_MAIL_URL=geheim\n", encoding="utf-8")
    config.write_text("# van mij\n", encoding="utf-8")
    with pytest.raises(SetupError, match=r"stands there already; nothing was written; --force replaces it"):
        write_everything(answers, config, force=False)
    assert config.read_text(encoding="utf-8") == "# van mij\n"
    write_everything(answers, config, force=True)
    assert load_settings(config).municipality == "GM0373"
    assert (tmp_path / "secrets" / "pseudonym.key").read_bytes() == key
    assert (tmp_path / "nulmeting.env").read_text(encoding="utf-8") == "NULMETING_MAIL_URL=geheim\n"


def test_a_folder_that_cannot_be_written_is_wrong_set_up_and_leaves_no_settings(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(SetupError, match="cannot be written"):
        write_everything(Answers(BERGEN), tmp_path / "nulmeting.toml", force=False)
    assert not (tmp_path / "nulmeting.toml").exists()


def test_an_address_in_place_of_the_name_of_a_variable_is_refused_and_not_repeated() -> None:
    with pytest.raises(SetupError) as refused:
        check_variable("--mail-env", "mailto://naam:wachtwoord@gemeente.nl")
    assert "wachtwoord" not in str(refused.value) and "NULMETING_MAIL_URL" in str(refused.value)


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
@given(name=st.text(st.sampled_from("ab $`\"\\'!&;#"), min_size=1, max_size=12))
def test_a_shell_reads_the_path_of_the_key_as_it_is(name: str) -> None:
    import subprocess

    text = environment_text(Answers(BERGEN), Path("/") / name)
    line = next(line for line in text.splitlines() if line.startswith("NULMETING_PSEUDONYM_KEY_FILE="))
    script = f'{line}\nprintf "%s" "$NULMETING_PSEUDONYM_KEY_FILE"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert said == f"/{name}"


@pytest.mark.parametrize("code", ["0373", "GM373", "gm0373", "GM03733", "Bergen"])
def test_a_setting_that_is_no_code_is_refused_with_what_was_expected(tmp_path: Path, code: str) -> None:
    config = tmp_path / "nulmeting.toml"
    config.write_text(f'municipality = "{code}"\n', encoding="utf-8")
    with pytest.raises(SetupError) as refused:
        load_settings(config)
    assert str(refused.value) == f"{config} (municipality): found '{code}', expected a code of CBS like GM0373"
