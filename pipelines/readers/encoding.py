"""From bytes to text, with the declared encoding confirmed instead of believed.

What belongs here: everything that shows that bytes are in another encoding than declared. What does not:
what the text says. A wrong encoding seldom raises an error by itself: windows-1252 reads almost any bytes,
and what comes out is a municipality that nobody knows.

A delivery may be larger than its text should ever be in memory at once: it is confirmed as a whole, and handed
out in pieces.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

import numpy as np

from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError

Encoding = Literal["utf-8", "utf-8-sig", "windows-1252", "utf-16-le", "utf-16"]

_CONTAINERS: Final = (
    (b"PK\x03\x04", "a ZIP file or an XLSX workbook"),
    (b"\xd0\xcf\x11\xe0", "an old XLS workbook or a file with a password"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip file"),
)
# UTF-32 before UTF-16, whose mark it begins with.
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ACCEPTED_MARKS: Final[dict[str, frozenset[str]]] = {
    "utf-8": frozenset({"utf-8"}),
    "utf-8-sig": frozenset({"utf-8"}),
    "windows-1252": frozenset(),
    "utf-16-le": frozenset({"utf-16-le"}),
    "utf-16": frozenset({"utf-16-le", "utf-16-be"}),
}
_MULTIBYTE_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_UNKNOWN_IN_1252: Final = (0x81, 0x8D, 0x8F, 0x90, 0x9D)
_LOST: Final = "\ufffd"

# What shows itself in the bytes goes before what reads almost any bytes.
_BY_EVIDENCE: Final[tuple[Encoding, ...]] = ("utf-8", "utf-16", "utf-16-le", "windows-1252")

PIECE: Final = 4 * 1024**2
"""How much text is looked at in one go, in bytes."""


def decode(file: str, data: bytes, declared: Encoding) -> str:
    """The text of a file in its declared encoding, without the byte order mark.

    Raises RefusedFileError as `confirm` does.
    """
    confirm(file, data, declared)
    return b"".join(utf8_pieces(data, declared)).decode()


def confirm(file: str, data: bytes, declared: Encoding) -> None:
    """Raise RefusedFileError where the bytes are no text in the declared encoding.

    `wrong_encoding` are a byte order mark of another encoding, bytes that the encoding does not know, UTF-8
    sequences in a file declared windows-1252, NUL bytes, and replacement characters left by an earlier wrong
    conversion. The problem names the physical line and the byte within it, both counted from 1, and never what
    stands there. A file of another kind altogether is refused as `unknown_format`.
    """
    for start, container in _CONTAINERS:
        if data.startswith(start):
            raise RefusedFileError(Problem(file, None, None, None, "unknown_format", container, "a text file"), rows=1)
    try:
        _confirm(file, data, declared)
    except RefusedFileError as refusal:
        if (other := detect_encoding(data)) is None:
            raise
        problem = refusal.problems[0]
        found = f"{problem.found}; the file reads as {other}"
        raise RefusedFileError(replace(problem, found=found), rows=refusal.rows) from None


def detect_encoding(data: bytes) -> Encoding | None:
    """The first encoding that a declaration can name in which all of a text reads; None for what is no text."""
    for encoding in _BY_EVIDENCE:
        try:
            _confirm("", data, encoding)
        except RefusedFileError:
            continue
        return encoding
    return None


def _confirm(file: str, data: bytes, declared: Encoding) -> None:
    mark, marked = _byte_order_mark(data)
    if marked and marked not in _ACCEPTED_MARKS[declared]:
        raise _wrong(file, (1, 1), f"the byte order mark of {marked}", declared)
    if declared in ("utf-16-le", "utf-16"):
        _confirm_wide(file, data, declared, mark, marked)
    else:
        _confirm_narrow(file, data, declared)


def utf8_pieces(data: bytes, declared: Encoding, size: int = PIECE) -> Iterator[bytes]:
    """The text of a confirmed file as UTF-8, in pieces of about `size` bytes that each end where a line ends.

    Only the last piece may end elsewhere; a line longer than `size` makes its piece as long as itself.
    """
    mark, marked = _byte_order_mark(data)
    if declared == "windows-1252":
        return (piece.decode("cp1252").encode() for piece in _line_pieces(data, 0, size))
    if declared in ("utf-16-le", "utf-16"):
        return _whole_lines(_wide_pieces(data, len(mark), marked or "utf-16-le", size))
    return _line_pieces(data, len(mark), size)


def _byte_order_mark(data: bytes) -> tuple[bytes, str]:
    return next(((m, name) for m, name in _BYTE_ORDER_MARKS if data.startswith(m)), (b"", ""))


def _confirm_narrow(file: str, data: bytes, declared: Encoding) -> None:
    if (nul := data.find(b"\0")) >= 0:
        raise _wrong(file, _place(data, nul), "a NUL byte, as in UTF-16 or a binary file", declared)
    if data.isascii():
        return
    if declared == "windows-1252":
        if (sequence := _first_multibyte(data)) is not None:
            raise _wrong(file, _place(data, sequence), "a UTF-8 sequence", declared)
        unknown = [at for at in (data.find(bytes([byte])) for byte in _UNKNOWN_IN_1252) if at >= 0]
    else:
        unknown = _not_utf8(data)
    if unknown:
        raise _wrong(file, _place(data, min(unknown)), f"byte 0x{data[min(unknown)]:02X}", declared)
    # One byte is found ten times as fast as three, and most text has not even that.
    if b"\xef" in data and (lost := data.find(_LOST.encode())) >= 0:
        raise _wrong(file, _place(data, lost), "a replacement character", declared)


def _first_multibyte(data: bytes) -> int | None:
    """Where the first UTF-8 sequence of more than one byte begins."""
    for start in range(0, len(data), PIECE):
        # Three bytes more, so that a sequence that crosses the border is seen.
        piece = np.frombuffer(data, np.uint8, min(PIECE + 3, len(data) - start), start)
        leads = (piece[:-1] >= 0xC2) & (piece[:-1] <= 0xF4) & (piece[1:] >= 0x80) & (piece[1:] <= 0xBF)
        for at in (np.flatnonzero(leads) + start).tolist():
            if _MULTIBYTE_UTF8.match(data, at):
                return int(at)
    return None


def _not_utf8(data: bytes) -> list[int]:
    """Where the first byte stands that is no UTF-8; an empty list where all of it is."""
    at = 0
    for piece in _line_pieces(data, 0, PIECE):
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            return [at + error.start]
        at += len(piece)
    return []


def _confirm_wide(file: str, data: bytes, declared: Encoding, mark: bytes, marked: str) -> None:
    if not marked and (declared == "utf-16" or b"\0" not in data[len(mark) + 1 :: 2]):
        raise _wrong(file, (1, 1), "no byte order mark", declared)
    codec = marked or "utf-16-le"
    try:
        if not any("\0" in text or _LOST in text for text in _wide_texts(data, len(mark), codec, PIECE)):
            return
    except UnicodeDecodeError:
        pass
    # Something is wrong: only now the text is needed whole, to tell where.
    body = data[len(mark) :]
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        place = _wide_place(body[: error.start].decode(codec), mark)
        raise _wrong(file, place, "half a character", declared) from None
    for character, name in (("\0", "a NUL character"), (_LOST, "a replacement character")):
        if (at := text.find(character)) >= 0:
            raise _wrong(file, _wide_place(text[:at], mark), name, declared)


def _wide_texts(data: bytes, start: int, codec: str, size: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)()
    for at in range(start, len(data), size):
        yield decoder.decode(data[at : at + size], final=at + size >= len(data))


def _wide_pieces(data: bytes, start: int, codec: str, size: int) -> Iterator[bytes]:
    return (text.encode() for text in _wide_texts(data, start, codec, size))


def _line_pieces(data: bytes, start: int, size: int) -> Iterator[bytes]:
    """The bytes from `start` on in pieces that end where a line ends."""
    while start < len(data):
        end = _line_end(data, start, start + size)
        yield data[start:end]
        start = end


def _line_end(data: bytes, start: int, wanted: int) -> int:
    """The end of the last line that ends before `wanted`; of the line at `start` where that is longer."""
    if wanted >= len(data):
        return len(data)
    last = max(data.rfind(b"\n", start, wanted), data.rfind(b"\r", start, wanted)) + 1
    if not last:
        following = [at for at in (data.find(b"\n", wanted), data.find(b"\r", wanted)) if at >= 0]
        last = min(following, default=len(data) - 1) + 1
    # The two bytes of one line break stay together.
    return last + 1 if data[last - 1 : last + 1] == b"\r\n" else last


def _whole_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Chunks cut anew, so that each ends where a line ends."""
    rest: list[bytes] = []
    for chunk in chunks:
        # A carriage return at the end may have its line feed in the next chunk.
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r", 0, -1)) + 1
        if not end:
            rest.append(chunk)
            continue
        if chunk[end - 1 : end + 1] == b"\r\n":
            end += 1
        yield b"".join([*rest, chunk[:end]])
        rest = [chunk[end:]]
    if remainder := b"".join(rest):
        yield remainder


def _place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and byte within the line, both from 1."""
    return data.count(b"\n", 0, offset) + 1, offset - data.rfind(b"\n", 0, offset)


def _wide_place(before: str, mark: bytes) -> tuple[int, int]:
    line = before.count("\n") + 1
    within = len(before[before.rfind("\n") + 1 :].encode("utf-16-le"))
    return line, within + 1 + (len(mark) if line == 1 else 0)


def _wrong(file: str, place: tuple[int, int], found: str, declared: Encoding) -> RefusedFileError:
    return RefusedFileError(Problem(file, *place, None, "wrong_encoding", found, f"text in {declared}, as declared"))
