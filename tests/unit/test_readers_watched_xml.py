"""What a library for XML takes on trust is refused before the tree of it has grown."""

from __future__ import annotations

import io
from xml.parsers import expat

import pytest

from pipelines.readers.watched_xml import RefusedXmlError, WatchedXml

PIECE = 64 * 1024


def read_all(xml: bytes) -> bytes:
    with WatchedXml(io.BytesIO(xml)) as stream:
        return b"".join(iter(lambda: stream.read(PIECE), b""))


def test_what_is_read_is_what_was_there() -> None:
    xml = b"<x>" + b"<y z='1'>text</y>" * 10_000 + b"</x>"
    assert read_all(xml) == xml


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (b"<!DOCTYPE x><x/>", "document type"),
        (b"<x>" * 65, "64 deep"),
        (b"<x>" + b"".join(b"<x%d/>" % n for n in range(1001)), "names"),
        (b"<x>" + b"".join(b"<y x%d=''/>" % n for n in range(1001)), "names"),
        (b"<x>" + b"y" * 131_073, "text"),
        (b"<x><!--" + b"y" * 1_200_000, "without an end"),
        (b"<x y='" + b"y" * 1_200_000, "without an end"),
        (b"<x>" + b"<y/>" * 500_000, "elements"),
        (b"<x>" + (b"<y z='" + b"z" * 1_000_000 + b"'/>") * 34, "32 MiB"),
        (b"<?xml version='1.0' encoding='x-niets'?><x/>", "encoding"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_no_workbook_needs_is_refused(xml: bytes, why: str) -> None:
    with pytest.raises(RefusedXmlError, match=why):
        read_all(xml)


def test_what_is_no_xml_is_told_by_the_parser() -> None:
    with pytest.raises(expat.ExpatError):
        read_all(b"<x></y>")


def test_elements_that_were_cleared_count_no_more() -> None:
    with WatchedXml(io.BytesIO(b"<x>" + b"<y/>" * 600_000)) as stream:
        while stream.read(PIECE):
            stream.cleared()
