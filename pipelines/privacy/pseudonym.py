"""Keyed pseudonyms: the same person always the same, and without the key nobody.

What belongs here: the key, what is computed with it, and which key a source is given. What does not: where the
secret stands (`settings`), and finding the number of a person in a delivery (the readers).

A BSN has so few possible values that an ordinary hash of it is undone in minutes by trying them all. That is why a
key is used that stands nowhere beside the data, and why there is no default one.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from pipelines.declarations.source import IstandaardReader, Source
from pipelines.settings import PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, Settings, SetupError, pseudonym_secret

SMALLEST_KEY: Final = 32
EXPECTED_KEY: Final = (
    f"a key of {SMALLEST_KEY} bytes or more in {PSEUDONYM_KEY}, or in the file of {PSEUDONYM_KEY_FILE}"
)

# Public, so worth nothing: it is used for the bundled deliveries about persons who do not exist, and for nothing else.
SAMPLE_ONLY_KEY: Final = b"public key of the sample profile: fictional persons only"

_PERSON: Final = b"nulmeting person 1:"
_FINGERPRINT: Final = b"nulmeting key fingerprint 1"
_PERSON_DIGITS: Final = 32
_FINGERPRINT_DIGITS: Final = 8


class PseudonymKeyError(Exception):
    """There is no key to make pseudonyms with. `found` says what there is instead, and never what is in it."""

    def __init__(self, found: str) -> None:
        super().__init__(f"found {found}, expected {EXPECTED_KEY}")
        self.found = found


class PseudonymKey:
    """A key, which cannot be printed. Raises PseudonymKeyError for one that is too short."""

    __slots__ = ("_keyed", "fingerprint")

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SMALLEST_KEY:
            raise PseudonymKeyError(f"a key of {len(secret)} bytes")
        self._keyed = hmac.new(secret, _PERSON, hashlib.sha256)
        self.fingerprint: str = hmac.new(secret, _FINGERPRINT, hashlib.sha256).hexdigest()[:_FINGERPRINT_DIGITS]

    def person(self, bsn: str) -> str:
        """The pseudonym of a BSN of nine digits: 32 hexadecimal digits of its HMAC-SHA-256."""
        digest = self._keyed.copy()
        digest.update(bsn.encode())
        return digest.hexdigest()[:_PERSON_DIGITS]

    def __repr__(self) -> str:
        return f"PseudonymKey({self.fingerprint})"

    def __reduce__(self) -> str:
        raise TypeError("a pseudonym key is not written anywhere")


def throwaway_key() -> PseudonymKey:
    """A key that nobody will ever have again: for looking at a delivery without keeping any of it."""
    return PseudonymKey(secrets.token_bytes(SMALLEST_KEY))


def key_for(source: Source, settings: Settings) -> PseudonymKey | None:
    """The key for a source; None for one whose reader makes no pseudonyms.

    The deliveries of the sample that are declared fictional are read with the public key, everything else with the
    configured one. Raises PseudonymKeyError where there is none, or none that will do.
    """
    if not isinstance(source.reader, IstandaardReader):
        return None
    if settings.profile == "sample" and source.origin.fictional:
        return PseudonymKey(SAMPLE_ONLY_KEY)
    try:
        secret = pseudonym_secret()
    except SetupError as error:
        raise PseudonymKeyError(str(error)) from None
    if secret is None:
        raise PseudonymKeyError("no key")
    return PseudonymKey(secret)
