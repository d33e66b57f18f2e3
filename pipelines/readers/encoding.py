"""From bytes to text, with the declared encoding confirmed instead of believed.

What belongs here: everything that shows that bytes are in another encoding than declared. What does not:
what the text says. A wrong encoding seldom raises an error by itself: windows-1252 reads almost any bytes,
and what comes out is a municipality that nobody knows.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, Literal

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


def decode(file: str, data: bytes, declared: Encoding) -> str:
    """The text of a file in its declared encoding, without the byte order mark.

    Raises RefusedFileError (`wrong_encoding`) for a byte order mark of another encoding, bytes that the
    encoding does not know, UTF-8 sequences in a file declared windows-1252, NUL bytes, and replacement
    characters left by an earlier wrong conversion. The problem names the physical line and the byte within
    it, both counted from 1, and never what stands there. A file of another kind altogether is refused as
    `unknown_format`.
    """
    for start, container in _CONTAINERS:
        if data.startswith(start):
            raise RefusedFileError(Problem(file, None, None, None, "unknown_format", container, "a text file"), rows=1)
    mark, marked = next(((m, name) for m, name in _BYTE_ORDER_MARKS if data.startswith(m)), (b"", ""))
    if marked and marked not in _ACCEPTED_MARKS[declared]:
        raise _wrong(file, (1, 1), f"the byte order mark of {marked}", declared)
    if declared in ("utf-16-le", "utf-16"):
        return _decode_wide(file, data, declared, mark, marked)
    return _decode_narrow(file, data, declared, mark)


def _decode_narrow(file: str, data: bytes, declared: Encoding, mark: bytes) -> str:
    if (nul := data.find(b"\0")) >= 0:
        raise _wrong(file, _place(data, nul), "a NUL byte, as in UTF-16 or a binary file", declared)
    if declared == "windows-1252" and (sequence := _MULTIBYTE_UTF8.search(data)):
        raise _wrong(file, _place(data, sequence.start()), "a UTF-8 sequence", declared)
    try:
        text = data[len(mark) :].decode("cp1252" if declared == "windows-1252" else "utf-8")
    except UnicodeDecodeError as error:
        at = error.start + len(mark)
        raise _wrong(file, _place(data, at), f"byte 0x{data[at]:02X}", declared) from None
    if (lost := data.find("\ufffd".encode())) >= 0:
        raise _wrong(file, _place(data, lost), "a replacement character", declared)
    return text


def _decode_wide(file: str, data: bytes, declared: Encoding, mark: bytes, marked: str) -> str:
    body = data[len(mark) :]
    if not marked and (declared == "utf-16" or b"\0" not in body[1::2]):
        raise _wrong(file, (1, 1), "no byte order mark", declared)
    codec = marked or "utf-16-le"
    try:
        text = body.decode(codec)
    except UnicodeDecodeError as error:
        place = _wide_place(body[: error.start].decode(codec), mark)
        raise _wrong(file, place, "half a character", declared) from None
    for character, name in (("\0", "a NUL character"), ("\ufffd", "a replacement character")):
        if (at := text.find(character)) >= 0:
            raise _wrong(file, _wide_place(text[:at], mark), name, declared)
    return text


def _place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and byte within the line, both from 1."""
    return data.count(b"\n", 0, offset) + 1, offset - data.rfind(b"\n", 0, offset)


def _wide_place(before: str, mark: bytes) -> tuple[int, int]:
    line = before.count("\n") + 1
    within = len(before[before.rfind("\n") + 1 :].encode("utf-16-le"))
    return line, within + 1 + (len(mark) if line == 1 else 0)


def _wrong(file: str, place: tuple[int, int], found: str, declared: Encoding) -> RefusedFileError:
    return RefusedFileError(Problem(file, *place, None, "wrong_encoding", found, f"text in {declared}, as declared"))
