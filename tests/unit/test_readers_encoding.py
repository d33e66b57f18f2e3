"""Bytes are read in the declared encoding, and only if they are in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers import encoding
from pipelines.readers.account import Problem
from pipelines.readers.encoding import Encoding, confirm, decode, detect_encoding, utf8_pieces
from pipelines.readers.refusal import RefusedFileError


def refusal(data: bytes, declared: Encoding) -> Problem:
    with pytest.raises(RefusedFileError) as caught:
        decode("f.csv", data, declared)
    return caught.value.problems[0]


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        ("utf-8", "cliënt €".encode()),
        ("utf-8", b"\xef\xbb\xbf" + "cliënt €".encode()),
        ("utf-8-sig", b"\xef\xbb\xbf" + "cliënt €".encode()),
        ("windows-1252", "cliënt €".encode("cp1252")),
        ("utf-16-le", b"\xff\xfe" + "cliënt €".encode("utf-16-le")),
        ("utf-16-le", "cliënt €".encode("utf-16-le")),
        ("utf-16", b"\xfe\xff" + "cliënt €".encode("utf-16-be")),
    ],
)
def test_text_comes_out_whole_and_without_byte_order_mark(declared: Encoding, data: bytes) -> None:
    assert decode("f.csv", data, declared) == "cliënt €"


@pytest.mark.parametrize(
    ("declared", "data", "place", "found"),
    [
        ("utf-8", "a;b\nx;Fryslân".encode("cp1252"), (2, 8), "byte 0xE2"),
        ("windows-1252", "a;b\nx;Fryslân".encode(), (2, 8), "a UTF-8 sequence"),
        ("windows-1252", b"\xef\xbb\xbfa;b", (1, 1), "the byte order mark of utf-8"),
        ("windows-1252", b"ab\x81", (1, 3), "byte 0x81"),
        ("utf-8", b"\xff\xfea\0", (1, 1), "the byte order mark of utf-16-le"),
        ("utf-8", b"\xff\xfe\0\0a\0\0\0", (1, 1), "the byte order mark of utf-32"),
        ("utf-8", "a;b\n".encode("utf-16-le"), (1, 2), "a NUL byte"),
        ("utf-8", "a\nb\nGr\ufffdningen".encode(), (3, 3), "a replacement character"),
        ("utf-16-le", b"a;b\nc;d\n", (1, 1), "no byte order mark"),
        ("utf-16-le", b"\xfe\xff\0a", (1, 1), "the byte order mark of utf-16-be"),
        ("utf-16", "ab".encode("utf-16-le"), (1, 1), "no byte order mark"),
        ("utf-16-le", b"\xff\xfe" + "a\nbc".encode("utf-16-le") + b"x", (2, 5), "half a character"),
        ("utf-16-le", b"\xff\xfe" + "ab\0".encode("utf-16-le"), (1, 7), "a NUL character"),
        ("utf-16-le", "a\nb\ufffd".encode("utf-16-le"), (2, 3), "a replacement character"),
    ],
)
def test_bytes_of_another_encoding_are_refused_with_line_and_byte(
    declared: Encoding, data: bytes, place: tuple[int, int], found: str
) -> None:
    problem = refusal(data, declared)
    assert (problem.reason, problem.line, problem.column) == ("wrong_encoding", *place)
    assert problem.found.startswith(found)
    assert declared in problem.expected


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-1.7", b"\x1f\x8b\x08"])
def test_a_file_that_is_no_text_is_called_what_it_is(start: bytes) -> None:
    assert refusal(start + b"\0\0", "utf-8").reason == "unknown_format"


@settings(deadline=None)
@given(text=st.text(min_size=1).filter(lambda text: not set(text) & {"\ufffd", "\0", "\ufeff"}))
def test_utf_8_is_never_read_as_something_else(text: str) -> None:
    if not text.startswith(("PK\x03\x04", "%PDF")):
        assert decode("f.csv", text.encode(), "utf-8") == text
    if not text.isascii():
        assert refusal(text.encode(), "windows-1252").reason == "wrong_encoding"


@settings(deadline=None)
@given(data=st.binary(max_size=60))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_refusing(data: bytes) -> None:
    for declared in ("utf-8", "utf-8-sig", "windows-1252", "utf-16-le", "utf-16"):
        try:
            text = decode("f.csv", data, declared)
        except RefusedFileError as error:
            assert error.problems[0].reason in {"wrong_encoding", "unknown_format"}
        else:
            assert "\ufffd" not in text and "\0" not in text


@pytest.mark.parametrize(
    ("declared", "data", "other"),
    [
        ("utf-8", "a;b\nx;Fryslân".encode("cp1252"), "windows-1252"),
        ("windows-1252", "a;b\nx;Fryslân".encode(), "utf-8"),
        ("utf-8", b"\xff\xfe" + "a;b\n".encode("utf-16-le"), "utf-16"),
        ("utf-8", "a;b\n".encode("utf-16-le"), "utf-16-le"),
        ("utf-16", b"a;b\n", "utf-8"),
    ],
)
def test_the_encoding_in_which_the_file_does_read_is_named_beside_the_declared_one(
    declared: Encoding, data: bytes, other: Encoding
) -> None:
    problem = refusal(data, declared)
    assert problem.found.endswith(f"; the file reads as {other}")
    assert problem.expected == f"text in {declared}, as declared"
    assert detect_encoding(data) == other


def test_of_bytes_that_read_in_no_encoding_none_is_named() -> None:
    assert detect_encoding(b"ab\0\x81\xff") is None
    assert refusal(b"ab\0\x81\xff", "utf-8").found == "a NUL byte, as in UTF-16 or a binary file"


texts = st.lists(st.sampled_from(["é", "€", "😀", "a;b", "\r\n", "\n", "\r", "x" * 9]), max_size=20).map("".join)
codecs = st.sampled_from(
    [("utf-8", "utf-8"), ("windows-1252", "cp1252"), ("utf-16-le", "utf-16-le"), ("utf-16", "utf-16")]
)


@settings(deadline=None)
@given(text=texts, pair=codecs, size=st.sampled_from([2, 4, 14]))
def test_pieces_end_where_lines_end_and_make_up_the_whole(text: str, pair: tuple[Encoding, str], size: int) -> None:
    declared, codec = pair
    data = text.encode(codec, "ignore")
    try:
        whole = decode("f.csv", data, declared)
    except RefusedFileError:
        return
    pieces = list(utf8_pieces(data, declared, size))
    assert b"".join(pieces).decode() == whole
    for piece, following in pairwise(pieces):
        assert piece.endswith((b"\n", b"\r"))
        assert not (piece.endswith(b"\r") and following.startswith(b"\n"))


@settings(deadline=None)
@given(text=texts, byte=st.sampled_from([b"", b"\x81", b"\xff", b"\0", "\ufffd".encode()]), place=st.integers(0, 60))
def test_what_is_wrong_is_found_at_the_same_place_however_large_the_pieces(text: str, byte: bytes, place: int) -> None:
    data = text.encode()[:place] + byte + text.encode()[place:]
    for declared in ("utf-8", "windows-1252", "utf-16-le"):
        assert _told(data, declared, 4) == _told(data, declared, encoding.PIECE)


def _told(data: bytes, declared: Encoding, size: int) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "PIECE", size)
        try:
            confirm("f.csv", data, declared)
        except RefusedFileError as error:
            return str(error)
    return "confirmed"
