"""Which certificate authorities a secure connection is held to, and what to say where none of them vouches.

What belongs here: the authorities. What does not: connections (`connectors.exchange`, `alerts.channels`), and proxies,
which httpx and requests find in the environment by themselves.

Trusted are those of the machine (which `SSL_CERT_FILE` replaces, as everywhere), the usual ones of the web, and those
of the organisation: `NULMETING_CA_FILE` names a PEM file with the authority by which a proxy that looks into
connections, or a server of the municipality, is known. It comes on top of the others and replaces none.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.settings import SetupError

if TYPE_CHECKING:
    import ssl

CA_FILE: Final = "NULMETING_CA_FILE"
_OF_REQUESTS: Final = "REQUESTS_CA_BUNDLE"


def certificate_context() -> ssl.SSLContext:
    """What a connection over TLS is held to. Raises SetupError for a file of authorities that holds none."""
    import ssl

    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if own := os.environ.get(CA_FILE):
        try:
            context.load_verify_locations(own)
        except (ssl.SSLError, OSError) as error:
            raise SetupError(_not_usable(error)) from None
    return context


@contextmanager
def trusted_by_requests() -> Iterator[None]:
    """While this lasts, libraries that use requests (apprise) trust the same authorities.

    They take one file for all. Where the environment names one, that counts. Raises SetupError as above.
    """
    own = os.environ.get(CA_FILE)
    if not own or os.environ.get(_OF_REQUESTS):
        yield
        return
    certificate_context()
    import certifi

    with tempfile.NamedTemporaryFile("wb", prefix="nulmeting-ca-", suffix=".pem") as together:
        for path in (certifi.where(), os.environ.get("SSL_CERT_FILE"), own):
            if path and Path(path).is_file():
                together.write(Path(path).read_bytes() + b"\n")
        together.flush()
        os.environ[_OF_REQUESTS] = together.name
        try:
            yield
        finally:
            del os.environ[_OF_REQUESTS]


def untrusted(error: BaseException) -> str | None:
    """What to say where nobody vouches for the other side of a connection; None where it failed otherwise."""
    import ssl

    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    return (
        f"the certificate of the server is not trusted ({cause.verify_message}); where a proxy or server of your "
        f"organisation has its own authority, name its PEM file in {CA_FILE}"
    )


def _not_usable(error: Exception) -> str:
    import ssl

    found = "a file without certificates" if isinstance(error, ssl.SSLError) else "a file that cannot be read"
    return f"{CA_FILE}: found {found}, expected certificates of authorities in PEM"
