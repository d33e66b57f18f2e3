"""Whether a fetch failed by the publisher's server or the way to it, and not by what was asked."""

from __future__ import annotations

from http import HTTPStatus

from pipelines.connectors.exchange import FailedRequestError
from pipelines.connectors.http import NotAsDeclared, ResourceNotFound, SourceError

_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def is_outage(error: BaseException) -> bool:
    """Whether it may be over by itself: no connection, an answer broken off, a busy server, or one that fails (5xx).

    A refusal, a table that is not there, an answer of another shape and a table that is not as declared stay so.
    """
    if not isinstance(error, SourceError) or isinstance(error, NotAsDeclared | ResourceNotFound):
        return False
    if error.status is not None:
        return error.status in _BUSY or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(error.__cause__, FailedRequestError) and error.__cause__.again is not False
