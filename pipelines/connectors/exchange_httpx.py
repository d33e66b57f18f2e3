"""Requests and their answers through httpx: through proxies, and through what stands in for the network.

What belongs here: the same as in `exchange`, for what that does not do itself. What does not: everything else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from pipelines.connectors.exchange import (
    CONNECT_SECONDS,
    CUT,
    DAMAGED,
    LOCAL_HOSTS,
    NO_CONNECTION,
    SILENT,
    TOO_SLOW_TO_CONNECT,
    FailedRequestError,
    Incoming,
    UnreachableError,
)


class HttpxExchange:
    """An httpx client; the organisation's proxies are found in the environment."""

    def __init__(
        self, headers: Mapping[str, str], timeout_seconds: float, transport: httpx.BaseTransport | None
    ) -> None:
        self._client = httpx.Client(
            transport=transport,
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)),
            follow_redirects=False,
            headers=dict(headers),
            mounts={f"all://{f'[{host}]' if ':' in host else host}": None for host in LOCAL_HOSTS},
        )

    @contextmanager
    def stream(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Incoming]:
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                yield response
        except httpx.InvalidURL as error:
            raise FailedRequestError(f"the address {url!r} cannot be asked for: {error}", False) from error
        except httpx.ConnectTimeout as error:
            raise UnreachableError(TOO_SLOW_TO_CONNECT, True) from error
        except httpx.TimeoutException as error:
            raise FailedRequestError(SILENT, True) from error
        except httpx.ConnectError as error:
            raise UnreachableError(f"{NO_CONNECTION}: {error}", True) from error
        except httpx.UnsupportedProtocol as error:
            raise FailedRequestError(str(error), False) from error
        except httpx.TransportError as error:
            raise FailedRequestError(f"{CUT}: {error}", True) from error
        except httpx.DecodingError as error:
            raise FailedRequestError(f"{DAMAGED}: {error}", True) from error

    def close(self) -> None:
        self._client.close()
