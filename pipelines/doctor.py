"""Says what is wrong with an installation, one line per subject."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from pipelines.settings import PROJECT_ROOT, Settings

_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")
_FREE_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One subject: whether it is in order, and what was seen or what to do."""

    ok: bool
    subject: str
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Python, packages, disk, declarations, deliveries, channels, publication; nothing is changed or sent."""
    yield Finding(sys.version_info >= (3, 11), "python", sys.version.split()[0])
    for name in _PACKAGES:
        try:
            yield Finding(True, name, version(name))
        except PackageNotFoundError:
            yield Finding(False, name, "not installed; run `make run` once, or pip install -r requirements.lock")
    yield _disk(settings)
    yield from _declarations(settings)
    folder = settings.deliveries_dir
    yield Finding(folder.is_dir(), "deliveries", f"{folder}" if folder.is_dir() else f"{folder}: no such folder")
    yield from _channels(settings)
    yield _published(settings)


def _disk(settings: Settings) -> Finding:
    place = settings.data_dir if settings.data_dir.exists() else PROJECT_ROOT
    free = shutil.disk_usage(place).free
    return Finding(free > _FREE_BYTES, "disk", f"{free / 1024**3:.1f} GiB free, at least 2 wanted")


def _declarations(settings: Settings) -> Iterator[Finding]:
    from pipelines.declarations.load import DeclarationError, load_declarations

    try:
        declarations = load_declarations(settings.sources_dir, settings.profile)
    except DeclarationError as error:
        yield Finding(False, "declarations", str(error))
        return
    yield Finding(
        bool(declarations.sources),
        "declarations",
        f"profile {settings.profile}: {len(declarations.sources)} sources, {len(declarations.indicators)} "
        f"indicators, {len(declarations.events)} events"
        + ("" if declarations.sources else "; no source is declared for this profile"),
    )


def _channels(settings: Settings) -> Iterator[Finding]:
    from pipelines.alerts.channels import describe_problem

    for channel in settings.channels:
        problem = describe_problem(channel)
        yield Finding(problem is None, f"channel {channel.name}", problem or channel.kind)


def _published(settings: Settings) -> Finding:
    from pipelines.publish.publication import current, verify

    manifest = current(settings)
    if manifest is None:
        return Finding(True, "published", "nothing yet; run `nulmeting run`")
    broken = verify(settings.published_path.parent / "current")
    if broken:
        return Finding(False, "published", f"checksums differ: {', '.join(broken)}; run again to publish anew")
    return Finding(True, "published", f"{manifest['publication_id']}, checksums hold")
