"""What `nulmeting init` writes: the settings, the names of the secrets, the folder for deliveries and a key.

What belongs here: the text of those files, and writing them so that nothing of a municipality is lost: settings only
over older ones where that was asked for, a file with secrets and a key never. No secret is asked for or printed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.durable import sync, write_atomically
from pipelines.initialise.municipality import Municipality
from pipelines.settings import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, Settings, SetupError

ENVIRONMENT_FILE = "nulmeting.env"
KEY_FILE = Path("secrets") / "pseudonym.key"
_KEY_BYTES = 32
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Answers:
    """What was asked. Folders as they were typed: a relative one counts from the folder of the settings."""

    municipality: Municipality
    profile: Literal["sample", "live"] = "live"
    data_dir: str = "data"
    drop_dir: str = "data/drop"
    mail_env: str | None = None
    make_key: bool = False


@dataclass(frozen=True)
class Written:
    """One file or folder: where it is, and in Dutch what became of it."""

    path: Path
    said: str


def check_variable(flag: str, name: str) -> str:
    """The name of a variable. Raises SetupError for anything else, without quoting it: it may be the secret itself."""
    if not _VARIABLE.fullmatch(name):
        raise SetupError(
            f"{flag}: found something that is not the name of a variable, expected one like NULMETING_MAIL_URL; "
            "the address itself goes into that variable, not here"
        )
    return name


def settings_text(answers: Answers) -> str:
    """`nulmeting.toml` for these answers."""
    place = f"{answers.municipality.name} ({answers.municipality.code})".replace("\n", " ")
    mail = f"""
# Het adres is een geheim en staat in de omgevingsvariabele die hier genoemd is.
[[channels]]
name = "mail"
kind = "apprise"
url_env = {_quoted(answers.mail_env)}
"""
    return f"""# Instellingen van Nulmeting voor {place}, gemaakt met `nulmeting init`.
# Geheimen horen hier niet in: die komen uit omgevingsvariabelen, zie {ENVIRONMENT_FILE}.
# Alle instellingen staan in docs/alerts-and-schedules.md; wat er niet klopt zegt `nulmeting doctor`.

# De eigen gemeente, met haar code bij het CBS.
municipality = {_quoted(answers.municipality.code)}

# live: cijfers van CBS en uit de eigen map met leveringen. sample: het meegeleverde voorbeeld, zonder internet.
profile = {_quoted(answers.profile)}

# Waar alles komt wat Nulmeting maakt. Een pad telt vanaf de map van dit bestand.
data_dir = {_quoted(answers.data_dir)}

# De map waarin de gemeente haar leveringen zet.
drop_dir = {_quoted(answers.drop_dir)}

# Waar meldingen heen gaan.
[[channels]]
name = "scherm"
kind = "console"

[[channels]]
name = "bestand"
kind = "file"
{mail if answers.mail_env else ""}"""


def environment_text(answers: Answers, key: Path | None) -> str:
    """The names of the secrets, each with what it is for, and none of them filled in."""
    key_line = f'{PSEUDONYM_KEY_FILE}="{_escaped(str(key))}"' if key else f"#{PSEUDONYM_KEY_FILE}="
    mail = f"""
# Het adres waar meldingen heen gaan, zoals mailtos://naam:wachtwoord@gemeente.nl:587?smtp=mail.gemeente.nl&to=...
#{answers.mail_env}=
"""
    return f"""# Geheimen van Nulmeting. Vul in wat nodig is en haal dan het hekje weg.
# Alleen de eigenaar mag dit bestand lezen.
# systemd leest het met EnvironmentFile=; een shell met: set -a; . ./{ENVIRONMENT_FILE}; set +a
{mail if answers.mail_env else ""}
# De sleutel waarmee personen in leveringen een pseudoniem krijgen: in een bestand, of als {PSEUDONYM_KEY}.
{key_line}

# De sleutel van een Swing-databank, als er een gelezen wordt.
#NULMETING_SWING_APIKEY=

# De database met de gegevens van runs, als dat PostgreSQL is in plaats van bestanden.
#NULMETING_DAGSTER_POSTGRES_URL=
"""


def write_everything(answers: Answers, config: Path, *, force: bool) -> list[Written]:
    """Write the files beside `config`, the settings last; returns what became of each.

    Raises SetupError where settings stand there already and `force` is not given, before anything is written, and
    where something cannot be written.
    """
    config = config.expanduser().absolute()
    text = settings_text(answers)
    _check(text, config)
    if config.exists() and not force:
        raise SetupError(f"{config}: stands there already; nothing was written; --force replaces it")
    try:
        written = list(_write(answers, config, text))
    except OSError as error:
        raise SetupError(f"{error.filename or config}: cannot be written ({error.strerror})") from None
    return written


def _check(text: str, config: Path) -> None:
    """That the settings can be read, before they stand anywhere. Raises SetupError, with the setting."""
    from pydantic import ValidationError

    try:
        Settings(**tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        kind = type(error).__name__
        raise SetupError(f"{config}: these answers give no settings that can be read ({kind})") from None


def _write(answers: Answers, config: Path, text: str) -> Iterator[Written]:
    config.parent.mkdir(parents=True, exist_ok=True)
    drop = config.parent / Path(answers.drop_dir).expanduser()
    yield Written(drop, "stond er al" if drop.is_dir() else "gemaakt; hier komen de leveringen")
    # Deliveries may be about persons: for the owner and the group, and nobody else.
    drop.mkdir(parents=True, exist_ok=True, mode=0o750)
    key = config.parent / KEY_FILE
    if answers.make_key:
        yield _write_key(key)
    environment = config.parent / ENVIRONMENT_FILE
    if environment.exists():
        yield Written(environment, "stond er al en is niet veranderd")
    else:
        write_atomically(environment, environment_text(answers, key if key.exists() else None), 0o600)
        yield Written(environment, "gemaakt; vul hier de geheimen in")
    replaced = config.exists()
    write_atomically(config, text, 0o644)
    yield Written(config, "vervangen" if replaced else "gemaakt")


def _write_key(path: Path) -> Written:
    """A key of 256 bits that only the owner reads. One that stands there is kept: with another, nobody is the same."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Written(path, "stond er al en is niet veranderd")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    sync(path.parent)
    return Written(path, "gemaakt; bewaar er een kopie van op een andere veilige plek")


def _quoted(text: str | None) -> str:
    """A string of TOML: what JSON escapes, TOML does too, and DEL besides."""
    return json.dumps(text or "", ensure_ascii=False).replace("\x7f", "\\u007f")


def _escaped(text: str) -> str:
    """Within double quotes of a shell, which systemd reads the same way."""
    return re.sub(r'(["\\$`])', r"\\\1", text)
