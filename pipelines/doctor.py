"""Says what is wrong with an installation: one finding per subject, each with what to do.

What belongs here: what is set and installed on this machine, and which subjects there are. What does not: the declared
sources (`doctor_sources`), the places messages and records go to (`doctor_reach`), what runs left behind
(`doctor_runs`), and how findings are put on a screen (`doctor_screen`). Nothing is sent, and nothing changed but the
models as parsed, which the next run reads. A subject that cannot be looked at is a finding itself: the doctor is for
installations of which anything may be broken.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.settings import PROJECT_ROOT, PSEUDONYM_KEY, Settings, SetupError, config_path, load_settings

_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")
_LOCK = PROJECT_ROOT / "requirements.lock"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(;.*?)?\\?$", re.MULTILINE)
_INSTALL = "pip install --require-hashes -r requirements.lock"
_FREE_BYTES = 2 * 1024**3
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """One subject: whether it is in order, and what was seen or what to do."""

    ok: bool
    subject: str
    text: str


def diagnose(data_dir: Path | None = None, profile: str | None = None, config: Path | None = None) -> Iterator[Finding]:
    """What `examine` says, and before it whether the settings can be read; where they cannot, the rest goes without."""
    try:
        settings = load_settings(config, data_dir=data_dir, profile=profile)
    except SetupError as error:
        yield Finding(False, "configuration", f"{error}{_unknown_keys(config)}; the rest is looked at without it")
        settings = _without_configuration(data_dir, profile)
    else:
        path = config or config_path()
        yield Finding(True, "configuration", f"{path}" if path else "no nulmeting.toml: the defaults; `nulmeting init`")
    yield from examine(settings)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every subject, for settings that could be read.

    In the live profile the publishers are asked whether they answer, and for their catalogues; channels and databases
    are asked whether they are there.
    """
    from pipelines import doctor_reach, doctor_runs

    yield Finding(sys.version_info >= (3, 11), "python", sys.version.split()[0])
    subjects: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("packages", _packages),
        ("disk", lambda settings: iter((_disk(settings),))),
        ("data", lambda settings: iter((_data_dir(settings),))),
        ("modes", _modes),
        ("municipality", _municipality),
        ("declarations", _declarations),
        ("dbt project", _dbt_project),
        ("deliveries", _deliveries),
        ("publisher", _publishers),
        ("pseudonym key", _pseudonyms),
        ("secrets", _secrets),
        ("channels", doctor_reach.channels),
        ("run storage", doctor_reach.run_storage),
        ("clock", doctor_runs.clock),
        ("lock", doctor_runs.lock),
        ("last run", doctor_runs.last_run),
        ("alerts", doctor_runs.alerts),
        ("published", lambda settings: iter((_published(settings),))),
        ("publication", doctor_runs.publication_age),
        ("schedules", doctor_runs.schedules),
    )
    for subject, look in subjects:
        try:
            yield from look(settings)
        except Exception as error:
            # Its text may quote a delivery or an address, its type does not.
            yield Finding(False, subject, f"could not be looked at ({type(error).__name__}); see the findings above")


def _without_configuration(data_dir: Path | None, profile: str | None) -> Settings:
    """The settings that flags and the plainest variables give, where the rest cannot be read."""
    given = {
        "data_dir": data_dir or os.environ.get("NULMETING_DATA_DIR"),
        "sources_dir": os.environ.get("NULMETING_SOURCES_DIR"),
        "profile": next(
            (one for one in (profile, os.environ.get("NULMETING_PROFILE")) if one in ("sample", "live")), None
        ),
    }
    return Settings(**{key: value for key, value in given.items() if value})  # type: ignore[arg-type]


def _unknown_keys(config: Path | None) -> str:
    """The keys of the configuration that nobody reads, where there is more than the one that was told."""
    path = config or config_path()
    try:
        keys = tomllib.loads(path.read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return ""
    unknown = [key for key in keys if key not in Settings.model_fields]
    return f"; unknown keys: {', '.join(unknown)}" if len(unknown) > 1 else ""


def _packages(settings: Settings) -> Iterator[Finding]:
    """What is installed against what the lock names for this Python and system."""
    if not _LOCK.is_file():
        for name in _PACKAGES:
            try:
                yield Finding(True, f"package {name}", version(name))
            except PackageNotFoundError:
                yield Finding(False, f"package {name}", f"not installed; run `make run` once, or {_INSTALL}")
        return
    from packaging.markers import Marker

    differing, count = [], 0
    for name, wanted, condition in _PINNED.findall(_LOCK.read_text(encoding="utf-8")):
        if condition and not Marker(condition.lstrip("; ")).evaluate():
            continue
        try:
            found = version(name)
        except PackageNotFoundError:
            differing.append(f"{name} not installed")
            continue
        count += 1
        if found != wanted:
            differing.append(f"{name} {found} instead of {wanted}")
    if differing:
        more = f" and {len(differing) - 3} more" if len(differing) > 3 else ""
        yield Finding(False, "packages", f"{', '.join(differing[:3])}{more}; run {_INSTALL}")
        return
    yield Finding(True, "packages", f"{count}, all as in requirements.lock; dagster {version('dagster')}")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(_existing(settings.data_dir)).free
    return Finding(free > _FREE_BYTES, "disk", f"{free / 1024**3:.1f} GiB free, at least 2 wanted")


def _data_dir(settings: Settings) -> Finding:
    place = _existing(settings.data_dir)
    ok = place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return Finding(
        ok, "data", f"{settings.data_dir}" if ok else f"{settings.data_dir}: cannot be written; see --data-dir"
    )


def _existing(path: Path) -> Path:
    """The path, or the nearest of the folders above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists())


def _modes(settings: Settings) -> Iterator[Finding]:
    """What others on this machine can read and should not."""
    from pipelines.file_modes import wrong_modes

    wrong = wrong_modes(settings)
    yield from (Finding(False, "modes", problem) for problem in wrong)
    if not wrong:
        yield Finding(True, "modes", "nobody else reads or writes what is private")


def _municipality(settings: Settings) -> Iterator[Finding]:
    from pipelines.initialise.municipality import LIST_OF, NoMunicipalityError, UnlistedError, find_municipality

    code = settings.municipality
    if code is None:
        yield Finding(
            True, "municipality", "none is set as one's own; `nulmeting init`, or municipality in nulmeting.toml"
        )
    elif code.startswith("VB"):
        yield Finding(
            settings.profile == "sample", "municipality", f"{code}, of Voorbeeldland, which is in the sample only"
        )
    else:
        try:
            yield Finding(True, "municipality", f"{code} {find_municipality(code).name}")
        except UnlistedError:
            yield Finding(True, "municipality", f"{code}, not in the list of CBS of {LIST_OF}")
        except NoMunicipalityError as error:
            yield Finding(False, "municipality", f"{error}; see municipality")


def _dbt_project(settings: Settings) -> Iterator[Finding]:
    """Whether the models can be parsed; that takes seconds the first time, and after a change of theirs."""
    import json

    from pipelines.warehouse.transform import DBT_PROJECT, TransformError, ensure_manifest

    try:
        nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    except TransformError as error:
        said = " ".join(str(error).split())[:200]
        yield Finding(False, "dbt project", f"{said}; see {DBT_PROJECT}, `git status` tells what was changed there")
        return
    except OSError as error:
        place = error.filename or DBT_PROJECT / "target"
        yield Finding(
            False, "dbt project", f"{place}: cannot be written ({error.strerror}); who runs it must be able to"
        )
        return
    yield Finding(True, "dbt project", f"{sum(node['resource_type'] == 'model' for node in nodes)} models, parsed")


def _deliveries(settings: Settings) -> Iterator[Finding]:
    """The folder of deliveries, and every file in it that cannot be read."""
    folder = settings.deliveries_dir
    if not folder.is_dir():
        asked = settings.profile == "live"
        yield Finding(
            False, "deliveries", f"{folder}: no such folder" + ("; make it, or set drop_dir" if asked else "")
        )
        return
    if not os.access(folder, os.R_OK | os.X_OK):
        yield Finding(False, "deliveries", f"{folder}: cannot be read; see its owner and mode")
        return
    closed = [path for path in folder.rglob("*") if not os.access(path, os.R_OK)]
    for path in closed[:3]:
        yield Finding(False, "deliveries", f"{path}: cannot be read; see its owner and mode")
    if not closed:
        yield Finding(True, "deliveries", f"{folder}")


def _publishers(settings: Settings) -> Iterator[Finding]:
    publisher = _publisher(settings)
    yield publisher
    if settings.profile == "live":
        yield from _sources(settings, silent=() if publisher.ok else ("cbs_v4_url",))


def _proxies() -> str:
    """The variables that send requests through a proxy, by name: the address may hold a password."""
    found = [
        name
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
        if os.environ.get(name, os.environ.get(name.lower()))
    ]
    return f" through the proxy of {', '.join(found)}" if found else ""


def _publisher(settings: Settings) -> Finding:
    if settings.profile == "sample":
        return Finding(True, "publisher", "not asked; the sample is in the project")
    import httpx

    from pipelines.trust import certificate_context, untrusted

    try:
        # Whatever it says, a server that answers is there; what it has to say comes with a run.
        answer = httpx.get(settings.cbs_v4_url, timeout=_PATIENCE_SECONDS, verify=certificate_context())
    except SetupError as error:
        return Finding(False, "publisher", str(error))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = untrusted(error) or type(error).__name__
        return Finding(
            False, "publisher", f"{settings.cbs_v4_url}: no answer ({kind}){_proxies()}; see the network, or cbs_v4_url"
        )
    return Finding(True, "publisher", f"{settings.cbs_v4_url} answers ({answer.status_code})")


def _declarations(settings: Settings) -> Iterator[Finding]:
    from pipelines.declarations.load import DeclarationError, load_declarations

    try:
        declarations = load_declarations(settings.sources_dir, settings.profile)
    except DeclarationError as error:
        yield from (Finding(False, "declarations", problem) for problem in error.problems)
        return
    yield Finding(
        bool(declarations.sources),
        "declarations",
        f"profile {settings.profile}: {len(declarations.sources)} sources, {len(declarations.indicators)} "
        f"indicators, {len(declarations.events)} events"
        + ("" if declarations.sources else "; no source is declared for this profile"),
    )


def _sources(settings: Settings, silent: tuple[str, ...]) -> Iterator[Finding]:
    """Every declared source against the catalogues; wrong declarations are told elsewhere, and who is silent too."""
    from pipelines.declarations.load import DeclarationError, load_declarations
    from pipelines.doctor_sources import examine_sources

    try:
        declarations = load_declarations(settings.sources_dir, settings.profile)
    except DeclarationError:
        return
    for found in examine_sources(settings, declarations, silent):
        yield Finding(found.ok, found.subject, found.text)


def _pseudonyms(settings: Settings) -> Iterator[Finding]:
    """Whether persons can be pseudonymised, where deliveries about persons are declared; wrong where one waits."""
    from pipelines.connectors.folder import find_deliveries
    from pipelines.declarations.load import DeclarationError, load_declarations
    from pipelines.declarations.source import FolderConnector
    from pipelines.privacy.pseudonym import PseudonymKeyError, key_for

    try:
        sources = load_declarations(settings.sources_dir, settings.profile).sources
    except DeclarationError:
        return  # told already
    for source in (source for source in sources if source.person_level):
        try:
            key_for(source, settings)
        except (PseudonymKeyError, SetupError) as error:
            connector = source.connector
            waiting = isinstance(connector, FolderConnector) and find_deliveries(settings.deliveries_dir, connector)
            yield Finding(not waiting, "pseudonym key", f"{error}; files of {source.source_id} are refused without it")
            return
        yield Finding(True, "pseudonym key", "there is one")
        return


def _secrets(settings: Settings) -> Iterator[Finding]:
    """Which secrets are set, by the names of their variables."""
    swing = ("NULMETING_SWING_APIKEY", "NULMETING_SWING_APIKEY_FILE")
    names = [
        *(channel.url_env for channel in settings.channels if channel.url_env),
        *swing,
        PSEUDONYM_KEY,
        f"{PSEUDONYM_KEY}_FILE",
        "NULMETING_DAGSTER_POSTGRES_URL",
        "NULMETING_DAGSTER_POSTGRES_URL_FILE",
    ]
    present = [name for name in dict.fromkeys(names) if os.environ.get(name)]
    for name in present:
        if name.endswith("_FILE") and not _is_readable(Path(os.environ[name]).expanduser()):
            yield Finding(False, "secrets", f"{name}: names a file that cannot be read; see its path, owner and mode")
    if settings.swing_url and not any(os.environ.get(name) for name in swing):
        yield Finding(False, "secrets", f"swing_url is set and {swing[0]} is not; it holds the key of that databank")
    yield Finding(True, "secrets", f"set: {', '.join(present)}" if present else "none is set")


def _is_readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)


def _published(settings: Settings) -> Finding:
    from pipelines.publish.standing import standing

    try:
        found = standing(settings)
    except SetupError as error:
        return Finding(False, "published", str(error))
    if found is None:
        return Finding(True, "published", "nothing yet; run `nulmeting run`")
    if found.damaged:
        return Finding(False, "published", f"checksums differ: {', '.join(found.damaged)}; run again to publish anew")
    back = f"; gone back to by {found.restored.by}: {found.restored.because}" if found.restored else ""
    return Finding(True, "published", f"{found.publication_id}, checksums hold{back}")
