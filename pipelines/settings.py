"""Where a run reads and writes, and what it is configured to do.

One `nulmeting.toml` and `NULMETING_*` variables, in that order of precedence from low to high; secrets only
from the environment. What belongs here: reading and validating configuration. What does not: anything that
opens a file of data, a connection or a warehouse.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from pipelines.alerts.declared import Channel, Digest, Escalate, Only, Quiet, checked_together

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# The secret that persons are pseudonymised with, or the name of a file that holds it.
PSEUDONYM_KEY = "NULMETING_PSEUDONYM_KEY"
PSEUDONYM_KEY_FILE = "NULMETING_PSEUDONYM_KEY_FILE"
# The name of a file with the secrets before it, one a line and the oldest first.
EARLIER_PSEUDONYM_KEYS_FILE = "NULMETING_PSEUDONYM_EARLIER_KEYS_FILE"


class SetupError(Exception):
    """The configuration or the set-up is wrong; the command line ends with exit code 2."""


class Retention(BaseModel):
    """How long what is kept stays; `nulmeting retention` applies it. Years of 0 and days that are not given: no end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_rows_years: int = Field(default=8, ge=0, le=100)
    snapshots_years: int = Field(default=0, ge=0, le=100)
    runs_days: int | None = Field(default=None, ge=1)


class Settings(BaseModel):
    """Everything a run needs to know. All paths are absolute."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: Literal["sample", "live"] = "sample"
    data_dir: Path = PROJECT_ROOT / "data"
    sources_dir: Path = PROJECT_ROOT / "sources"
    drop_dir: Path | None = None
    municipality: str | None = None
    today: dt.date = Field(default_factory=lambda: dt.datetime.now(dt.UTC).date())
    as_of: dt.date | None = None
    reference_year: int = 2026
    price_year: int | None = Field(default=None, ge=1988, le=2050)
    cbs_v4_url: str = "https://datasets.cbs.nl/odata/v1/CBS"
    cbs_csv_url: str | None = None
    cbs_v3_url: str = "https://opendata.cbs.nl"
    cbs_v3_third_url: str = "https://dataderden.cbs.nl"
    swing_url: str | None = None
    channels: tuple[Channel, ...] = (
        Channel(name="console", kind="console"),
        Channel(name="file", kind="file"),
    )
    link_base: str | None = None
    retention: Retention = Retention()
    keep_publications: int = Field(default=5, ge=1)
    keep_monthly_publications: int = Field(default=12, ge=0)
    published_readable_by: Literal["owner", "group", "everyone"] = "everyone"
    publish_costliest_cases: bool = False
    false_alarms_per_1000: float = Field(default=15.0, gt=0, le=200)

    @field_validator("data_dir", "sources_dir", "drop_dir", mode="after")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return None if path is None else path.expanduser().resolve()

    @field_validator("channels", mode="after")
    @classmethod
    def _together(cls, channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
        return checked_together(channels)

    @field_validator("municipality")
    @classmethod
    def _code_of_a_municipality(cls, code: str | None) -> str | None:
        if code is not None and not re.fullmatch(r"(GM|VB)[0-9]{4}", code):
            raise PydanticCustomError("municipality", "a code of CBS like GM0373")
        return code

    @property
    def state_dir(self) -> Path:
        """What a run makes. What was known on an earlier day is made in a folder of its own, beside the present."""
        return self.data_dir if self.as_of is None else self.data_dir / "as-of" / self.as_of.isoformat()

    @property
    def warehouse_path(self) -> Path:
        return self.state_dir / "warehouse.duckdb"

    @property
    def published_path(self) -> Path:
        """What analysts open. Never the working warehouse."""
        return self.state_dir / "published" / "nulmeting.duckdb"

    @property
    def snapshots_dir(self) -> Path:
        """Every vintage ever delivered; one place, whatever day is looked back at."""
        return self.data_dir / "raw"

    @property
    def alerts_dir(self) -> Path:
        return self.state_dir / "alerts"

    @property
    def runs_dir(self) -> Path:
        return self.state_dir / "runs"

    @property
    def logs_dir(self) -> Path:
        """One log per run, with the trace of what failed."""
        return self.state_dir / "logs"

    @property
    def data_docs_dir(self) -> Path:
        """What was expected of every table in the latest run, and which rows failed, as pages."""
        return self.state_dir / "data_docs"

    @property
    def deliveries_dir(self) -> Path:
        """The folder municipal files are read from: the bundled sample, or the municipality's drop folder."""
        if self.profile == "sample":
            return self.sources_dir / "sample"
        return self.drop_dir or (self.data_dir / "drop")


_FROM_ENVIRONMENT = {
    "NULMETING_PROFILE": "profile",
    "NULMETING_DATA_DIR": "data_dir",
    "NULMETING_SOURCES_DIR": "sources_dir",
    "NULMETING_DROP_DIR": "drop_dir",
    "NULMETING_MUNICIPALITY": "municipality",
    "NULMETING_TODAY": "today",
    "NULMETING_AS_OF": "as_of",
    "NULMETING_PRICE_YEAR": "price_year",
    "NULMETING_PUBLISH_COSTLIEST_CASES": "publish_costliest_cases",
    "NULMETING_CBS_V4_URL": "cbs_v4_url",
    "NULMETING_CBS_CSV_URL": "cbs_csv_url",
    "NULMETING_CBS_V3_URL": "cbs_v3_url",
    "NULMETING_CBS_V3_THIRD_URL": "cbs_v3_third_url",
    "NULMETING_SWING_URL": "swing_url",
}


def load_settings(config: Path | None = None, **overrides: Any) -> Settings:
    """Settings from `nulmeting.toml` (working directory, else the project), the environment, and `overrides`.

    Later ones win; an override of None counts as not given. Raises SetupError with the offending key.
    """
    values: dict[str, Any] = {}
    path = config or config_path()
    if path is not None:
        try:
            # Editors of Windows begin a file with a mark of its encoding.
            values.update(tomllib.loads(path.read_text(encoding="utf-8-sig")))
        except FileNotFoundError:
            raise SetupError(f"{path}: no such configuration file") from None
        except OSError as error:
            raise SetupError(f"{path}: cannot be read ({error.strerror})") from None
        except UnicodeDecodeError as error:
            raise SetupError(
                f"{path}: not valid TOML: found byte 0x{error.object[error.start]:02x}, expected UTF-8"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise SetupError(f"{path}: not valid TOML: {error}") from None
        for key in ("data_dir", "sources_dir", "drop_dir"):
            if isinstance(values.get(key), str):
                values[key] = path.parent / Path(values[key]).expanduser()
    given_in = dict.fromkeys(values, str(path))
    for variable, key in _FROM_ENVIRONMENT.items():
        if os.environ.get(variable):
            values[key] = os.environ[variable]
            given_in[key] = variable
    given = {key: value for key, value in overrides.items() if value is not None}
    values.update(given)
    if values.get("as_of"):
        # Lateness is judged on the day that is looked back at; nobody is alerted to what is long past.
        values["today"], values["channels"] = values["as_of"], ()
    given_in.update({key: f"--{key.replace('_', '-')}" for key in given})
    try:
        return Settings(**values)
    except ValidationError as error:
        raise _wrong_setting(error, given_in) from None


def _wrong_setting(error: ValidationError, given_in: dict[str, str]) -> SetupError:
    """What is wrong with the first setting that is, and where it was given."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    source = given_in.get(str(first["loc"][0]), "configuration")
    if first["type"] == "extra_forbidden":
        known = ", ".join(_known_beside(first["loc"]))
        return SetupError(f"{source}: found an unknown key {where}, expected one of {known}")
    # Addresses hold passwords: nothing of a channel is quoted that could be one.
    if isinstance(first["input"], dict) or first["loc"] == ("channels",) or first["loc"][-1] == "url":
        return SetupError(f"{source} ({where}): {first['msg'].removeprefix('Value error, ')}")
    expected = first["msg"].removeprefix("Input should be ")
    return SetupError(f"{source} ({where}): found {first['input']!r}, expected {expected}")


def _known_beside(place: tuple[int | str, ...]) -> list[str]:
    """The keys that are known where an unknown one was found."""
    parts: dict[str, type[BaseModel]] = {"only": Only, "digest": Digest, "quiet": Quiet, "escalate": Escalate}
    if place[0] == "retention":
        parts = {"retention": Retention}
    model = Settings if len(place) == 1 else parts.get(str(place[-2]), Channel)
    return [field.alias or name for name, field in model.model_fields.items()]


def pseudonym_secret() -> bytes | None:
    """The key that persons are pseudonymised with, as it stands in the environment or in the file named there.

    White space around it is no part of it. None where neither is set; never from `nulmeting.toml`, which is no place
    for secrets. Raises SetupError for a file that cannot be read, and for two keys that differ.
    """
    given = os.fsencode(os.environ.get(PSEUDONYM_KEY, "").strip())
    named = os.environ.get(PSEUDONYM_KEY_FILE)
    if not named:
        return given or None
    try:
        kept = Path(named).expanduser().read_bytes().strip()
    except OSError as error:
        raise SetupError(f"{PSEUDONYM_KEY_FILE}: a file that cannot be read ({error.strerror})") from None
    if given and given != kept:
        raise SetupError(f"{PSEUDONYM_KEY} and {PSEUDONYM_KEY_FILE} with different keys")
    return kept or None


def earlier_pseudonym_secrets() -> tuple[bytes, ...]:
    """The keys that persons were pseudonymised with before, oldest first, one a line of the file that is named.

    None where no file is named. Raises SetupError for a file that cannot be read.
    """
    named = os.environ.get(EARLIER_PSEUDONYM_KEYS_FILE)
    if not named:
        return ()
    try:
        lines = Path(named).expanduser().read_bytes().splitlines()
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror})"
        raise SetupError(f"{EARLIER_PSEUDONYM_KEYS_FILE}: {found}") from None
    return tuple(line.strip() for line in lines if line.strip())


def config_path() -> Path | None:
    """The configuration that counts: the one that is named, else of the working directory, else of the project."""
    if named := os.environ.get("NULMETING_CONFIG"):
        return Path(named)
    for folder in (Path.cwd(), PROJECT_ROOT):
        if (folder / "nulmeting.toml").is_file():
            return folder / "nulmeting.toml"
    return None
