"""Requests to one publisher and their answers, through httpx.

What belongs here: getting status, headers and body of an answer as it comes in, and saying what went wrong on the
way. What does not: what a status means, how much of an answer is taken, and whether to ask again (`http`).

httpx is imported where the first connection is opened: it takes longer to import than a small table to fetch.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pipelines.settings import SetupError
from pipelines.trust import certificate_context, untrusted

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS: Final = 10.0
LOCAL_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
_PIECE: Final = 128 * 1024


class FailedRequestError(Exception):
    """One try failed. `again`: False, True, or the seconds that the server asks to wait first."""

    def __init__(self, cause: str, again: bool | float, status: int | None = None) -> None:
        super().__init__(cause)
        self.cause, self.again, self.status = cause, again, status


class UnreachableError(FailedRequestError):
    """There is no connection to the server at all."""


class Incoming:
    """An answer that is coming in. Its body can be taken once, in pieces.

    What breaks the body off, or damages it, is a FailedRequestError where the answer is left.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status_code: int = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it was sent."""
        return self._response.iter_raw()

    def iter_bytes(self) -> Iterator[bytes]:
        """The body decompressed.

        httpx would take a compressed body that ends in the middle for whole, and one in a coding that it does not
        know for plain.
        """
        encoding = self.headers.get("content-encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise FailedRequestError(f"found an answer compressed as {encoding}, expected gzip or none", False)
        return self.iter_raw() if encoding == "identity" else _unpacked(self.iter_raw())


class Exchange:
    """Connections to one publisher, kept open from one request to the next. Several threads may ask at once.

    Proxies and certificate authorities are those of the organisation: found in the environment and on the machine. A
    service on this machine is never asked through a proxy. `transport` replaces the network.
    """

    def __init__(
        self, headers: Mapping[str, str], timeout_seconds: float, transport: httpx.BaseTransport | None
    ) -> None:
        import httpx

        verify = certificate_context()
        try:
            self._client = httpx.Client(
                transport=transport,
                timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)),
                follow_redirects=False,
                headers={**headers, "Accept-Encoding": "gzip"},
                mounts={f"all://{f'[{host}]' if ':' in host else host}": None for host in LOCAL_HOSTS},
                verify=verify,
            )
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            raise _why_no_proxy(error) from None

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Incoming]:
        """The answer to a GET, whatever its status; redirects are not followed. Raises FailedRequestError."""
        import httpx

        try:
            with self._client.stream("GET", url, headers=headers) as response:
                yield Incoming(response)
        except httpx.InvalidURL as error:
            raise FailedRequestError(f"the address {url!r} cannot be asked for: {error}", False) from error
        except httpx.ConnectTimeout as error:
            raise UnreachableError("no connection was made in time", True) from error
        except httpx.TimeoutException as error:
            raise FailedRequestError("time-out: the server stopped answering", True) from error
        except httpx.ProxyError as error:
            # One that cannot reach the server may later; one that wants another login will not change its mind.
            again = not str(error).startswith(("401", "403", "407"))
            raise UnreachableError(f"the proxy refused: {error}; see HTTPS_PROXY and NO_PROXY", again) from None
        except httpx.ConnectError as error:
            if said := untrusted(error):
                raise UnreachableError(said, False) from error
            raise UnreachableError(f"no connection could be made: {error}", True) from error
        except httpx.UnsupportedProtocol as error:
            raise FailedRequestError(str(error), False) from error
        except httpx.TransportError as error:
            raise FailedRequestError(f"the connection was cut during the answer: {error}", True) from error

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """What gzip had compressed, in pieces of bounded size: a few bytes may stand for gigabytes."""
    unpack = zlib.decompressobj(wbits=31)
    try:
        for packed in chunks:
            rest = packed
            while rest:
                yield unpack.decompress(rest, _PIECE)
                rest = unpack.unconsumed_tail
        yield unpack.flush()
    except zlib.error as error:
        raise FailedRequestError(f"the compressed answer is damaged: {error}", True) from error
    if not unpack.eof:
        raise FailedRequestError("the compressed answer is damaged: it ends in the middle", True)


def _why_no_proxy(error: Exception) -> SetupError:
    """Without the original, which may hold the name and password for the proxy."""
    wanted = "expected an address such as http://proxy.example.nl:8080"
    if isinstance(error, ImportError):
        wanted = f"found a SOCKS proxy, {wanted}"
    return SetupError(f"HTTP_PROXY, HTTPS_PROXY, ALL_PROXY or NO_PROXY: found what is no use, {wanted}")
