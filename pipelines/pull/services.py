"""Finding the service that knows a table, and pulling the table from it.

What belongs here: which services there are, in which order they are asked, and what becomes of a pull as a whole.
What does not: what a service's answers look like (`v4`, `v3`).
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout

from pipelines.connectors.exchange import UnreachableError
from pipelines.connectors.http import (
    SPELLING,
    CbsClient,
    ResourceNotFound,
    RetryPolicy,
    SourceError,
    TableNotFound,
    open_client,
)
from pipelines.pull.download import pages_of
from pipelines.pull.found import FoundTable, PullError
from pipelines.pull.observations_file import NAME, ObservationsFile, notes_of, remove_leftovers
from pipelines.pull.v3 import find_v3
from pipelines.pull.v4 import find_v4
from pipelines.readers.cbs_wide import taken_for_missing
from pipelines.settings import Settings

_log = logging.getLogger(__name__)
ServiceName = Literal["v4", "v3", "third"]
SERVICES: Final[tuple[ServiceName, ...]] = ("v4", "v3", "third")
WRONG_USE: Final = 2
_PAGES_UNTIL_TIDY: Final = 100
_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Pulled:
    """What came of it: the file, where it came from, and what there is to say of it."""

    path: Path
    table: str
    service: str
    vintage: str
    observations: int
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Service:
    name: ServiceName
    title: str
    address: str
    is_configured: bool


@dataclass(frozen=True)
class Patience:
    """How long a service is waited for, and how often it is asked again.

    A service that is asked only because the ones before it do not know the table is given up sooner.
    """

    first: RetryPolicy = field(default_factory=RetryPolicy)
    later: RetryPolicy = field(
        default_factory=lambda: RetryPolicy(attempts=2, wait_initial=0.5, wait_max=1.0, wait_jitter=0.5)
    )
    timeout_seconds: float = 60.0


def pull_table(
    settings: Settings,
    table: str,
    declared: str | None = None,
    service: ServiceName | None = None,
    patience: Patience | None = None,
    tidy: Callable[[], None] | None = None,
) -> Pulled:
    """Pull a table, or the part of it that an OData filter lets through, into the data folder.

    The services are asked one after the other until one knows the table; `service` names the only one to be asked.
    `tidy` is called now and then between pages. The file appears when it is whole, in the place of an earlier one of
    the same vintage. Raises PullError, and SourceError for a service that fails; nothing appears then.
    """
    if not _ID.fullmatch(table):
        raise PullError(
            f"found {table!r} as the id of a table, expected letters and digits such as 85043NED", WRONG_USE
        )
    folder = settings.data_dir / "pulled" / table
    with ExitStack() as open_clients:
        asked = [one for one in _services(settings) if service in (None, one.name)]
        candidates = _candidates(asked, table, declared, patience or Patience(), open_clients)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / ".lock", timeout=0):
                remove_leftovers(folder)
                return _pulled(candidates, folder, declared, settings.today, tidy)
        except Timeout:
            raise PullError(f"{folder}: another process is pulling this table") from None
        finally:
            _remove_if_empty(folder)


def _pulled(
    candidates: Iterator[FoundTable],
    folder: Path,
    declared: str | None,
    today: dt.date,
    tidy: Callable[[], None] | None,
) -> Pulled:
    """The first of the candidates that gives observations."""
    missing: ResourceNotFound | None = None
    for found in candidates:
        try:
            return _written(found, folder, declared, today, tidy)
        except TableNotFound:
            raise
        except ResourceNotFound as error:
            if error.page != 1:
                raise
            missing = missing or error
    assert missing is not None  # noqa: S101 - a table that is found is tried, and gives figures or a 404
    cause = f"{missing.cause}: the publisher describes the table, but does not give its observations here"
    raise SourceError(missing.table, missing.resource, cause) from missing


def _written(
    found: FoundTable, folder: Path, declared: str | None, today: dt.date, tidy: Callable[[], None] | None
) -> Pulled:
    vintage = _folder_name(found.vintage) or f"fetched-{today:%Y%m%d}"
    notices = list(found.notices)
    notes = {"table": found.table, "origin": found.url, "vintage": vintage, "filter": declared or ""}
    with ObservationsFile(folder, found.dimensions, found.period, found.statuses, notes) as file:
        stand_ins = 0
        for number, page in enumerate(pages_of(found), start=1):
            file.add(page)
            stand_ins += page.stand_ins
            if tidy is not None and number % _PAGES_UNTIL_TIDY == 0:
                tidy()
        found.check_unchanged()
        if found.announced is not None and found.announced != file.observations:
            notices.append(
                f"found {file.observations} observations, expected the {found.announced} that the table announces"
            )
        if stand_ins:
            notices.append(taken_for_missing(stand_ins))
        before = notes_of(folder / vintage / NAME)
        if before and before.get("filter", "") != (declared or ""):
            was = f"what {before['filter']!r} lets through" if before.get("filter") else "all of the table"
            notices.append(f"replaced an earlier file of this vintage, which held {was}")
        path = file.finish(vintage)
    return Pulled(path, found.table, found.service, vintage, file.observations, tuple(notices))


def _candidates(
    asked: list[_Service], table: str, declared: str | None, patience: Patience, open_clients: ExitStack
) -> Iterator[FoundTable]:
    """The table, at every place where it may stand. Raises PullError where no service has it."""
    unknown: list[_Service] = []
    for one in asked:
        retry = patience.later if unknown else patience.first
        client = open_clients.enter_context(
            open_client(one.address, retry=retry, timeout_seconds=patience.timeout_seconds)
        )
        try:
            yield from _found(one, client, table, declared)
        except TableNotFound:
            unknown.append(one)
            continue
        except SourceError as error:
            if unknown and isinstance(error.__cause__, UnreachableError):
                known_not = " and ".join(f"{other.title} ({other.address})" for other in unknown)
                raise PullError(
                    f"CBS table {table}: {known_not} does not know it, and {one.title} ({one.address}) could not be "
                    f"asked: {error.cause}; {_hint(asked, table, patience)}"
                ) from error
            raise
        return
    places = ", ".join(f"{one.title} ({one.address})" for one in asked)
    raise PullError(f"CBS table {table}: found at none of {places}; {_hint(asked, table, patience)}", WRONG_USE)


def _hint(asked: list[_Service], table: str, patience: Patience) -> str:
    """Which id of the catalogue may have been meant; where it cannot be had, how ids are spelt."""
    from pipelines.connectors.cbs_catalogue import fetch_v4_catalogue

    for address in (one.address for one in asked if one.name == "v4"):
        try:
            catalogue = fetch_v4_catalogue(address, retry=patience.later, timeout_seconds=patience.timeout_seconds)
        except SourceError as error:
            _log.info("no catalogue at %s: %s", address, error)
            continue
        if near := catalogue.near(table):
            return f"is {' or '.join(near)} meant? {SPELLING}"
    return SPELLING


def _found(one: _Service, client: CbsClient, table: str, declared: str | None) -> Iterator[FoundTable]:
    if one.name == "v4":
        yield find_v4(client, table, declared)
    else:
        yield from find_v3(client, table, declared)


def _services(settings: Settings) -> list[_Service]:
    """Every service. Those whose address somebody configured come before those at the publisher's own."""
    usual = type(settings).model_fields
    addresses: dict[ServiceName, tuple[str, str]] = {
        "v4": ("CBS OData v4", "cbs_v4_url"),
        "v3": ("CBS OData v3", "cbs_v3_url"),
        "third": ("CBS OData v3 for third parties", "cbs_v3_third_url"),
    }
    services = [
        _Service(name, title, getattr(settings, key), getattr(settings, key) != usual[key].default)
        for name, (title, key) in addresses.items()
    ]
    return sorted(services, key=lambda one: not one.is_configured)


def _folder_name(vintage: str | None) -> str | None:
    """A vintage as the name of a folder that is one, and visible."""
    if vintage is None:
        return None
    return re.sub(r"[^A-Za-z0-9._-]+", "-", vintage).strip(".-") or None


def _remove_if_empty(folder: Path) -> None:
    """A table of which nothing was pulled leaves no folder."""
    if any(not entry.name.startswith(".") for entry in folder.iterdir()):
        return
    (folder / ".lock").unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError:
        # Another process has begun to pull the same table.
        return
