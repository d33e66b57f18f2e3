"""Requests to one publisher and their answers, over plain HTTP/1.1.

What belongs here: getting status, headers and body of an answer as it comes in, and saying what went wrong on the
way. What does not: what a status means, how much of an answer is taken, and whether to ask again (`http`).

This is the road of nearly all requests, and stands on the standard library: httpx takes longer to import than a
small table takes to fetch. It is used where a request has to go through a proxy, or a test replaces the network.
"""

from __future__ import annotations

import http.client
import zlib
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import ssl

    import httpx

CONNECT_SECONDS: Final = 10.0
LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
NO_CONNECTION: Final = "no connection could be made"
TOO_SLOW_TO_CONNECT: Final = "no connection was made in time"
SILENT: Final = "time-out: the server stopped answering"
CUT: Final = "the connection was cut during the answer"
DAMAGED: Final = "the compressed answer is damaged"
_CHUNK: Final = 128 * 1024


class FailedRequestError(Exception):
    """One try failed. `again`: False, True, or the seconds that the server asks to wait first."""

    def __init__(self, cause: str, again: bool | float, status: int | None = None) -> None:
        super().__init__(cause)
        self.cause, self.again, self.status = cause, again, status


class UnreachableError(FailedRequestError):
    """There is no connection to the server at all."""


class Incoming(Protocol):
    """An answer that is coming in. Its body can be taken once."""

    @property
    def status_code(self) -> int:
        """What the server makes of the request."""

    @property
    def headers(self) -> Mapping[str, str]:
        """What it says of the answer; the names are found in small letters."""

    def iter_raw(self) -> Iterator[bytes]:
        """The body in pieces, as sent. Raises FailedRequestError where it comes short."""

    def iter_bytes(self) -> Iterator[bytes]:
        """The body in pieces, decompressed. Raises FailedRequestError where it comes short or is damaged."""


class Exchange(Protocol):
    """A way of asking. Several threads may ask at once."""

    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> AbstractContextManager[Incoming]:
        """The answer to a GET, whatever its status; redirects are not followed. Raises FailedRequestError."""

    def close(self) -> None:
        """Close the connections."""


def exchange_for(
    base_url: str, headers: Mapping[str, str], timeout_seconds: float, transport: httpx.BaseTransport | None
) -> Exchange:
    """The way of asking for what is below `base_url`; `transport` replaces the network."""
    host = urlsplit(base_url).hostname or ""
    # A service on this machine is never asked through a proxy of the organisation.
    if transport is None and (host in LOCAL_HOSTS or not _has_proxy(base_url, host)):
        return DirectExchange(base_url, headers, timeout_seconds)
    from pipelines.connectors.exchange_httpx import HttpxExchange

    return HttpxExchange(headers, timeout_seconds, transport)


def _has_proxy(base_url: str, host: str) -> bool:
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    return bool(proxies.get(urlsplit(base_url).scheme) or proxies.get("all")) and not proxy_bypass(host)


class DirectExchange:
    """Connections to one server that stay open from one request to the next."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout_seconds: float) -> None:
        parts = urlsplit(base_url)
        self._tls = _verified() if parts.scheme == "https" else None
        self._address = (parts.hostname or "", parts.port or (80 if self._tls is None else 443))
        self._headers = {**headers, "Accept-Encoding": "gzip"}
        self._timeout = timeout_seconds
        self._idle: deque[http.client.HTTPConnection] = deque()

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Incoming]:
        connection, response = self._asked(url, {**self._headers, **(headers or {})})
        try:
            yield _Body(response)
        finally:
            # What was not read to its end would be taken for the next answer.
            is_over = response.isclosed() and not response.will_close
            response.close()
            if is_over:
                self._idle.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        while connection := self._kept():
            connection.close()

    def _asked(
        self, url: str, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        while True:
            kept = self._kept()
            connection = kept or self._connected()
            try:
                connection.request("GET", target, headers=dict(headers))
                return connection, connection.getresponse()
            except http.client.InvalidURL as error:
                connection.close()
                raise FailedRequestError(f"the address {url!r} cannot be asked for: {error}", False) from error
            except (http.client.HTTPException, OSError) as error:
                connection.close()
                # A server may close a connection that was idle for long: that says nothing of this request.
                if kept is None or not isinstance(error, ConnectionError):
                    raise _broken(error) from error

    def _kept(self) -> http.client.HTTPConnection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connected(self) -> http.client.HTTPConnection:
        host, port = self._address
        patience = min(self._timeout, CONNECT_SECONDS)
        connection = (
            http.client.HTTPConnection(host, port, timeout=patience)
            if self._tls is None
            else http.client.HTTPSConnection(host, port, timeout=patience, context=self._tls)
        )
        try:
            connection.connect()
        except TimeoutError as error:
            raise UnreachableError(TOO_SLOW_TO_CONNECT, True) from error
        except OSError as error:
            raise UnreachableError(f"{NO_CONNECTION}: {error}", True) from error
        connection.sock.settimeout(self._timeout)
        return connection


class _Body:
    """The answer of `http.client`, in pieces."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self._response = response
        self.status_code: int = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    def iter_raw(self) -> Iterator[bytes]:
        response = self._response
        try:
            while response.length != 0 and (chunk := response.read(_CHUNK)):
                yield chunk
            if response.length:
                raise http.client.IncompleteRead(b"", response.length)
        except (http.client.HTTPException, OSError) as error:
            raise _broken(error) from error

    def iter_bytes(self) -> Iterator[bytes]:
        encoding = self.headers.get("content-encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise FailedRequestError(f"found an answer compressed as {encoding}, expected gzip or none", False)
        return self.iter_raw() if encoding == "identity" else _unpacked(self.iter_raw())


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip had compressed, in pieces of bounded size: a few bytes may stand for gigabytes."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        for packed in chunks:
            rest = packed
            while rest:
                yield unpack.decompress(rest, _CHUNK)
                rest = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error as error:
        raise FailedRequestError(f"{DAMAGED}: {error}", True) from error
    if not unpack.eof:
        raise FailedRequestError(f"{DAMAGED}: it ends in the middle", True)


def _broken(error: Exception) -> FailedRequestError:
    if isinstance(error, TimeoutError):
        return FailedRequestError(SILENT, True)
    return FailedRequestError(f"{CUT}: {error or type(error).__name__}", True)


def _verified() -> ssl.SSLContext:
    """What a secure connection is held to: the authorities that the machine trusts, and the usual ones."""
    import ssl

    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
