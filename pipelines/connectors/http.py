"""Asking a publisher's OData service over HTTP: time-outs, retries, next-page links, and one clear error.

What belongs here: getting the bytes of one resource of one table, or saying why not. What does not: which
resources make up a table (`cbs_v4`), and what their bytes mean (`readers`).
"""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar
from urllib.parse import unquote, urlsplit

import httpx
import stamina
import stamina.instrumentation

from pipelines.settings import SetupError

T = TypeVar("T")

MAX_ANSWER_BYTES = 512 * 1024 * 1024
MAX_ANSWER_SECONDS = 900.0
_CONNECT_SECONDS = 10.0
_BUSY = {408: "the server gave up waiting", 429: "too many requests"}
_SPELLING = "table ids are case-sensitive (03759ned, 85043NED): check the spelling against the catalogue"
_PATH_PART = re.compile(r"[A-Za-z0-9_-]+")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

_log = logging.getLogger(__name__)


class SourceError(Exception):
    """A publisher did not give what was asked: which table, which resource and page of it, and why."""

    def __init__(self, table: str, resource: str, cause: str, page: int | None = None) -> None:
        self.table, self.resource, self.cause, self.page = table, resource, cause, page
        place = f"CBS table {table}, {resource}" + (f", page {page}" if page is not None else "")
        super().__init__(f"{place}: {cause}")


class TableNotFound(SourceError):  # noqa: N818 - a finding as much as an error
    """The publisher knows no table of this id."""


class IncompleteAnswerError(ValueError):
    """The bytes of an answer do not make a whole JSON document; worth asking again."""


class UnexpectedAnswerError(ValueError):
    """A whole JSON document, but not one of the shape that was agreed on; asking again will not help."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after how many seconds, a failed request is repeated.

    The wait doubles from `wait_initial` up to `wait_max`, plus at most `wait_jitter` by chance. A wait that
    the server asks for (`Retry-After`) is honoured up to `longest_asked_wait`; a longer one ends the fetch.
    """

    attempts: int = 4
    wait_initial: float = 1.0
    wait_max: float = 30.0
    wait_jitter: float = 1.0
    longest_asked_wait: float = 120.0


class _FailedRequestError(Exception):
    """One try failed. `again`: False, True, or the seconds that the server asks to wait first."""

    def __init__(self, cause: str, again: bool | float) -> None:
        super().__init__(cause)
        self.cause, self.again = cause, again


class _NotFoundError(_FailedRequestError):
    """The server knows no such resource."""


def _whether_again(error: Exception) -> bool | float:
    return error.again if isinstance(error, _FailedRequestError) else False


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    _log.info("try %d failed, next in %.1f s: %s", details.retry_num, details.wait_for, details.caused_by)


class CbsClient:
    """An open connection to one OData service; a context manager.

    Nothing but paths under `base_url` is ever asked for: redirects are not followed, and of a next-page link
    only the query is used.
    """

    def __init__(self, client: httpx.Client, base_url: str, retry: RetryPolicy) -> None:
        self._client = client
        self._retry = retry
        self.base_url = base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def url(self, table: str, resource: str, query: str = "") -> str:
        """Where a resource of a table stands. `query` is already percent-encoded."""
        path = f"{self.base_url}/{table}/{resource}"
        return f"{path}?{query}" if query else path

    def get(
        self,
        table: str,
        resource: str,
        read: Callable[[bytes], T],
        query: str = "",
        page: int | None = None,
    ) -> tuple[bytes, T]:
        """The exact bytes of a resource, and what `read` makes of them.

        `read` raises IncompleteAnswerError for bytes that are no whole JSON document, which are asked for
        again, and UnexpectedAnswerError for a document of another shape, which is an error at once. Raises
        TableNotFound for a 404 on the table's Properties, and SourceError for all else that goes wrong after
        the tries of the policy.
        """
        if not (_PATH_PART.fullmatch(table) and _PATH_PART.fullmatch(resource)):
            raise SourceError(table, resource, "found another sign in the name, expected letters and digits", page)
        url = self.url(table, resource, query)
        policy = self._retry
        tries = 0
        try:
            for attempt in stamina.retry_context(
                on=_whether_again,
                attempts=policy.attempts,
                timeout=None,
                wait_initial=policy.wait_initial,
                wait_max=policy.wait_max,
                wait_jitter=policy.wait_jitter,
            ):
                with attempt:
                    tries += 1
                    payload = self._ask(url)
                    return payload, _understood(payload, read)
        except _NotFoundError as failure:
            # Properties is what every table has: where that is missing, the table itself is.
            if resource == "Properties":
                raise TableNotFound(table, resource, f"{failure.cause}; {_SPELLING}", page) from failure
            raise SourceError(table, resource, failure.cause, page) from failure
        except _FailedRequestError as failure:
            cause = failure.cause + (f" (tried {tries} times)" if tries > 1 else "")
            raise SourceError(table, resource, cause, page) from failure
        except UnexpectedAnswerError as error:
            raise SourceError(table, resource, str(error), page) from error
        raise AssertionError("retrying ended without an answer or an error")

    def _ask(self, url: str) -> bytes:
        try:
            with self._client.stream("GET", url) as response:
                payload = _whole_body(response)
        except httpx.InvalidURL as error:
            raise _FailedRequestError(f"the address {url!r} cannot be asked for: {error}", False) from error
        except httpx.ConnectTimeout as error:
            raise _FailedRequestError("no connection was made in time", True) from error
        except httpx.TimeoutException as error:
            raise _FailedRequestError("time-out: the server stopped answering", True) from error
        except httpx.ConnectError as error:
            raise _FailedRequestError(f"no connection could be made: {error}", True) from error
        except httpx.UnsupportedProtocol as error:
            raise _FailedRequestError(str(error), False) from error
        except httpx.TransportError as error:
            raise _FailedRequestError(f"the connection was cut during the answer: {error}", True) from error
        except httpx.DecodingError as error:
            raise _FailedRequestError(f"the compressed answer is damaged: {error}", True) from error
        if response.status_code != httpx.codes.OK:
            self._refuse(response, payload)
        return payload

    def _refuse(self, response: httpx.Response, payload: bytes) -> NoReturn:
        status = response.status_code
        said = _what_was_said(payload)
        if response.is_redirect:
            target = response.headers.get("location", "nowhere")
            raise _FailedRequestError(f"the server redirects to {target}, which is not followed", False)
        if status == httpx.codes.NOT_FOUND:
            raise _NotFoundError(f"not found (404){said}", False)
        if status in _BUSY or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            what = _BUSY.get(status, "the server failed")
            asked = _asked_wait(response.headers.get("retry-after"))
            longest = self._retry.longest_asked_wait
            if asked is not None and asked > longest:
                raise _FailedRequestError(
                    f"{what} ({status}); it asks to wait {asked:.0f} s, longer than {longest:.0f} s{said}",
                    False,
                )
            raise _FailedRequestError(f"{what} ({status}){said}", True if asked is None else asked)
        raise _FailedRequestError(f"the server refused the request ({status}){said}", False)


def open_client(
    base_url: str,
    transport: httpx.BaseTransport | None = None,
    *,
    retry: RetryPolicy | None = None,
    timeout_seconds: float = 60.0,
) -> CbsClient:
    """A client for the service under `base_url`, such as `https://datasets.cbs.nl/odata/v1/CBS`.

    `transport` replaces the network (`sample_transport`). `timeout_seconds` is the longest silence borne
    while an answer comes in. Raises SetupError when `base_url` is no address of a service.
    """
    parts = urlsplit(base_url)
    if parts.username or parts.password:
        raise SetupError("expected the address of a service without a user name or password in it")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SetupError(f"found {base_url!r}, expected an address such as https://host/odata/v1/CBS")
    # stamina would otherwise print retries through structlog, in the middle of what a command prints.
    stamina.instrumentation.set_on_retry_hooks([_log_retry])
    client = httpx.Client(
        transport=transport,
        timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, _CONNECT_SECONDS)),
        follow_redirects=False,
        headers={"Accept": "application/json", "User-Agent": "nulmeting"},
        # A service on this machine is never asked through a proxy of the organisation.
        mounts={f"all://{host}": None for host in _LOCAL_HOSTS},
    )
    return CbsClient(client, base_url.rstrip("/"), retry or RetryPolicy())


def next_page_query(link: object, table: str, resource: str) -> str:
    """The query of a next-page link, to be asked for under the client's own base whatever host it prints.

    Raises UnexpectedAnswerError when the link is no text, or leads to another table or resource.
    """
    if not isinstance(link, str) or not link.strip():
        raise UnexpectedAnswerError(f"found {link!r} as next-page link, expected an address")
    parts = urlsplit(link.strip())
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    is_relative = not parts.netloc and not parts.path.startswith("/")
    if segments[-2:] != [table, resource] and not (is_relative and segments in ([], [resource])):
        raise UnexpectedAnswerError(
            f"the next-page link leads elsewhere: found {link!r}, expected a page of {table}/{resource}"
        )
    return parts.query


def _understood(payload: bytes, read: Callable[[bytes], T]) -> T:
    if page := _html_page(payload):
        raise _FailedRequestError(f"found {page}, expected JSON", False)
    try:
        return read(payload)
    except IncompleteAnswerError as error:
        raise _FailedRequestError(f"the JSON is broken off or damaged: {error} ({len(payload)} bytes)", True) from error


def _whole_body(response: httpx.Response) -> bytes:
    """All bytes of an answer, as long as it stays within bounds of size and time."""
    started = time.monotonic()
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise _FailedRequestError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes", False)
        if time.monotonic() - started > MAX_ANSWER_SECONDS:
            raise _FailedRequestError(f"the answer was not complete after {MAX_ANSWER_SECONDS:.0f} s", True)
    return bytes(body)


def _asked_wait(header: str | None) -> float | None:
    """The seconds of a Retry-After header, in either of its forms; None where none can be read."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - dt.datetime.now(dt.UTC)).total_seconds())


def _what_was_said(payload: bytes) -> str:
    """What the body of a refusal says, to be put behind our own words; empty where it is not readable."""
    if page := _html_page(payload):
        return f": {page}"
    try:
        document: Any = json.loads(payload)
    except ValueError:
        return ""
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return f": {_shown(message)}" if isinstance(message, str) and message.strip() else ""


def _html_page(payload: bytes) -> str | None:
    """What to call an HTML page; None for bytes that are none."""
    start = payload[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"<"):
        return None
    title = re.search(r"<title[^>]*>(.*?)</title>", start.decode("utf-8", "replace"), re.IGNORECASE | re.DOTALL)
    return f"an HTML page titled {_shown(title[1])!r}" if title else "an HTML page"


def _shown(text: str) -> str:
    return " ".join(text.split())[:200]
