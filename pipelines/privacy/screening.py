"""Looking for a BSN through all bytes of a delivery, whatever columns they stand in.

What belongs here: finding numbers that could be a BSN in text of any size. What does not: which of them are figures
by a declaration, and what becomes of the delivery (`delivery_privacy`).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.packages import DAMAGED_PACKAGE
from pipelines.privacy.identifiers import passes_eleven_test

# Small enough to stay in the processor's cache, through which it goes a dozen times.
_PIECE: Final = 1024 * 1024
_ZERO: Final = 0x30
_SMALLEST: Final = 100_000_000
# What stands between the groups of three of a BSN as people write it; the last is a hard space of one byte.
_BETWEEN_GROUPS: Final = b" .-/\xa0"
_SPACES_IN_UTF8: Final = (b"\xc2\xa0", b"\xe2\x80\xaf", b"\xe2\x80\x89")
_IN_GROUPS: Final = np.array([0, 1, 2, 4, 5, 6, 8, 9, 10])
# The longest form, with the two characters on either side that tell whether it is part of something longer.
_AROUND: Final = 2
_LONGEST: Final = 11

_UNPACKED_AT_ONCE: Final = 4 * 1024**2
_TAG: Final = re.compile(rb"<[^>]*>")
_NAME: Final = re.compile(rb"<(?:\w+:)?(?:sheet|definedName)\s[^>]*?\bname=[\"']([^\"'>]*)")
# What a pivot table remembers of a sheet that may be gone, and where a link leads, stand in attributes only.
_VALUE: Final = re.compile(rb"\s(?:v|Target)=[\"']([^\"'>]*)")

_Bytes = npt.NDArray[np.uint8]


def with_plain_spaces(texts: bytes) -> bytes:
    """A text with the hard spaces of UTF-8 made plain, for `first_bsn`."""
    for spaces in _SPACES_IN_UTF8:
        # One byte is found ten times as fast as three, and most text has not even that.
        if spaces[:1] in texts and spaces in texts:
            texts = texts.replace(spaces, b" ")
    return texts


def first_bsn(texts: bytes, figures: npt.NDArray[np.int64], marks: bytes = b".,") -> bytes | None:
    """The first number in a text that could be a BSN and is none of the `figures`, as it stands there; else None.

    `texts` are bytes in which digits stand as in ASCII. A BSN is nine digits, alone or in three groups with a space,
    point, dash or slash between them. Digits that go on behind one of `marks` are part of an amount: `b"."` where a
    comma separates fields. Memory is that of some megabytes, whatever the size of the text.
    """
    whole = np.frombuffer(texts, np.uint8)
    nothing = np.zeros(_AROUND, np.uint8)  # NUL, which is part of no number
    for start in range(0, len(texts), _PIECE):
        end = start + _PIECE + _LONGEST + _AROUND
        before = whole[start - _AROUND : start] if start else nothing
        after = nothing if end >= len(texts) else nothing[:0]
        found = _first_in(np.concatenate((before, whole[start:end], after)), figures, marks)
        if found is not None:
            at, length = found
            return texts[start + at : start + at + length]
    return None


def large_numbers(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The whole numbers of nine digits in a column of figures, each once; none for a column of anything else."""
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return np.zeros(0, dtype=np.int64)
    large = pc.and_(pc.greater_equal(column, _SMALLEST), pc.less(column, 10 * _SMALLEST))
    return np.unique(pc.drop_null(column.filter(large)).to_numpy().astype(np.int64))


def _first_in(characters: _Bytes, figures: npt.NDArray[np.int64], marks: bytes) -> tuple[int, int] | None:
    """The place and the length of the first one in a piece of text, which has two more characters on either side."""
    is_digit = (characters - _ZERO) < 10
    hits = []
    for begin, places in (_nine_digits(is_digit), _three_groups(characters, is_digit)):
        length = int(places[-1]) + 1
        starts = begin[(begin >= _AROUND) & (begin + length + _AROUND <= len(characters))]
        alone = _stand_alone(characters, is_digit, starts, length, marks)
        numbers = np.zeros(len(alone), dtype=np.int64)
        for place in places:
            numbers = numbers * 10 + (characters[alone + place] - _ZERO)
        suspect = passes_eleven_test(numbers)
        suspect[suspect] = ~np.isin(numbers[suspect], figures)
        if suspect.any():
            hits.append((int(alone[np.argmax(suspect)]) - _AROUND, length))
    return min(hits, default=None)


def _nine_digits(is_digit: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where nine digits begin, and their places from there."""
    two = is_digit[:-1] & is_digit[1:]
    four = two[:-2] & two[2:]
    eight = four[:-4] & four[4:]
    return np.flatnonzero(eight[:-1] & is_digit[8:]), np.arange(9)


def _three_groups(
    characters: _Bytes, is_digit: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where three groups of three digits begin, with the same mark between them, and their places from there."""
    three = is_digit[:-2] & is_digit[1:-1] & is_digit[2:]
    starts = np.flatnonzero(three[:-8] & three[4:-4] & three[8:])
    mark = characters[starts + 3]
    known = np.isin(mark, np.frombuffer(_BETWEEN_GROUPS, np.uint8)) & (characters[starts + 7] == mark)
    return starts[known], _IN_GROUPS


def _stand_alone(
    characters: _Bytes, is_digit: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64], length: int, marks: bytes
) -> npt.NDArray[np.int64]:
    """Those of some numbers that are not part of a longer one."""
    known_marks = np.frombuffer(marks, np.uint8)
    before, after = starts - 1, starts + length
    part = is_digit[before] | is_digit[after]
    part |= np.isin(characters[before], known_marks) & is_digit[before - 1]
    part |= np.isin(characters[after], known_marks) & is_digit[after + 1]
    return starts[~part]


def texts_of_package(data: bytes, most_unpacked: int) -> Iterator[bytes] | None:
    """The texts of the XML in a ZIP package (a workbook), piece by piece; None where it cannot be looked into.

    Tags are left out, but for the names that people give to sheets and ranges, what pivot tables remember, and where
    links lead.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            if sum(member.file_size for member in members) > most_unpacked:
                return None
            # Read to the end once, so that what is damaged is known before anything is made of it.
            for member in members:
                with package.open(member) as stream:
                    while stream.read(_UNPACKED_AT_ONCE):
                        pass
    except DAMAGED_PACKAGE:
        return None
    return _texts_of_members(
        data, [member.filename for member in members if member.filename.endswith((".xml", ".rels"))]
    )


def _texts_of_members(data: bytes, names: Iterable[str]) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in names:
            pattern = _VALUE if "pivotCache" in name or name.endswith(".rels") else _NAME
            rest = b""
            with package.open(name) as stream:
                while read := stream.read(_UNPACKED_AT_ONCE):
                    # A part may be in UTF-16, whose digits are those of ASCII but for the NUL bytes.
                    xml = rest + read.replace(b"\0", b"")
                    # A number never runs on over the end of a tag.
                    end = xml.rfind(b">") + 1
                    rest = xml[end:]
                    yield _text_of(xml[:end], pattern)
            yield _text_of(rest, pattern)


def _text_of(xml: bytes, attributes: re.Pattern[bytes]) -> bytes:
    return with_plain_spaces(b"\n".join([_TAG.sub(b" ", xml), *attributes.findall(xml)]))
