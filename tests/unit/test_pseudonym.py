"""Pseudonyms: who makes them, with which key, and what a key never does."""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.declarations.source import Origin
from pipelines.privacy.pseudonym import (
    SAMPLE_ONLY_KEY,
    PseudonymKey,
    PseudonymKeyError,
    key_for,
    throwaway_key,
)
from pipelines.settings import (
    EARLIER_PSEUDONYM_KEYS_FILE,
    PSEUDONYM_KEY,
    PSEUDONYM_KEY_FILE,
    Settings,
    SetupError,
    pseudonym_secret,
)
from tests.istandaard_messages import BSN, OTHER_BSN, bsn, source_of
from tests.unit.reader_sources import delimited

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (PSEUDONYM_KEY, PSEUDONYM_KEY_FILE, EARLIER_PSEUDONYM_KEYS_FILE):
        monkeypatch.delenv(name, raising=False)
    yield


def test_a_pseudonym_is_the_keyed_hash_of_the_number_cut_short() -> None:
    digest = hmac.new(SECRET.encode(), b"nulmeting person 1:" + BSN.encode(), hashlib.sha256).hexdigest()
    assert PseudonymKey(SECRET.encode()).person(BSN) == digest[:32]


@given(st.binary(min_size=32), st.binary(min_size=32), st.integers(0, 400))
def test_one_key_gives_one_pseudonym_and_another_key_another(first: bytes, second: bytes, number: int) -> None:
    one, other = PseudonymKey(first), PseudonymKey(second)
    assert one.person(bsn(number)) == PseudonymKey(first).person(bsn(number))
    # A key that is padded with noughts is the same key to HMAC, as long as it fits one block.
    alike = first.rstrip(b"\0") == second.rstrip(b"\0") or max(len(first), len(second)) > 64
    if not alike:
        assert one.person(bsn(number)) != other.person(bsn(number))
        assert one.fingerprint != other.fingerprint
        assert one.delivery("0" * 64) != other.delivery("0" * 64)


def test_two_people_have_two_pseudonyms_that_do_not_hold_their_numbers() -> None:
    key = PseudonymKey(SECRET.encode())
    assert key.person(BSN) != key.person(OTHER_BSN)
    assert BSN not in key.person(BSN)
    assert len(key.person(BSN)) == 32 and int(key.person(BSN), 16) >= 0


def test_a_key_is_not_printed_and_not_written() -> None:
    key = PseudonymKey(SECRET.encode())
    assert SECRET not in repr(key) and SECRET not in str(key) and SECRET not in f"{key}"
    assert repr(key) == f"PseudonymKey({key.fingerprint})"
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written anywhere"):
            write(key)


def test_a_short_key_is_refused_without_being_shown() -> None:
    with pytest.raises(
        PseudonymKeyError, match="found a key of 31 bytes, expected a key of 32 bytes or more"
    ) as caught:
        PseudonymKey(SECRET[1:].encode())
    assert SECRET[1:] not in str(caught.value)


@given(st.lists(st.binary(min_size=32, max_size=64), min_size=2, max_size=4, unique=True), st.integers(0, 400))
def test_a_pseudonym_of_an_earlier_key_becomes_that_of_a_later_one_without_the_number(
    secrets: list[bytes], number: int
) -> None:
    last = PseudonymKey(secrets[-1], secrets[:-1])
    for until in range(1, len(secrets) + 1):
        key = PseudonymKey(secrets[until - 1], secrets[: until - 1])
        assert last.follows(key.fingerprint)
        assert last.renewed(key.person(bsn(number)), key.fingerprint) == last.person(bsn(number))
        assert last.renewed(key.household("kerkweg 1"), key.fingerprint) == last.household("kerkweg 1")


@given(st.lists(st.binary(min_size=32, max_size=64), min_size=2, max_size=4, unique=True), st.binary(), st.binary())
def test_a_file_has_one_mark_over_all_changes_of_the_key_and_another_file_another(
    secrets: list[bytes], file: bytes, other: bytes
) -> None:
    checksum, second = (hashlib.sha256(data).hexdigest() for data in (file, other))
    last = PseudonymKey(secrets[-1], secrets[:-1])
    for until in range(1, len(secrets) + 1):
        key = PseudonymKey(secrets[until - 1], secrets[: until - 1])
        assert last.renewed(key.delivery(checksum), key.fingerprint) == last.delivery(checksum)
    assert (last.delivery(checksum) == last.delivery(second)) == (file == other)
    assert last.delivery(checksum) not in (checksum[:32], last.person(checksum), last.household(checksum))


def test_a_later_key_hashes_the_pseudonym_and_not_the_number() -> None:
    first, second = SECRET.encode(), SECRET[::-1].encode()
    pseudonym = PseudonymKey(first).person(BSN)
    digest = hmac.new(second, b"nulmeting pseudonym of an earlier key 1:" + pseudonym.encode(), hashlib.sha256)
    renewed = PseudonymKey(second, [first])
    assert renewed.person(BSN) == digest.hexdigest()[:32]
    assert renewed.person(BSN) not in (pseudonym, PseudonymKey(second).person(BSN))
    assert renewed.fingerprint not in (PseudonymKey(first).fingerprint, PseudonymKey(second).fingerprint)


def test_a_key_does_not_renew_what_was_made_with_one_that_it_does_not_follow() -> None:
    alone = PseudonymKey(SECRET.encode())
    other = PseudonymKey(SECRET[::-1].encode())
    assert not alone.follows(other.fingerprint)
    with pytest.raises(ValueError, match="not in tuple"):
        alone.renewed(other.person(BSN), other.fingerprint)


def test_a_short_key_among_the_earlier_ones_is_refused() -> None:
    with pytest.raises(PseudonymKeyError, match="found a key of 5 bytes"):
        PseudonymKey(SECRET.encode(), [b"short"])


def test_the_earlier_keys_stand_in_a_file_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, profile="live")
    path = tmp_path / "earlier"
    path.write_text(f"{SECRET}\n\n{SECRET[::-1]}\n", encoding="utf-8")
    monkeypatch.setenv(PSEUDONYM_KEY, "a" * 32)
    monkeypatch.setenv(EARLIER_PSEUDONYM_KEYS_FILE, str(path))
    key = key_for(source_of(), settings)
    secrets = [SECRET.encode(), SECRET[::-1].encode()]
    assert key is not None and key.fingerprint == PseudonymKey(b"a" * 32, secrets).fingerprint
    path.unlink()
    with pytest.raises(PseudonymKeyError, match="EARLIER_KEYS_FILE: a file that cannot be read"):
        key_for(source_of(), settings)


def test_a_throwaway_key_is_another_every_time() -> None:
    assert throwaway_key().person(BSN) != throwaway_key().person(BSN)


def test_the_key_comes_from_the_environment_or_from_the_file_named_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert pseudonym_secret() is None
    monkeypatch.setenv(PSEUDONYM_KEY, f" {SECRET}\n")
    assert pseudonym_secret() == SECRET.encode()
    path = tmp_path / "key"
    path.write_text(SECRET + "\n", encoding="utf-8")
    monkeypatch.setenv(PSEUDONYM_KEY_FILE, str(path))
    assert pseudonym_secret() == SECRET.encode()
    monkeypatch.delenv(PSEUDONYM_KEY)
    assert pseudonym_secret() == SECRET.encode()
    path.write_text("\n", encoding="utf-8")
    assert pseudonym_secret() is None


def test_two_keys_that_differ_and_a_file_that_is_not_there_are_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(PSEUDONYM_KEY_FILE, str(tmp_path / "key"))
    with pytest.raises(SetupError, match="NULMETING_PSEUDONYM_KEY_FILE: a file that cannot be read"):
        pseudonym_secret()
    (tmp_path / "key").write_text("another key, and as long as that", encoding="utf-8")
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    with pytest.raises(SetupError, match="different keys") as caught:
        pseudonym_secret()
    assert SECRET not in str(caught.value) and "another" not in str(caught.value)


def test_a_source_about_persons_has_the_configured_key_and_others_have_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, profile="live")
    assert key_for(delimited(), settings) is None
    with pytest.raises(PseudonymKeyError, match="found no key, expected a key of 32 bytes or more"):
        key_for(source_of(), settings)
    monkeypatch.setenv(PSEUDONYM_KEY, "short")
    with pytest.raises(PseudonymKeyError, match="found a key of 5 bytes"):
        key_for(source_of(), settings)
    monkeypatch.setenv(PSEUDONYM_KEY_FILE, str(tmp_path / "nowhere"))
    with pytest.raises(PseudonymKeyError, match="a file that cannot be read"):
        key_for(source_of(), settings)
    monkeypatch.delenv(PSEUDONYM_KEY_FILE)
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    key = key_for(source_of(), settings)
    assert key is not None and key.fingerprint == PseudonymKey(SECRET.encode()).fingerprint


@pytest.mark.parametrize(
    ("profile", "fictional", "public"), [("sample", True, True), ("sample", False, False), ("live", True, False)]
)
def test_the_public_key_is_for_fictional_persons_of_the_sample_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, profile: str, fictional: bool, public: bool
) -> None:
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    origin = Origin(producer="Test", citation="Test", fictional=fictional)
    key = key_for(source_of(origin=origin), Settings.model_validate({"data_dir": tmp_path, "profile": profile}))
    secret = SAMPLE_ONLY_KEY if public else SECRET.encode()
    assert key is not None and key.fingerprint == PseudonymKey(secret).fingerprint
