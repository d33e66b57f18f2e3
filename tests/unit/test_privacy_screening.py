"""A BSN is found wherever it stands in the bytes of a delivery, and figures are left alone."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.privacy import passes_eleven_test, screening
from pipelines.privacy.screening import first_bsn, large_numbers, texts_of_package, with_plain_spaces

BSN = 111222333
NONE = np.zeros(0, dtype=np.int64)
_FORMS = (rb"(?<![0-9])[0-9]{9}(?![0-9])", rb"(?<![0-9])[0-9]{3}(?P<mark>[ .\-/])[0-9]{3}(?P=mark)[0-9]{3}(?![0-9])")

pieces = st.sampled_from(
    [
        b"111222333",
        b"123456782",
        b"111.222.333",
        b"123 456 782",
        b"1",
        b"12",
        b"333",
        b".",
        b",",
        b" ",
        b"-",
        b"x",
        b"\n",
    ]
)


def one_by_one(text: bytes, figures: set[int], marks: bytes) -> bytes | None:
    """The same by a pattern: what is not to be done with the bytes of millions of rows."""
    around = b"[" + re.escape(marks) + b"]"
    hits: list[tuple[int, bytes]] = []
    for form in _FORMS:
        pattern = re.compile(b"(?<![0-9]" + around + b")" + form + b"(?!" + around + b"[0-9])")
        found = (pattern.match(text, place) for place in range(len(text)))
        hits += [(match.start(), match[0]) for match in found if match]
    return next((hit for _, hit in sorted(hits) if _is_person(hit, figures)), None)


def _is_person(hit: bytes, figures: set[int]) -> bool:
    number = int(re.sub(rb"[^0-9]", b"", hit))
    return bool(passes_eleven_test(np.array([number]))[0]) and number not in figures


@settings(deadline=None, max_examples=400)
@given(text=st.lists(pieces, max_size=9).map(b"".join), known=st.booleans(), marks=st.sampled_from([b".,", b"."]))
def test_what_is_found_does_not_depend_on_how_it_is_looked_for(text: bytes, known: bool, marks: bytes) -> None:
    figures = {BSN} if known else set()
    expected = one_by_one(text, figures, marks)
    for size in (5, 13, screening._PIECE):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(screening, "_PIECE", size)
            assert first_bsn(text, np.array(sorted(figures), dtype=np.int64), marks) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"zie 111222333.",
        b"Heiloo;111222333\r\n",
        "zie 111\u00a0222\u00a0333".encode("cp1252"),
        with_plain_spaces("zie 111\u00a0222\u00a0333".encode()),
        with_plain_spaces("zie 111\u202f222\u202f333".encode()),
        b"111-222-333",
    ],
)
def test_a_bsn_is_found_as_people_write_it(text: bytes) -> None:
    assert first_bsn(text, NONE) is not None


@pytest.mark.parametrize(
    "text",
    [
        b"111222333,50",
        b"1.111.222.333",
        b"0,111222333",
        b"1112223334",
        b"111.222,333",
        b"111.222 333",
        b"111222334",
        b"",
    ],
)
def test_amounts_and_other_numbers_are_no_bsn(text: bytes) -> None:
    assert first_bsn(text, NONE) is None


def test_figures_are_left_alone_and_the_next_number_is_not() -> None:
    text = b"111222333;111.222.333;123456782"
    assert first_bsn(text, np.array([BSN])) == b"123456782"
    assert large_numbers(pa.array([111222333.0, None, 5.5, 99_999_999, 1e12])).tolist() == [BSN]
    assert large_numbers(pa.array(["111222333"])).tolist() == []


def package(**parts: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(f"{name}.xml", text)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("xml", "is_found"),
    [
        ("<c><v>111222333</v></c>", True),
        ('<sheet name="dossier 111222333" id="1"/>', True),
        ('<x:definedName name="p111222333">A1</x:definedName>', True),
        ('<c r="111222333"/>', False),
        ("<v>111</v><v>222</v><v>333</v>", False),
    ],
)
def test_texts_of_a_workbook_and_the_names_in_it_are_looked_through(xml: str, is_found: bool) -> None:
    texts = texts_of_package(package(a="<a/>", b=f"<b>{'x' * 50}{xml}</b>"), 10_000)
    assert texts is not None
    assert any(first_bsn(text, NONE) for text in texts) == is_found


def test_a_number_is_not_cut_in_two_between_pieces_of_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "_UNPACKED_AT_ONCE", 7)
    texts = texts_of_package(package(a="<a><v>111222333</v><v>5</v></a>"), 10_000)
    assert texts is not None and any(first_bsn(text, NONE) for text in texts)


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04 damaged", package(a="<a/>")[:-9], package(a="x" * 10_001)],
    ids=["damaged", "cut off", "too large"],
)
def test_what_cannot_be_looked_into_is_told_so(data: bytes) -> None:
    assert texts_of_package(data, 10_000) is None
