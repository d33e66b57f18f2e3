"""`nulmeting init` as a person and as a script use it: at a terminal, through a pipe, and from flags alone."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from pipelines.settings import load_settings
from tests.integration.conftest import NULMETING

NOWHERE = "http://127.0.0.1:9"
QUESTIONS = [
    ("Code van uw gemeente", "Bergen"),  # two have that name: it asks again
    ("Code van uw gemeente", "GM0373"),
    ("Profiel", "sample"),
    ("Map voor alles", "gegevens"),
    ("Map waarin u leveringen zet", ""),
    ("Naam van de omgevingsvariabele", "NULMETING_MAIL_URL"),
    ("Een sleutel maken", "misschien"),
    ("Een sleutel maken", "j"),
    ("Schrijven naar", "j"),
]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NULMETING_")}
    addresses = {f"NULMETING_CBS_{name}_URL": NOWHERE for name in ("V4", "V3", "V3_THIRD")}
    return {**kept, **addresses, "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "TERM": "dumb"}


def _init(folder: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(NULMETING), "init", *arguments],
        cwd=folder,
        env=_environment(),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _read_until(terminal: int, wanted: str, seen: str) -> str:
    """What the terminal shows, until it shows `wanted`; fails when a minute passes without."""
    until = time.monotonic() + 60
    while wanted not in seen:
        assert time.monotonic() < until, f"no {wanted!r} in:\n{seen}"
        if select.select([terminal], [], [], 1)[0]:
            try:
                seen += os.read(terminal, 4096).decode("utf-8", "replace")
            except OSError:  # the other side has gone
                break
    assert wanted in seen, seen
    return seen


def test_a_person_at_a_terminal_is_asked_in_dutch_and_asked_again_where_an_answer_does_not_fit(tmp_path: Path) -> None:
    person, program = pty.openpty()
    process = subprocess.Popen(
        [str(NULMETING), "init"], cwd=tmp_path, env=_environment(), stdin=program, stdout=program, stderr=program
    )
    os.close(program)
    shown = ""
    for question, answer in QUESTIONS:
        shown = _read_until(person, question, "")
        os.write(person, f"{answer}\n".encode())
    shown = _read_until(person, "Volgende stap: nulmeting run", "")
    assert process.wait(timeout=60) == 0
    os.close(person)
    # It ends with what is still to be done: the address is not in the environment yet.
    assert "NOK channel mail" in shown and "NULMETING_MAIL_URL is not set" in shown
    settings = load_settings(tmp_path / "nulmeting.toml")
    assert (settings.municipality, settings.profile) == ("GM0373", "sample")
    assert settings.data_dir == tmp_path / "gegevens" and settings.drop_dir == tmp_path / "gegevens" / "drop"
    assert [channel.name for channel in settings.channels] == ["scherm", "bestand", "mail"]
    assert (tmp_path / "secrets" / "pseudonym.key").is_file()


def test_flags_alone_ask_nothing_and_what_was_made_can_be_looked_at(tmp_path: Path) -> None:
    outcome = _init(tmp_path, "--municipality", "GM0373", "--profile", "sample", "--drop-folder", "in", "--yes")
    assert outcome.returncode == 0, outcome.stderr
    assert "?" not in outcome.stdout and outcome.stdout.splitlines()[-1].startswith(
        "Bergen (NH.) (GM0373) is ingesteld"
    )
    assert load_settings(tmp_path / "nulmeting.toml").drop_dir == tmp_path / "in"
    said = subprocess.run(
        [str(NULMETING), "doctor"], cwd=tmp_path, env=_environment(), capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout
    assert "ok  municipality: GM0373 Bergen (NH.)" in said.stdout
    assert len(said.stdout.splitlines()) <= 24


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (("--yes",), "", "--municipality: found none, expected a code of CBS like GM0373"),
        (("--yes", "--municipality", "Castricum"), "", "GM0383 (Castricum) has that name"),
        (("--yes", "--municipality", "GM2999"), "", "--unlisted takes it all the same"),
        (
            ("--yes", "--municipality", "GM0373", "--profile", "prod"),
            "",
            "--profile: found prod, expected live or sample",
        ),
        (("--yes", "--municipality", "GM0373", "--mail-env", "mailto://a:b@c"), "", "--mail-env: found something that"),
        ((), "", "init: stopped; nothing was written"),  # standard input that has ended
        ((), "GM0373\n\n\n\n\nn\nn\n", "init: stopped; nothing was written"),  # no at the last question
    ],
)
def test_wrong_use_is_one_line_and_nothing_is_made(
    tmp_path: Path, arguments: tuple[str, ...], typed: str, said: str
) -> None:
    outcome = _init(tmp_path, *arguments, typed=typed)
    assert outcome.returncode == 2
    assert outcome.stderr.startswith("nulmeting: ") and said in outcome.stderr and outcome.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_code_that_is_newer_than_this_release_is_taken_when_asked_for(tmp_path: Path) -> None:
    outcome = _init(tmp_path, "--municipality", "GM2999", "--unlisted", "--profile", "sample", "--yes")
    assert outcome.returncode == 0
    assert "ok  municipality: GM2999, not in the list of CBS" in outcome.stdout


def test_settings_that_stand_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / "nulmeting.toml").write_text("# van mij\n", encoding="utf-8")
    outcome = _init(tmp_path, "--municipality", "GM0373", "--yes")
    assert outcome.returncode == 2 and "stands there already; nothing was written" in outcome.stderr
    assert (tmp_path / "nulmeting.toml").read_text(encoding="utf-8") == "# van mij\n"
    assert [path.name for path in tmp_path.iterdir()] == ["nulmeting.toml"]
