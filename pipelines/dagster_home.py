"""Where Dagster keeps the records of runs, and in what: files in the data directory, or a PostgreSQL database.

What belongs here: the folder of the instance, its `dagster.yaml`, and whether the database answers. What does not: what
is recorded there (`defs`), and anything of the warehouse, which never stands in this database.

The address of the database is a secret: it comes from the environment, or from a file named there, and stands in no
file that is written here.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.durable import write_atomically
from pipelines.settings import PROJECT_ROOT, Settings, SetupError

POSTGRES_URL = "NULMETING_DAGSTER_POSTGRES_URL"
POSTGRES_URL_FILE = "NULMETING_DAGSTER_POSTGRES_URL_FILE"

# Without a driver named SQLAlchemy takes another one than Dagster brings.
_PLAIN, _WITH_DRIVER = "postgresql://", "postgresql+psycopg2://"
_EXPECTED = "expected one like postgresql://user:password@host:5432/database"
_CONNECT_SECONDS = 10
_IN_POSTGRES = f"""
# Runs, schedules and events are kept in a PostgreSQL database; its address stays in the environment.
storage:
  postgres:
    postgres_url:
      env: {POSTGRES_URL}
"""


def dagster_home(settings: Settings) -> Path:
    """The folder of the Dagster instance, with the `dagster.yaml` of this set-up in it; made when absent.

    Where a database is named, this hands its address to Dagster through the environment, and asks whether it answers.
    Raises SetupError for an address that is none, and for a database that cannot be reached or does not let us in.
    What is looked back at (`as_of`) has records of its own in a folder of its own, whatever is set.
    """
    url = None if settings.as_of else postgres_url()
    text = (PROJECT_ROOT / "dagster.yaml").read_text(encoding="utf-8")
    if url is not None:
        _connect(url)
        os.environ[POSTGRES_URL] = url.replace(_PLAIN, _WITH_DRIVER, 1)
        text += _IN_POSTGRES
    home = settings.state_dir / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    target = home / "dagster.yaml"
    if not target.is_file() or target.read_text(encoding="utf-8") != text:
        write_atomically(target, text)
    return home


def postgres_url() -> str | None:
    """The address of the database for the records of runs; None where none is set. Raises SetupError."""
    given = os.environ.get(POSTGRES_URL, "").strip().replace(_WITH_DRIVER, _PLAIN, 1)
    if named := os.environ.get(POSTGRES_URL_FILE):
        try:
            kept = Path(named).expanduser().read_text(encoding="utf-8").strip().replace(_WITH_DRIVER, _PLAIN, 1)
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise SetupError(f"{POSTGRES_URL_FILE}: found a file that cannot be read ({reason})") from None
        if given and given != kept:
            raise SetupError(f"{POSTGRES_URL} and {POSTGRES_URL_FILE} give different addresses; set one of the two")
        given = kept
    if given:
        _place(given)
    return given or None


def _place(url: str) -> str:
    """Where the database stands, without user and password. Raises SetupError for an address that is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise SetupError(f"{POSTGRES_URL}: found no address of a database, {_EXPECTED}") from None
    database = parts.path.lstrip("/")
    if parts.scheme != "postgresql" or not parts.hostname or not database:
        raise SetupError(f"{POSTGRES_URL}: found no address of a database, {_EXPECTED}")
    return f"{unquote(database)} on {parts.hostname}:{port}"


def _connect(url: str) -> None:
    import psycopg2

    try:
        psycopg2.connect(url, connect_timeout=_CONNECT_SECONDS).close()
    except psycopg2.ProgrammingError:
        # Its text would quote what it could not read, which may be the password.
        raise SetupError(f"{POSTGRES_URL}: found no address of a database, {_EXPECTED}") from None
    except psycopg2.Error as error:
        # The library's own text may name the user; of it only the end is told, which says what went wrong.
        said = " ".join(str(error).split()).rpartition("failed: ")[2].removeprefix("FATAL: ").strip()
        said = said.partition(" Is the server running")[0]
        because = "the user or the password is refused" if "authentication" in said else said
        raise SetupError(
            f"{POSTGRES_URL}: the database {_place(url)}, which keeps the records of runs, gives no access "
            f"({because}); nothing was started and nothing is lost; start the server, or unset the variable to keep "
            "records in files"
        ) from None
