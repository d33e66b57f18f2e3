"""Says what is wrong with an installation, one line per subject."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipelines.settings import Settings, SetupError

_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations")
_FREE_BYTES = 2 * 1024**3
_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """One subject: whether it is in order, and what was seen or what to do."""

    ok: bool
    subject: str
    text: str


def examine(settings: Settings) -> Iterator[Finding]:
    """Python, packages, disk, declarations, deliveries, publisher, sources, channels, publication.

    Nothing is changed or sent; in the live profile the publishers are asked whether they answer, and for their
    catalogues.
    """
    yield Finding(sys.version_info >= (3, 11), "python", sys.version.split()[0])
    for name in _PACKAGES:
        try:
            yield Finding(True, name, version(name))
        except PackageNotFoundError:
            yield Finding(False, name, "not installed; run `make run` once, or pip install -r requirements.lock")
    yield _disk(settings)
    yield _data_dir(settings)
    yield from _declarations(settings)
    folder = settings.deliveries_dir
    yield Finding(folder.is_dir(), "deliveries", f"{folder}" if folder.is_dir() else f"{folder}: no such folder")
    publisher = _publisher(settings)
    yield publisher
    if settings.profile == "live":
        yield from _sources(settings, silent=() if publisher.ok else ("cbs_v4_url",))
    yield from _pseudonyms(settings)
    yield from _channels(settings)
    yield _published(settings)


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
        return Finding(False, "publisher", f"{settings.cbs_v4_url}: no answer ({kind}); see the network, or cbs_v4_url")
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


def _channels(settings: Settings) -> Iterator[Finding]:
    from pipelines.alerts.channels import describe_problem

    for channel in settings.channels:
        problem = describe_problem(channel)
        yield Finding(problem is None, f"channel {channel.name}", problem or channel.kind)


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
