"""Keyed pseudonyms: the same person always the same, and without the key nobody.

What belongs here: the key, what is computed with it, and which key a source is given. What does not: where the
secret stands (`settings`), and finding the number of a person in a delivery (the readers).

A BSN has so few possible values that an ordinary hash of it is undone in minutes by trying them all. That is why a
key is used that stands nowhere beside the data, and why there is no default one.

A key can make way for another without anybody's number: a pseudonym of the old key is hashed again under the new one.
The number of a person is therefore hashed under every key there has been, one after the other, and so are the
pseudonyms that are kept, from the key that they were made with. Who has the old keys alone has no pseudonym of now.

The checksum of a delivery goes the same way. By a checksum alone a guess at the few bytes that name a person can be
tried, as by an ordinary hash of a BSN.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from typing import Final

from pipelines.declarations.source import Source
from pipelines.settings import (
    PSEUDONYM_KEY,
    PSEUDONYM_KEY_FILE,
    Settings,
    SetupError,
    earlier_pseudonym_secrets,
    pseudonym_secret,
)

SMALLEST_KEY: Final = 32
EXPECTED_KEY: Final = (
    f"a key of {SMALLEST_KEY} bytes or more in {PSEUDONYM_KEY}, or in the file of {PSEUDONYM_KEY_FILE}"
)

# Public, so worth nothing: it is used for the bundled deliveries about persons who do not exist, and for nothing else.
SAMPLE_ONLY_KEY: Final = b"public key of the sample profile: fictional persons only"

_PERSON: Final = b"nulmeting person 1:"
_HOUSEHOLD: Final = b"nulmeting household 1:"
_DELIVERY: Final = b"nulmeting delivery 1:"
_AGAIN: Final = b"nulmeting pseudonym of an earlier key 1:"
_ERASED: Final = b"nulmeting erased person 1:"
_FINGERPRINT: Final = b"nulmeting key fingerprint 1"
_PERSON_DIGITS: Final = 32
_FINGERPRINT_DIGITS: Final = 8


class PseudonymKeyError(Exception):
    """There is no key to make pseudonyms with. `found` says what there is instead, and never what is in it."""

    def __init__(self, found: str) -> None:
        super().__init__(f"found {found}, expected {EXPECTED_KEY}")
        self.found = found


class PseudonymKey:
    """A key and those before it, oldest first, none of which can be printed. Raises PseudonymKeyError for a short one.

    `fingerprint` tells one row of keys from another, and nothing else about them.
    """

    __slots__ = ("_again", "_deliveries", "_erased", "_fingerprints", "_households", "_keyed", "fingerprint")

    def __init__(self, secret: bytes, earlier: Sequence[bytes] = ()) -> None:
        keys = (*earlier, secret)
        if short := [key for key in keys if len(key) < SMALLEST_KEY]:
            raise PseudonymKeyError(f"a key of {len(short[0])} bytes")
        self._keyed = hmac.new(keys[0], _PERSON, hashlib.sha256)
        self._households = hmac.new(keys[0], _HOUSEHOLD, hashlib.sha256)
        self._deliveries = hmac.new(keys[0], _DELIVERY, hashlib.sha256)
        self._again = tuple(hmac.new(key, _AGAIN, hashlib.sha256) for key in keys[1:])
        self._erased = tuple(hmac.new(key, _ERASED, hashlib.sha256) for key in keys)
        fingerprints = [""]
        for key in keys:
            said = _FINGERPRINT + fingerprints[-1].encode()
            fingerprints.append(hmac.new(key, said, hashlib.sha256).hexdigest()[:_FINGERPRINT_DIGITS])
        self._fingerprints = tuple(fingerprints[1:])
        self.fingerprint: str = self._fingerprints[-1]

    def person(self, bsn: str) -> str:
        """The pseudonym of a BSN of nine digits: 32 hexadecimal digits of its HMAC-SHA-256."""
        return self._hashed_again(_hashed(self._keyed, bsn), 0)

    def household(self, name: str) -> str:
        """The pseudonym of a household, by what its deliverer calls it; never that of a person."""
        return self._hashed_again(_hashed(self._households, name), 0)

    def delivery(self, checksum: str) -> str:
        """What tells a delivery of that SHA-256 from others: 32 hexadecimal digits, which renew as pseudonyms do."""
        return self._hashed_again(_hashed(self._deliveries, checksum), 0)

    def follows(self, fingerprint: str) -> bool:
        """Whether this is the key of that fingerprint, or one that came after it."""
        return fingerprint in self._fingerprints

    def renewed(self, pseudonym: str, fingerprint: str) -> str:
        """The pseudonym under this key of what has this pseudonym, or a delivery this mark, under an earlier one.

        `fingerprint` is that of the key that it was made with. Raises ValueError for one that this key does not follow.
        """
        return self._hashed_again(pseudonym, self._fingerprints.index(fingerprint))

    def persons(self, bsn: str) -> dict[str, str]:
        """The pseudonyms that a BSN of nine digits had under every key there has been, by the key's fingerprint."""
        pseudonym, found = _hashed(self._keyed, bsn), dict[str, str]()
        for fingerprint, later in zip(self._fingerprints, (*self._again, None), strict=True):
            found[fingerprint] = pseudonym
            pseudonym = _hashed(later, pseudonym) if later else pseudonym
        return found

    def erasure_marks(self, pseudonym: str, fingerprint: str) -> tuple[tuple[str, str], ...]:
        """What a person is called in a list of erased ones: a fingerprint and 32 digits for this key and every later.

        The pseudonym is hashed once more, so that the list leads to no row, wherever one should still be kept. Raises
        ValueError for the fingerprint of a key that this one does not follow.
        """
        place = self._fingerprints.index(fingerprint)
        marks = [(fingerprint, _hashed(self._erased[place], pseudonym))]
        for done, later in enumerate(self._again[place:], start=place + 1):
            pseudonym = _hashed(later, pseudonym)
            marks.append((self._fingerprints[done], _hashed(self._erased[done], pseudonym)))
        return tuple(marks)

    def _hashed_again(self, pseudonym: str, done: int) -> str:
        for keyed in self._again[done:]:
            pseudonym = _hashed(keyed, pseudonym)
        return pseudonym

    def __repr__(self) -> str:
        return f"PseudonymKey({self.fingerprint})"

    def __reduce__(self) -> str:
        raise TypeError("a pseudonym key is not written anywhere")


class WatchfulKey(PseudonymKey):
    """The same key, which keeps in `met` the pseudonyms of the erased persons whose numbers it was given.

    `erased` are the marks of a list of erased persons, of whatever key each of them was made with.
    """

    __slots__ = ("_listed", "met")

    def __init__(self, key: PseudonymKey, erased: Collection[tuple[str, str]]) -> None:
        for name in PseudonymKey.__slots__:
            setattr(self, name, getattr(key, name))
        self._listed = frozenset(erased)
        self.met: set[str] = set()

    def person(self, bsn: str) -> str:
        pseudonym = super().person(bsn)
        if not self._listed.isdisjoint(self.erasure_marks(_hashed(self._keyed, bsn), self._fingerprints[0])):
            self.met.add(pseudonym)
        return pseudonym


def _hashed(keyed: hmac.HMAC, text: str) -> str:
    digest = keyed.copy()
    digest.update(text.encode())
    return digest.hexdigest()[:_PERSON_DIGITS]


def throwaway_key() -> PseudonymKey:
    """A key that nobody will ever have again: for looking at a delivery without keeping any of it."""
    return PseudonymKey(secrets.token_bytes(SMALLEST_KEY))


def key_for(source: Source, settings: Settings) -> PseudonymKey | None:
    """The key for a source; None for one whose reader makes no pseudonyms.

    The deliveries of the sample that are declared fictional are read with the public key, everything else with the
    configured one. Raises PseudonymKeyError where there is none, or none that will do.
    """
    if not source.makes_pseudonyms:
        return None
    if settings.profile == "sample" and source.origin.fictional:
        return PseudonymKey(SAMPLE_ONLY_KEY)
    return configured_key()


def configured_key() -> PseudonymKey:
    """The key that is set up, with those before it. Raises PseudonymKeyError where there is none that will do."""
    try:
        secret, earlier = pseudonym_secret(), earlier_pseudonym_secrets()
    except SetupError as error:
        raise PseudonymKeyError(str(error)) from None
    if secret is None:
        raise PseudonymKeyError("no key")
    return PseudonymKey(secret, earlier)
