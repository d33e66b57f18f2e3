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
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar
from urllib.parse import unquote, urlsplit

from pipelines.connectors.exchange import Exchange, FailedRequestError, Incoming
from pipelines.connectors.partial_file import PartialFile
from pipelines.settings import SetupError

if TYPE_CHECKING:
    import httpx
    import stamina.instrumentation

T = TypeVar("T")

MAX_ANSWER_BYTES = 512 * 1024 * 1024
MAX_ANSWER_SECONDS = 900.0
MOST_AT_A_TIME = 2
_OK, _PARTIAL_CONTENT, _NOT_FOUND, _OF_THE_PROXY, _SERVER_ERROR = 200, 206, 404, 407, 500
_WORTH_GOING_ON = 64 * 1024
_BUSY = {408: "the server gave up waiting", 429: "too many requests"}
SPELLING = "table ids are case-sensitive (03759ned, 85043NED): check the spelling against the catalogue"
# A name, below any number of entities with a key: `Properties`, `GeoLevels('gemeente')/GeoItems`.
_PATH_PART = re.compile(r"(?:[A-Za-z]+\('[A-Za-z0-9_-]+'\)/)*[A-Za-z0-9_-]+(?:\('[A-Za-z0-9_-]+'\))?")

_log = logging.getLogger(__name__)


class SourceError(Exception):
    """A publisher did not give what was asked: which table, which resource and page of it, and why.

    `status` is the HTTP status with which the server refused, where it did.
    """

    def __init__(
        self, table: str, resource: str, cause: str, page: int | None = None, status: int | None = None
    ) -> None:
        self.table, self.resource, self.cause, self.page = table, resource, cause, page
        self.status = status
        place = f"CBS table {table}, {resource}" + (f", page {page}" if page is not None else "")
        super().__init__(f"{place}: {cause}")


class NotAsDeclared(SourceError):  # noqa: N818 - a finding as much as an error
    """The table is there, and has nothing of what is declared of it: a matter of the declaration, not of the day."""


class ResourceNotFound(SourceError):  # noqa: N818 - a finding as much as an error
    """The publisher has no such resource of the table."""


class TableNotFound(ResourceNotFound):
    """The publisher knows no table of this id."""


class IncompleteAnswerError(ValueError):
    """The bytes of an answer do not make a whole JSON document; worth asking again."""


class UnexpectedAnswerError(ValueError):
    """A whole JSON document, but not one of the shape that was agreed on; asking again will not help."""


def unreadable(error: ValueError, payload: bytes) -> ValueError:
    """What is wrong with an answer that could not be read: it is broken off, or of another shape."""
    if isinstance(error, IncompleteAnswerError | UnexpectedAnswerError):
        return error
    try:
        json.loads(payload.decode("utf-8-sig"))
    except ValueError as broken:
        return IncompleteAnswerError(str(broken))
    return UnexpectedAnswerError(str(error))


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


class _NotFoundError(FailedRequestError):
    """The server knows no such resource."""


def _whether_again(error: Exception) -> bool | float:
    return error.again if isinstance(error, FailedRequestError) else False


def _log_retry(details: stamina.instrumentation.RetryDetails) -> None:
    _log.info("try %d failed, next in %.1f s: %s", details.retry_num, details.wait_for, details.caused_by)


class CbsClient:
    """An open connection to one OData service; a context manager.

    Nothing but paths under `base_url` is ever asked for: redirects are not followed, and of a next-page link
    only the query is used. `secrets` went along with every request: an answer that repeats one is not used.
    """

    def __init__(self, exchange: Exchange, base_url: str, retry: RetryPolicy, secrets: tuple[str, ...] = ()) -> None:
        self._exchange = exchange
        self._retry = retry
        self._secrets = secrets
        self._places = threading.BoundedSemaphore(MOST_AT_A_TIME)
        self.base_url = base_url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def below(self, path: str) -> CbsClient:
        """A client for what stands below `base_url` under `path`, over the same connections and as politely."""
        other = CbsClient(self._exchange, f"{self.base_url}/{path}", self._retry, self._secrets)
        other._places = self._places
        return other

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
        TableNotFound for a 404 on the table's Properties, ResourceNotFound for one on anything else, and SourceError
        for all else that goes wrong after the tries of the policy. No more than MOST_AT_A_TIME requests are under way
        at once, however many threads ask.
        """
        url = self.url(table, resource, query)

        def ask_once() -> tuple[bytes, T]:
            payload = self._ask(url)
            return payload, _understood(payload, read)

        return self._with_patience(table, resource, page, ask_once)

    def download(self, table: str, partial: PartialFile) -> None:
        """Bring the file of a table, which stands under its id, onto the disk; one that breaks goes on where it broke.

        Raises ResourceNotFound for a 404, and SourceError for all else that goes wrong after the tries of the policy,
        of which those that brought something are not counted.
        """
        url = f"{self.base_url}/{table}"

        def go_on() -> bool:
            had = partial.size
            try:
                self._download(url, partial)
            except FailedRequestError as failure:
                if failure.again is False or partial.size - had < _WORTH_GOING_ON:
                    raise
                _log.info("the download of %s broke after %d bytes: %s", url, partial.size, failure.cause)
                return False
            return True

        while not self._with_patience(table, "", None, go_on):
            time.sleep(self._retry.wait_initial)

    def _with_patience(self, table: str, resource: str, page: int | None, ask_once: Callable[[], T]) -> T:
        """What a request gives, tried as often as the policy says."""
        if not (_PATH_PART.fullmatch(table) and (not resource or _PATH_PART.fullmatch(resource))):
            raise SourceError(table, resource, "found another sign in the name, expected letters and digits", page)
        try:
            return self._tried(ask_once)
        except _NotFoundError as failure:
            # Properties is what every table has: where that is missing, the table itself is.
            if resource == "Properties":
                raise TableNotFound(table, resource, f"{failure.cause}; {SPELLING}", page) from failure
            raise ResourceNotFound(table, resource, failure.cause, page, failure.status) from failure
        except FailedRequestError as failure:
            raise SourceError(table, resource, failure.cause, page, failure.status) from failure
        except UnexpectedAnswerError as error:
            raise SourceError(table, resource, str(error), page) from error

    def _tried(self, ask_once: Callable[[], T]) -> T:
        """What a request gives, at the first try or a later one."""
        try:
            return ask_once()
        except FailedRequestError as failure:
            if failure.again is False:
                raise
            first = failure
        # Nearly every request succeeds at once, and need not wait for what only the others need.
        import stamina
        import stamina.instrumentation

        # stamina would otherwise print retries through structlog, in the middle of what a command prints.
        stamina.instrumentation.set_on_retry_hooks([_log_retry])
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
                    if tries == 1:
                        raise first
                    return ask_once()
        except FailedRequestError as failure:
            failure.cause += f" (tried {tries} times)" if tries > 1 else ""
            raise
        raise AssertionError("retrying ended without an answer or an error")

    def _ask(self, url: str) -> bytes:
        with self._answering(url) as response:
            payload = _whole_body(response)
        repeats = any(secret.encode() in payload for secret in self._secrets)
        if response.status_code != _OK:
            self._refuse(response, b"" if repeats else payload)
        if repeats:
            raise FailedRequestError("the answer repeats the key that was sent, and is not kept", False)
        return payload

    def _download(self, url: str, partial: PartialFile) -> None:
        with self._answering(url, partial.request_headers()) as response:
            if response.status_code not in (_OK, _PARTIAL_CONTENT):
                if partial.was_refused(response.status_code):
                    raise FailedRequestError("the file is no longer what was being downloaded", True)
                self._refuse(response, _whole_body(response))
            if problem := partial.begin(response.status_code, response.headers):
                raise FailedRequestError(problem, True)
            started = time.monotonic()
            for chunk in response.iter_raw():
                if problem := partial.write(chunk):
                    raise FailedRequestError(problem, False)
                if time.monotonic() - started > MAX_ANSWER_SECONDS:
                    raise FailedRequestError(f"the answer was not complete after {MAX_ANSWER_SECONDS:.0f} s", True)
        if problem := partial.finish():
            raise FailedRequestError(problem, True)

    @contextmanager
    def _answering(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Incoming]:
        """An answer while it comes in; whatever breaks it off is one failed try."""
        with self._places, self._exchange.stream(url, headers) as response:
            yield response

    def _refuse(self, response: Incoming, payload: bytes) -> NoReturn:
        status = response.status_code
        said = _what_was_said(payload)
        if 300 <= status < 400 and (target := response.headers.get("location")):
            target = "an address with the key in it" if any(key in target for key in self._secrets) else target
            raise FailedRequestError(f"the server redirects to {target}, which is not followed", False)
        if status == _NOT_FOUND:
            raise _NotFoundError(f"not found (404){said}", False, status)
        if status in _BUSY or status >= _SERVER_ERROR:
            what = _BUSY.get(status, "the server failed")
            asked = _asked_wait(response.headers.get("retry-after"))
            longest = self._retry.longest_asked_wait
            if asked is not None and asked > longest:
                raise FailedRequestError(
                    f"{what} ({status}); it asks to wait {asked:.0f} s, longer than {longest:.0f} s{said}",
                    False,
                    status,
                )
            raise FailedRequestError(f"{what} ({status}){said}", True if asked is None else asked, status)
        if status == _OF_THE_PROXY:
            raise FailedRequestError(
                "the proxy wants another login (407); see HTTP_PROXY and HTTPS_PROXY", False, status
            )
        raise FailedRequestError(f"the server refused the request ({status}){said}", False, status)


def open_client(
    base_url: str,
    transport: httpx.BaseTransport | None = None,
    *,
    retry: RetryPolicy | None = None,
    timeout_seconds: float = 60.0,
    secret_headers: Mapping[str, str] | None = None,
) -> CbsClient:
    """A client for the service under `base_url`, such as `https://datasets.cbs.nl/odata/v1/CBS`.

    `transport` replaces the network (`sample_transport`). `timeout_seconds` is the longest silence borne
    while an answer comes in. `secret_headers` go along with every request, and stand in no message or log. Raises
    SetupError when `base_url` is no address of a service.
    """
    parts = urlsplit(base_url)
    if parts.username or parts.password:
        raise SetupError("expected the address of a service without a user name or password in it")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SetupError(f"found {base_url!r}, expected an address such as https://host/odata/v1/CBS")
    headers = {"Accept": "application/json", "User-Agent": "nulmeting", **(secret_headers or {})}
    exchange = Exchange(headers, timeout_seconds, transport)
    secrets = tuple((secret_headers or {}).values())
    return CbsClient(exchange, base_url.rstrip("/"), retry or RetryPolicy(), secrets)


def next_page_query(link: object, table: str, resource: str) -> str:
    """The query of a next-page link, to be asked for under the client's own base whatever host it prints.

    Raises UnexpectedAnswerError when the link is no text, or leads to another table or resource.
    """
    if not isinstance(link, str) or not link.strip():
        raise UnexpectedAnswerError(f"found {link!r} as next-page link, expected an address")
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        raise UnexpectedAnswerError(f"found {link[:200]!r} as next-page link, expected an address") from None
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    is_relative = not parts.netloc and not parts.path.startswith("/")
    wanted, last = f"{table}/{resource}".split("/"), resource.split("/")
    if segments[-len(wanted) :] != wanted and not (is_relative and segments in ([], last)):
        raise UnexpectedAnswerError(
            f"the next-page link leads elsewhere: found {link!r}, expected a page of {table}/{resource}"
        )
    return parts.query


def _understood(payload: bytes, read: Callable[[bytes], T]) -> T:
    if page := html_page(payload):
        raise FailedRequestError(f"found {page}, expected JSON", False)
    try:
        return read(payload)
    except IncompleteAnswerError as error:
        raise FailedRequestError(f"the JSON is broken off or damaged: {error} ({len(payload)} bytes)", True) from error
    except RecursionError:
        raise UnexpectedAnswerError("found JSON nested without end, expected an answer of a few levels") from None


def _whole_body(response: Incoming) -> bytes:
    """All bytes of an answer, as long as it stays within bounds of size and time."""
    started = time.monotonic()
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise FailedRequestError(f"the answer is larger than {MAX_ANSWER_BYTES} bytes", False)
        if time.monotonic() - started > MAX_ANSWER_SECONDS:
            raise FailedRequestError(f"the answer was not complete after {MAX_ANSWER_SECONDS:.0f} s", True)
    return b"".join(chunks)


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
    if page := html_page(payload):
        return f": {page}"
    try:
        document: Any = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    error = document.get("error", document.get("odata.error")) if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    # OData v3 says in which language it says it.
    message = message.get("value") if isinstance(message, dict) else message
    return f": {_shown(message)}" if isinstance(message, str) and message.strip() else ""


def html_page(payload: bytes) -> str | None:
    """What to call an HTML page; None for bytes that are none."""
    start = payload[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start.startswith(b"<"):
        return None
    title = re.search(r"<title[^>]*>(.*?)</title>", start.decode("utf-8", "replace"), re.IGNORECASE | re.DOTALL)
    return f"an HTML page titled {_shown(title[1])!r}" if title else "an HTML page"


def _shown(text: str) -> str:
    return " ".join(text.split())[:200]
