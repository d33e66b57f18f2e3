"""Fetching variables of a Swing databank over its OData service ("ODS v1"), whole or not at all.

What belongs here: which resources make up a variable, following their pages to the end, and the key that the service
asks for. What does not: HTTP itself (`http`), keeping vintages (`snapshot`), and reading figures
(`readers.swing_odata`).
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import pyarrow as pa

from pipelines.connectors.http import (
    CbsClient,
    ResourceNotFound,
    RetryPolicy,
    SourceError,
    open_client,
    unreadable,
)
from pipelines.connectors.odata_json import list_in
from pipelines.connectors.paging import PageTrail
from pipelines.declarations.source import SwingConnector
from pipelines.readers.swing_odata import (
    VARIABLE_FILE,
    Variable,
    parse_values,
    parse_variable,
    values_file,
)
from pipelines.settings import SetupError

T = TypeVar("T")
Rows = TypeVar("Rows", pa.StructArray, list[dict[str, Any]])

KEY: Final = "NULMETING_SWING_APIKEY"
KEY_FILE: Final = "NULMETING_SWING_APIKEY_FILE"
_HEADER: Final = "apikey"
_REFUSED: Final = (401, 403)
_CODE: Final = re.compile(r"[A-Za-z0-9_-]+")


class SwingError(SourceError):
    """A databank did not give what was asked: which variable, which resource and page of it, and why."""

    def __init__(
        self, variable: str, resource: str, cause: str, page: int | None = None, status: int | None = None
    ) -> None:
        super().__init__(variable, resource, cause, page, status)
        place = f"Swing variable {variable}, {resource}" + (f", page {page}" if page is not None else "")
        self.args = (f"{place}: {cause}",)


class VariableNotFound(SwingError):  # noqa: N818 - a finding as much as an error
    """The databank knows no such variable, or does not publish it for these areas and periods."""


@dataclass(frozen=True)
class FetchedVariable:
    """All answers that make up one variable at one level of areas, by the names that the reader knows them by."""

    variable: Variable
    geolevel: str
    files: Mapping[str, bytes]
    rows: int
    resource: str


def swing_apikey(environment: Mapping[str, str] = os.environ) -> str | None:
    """The key of the databank, from the environment or from the file that it names; None where neither is set.

    Raises SetupError, without showing anything of the key, for a file that cannot be read and for what is no key.
    """
    key, where = environment.get(KEY, "").strip(), KEY
    if not key and (named := environment.get(KEY_FILE)):
        where = KEY_FILE
        try:
            key = Path(named).expanduser().read_text(encoding="ascii").strip()
        except OSError as error:
            raise SetupError(f"{KEY_FILE}: a file that cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise SetupError(f"{KEY_FILE}: found other signs than a key has, expected the key alone") from None
        if not key:
            raise SetupError(f"{KEY_FILE}: found an empty file, expected the key")
    if not key:
        return None
    # httpx would otherwise print the key in its complaint about a header.
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise SetupError(f"{where}: found other signs than a key has, expected the key alone")
    return key


class SwingClient:
    """An open connection to one databank; a context manager."""

    def __init__(self, client: CbsClient, service: str, *, has_key: bool) -> None:
        self._client, self._service, self._has_key = client, service, has_key

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(
        self, variable: str, resource: str, read: Callable[[bytes], T], query: str = "", page: int | None = None
    ) -> tuple[bytes, T]:
        """The exact bytes of a resource, and what `read` makes of them.

        A document that breaks off is asked for again, any other ValueError of `read` is an error at once. Raises
        VariableNotFound for a 404 and SwingError for all else that goes wrong, after the tries of the policy.
        `variable` is what errors call it.
        """

        def understood(payload: bytes) -> T:
            try:
                return read(payload)
            except ValueError as error:
                raise unreadable(error, payload) from error

        shown = resource.removeprefix(f"{_entity(variable)}/")
        try:
            return self._client.get(self._service, resource, understood, query=query, page=page)
        except ResourceNotFound as error:
            raise VariableNotFound(variable, shown, error.cause, page, error.status) from error
        except SourceError as error:
            cause = self._with_remedy(error.cause) if error.status in _REFUSED else error.cause
            raise SwingError(variable, shown, cause, page, error.status) from error

    def pages(
        self, variable: str, resource: str, read: Callable[[bytes], tuple[Rows, object | None]]
    ) -> Iterator[tuple[bytes, Rows]]:
        """Every page of a list, in order, to the one that links no further; `read` gives its rows and its link.

        Raises as `get` does, and SwingError for a page that repeats and a link that loops or leads elsewhere.
        """
        shown = resource.removeprefix(f"{_entity(variable)}/")
        trail, query = PageTrail(self._service, resource), ""
        for number in itertools.count(1):
            payload, (rows, link) = self.get(variable, resource, read, query, number)
            sign = (len(rows), str(rows[0]), str(rows[-1])) if len(rows) else (0, "", "")
            try:
                trail.saw(number, sign)
                query = "" if link is None else trail.next_query(number, link)
            except SourceError as error:
                raise SwingError(variable, shown, error.cause, number) from error
            yield payload, rows
            if link is None:
                return

    def _with_remedy(self, cause: str) -> str:
        if self._has_key:
            return (
                f"{cause}; the databank does not know the key in {KEY}, or does not let it see this: ask the manager "
                "of the databank"
            )
        return (
            f"{cause}; the databank wants a key: set {KEY}, or {KEY_FILE} to the name of a file that holds it (the "
            "manager of the databank gives one out)"
        )


def open_databank(
    url: str | None,
    apikey: str | None,
    transport: httpx.BaseTransport | None = None,
    *,
    retry: RetryPolicy | None = None,
    timeout_seconds: float = 60.0,
) -> SwingClient:
    """A client for the databank whose OData service stands at `url`, such as `https://host/jiveservices/odata`.

    Raises SetupError when `url` is none, or no address of a service.
    """
    expected = "expected the address of the databank's OData service, such as https://host/jiveservices/odata"
    if url is None:
        raise SetupError(f"NULMETING_SWING_URL: found none, {expected}")
    base, _, service = url.rstrip("/").rpartition("/")
    if not _CODE.fullmatch(service) or not urlsplit(base).hostname:
        raise SetupError(f"NULMETING_SWING_URL: found no such address, {expected}")
    client = open_client(
        base,
        transport,
        retry=retry,
        timeout_seconds=timeout_seconds,
        secret_headers={_HEADER: apikey} if apikey else None,
    )
    return SwingClient(client, service, has_key=apikey is not None)


def fetch_variable(client: SwingClient, connector: SwingConnector, code: str, geolevel: str) -> FetchedVariable:
    """Fetch what the databank says of a variable and its values at one level of areas, for all declared periods.

    The whole of it counts or nothing: nothing is handed over where it raises. Raises VariableNotFound for a variable
    that the databank does not know, or does not publish at this level; SwingError for all else, a variable that was
    changed in the meantime included.
    """
    entity = _entity(code)
    payload, variable = client.get(code, entity, parse_variable)
    if variable.code.casefold() != code.casefold():
        raise SwingError(code, entity, f"found the variable {variable.code!r}, expected {code!r}")
    files = {VARIABLE_FILE: payload}
    rows = 0
    level = f"{entity}/GeoLevels('{geolevel}')/PeriodLevels('{connector.period_level}')"
    for period in connector.periods:
        try:
            for page, (payload, values) in enumerate(
                client.pages(code, f"{level}/Periods('{period}')/Values", parse_values), start=1
            ):
                files[values_file(period, page)] = payload
                rows += len(values)
        except VariableNotFound as error:
            cause = f"{error.cause}; it is published at the levels {_levels(client, code)}"
            raise VariableNotFound(code, error.resource, cause, error.page, error.status) from error
    after = client.get(code, entity, parse_variable)[1]
    if after != variable:
        cause = (
            f"the variable was changed while it was being fetched ({variable.last_update}, then {after.last_update})"
        )
        raise SwingError(code, entity, f"{cause}; fetch it again")
    return FetchedVariable(variable, geolevel, files, rows, f"{level}/Periods('{','.join(connector.periods)}')/Values")


def fetch_list(client: SwingClient, resource: str) -> list[dict[str, Any]]:
    """Everything in a list of the databank: `Variables`, `GeoLevels`, `GeoLevels('gemeente')/GeoItems`,
    `PeriodLevels`, `Periods`. Raises as `SwingClient.get`."""
    return [entry for _, page in client.pages(resource, resource, list_in) for entry in page]


def _levels(client: SwingClient, code: str) -> str:
    """The levels of areas at which a variable is published, as far as the databank says."""
    try:
        levels = fetch_list(client, f"{_entity(code)}/GeoLevels")
    except SwingError as error:
        return f"that cannot be told either ({error.cause})"
    return ", ".join(str(level.get("ExternalCode")) for level in levels) or "of none"


def _entity(variable: str) -> str:
    return f"Variables('{variable}')"
